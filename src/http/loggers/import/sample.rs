//! What a cell or a member says: times, values, qualities. What is not clear is refused, not guessed.

use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use mainstem_datalogger::Logged;
use mainstem_model::{Quality, Reason, Scalar, Status, Timestamp, ValueType};

/// Bytes of one text.
const TEXT_BYTES_MAX: usize = 64 << 10;
/// How far ahead of the node's clock a time may be, in microseconds.
const AHEAD_MAX: i64 = 86_400_000_000;

/// One sample that was brought.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) time: i64,
    pub(crate) value: Logged,
    pub(crate) quality: u16,
}

/// What a series takes.
pub(crate) struct Taker {
    pub(crate) value_type: Option<ValueType>,
    /// For times without an offset; without it they are refused.
    pub(crate) zone: Option<TimeZone>,
    pub(crate) now: Timestamp,
}

impl Taker {
    /// A time with its offset, or a local one.
    pub(crate) fn time(&self, text: &str) -> Result<i64, String> {
        let told = match text.parse::<Timestamp>() {
            Ok(moment) => moment.micros(),
            Err(_) => self.local(text)?,
        };
        self.within(told)
    }

    /// A time that a logger may have.
    pub(crate) fn within(&self, time: i64) -> Result<i64, String> {
        if time < 0 || time > self.now.micros().saturating_add(AHEAD_MAX) {
            return Err("its time is before 1970 or more than a day ahead".into());
        }
        Ok(time)
    }

    fn local(&self, text: &str) -> Result<i64, String> {
        let wrong = || format!("{text:?} is no time: 2026-11-20T08:00:00Z is one");
        let civil: DateTime = text.parse().map_err(|_| wrong())?;
        let zone = self.zone.as_ref().ok_or_else(|| {
            format!("{text:?} has no offset: say in which time zone it is, with `zone`")
        })?;
        match zone.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => {
                let moment = offset.to_timestamp(civil).map_err(|_| wrong())?;
                Ok(moment.as_microsecond())
            }
            AmbiguousOffset::Gap { .. } => Err(format!(
                "{text:?} does not exist there: clocks were put forward"
            )),
            AmbiguousOffset::Fold { .. } => Err(format!(
                "{text:?} is there twice, clocks were put back: write its offset"
            )),
        }
    }

    /// A cell as the series' type has it; a text in quotes may be empty.
    pub(crate) fn cell(&self, text: &str, is_quoted: bool) -> Result<Logged, String> {
        if text.is_empty() && !is_quoted {
            return Ok(Logged::None);
        }
        let Some(value_type) = self.value_type else {
            return guess(text, is_quoted);
        };
        if value_type.array || is_text(value_type.scalar) {
            return plain_text(text);
        }
        if value_type.scalar == Scalar::Bool {
            return match text {
                "true" | "TRUE" | "True" | "1" => Ok(Logged::Bool(true)),
                "false" | "FALSE" | "False" | "0" => Ok(Logged::Bool(false)),
                _ => Err(format!("{text:?} is neither true nor false")),
            };
        }
        self.number(text)
    }

    fn number(&self, text: &str) -> Result<Logged, String> {
        let scalar = self.value_type.map(|value_type| value_type.scalar);
        let is_float = matches!(scalar, Some(Scalar::F32 | Scalar::F64));
        let whole = text.parse::<i64>().ok().filter(|_| !is_float);
        if let Some(whole) = whole {
            return Ok(Logged::Integer(whole));
        }
        let number: f64 = match text {
            "NaN" => f64::NAN,
            "Infinity" => f64::INFINITY,
            "-Infinity" => f64::NEG_INFINITY,
            // What Rust takes besides digits is no number of a table.
            _ if !text
                .bytes()
                .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)) =>
            {
                f64::NAN
            }
            _ => text.parse().map_err(|_| format!("{text:?} is no number"))?,
        };
        let is_named = ["NaN", "Infinity", "-Infinity"].contains(&text);
        if !number.is_finite() && !is_named {
            return Err(format!("{text:?} is no number"));
        }
        if !is_float && scalar.is_some() && number.fract() != 0.0 {
            return Err(format!(
                "{text:?} is no whole number, as this series has them"
            ));
        }
        Ok(Logged::Number(number))
    }

    /// A JSON value as the series' type has it.
    pub(crate) fn json(&self, value: &serde_json::Value) -> Result<Logged, String> {
        use serde_json::Value as Json;
        match value {
            Json::Null => Ok(Logged::None),
            Json::String(text) if self.value_type.is_none() => plain_text_raw(text),
            Json::String(text)
                if self
                    .value_type
                    .is_some_and(|t| t.array || is_text(t.scalar)) =>
            {
                plain_text_raw(text)
            }
            Json::String(text) => self.cell(text, true),
            Json::Bool(truth) if self.value_type.is_none_or(|t| t.scalar == Scalar::Bool) => {
                Ok(Logged::Bool(*truth))
            }
            Json::Number(number) => self.cell(&number.to_string(), false),
            other => Err(format!("{other} is no value of this series")),
        }
    }
}

fn is_text(scalar: Scalar) -> bool {
    !scalar.is_numeric() && scalar != Scalar::Bool
}

/// Of a series whose type is not known, what the form of a cell says.
fn guess(text: &str, is_quoted: bool) -> Result<Logged, String> {
    if is_quoted {
        return plain_text(text);
    }
    match text {
        "true" => return Ok(Logged::Bool(true)),
        "false" => return Ok(Logged::Bool(false)),
        _ => {}
    }
    if let Ok(whole) = text.parse::<i64>() {
        return Ok(Logged::Integer(whole));
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(Logged::Number(number)),
        _ => plain_text(text),
    }
}

/// A text of a table: the apostrophe that keeps spreadsheets from taking it for a formula is not
/// part of it.
fn plain_text(text: &str) -> Result<Logged, String> {
    plain_text_raw(text.strip_prefix('\'').unwrap_or(text))
}

fn plain_text_raw(text: &str) -> Result<Logged, String> {
    match text.len() > TEXT_BYTES_MAX {
        true => Err("its text is longer than 64 KiB".into()),
        false => Ok(Logged::Text(Arc::from(text))),
    }
}

/// A quality by its words. A sample without a value is bad unless it says otherwise.
pub(crate) fn quality(status: &str, reason: &str, value: &Logged) -> Result<u16, String> {
    let status = match status {
        "" if matches!(value, Logged::None) => Status::Bad,
        "" | "good" => Status::Good,
        "uncertain" => Status::Uncertain,
        "bad" => Status::Bad,
        other => return Err(format!("quality is good, uncertain or bad, not {other:?}")),
    };
    let reason = match (reason, status) {
        ("", Status::Good) => Reason::Ok,
        ("" | "other", _) => Reason::Other,
        (word, _) => match Reason::parse(word) {
            Reason::Other => return Err(format!("there is no reason {word:?}")),
            known => known,
        },
    };
    Ok(Quality { status, reason }.code())
}
