//! Reads frames: one line, one pass, rows left as text until their type is known.

use std::fmt;

use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::{
    AliasFrame, DefineFrame, EventFrame, GapFrame, HelloFrame, NamedSample, SourceFrame,
    StatusFrame,
};

/// One line of a stream. Members that are not known are skipped.
#[derive(Debug, Default, Deserialize)]
pub struct Line<'a> {
    /// Who speaks.
    #[serde(default)]
    pub hello: Option<HelloFrame>,
    /// A source.
    #[serde(default)]
    pub source: Option<SourceFrame>,
    /// A source's state.
    #[serde(default)]
    pub status: Option<StatusFrame>,
    /// What old names lead to.
    #[serde(default)]
    pub alias: Vec<AliasFrame>,
    /// Definitions.
    #[serde(default)]
    pub define: Vec<DefineFrame>,
    /// Datapoints that are no more.
    #[serde(default)]
    pub remove: Vec<u32>,
    /// Sources that are no more.
    #[serde(default)]
    pub gone: Vec<u32>,
    /// Something that waits for an answer.
    #[serde(default)]
    pub event: Option<EventFrame>,
    /// Entries that were lost or conflated.
    #[serde(default)]
    pub gap: Option<GapFrame>,
    /// Samples by name (`POST /api/v1/samples` only).
    #[serde(default, borrow)]
    pub samples: Vec<NamedSample<'a>>,
    /// Source time of the first row.
    #[serde(default)]
    pub t: i64,
    /// Origin number of the first row.
    #[serde(default)]
    pub o: u64,
    /// Whether the rows are catch-up.
    #[serde(default)]
    pub c: u8,
    /// The rows.
    #[serde(default, borrow)]
    pub r: Rows<'a>,
    /// Everything up to this entry was told.
    #[serde(default)]
    pub s: Option<u64>,
    /// The snapshot is complete.
    #[serde(default)]
    pub end: bool,
}

/// The rows of a frame, each `[id, dt, value, quality?, origin?, epoch?]`.
#[derive(Debug, Default)]
pub struct Rows<'a>(pub Vec<RowIn<'a>>);

/// One row as it arrived.
#[derive(Debug)]
pub struct RowIn<'a> {
    /// The datapoint's number at the speaker.
    pub id: u32,
    /// Source time relative to the row before, in microseconds.
    pub dt: i64,
    /// The JSON of the value; `null` is no value.
    pub value: &'a RawValue,
    /// Grade and reason as one number.
    pub quality: u16,
    /// Its number at its origin, where it is not one more than the row before.
    pub origin: Option<u64>,
    /// Its origin's epoch counter, where it is not its source's.
    pub epoch: Option<u32>,
}

/// Why a line cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Not a JSON object at all.
    #[error("a line of the stream is not a JSON object")]
    Object,
    /// Not JSON, or a member of the wrong shape.
    #[error("a line of the stream is not a frame")]
    Shape(#[source] serde_json::Error),
}

/// Reads one line, without its line feed.
pub fn decode_line(line: &[u8]) -> Result<Line<'_>, DecodeError> {
    if line.first() != Some(&b'{') {
        return Err(DecodeError::Object);
    }
    serde_json::from_slice(line).map_err(DecodeError::Shape)
}

/// Goes through the rows of a line, with absolute source time and origin number.
pub fn decode_row<'l, 'a>(
    line: &'l Line<'a>,
) -> impl Iterator<Item = (&'l RowIn<'a>, i64, u64)> + use<'l, 'a> {
    let (mut time, mut next) = (line.t, line.o);
    line.r.0.iter().map(move |row| {
        time = time.wrapping_add(row.dt);
        let origin = row.origin.unwrap_or(next);
        next = origin.wrapping_add(1);
        (row, time, origin)
    })
}

impl<'de: 'a, 'a> Deserialize<'de> for Rows<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Rows)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for RowIn<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(RowVisitor)
    }
}

struct RowVisitor;

impl<'de> Visitor<'de> for RowVisitor {
    type Value = RowIn<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row [id, dt, value, quality?, origin?, epoch?]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut row: A) -> Result<RowIn<'de>, A::Error> {
        let missing = |index| serde::de::Error::invalid_length(index, &self);
        let id = row.next_element()?.ok_or_else(|| missing(0))?;
        let dt = row.next_element()?.ok_or_else(|| missing(1))?;
        let value = row.next_element()?.ok_or_else(|| missing(2))?;
        let quality = row.next_element()?.unwrap_or(0);
        let origin = row.next_element()?;
        let epoch = row.next_element()?;
        // Columns of newer nodes are skipped.
        while row.next_element::<IgnoredAny>()?.is_some() {}
        Ok(RowIn {
            id,
            dt,
            value,
            quality,
            origin,
            epoch,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FrameWriter, RowOut, parse_value};
    use mainstem_model::{Scalar, Value};

    #[test]
    fn rows_come_back() {
        let row = |id, time, origin, quality, epoch| RowOut {
            id,
            quality,
            epoch,
            origin,
            time,
            value: Some(Value::F64(f64::from(id) + 0.25)),
        };
        let rows = vec![
            row(1, 1000, 7, 0, None),
            row(2, 900, 8, 0, None),
            row(3, 2000, 20, 0, None),
            row(4, 2000, 21, 272, None),
            row(5, i64::MIN, 22, 0, Some(3)),
        ];
        let mut writer = FrameWriter::default();
        writer.rows(&rows, true, Some(99));
        let line = decode_line(&writer.buffer[..writer.buffer.len() - 1]).unwrap();
        assert_eq!((line.c, line.s), (1, Some(99)));
        let back: Vec<RowOut> = decode_row(&line)
            .map(|(row, time, origin)| RowOut {
                id: row.id,
                quality: row.quality,
                epoch: row.epoch,
                origin,
                time,
                value: parse_value(row.value, Scalar::F64.into()).ok(),
            })
            .collect();
        assert_eq!(back, rows);
    }

    #[test]
    fn a_plain_row_is_short() {
        let rows: Vec<RowOut> = (0..100)
            .map(|i| RowOut {
                id: 1000 + i,
                quality: 0,
                epoch: None,
                origin: u64::from(i) + 5,
                time: i64::from(i) * 3,
                value: Some(Value::F64(21.53)),
            })
            .collect();
        let mut writer = FrameWriter::default();
        writer.rows(&rows, false, Some(1));
        assert!(writer.buffer.len() < 1600, "{}", writer.buffer.len());
    }

    #[test]
    fn what_is_unknown_is_skipped() {
        let line = decode_line(br#"{"future":{"a":[1]},"t":5,"r":[[1,2,true,0,9,1,"new"]],"s":3}"#);
        let line = line.unwrap();
        assert_eq!(line.r.0.len(), 1);
        assert_eq!(line.s, Some(3));
    }

    #[test]
    fn garbage_is_an_error() {
        for bad in [
            &b"{"[..],
            b"[]",
            b"{\"r\":[[1]]}",
            b"{\"r\":[[-1,0,1]]}",
            b"\xff",
            b"",
        ] {
            assert!(decode_line(bad).is_err(), "{bad:?}");
        }
        let deep = [b"{\"x\":".as_slice(), &b"[".repeat(100_000)].concat();
        assert!(decode_line(&deep).is_err());
    }
}
