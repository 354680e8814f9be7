//! A roll-up as bytes, with a checksum over it and over whose it is.

use std::sync::Arc;

use super::bytes::{Reader, put_varint};
use super::{Decoded, Malformed};
use crate::{RATES_MAX, RateShare, Rollup, SeriesId, Step};

/// Bytes of the name of a rate.
const RATE_NAME_BYTES_MAX: usize = 256;

/// Encodes what a roll-up says; series, step and start are its key and stand beside it.
pub(crate) fn encode(rollup: &Rollup) -> Vec<u8> {
    let mut out = vec![0; 4];
    put_varint(&mut out, u64::from(rollup.count));
    put_varint(&mut out, u64::from(rollup.good));
    put_varint(&mut out, u64::from(rollup.uncertain));
    put_varint(&mut out, u64::from(rollup.resets));
    put_varint(&mut out, u64::from(rollup.overflows));
    put_varint(&mut out, u64::from(rollup.corrections));
    put_varint(&mut out, rollup.known.max(0).cast_unsigned());
    let figures = [
        rollup.min,
        rollup.max,
        rollup.sum,
        rollup.first,
        rollup.last,
        rollup.increment,
        rollup.across_gap,
        rollup.held,
    ];
    for figure in figures {
        out.extend_from_slice(&figure.to_bits().to_le_bytes());
    }
    put_varint(&mut out, rollup.rates.len() as u64);
    for share in &rollup.rates {
        put_varint(&mut out, share.rate.len() as u64);
        out.extend_from_slice(share.rate.as_bytes());
        out.extend_from_slice(&share.increment.to_bits().to_le_bytes());
        out.extend_from_slice(&share.cost.to_bits().to_le_bytes());
    }
    let checksum = checksum(rollup.series, rollup.step, rollup.start, &out[4..]);
    out[..4].copy_from_slice(&checksum.to_le_bytes());
    out
}

/// Reads it back.
pub(crate) fn decode(series: SeriesId, step: Step, start: i64, bytes: &[u8]) -> Decoded<Rollup> {
    let mut reader = Reader::new(bytes);
    let written = u32::from_le_bytes(reader.array()?);
    if checksum(series, step, start, reader.rest()) != written {
        return Err(Malformed);
    }
    let number = |reader: &mut Reader<'_>| -> Decoded<f64> {
        Ok(f64::from_bits(u64::from_le_bytes(reader.array()?)))
    };
    let small = |reader: &mut Reader<'_>| -> Decoded<u32> {
        u32::try_from(reader.varint()?).map_err(|_| Malformed)
    };
    let count = small(&mut reader)?;
    let good = small(&mut reader)?;
    let uncertain = small(&mut reader)?;
    let (resets, overflows) = (small(&mut reader)?, small(&mut reader)?);
    let corrections = small(&mut reader)?;
    let known = i64::try_from(reader.varint()?).map_err(|_| Malformed)?;
    let mut rollup = Rollup {
        series,
        step,
        start,
        count,
        good,
        uncertain,
        known,
        resets,
        overflows,
        corrections,
        min: number(&mut reader)?,
        max: number(&mut reader)?,
        sum: number(&mut reader)?,
        first: number(&mut reader)?,
        last: number(&mut reader)?,
        increment: number(&mut reader)?,
        across_gap: number(&mut reader)?,
        held: number(&mut reader)?,
        rates: Vec::new(),
    };
    for _ in 0..reader.count(RATES_MAX)? {
        let length = reader.count(RATE_NAME_BYTES_MAX)?;
        let name = std::str::from_utf8(reader.take(length)?).map_err(|_| Malformed)?;
        rollup.rates.push(RateShare {
            rate: Arc::from(name),
            increment: number(&mut reader)?,
            cost: number(&mut reader)?,
        });
    }
    match reader.is_empty() {
        true => Ok(rollup),
        false => Err(Malformed),
    }
}

/// Whether a roll-up can be kept.
pub(crate) fn is_valid(rollup: &Rollup) -> bool {
    let named = |share: &RateShare| share.rate.len() <= RATE_NAME_BYTES_MAX;
    rollup.rates.len() <= RATES_MAX && rollup.rates.iter().all(named)
}

fn checksum(series: SeriesId, step: Step, start: i64, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&series.0.to_le_bytes());
    hasher.update(&[step as u8]);
    hasher.update(&start.to_le_bytes());
    hasher.update(bytes);
    hasher.finalize()
}
