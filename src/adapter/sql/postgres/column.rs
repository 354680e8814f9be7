//! Columns in the server's binary form. Pure.

use std::error::Error;

use mainstem_model::Timestamp;
use tokio_postgres::types::{FromSql, Kind, Type};

use super::numeric;
use crate::cell::Cell;

/// Microseconds from 1970 to 2000, where the server begins to count.
const EPOCH_MICROS: i64 = 946_684_800_000_000;
const DAY_MICROS: i64 = 86_400_000_000;
/// Elements of one array.
const ELEMENTS_MAX: usize = 65_536;

/// The bytes of a column, whatever its type.
pub(super) struct Raw<'a>(pub(super) &'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_type: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(_type: &Type) -> bool {
        true
    }
}

/// Why a column has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// The type is not known here.
    Type,
    /// The bytes are not of the type.
    Bytes,
}

pub(super) fn cell(of: &Type, bytes: &[u8]) -> Result<Cell, Unread> {
    match of.kind() {
        Kind::Domain(inner) => return cell(inner, bytes),
        Kind::Enum(_) => return text(bytes).map(Cell::Text),
        Kind::Array(inner) => return list(inner, bytes),
        _ => {}
    }
    Ok(match *of {
        Type::BOOL => Cell::Bool(fixed::<1>(bytes)? != [0]),
        Type::INT2 => Cell::Int(i16::from_be_bytes(fixed(bytes)?).into()),
        Type::INT4 => Cell::Int(i32::from_be_bytes(fixed(bytes)?).into()),
        Type::INT8 => Cell::Int(i64::from_be_bytes(fixed(bytes)?)),
        Type::OID => Cell::Int(u32::from_be_bytes(fixed(bytes)?).into()),
        Type::FLOAT4 => Cell::narrow(f32::from_be_bytes(fixed(bytes)?)),
        Type::FLOAT8 => Cell::Float(f64::from_be_bytes(fixed(bytes)?)),
        Type::NUMERIC => Cell::Decimal(numeric::text(bytes).ok_or(Unread::Bytes)?),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN | Type::XML => {
            Cell::Text(text(bytes)?)
        }
        Type::BYTEA => Cell::Bytes(bytes.to_vec()),
        Type::JSON => Cell::Json(text(bytes)?),
        Type::JSONB => match bytes.split_first() {
            Some((1, json)) => Cell::Json(text(json)?),
            _ => return Err(Unread::Bytes),
        },
        Type::TIMESTAMPTZ => moment(i64::from_be_bytes(fixed(bytes)?)),
        Type::TIMESTAMP => match moment(i64::from_be_bytes(fixed(bytes)?)) {
            Cell::Time(moment) => Cell::Text(moment.to_string().trim_end_matches('Z').to_owned()),
            other => other,
        },
        Type::DATE => date(i32::from_be_bytes(fixed(bytes)?)),
        Type::TIME => Cell::Text(clock(i64::from_be_bytes(fixed(bytes)?))),
        Type::INTERVAL => Cell::Text(interval(fixed(bytes)?)),
        Type::UUID => Cell::Text(uuid(fixed(bytes)?)),
        _ => return Err(Unread::Type),
    })
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Unread> {
    bytes.try_into().map_err(|_| Unread::Bytes)
}

fn text(bytes: &[u8]) -> Result<String, Unread> {
    let text = std::str::from_utf8(bytes).map_err(|_| Unread::Bytes)?;
    Ok(text.to_owned())
}

/// Of a moment; the two that never are have a name.
fn moment(micros: i64) -> Cell {
    match micros {
        i64::MAX => Cell::Text("infinity".into()),
        i64::MIN => Cell::Text("-infinity".into()),
        _ => Cell::Time(Timestamp::from_micros(micros.saturating_add(EPOCH_MICROS))),
    }
}

fn date(days: i32) -> Cell {
    match days {
        i32::MAX => Cell::Text("infinity".into()),
        i32::MIN => Cell::Text("-infinity".into()),
        _ => {
            let micros = i64::from(days) * DAY_MICROS + EPOCH_MICROS;
            let text = Timestamp::from_micros(micros).to_string();
            let day = text.split_once('T').map_or(text.as_str(), |(day, _)| day);
            Cell::Text(day.to_owned())
        }
    }
}

fn clock(micros: i64) -> String {
    let seconds = micros / 1_000_000;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let (seconds, part) = (seconds % 60, micros % 1_000_000);
    match part {
        0 => format!("{hours:02}:{minutes:02}:{seconds:02}"),
        part => format!("{hours:02}:{minutes:02}:{seconds:02}.{part:06}"),
    }
}

/// As ISO 8601 writes durations. Months, days and the rest are kept apart, as the server does.
fn interval(bytes: [u8; 16]) -> String {
    let (micros, rest) = bytes.split_at(8);
    let (days, months) = rest.split_at(4);
    let micros = i64::from_be_bytes(micros.try_into().unwrap_or_default());
    let days = i32::from_be_bytes(days.try_into().unwrap_or_default());
    let months = i32::from_be_bytes(months.try_into().unwrap_or_default());
    let mut text = String::from("P");
    let mut push = |number: i64, unit: char| {
        if number != 0 {
            text.push_str(&format!("{number}{unit}"));
        }
    };
    push((months / 12).into(), 'Y');
    push((months % 12).into(), 'M');
    push(days.into(), 'D');
    let (seconds, part) = (micros / 1_000_000, micros % 1_000_000);
    if micros != 0 || text.len() == 1 {
        let sign = if micros < 0 { "-" } else { "" };
        text.push_str(&format!("T{sign}{}", seconds.unsigned_abs()));
        if part != 0 {
            text.push_str(&format!(".{:06}", part.unsigned_abs()));
        }
        text.push('S');
    }
    text
}

fn uuid(bytes: [u8; 16]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let part = |from, to| digits.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-{}-{}-{}",
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32)
    )
}

/// A list of one dimension.
fn list(of: &Type, bytes: &[u8]) -> Result<Cell, Unread> {
    let mut rest = bytes;
    let mut next = || -> Result<i32, Unread> {
        let (head, behind) = rest.split_first_chunk::<4>().ok_or(Unread::Bytes)?;
        rest = behind;
        Ok(i32::from_be_bytes(*head))
    };
    let (dimensions, _has_nulls, _element) = (next()?, next()?, next()?);
    match dimensions {
        0 => return Ok(Cell::List(Vec::new())),
        1 => {}
        // The server's own limit.
        2..=6 => return Err(Unread::Type),
        _ => return Err(Unread::Bytes),
    }
    let (count, _first) = (next()?, next()?);
    let count = usize::try_from(count).map_err(|_| Unread::Bytes)?;
    if count > ELEMENTS_MAX {
        return Err(Unread::Bytes);
    }
    // As many as there are bytes for: the count alone reserves nothing.
    let mut items = Vec::new();
    for _ in 0..count {
        let (head, behind) = rest.split_first_chunk::<4>().ok_or(Unread::Bytes)?;
        rest = behind;
        let length = i32::from_be_bytes(*head);
        if length == -1 {
            items.push(Cell::Null);
            continue;
        }
        let length = usize::try_from(length).map_err(|_| Unread::Bytes)?;
        let (own, behind) = rest.split_at_checked(length).ok_or(Unread::Bytes)?;
        rest = behind;
        items.push(cell(of, own)?);
    }
    Ok(Cell::List(items))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_the_wrong_length_are_refused() {
        let all = [
            Type::BOOL,
            Type::INT2,
            Type::INT4,
            Type::INT8,
            Type::OID,
            Type::FLOAT4,
            Type::FLOAT8,
            Type::NUMERIC,
            Type::JSONB,
            Type::TIMESTAMPTZ,
            Type::TIMESTAMP,
            Type::DATE,
            Type::TIME,
            Type::INTERVAL,
            Type::UUID,
            Type::INT4_ARRAY,
        ];
        for of in all {
            for length in [0, 3, 5, 7, 17, 300] {
                let read = cell(&of, &vec![0xEE; length]);
                assert_eq!(read, Err(Unread::Bytes), "{of} of {length}");
            }
        }
        assert_eq!(cell(&Type::TEXT, &[0xFF]), Err(Unread::Bytes));
        assert_eq!(cell(&Type::INET, &[0]), Err(Unread::Type));
    }

    #[test]
    fn a_list_that_promises_more_than_it_has_is_refused() {
        let words = [1, 0, 23, i32::MAX, 1];
        let bytes: Vec<u8> = words
            .iter()
            .flat_map(|word: &i32| word.to_be_bytes())
            .collect();
        assert_eq!(cell(&Type::INT4_ARRAY, &bytes), Err(Unread::Bytes));
        let words = [1, 0, 23, 60_000, 1, 4];
        let bytes: Vec<u8> = words
            .iter()
            .flat_map(|word: &i32| word.to_be_bytes())
            .collect();
        assert_eq!(cell(&Type::INT4_ARRAY, &bytes), Err(Unread::Bytes));
    }
}
