//! Rows as JSON, in the form that everybody can read.

use std::sync::Arc;

use mainstem_model::Value;
use mainstem_wire::{LogRow, LogRows, write_value};
use serde_json::value::RawValue;

use crate::codec::TEXT_BYTES_MAX;
use crate::{Edit, Logged, Row, SeriesId};

/// Rows of one series.
pub(crate) fn told<'a>(id: u32, rows: impl Iterator<Item = &'a Row>) -> LogRows {
    LogRows {
        id,
        r: rows.map(row).collect(),
    }
}

/// Rows as they are written.
pub(crate) fn rows_told(rows: &[Row]) -> Vec<LogRow> {
    rows.iter().map(row).collect()
}

/// Reads such rows back; nothing if one of them is none.
pub(crate) fn rows_of(series: SeriesId, rows: &[LogRow]) -> Option<Vec<Row>> {
    let rows = LogRows {
        id: 0,
        r: rows.to_vec(),
    };
    heard(series, &rows)
}

fn row(row: &Row) -> LogRow {
    (
        row.row,
        row.time,
        row.received,
        value(&row.value),
        row.quality,
    )
}

fn value(value: &Logged) -> Box<RawValue> {
    let text = match value {
        Logged::None => "null".to_owned(),
        Logged::Bool(truth) => truth.to_string(),
        Logged::Integer(integer) => integer.to_string(),
        Logged::Number(number) => number_text(*number),
        Logged::Text(text) => {
            let mut out = Vec::new();
            write_value(&Value::Text(text.clone()), &mut out);
            String::from_utf8(out).unwrap_or_default()
        }
        Logged::Edit(edit) => serde_json::json!({ "edit": edit.to_text() }).to_string(),
    };
    RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// The shortest form that reads back as the same bits, with a point or an exponent in it.
fn number_text(number: f64) -> String {
    match number.is_finite() {
        true => format!("{number:?}"),
        false => format!("{{\"f64\":\"{:016x}\"}}", number.to_bits()),
    }
}

/// Reads rows back; nothing if one of them is none.
pub(crate) fn heard(series: SeriesId, rows: &LogRows) -> Option<Vec<Row>> {
    let rows = rows.r.iter().map(|(row, time, received, value, quality)| {
        Some(Row {
            series,
            row: *row,
            time: *time,
            received: *received,
            value: heard_value(value.get())?,
            quality: *quality,
        })
    });
    rows.collect()
}

fn heard_value(text: &str) -> Option<Logged> {
    match text.as_bytes().first()? {
        b'n' => Some(Logged::None),
        b't' => Some(Logged::Bool(true)),
        b'f' => Some(Logged::Bool(false)),
        b'"' => {
            let text: String = serde_json::from_str(text).ok()?;
            (text.len() <= TEXT_BYTES_MAX).then(|| Logged::Text(Arc::from(text)))
        }
        b'{' => {
            let value: serde_json::Value = serde_json::from_str(text).ok()?;
            if let Some(edit) = value.get("edit") {
                return Edit::from_text(edit.as_str()?).map(Logged::Edit);
            }
            let bits = u64::from_str_radix(value.get("f64")?.as_str()?, 16).ok()?;
            Some(Logged::Number(f64::from_bits(bits)))
        }
        b'[' => None,
        _ if text.contains(['.', 'e', 'E']) => text.parse().ok().map(Logged::Number),
        _ => match text.parse() {
            Ok(integer) => Some(Logged::Integer(integer)),
            Err(_) => text.parse().ok().map(Logged::Number),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_comes_back_bit_by_bit() {
        let values = [
            Logged::None,
            Logged::Bool(true),
            Logged::Bool(false),
            Logged::Integer(i64::MIN),
            Logged::Integer(i64::MAX),
            Logged::Integer(1),
            Logged::Number(1.0),
            Logged::Number(-0.0),
            Logged::Number(0.1),
            Logged::Number(f64::MAX),
            Logged::Number(f64::MIN_POSITIVE / 3.0),
            Logged::Number(f64::NAN),
            Logged::Number(f64::NEG_INFINITY),
            Logged::Edit(Arc::new(Edit {
                to: -7,
                note: "ann: a \"note\"".into(),
            })),
            Logged::Text("a \"quoted\" text, \u{fffd}".into()),
        ];
        let rows: Vec<Row> = (1..)
            .zip(values)
            .map(|(row, value)| Row {
                series: SeriesId(3),
                row,
                time: -5,
                received: (row % 2 == 0).then_some(7),
                value,
                quality: 548,
            })
            .collect();
        let text = serde_json::to_string(&told(9, rows.iter())).unwrap();
        let back: LogRows = serde_json::from_str(&text).unwrap();
        assert_eq!(heard(SeriesId(3), &back).unwrap(), rows);
        let bad: LogRows = serde_json::from_str(r#"{"id":1,"r":[[1,2,null,[1],0]]}"#).unwrap();
        assert_eq!(heard(SeriesId(3), &bad), None);
    }
}
