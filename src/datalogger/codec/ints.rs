//! A column of integers: as they are, as differences, or as differences of differences, whichever
//! is smallest; divided by what all differences share; in groups with one width each.

use super::bytes::{Reader, put_signed, put_varint};
use super::pack::{GROUP, pack, unpack, width_of};
use super::{Decoded, Malformed};

/// Appends a column. Its length is not written: the reader knows it.
pub(super) fn put(out: &mut Vec<u8>, values: &[i64]) {
    let mut steps = differences(values);
    let scale = shared_factor(&steps);
    if scale > 1 {
        steps.iter_mut().for_each(|step| *step /= scale);
    }
    let bends = differences(&steps);
    let costs = [cost(values), cost(&steps) + 8, cost(&bends) + 16];
    let cheapest = (0_u8..3).min_by_key(|order| costs[usize::from(*order)]);
    let order = cheapest.unwrap_or_default().min(order_max(values.len()));
    out.push(order);
    if order == 0 {
        return put_groups(out, values);
    }
    put_varint(out, scale.cast_unsigned());
    put_signed(out, values[0]);
    if order == 1 {
        return put_groups(out, &steps);
    }
    put_signed(out, steps[0]);
    put_groups(out, &bends);
}

/// Differences need something to differ from.
fn order_max(length: usize) -> u8 {
    match length {
        0 => 0,
        1 => 1,
        _ => 2,
    }
}

/// Each value less the one before; with wrapping, so that every column comes back exactly.
fn differences(values: &[i64]) -> Vec<i64> {
    let pairs = values.windows(2);
    pairs.map(|pair| pair[1].wrapping_sub(pair[0])).collect()
}

/// The greatest number that divides every step: stamps in whole milliseconds share 1000.
fn shared_factor(steps: &[i64]) -> i64 {
    let mut factor = 0_u64;
    for step in steps {
        let (mut left, mut right) = (factor, step.unsigned_abs());
        while right != 0 {
            (left, right) = (right, left % right);
        }
        factor = left;
        if factor == 1 {
            break;
        }
    }
    i64::try_from(factor).unwrap_or(1).max(1)
}

/// The least of a group, and the bits that its values need above it.
fn frame(group: &[i64]) -> (i64, u32) {
    let least = group.iter().copied().min().unwrap_or_default();
    let most = group.iter().copied().max().unwrap_or_default();
    (least, width_of(most.wrapping_sub(least).cast_unsigned()))
}

/// The bytes that the groups take, nearly.
fn cost(values: &[i64]) -> usize {
    let bytes = values.chunks(GROUP).map(|group| {
        let (least, width) = frame(group);
        let head = 2 + width_of(least.unsigned_abs()) as usize / 7;
        head + (group.len() * width as usize).div_ceil(8)
    });
    bytes.sum()
}

fn put_groups(out: &mut Vec<u8>, values: &[i64]) {
    for group in values.chunks(GROUP) {
        let (least, width) = frame(group);
        put_signed(out, least);
        out.push(width.to_le_bytes()[0]);
        let above = group.iter();
        let above = above.map(|value| value.wrapping_sub(least).cast_unsigned());
        pack(out, above, width);
    }
}

/// Reads a column of a known length.
pub(super) fn get(reader: &mut Reader<'_>, count: usize) -> Decoded<Vec<i64>> {
    let order = reader.byte()?;
    let mut values = Vec::with_capacity(count);
    if order > order_max(count) {
        return Err(Malformed);
    }
    if order == 0 {
        get_groups(reader, count, |value| values.push(value))?;
        return Ok(values);
    }
    let scale = reader.varint()?.cast_signed();
    let mut value = reader.signed()?;
    values.push(value);
    if order == 1 {
        get_groups(reader, count - 1, |step| {
            value = value.wrapping_add(step.wrapping_mul(scale));
            values.push(value);
        })?;
        return Ok(values);
    }
    let mut step = reader.signed()?;
    value = value.wrapping_add(step.wrapping_mul(scale));
    values.push(value);
    get_groups(reader, count - 2, |bend| {
        step = step.wrapping_add(bend);
        value = value.wrapping_add(step.wrapping_mul(scale));
        values.push(value);
    })?;
    Ok(values)
}

fn get_groups(reader: &mut Reader<'_>, count: usize, mut each: impl FnMut(i64)) -> Decoded<()> {
    let mut left = count;
    while left > 0 {
        let length = left.min(GROUP);
        let least = reader.signed()?;
        let width = u32::from(reader.byte()?);
        unpack(reader, length, width, |above| {
            each(least.wrapping_add(above.cast_signed()));
        })?;
        left -= length;
    }
    Ok(())
}
