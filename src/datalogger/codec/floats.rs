//! A column of floating-point numbers, bit by bit as they were: as decimals where they are some
//! (measured values nearly always are), of double or single precision, and otherwise as what
//! changed from one to the next, byte plane by byte plane, which zstd then takes.

use super::bytes::Reader;
use super::{Decoded, Malformed, ints};

const DECIMAL: u8 = 0;
const DECIMAL_SINGLE: u8 = 1;
const PLANES: u8 = 2;
const PLANES_SINGLE: u8 = 3;

/// Digits behind the point that are tried.
const DIGITS_MAX: usize = 9;
const POWERS: [f64; DIGITS_MAX + 1] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
/// Integers up to here are exact in a double, so a decimal's quotient is the nearest double.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Appends a column. Its length is not written.
pub(super) fn put(out: &mut Vec<u8>, values: &[f64]) {
    if let Some((digits, scaled)) = decimals(values, double_of) {
        return put_decimals(out, DECIMAL, digits, &scaled);
    }
    let single = values.iter().all(|value| is_single(*value));
    if single && let Some((digits, scaled)) = decimals(values, single_of) {
        return put_decimals(out, DECIMAL_SINGLE, digits, &scaled);
    }
    if single {
        out.push(PLANES_SINGLE);
        let bits = values.iter().map(|value| to_single(*value).to_bits());
        let changes = changes(bits, |left, right| left ^ right);
        return put_planes(out, &changes, |change| change.to_be_bytes());
    }
    out.push(PLANES);
    let bits = values.iter().map(|value| value.to_bits());
    let changes = changes(bits, |left, right| left ^ right);
    put_planes(out, &changes, |change| change.to_be_bytes());
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the callers compare what comes back"
)]
fn to_single(value: f64) -> f32 {
    value as f32
}

/// Whether a number came from single precision, so that 32 bits keep it exactly.
fn is_single(value: f64) -> bool {
    f64::from(to_single(value)).to_bits() == value.to_bits()
}

fn double_of(scaled: f64, digits: usize) -> u64 {
    (scaled / POWERS[digits]).to_bits()
}

fn single_of(scaled: f64, digits: usize) -> u64 {
    f64::from(to_single(scaled / POWERS[digits])).to_bits()
}

/// The number of digits with which every value is a decimal, and the values without their point.
fn decimals(values: &[f64], back: impl Fn(f64, usize) -> u64) -> Option<(u8, Vec<i64>)> {
    let fits = |value: f64, digits: usize| {
        let scaled = (value * POWERS[digits]).round();
        let exact = scaled.abs() < EXACT_MAX && back(scaled + 0.0, digits) == value.to_bits();
        exact.then_some(scaled)
    };
    let mut digits = 0;
    for value in values {
        while fits(*value, digits).is_none() {
            digits += 1;
            if digits > DIGITS_MAX {
                return None;
            }
        }
    }
    let scaled = values.iter().map(|value| fits(*value, digits).map(whole));
    let scaled = scaled.collect::<Option<Vec<_>>>()?;
    Some((u8::try_from(digits).ok()?, scaled))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "it is a whole number below 2^53"
)]
fn whole(scaled: f64) -> i64 {
    scaled as i64
}

fn put_decimals(out: &mut Vec<u8>, mode: u8, digits: u8, scaled: &[i64]) {
    out.extend_from_slice(&[mode, digits]);
    ints::put(out, scaled);
}

fn changes<T: Copy + Default>(bits: impl Iterator<Item = T>, xor: fn(T, T) -> T) -> Vec<T> {
    let mut before = T::default();
    let changes = bits.map(|now| xor(std::mem::replace(&mut before, now), now));
    changes.collect()
}

/// The first byte of every change, then the second of every one, and so on.
fn put_planes<T: Copy, const N: usize>(out: &mut Vec<u8>, changes: &[T], bytes: fn(T) -> [u8; N]) {
    for plane in 0..N {
        out.extend(changes.iter().map(|change| bytes(*change)[plane]));
    }
}

/// Reads a column of a known length.
pub(super) fn get(reader: &mut Reader<'_>, count: usize) -> Decoded<Vec<f64>> {
    match reader.byte()? {
        DECIMAL => get_decimals(reader, count, double_of),
        DECIMAL_SINGLE => get_decimals(reader, count, single_of),
        PLANES => {
            let planes = reader.take(count * 8)?;
            Ok(from_planes(planes, count, 8).map(f64::from_bits).collect())
        }
        PLANES_SINGLE => {
            let planes = reader.take(count * 4)?;
            let singles = from_planes(planes, count, 4);
            let singles = singles.map(|bits| u32::try_from(bits).map_err(|_| Malformed));
            singles
                .map(|bits| Ok(f64::from(f32::from_bits(bits?))))
                .collect()
        }
        _ => Err(Malformed),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "it was below 2^53 when it was written"
)]
fn get_decimals(
    reader: &mut Reader<'_>,
    count: usize,
    back: impl Fn(f64, usize) -> u64,
) -> Decoded<Vec<f64>> {
    let digits = usize::from(reader.byte()?);
    if digits > DIGITS_MAX {
        return Err(Malformed);
    }
    let scaled = ints::get(reader, count)?;
    let values = scaled.iter();
    let values = values.map(|scaled| f64::from_bits(back(*scaled as f64, digits)));
    Ok(values.collect())
}

fn from_planes(planes: &[u8], count: usize, width: usize) -> impl Iterator<Item = u64> {
    let mut before = 0_u64;
    (0..count).map(move |index| {
        let change = (0..width).fold(0_u64, |bits, plane| {
            bits << 8 | u64::from(planes[plane * count + index])
        });
        before ^= change;
        before
    })
}
