//! What the program tells the node: one JSON object in a line each. Members that are not known
//! are skipped, so that older nodes understand newer programs.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::Value;

/// One line of the program.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Word {
    /// Its first line.
    pub(crate) hello: Option<Hello>,
    /// The device answers.
    pub(crate) connected: bool,
    /// The device could not be reached, or does not want us.
    pub(crate) failed: Option<Failure>,
    /// The connection to the device broke: why.
    pub(crate) lost: Option<String>,
    /// The connection is closed, as ordered.
    pub(crate) disconnected: bool,
    /// Values.
    pub(crate) samples: Vec<Row>,
    /// The number of the request that this line answers.
    pub(crate) answer: Option<u64>,
    /// The device confirmed the write.
    pub(crate) applied: bool,
    /// The value was read back and is the one written.
    pub(crate) verified: bool,
    /// The device refused, and nothing was changed.
    pub(crate) refused: Option<Refusal>,
    /// Nobody can tell whether the write was carried out: why.
    pub(crate) unknown: Option<String>,
    /// A line for the node's log.
    pub(crate) log: Option<String>,
}

/// Who the program is.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Hello {
    /// The version of this protocol that it speaks.
    pub(crate) protocol: u32,
    /// What it calls itself, with its version.
    pub(crate) program: String,
    /// `subscribe`: it sends samples by itself, and need not be polled.
    pub(crate) features: Vec<String>,
    /// JSON Schemas of its configuration and addresses.
    pub(crate) schema: Schemas,
}

/// The program's JSON Schemas; what is left out is not checked.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Schemas {
    /// Of `config:`.
    pub(crate) config: Option<Value>,
    /// Of each endpoint's `address:`.
    pub(crate) address: Option<Value>,
}

/// Why a connection was not made.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Failure {
    /// What happened, where, and what to do.
    pub(crate) message: String,
    /// When to try again.
    pub(crate) retry: Retry,
}

/// When to try again.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Retry {
    /// Soon, and then less and less often.
    #[default]
    Soon,
    /// After the longest wait only: the device does not want us.
    Later,
    /// Not before the configuration changes.
    Never,
}

/// Why a write was refused.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Refusal {
    /// The device's own word.
    pub(crate) code: String,
    /// What it means.
    pub(crate) message: String,
}

/// One value: `[id, value]`, `[id, value, reason]` or `[id, value, reason, time]`.
#[derive(Debug, PartialEq)]
pub(crate) struct Row {
    /// The datapoint.
    pub(crate) id: u32,
    /// Its value; null leaves the last one visible under the reason.
    pub(crate) value: Value,
    /// Why it is not good; null if it is.
    pub(crate) reason: Option<String>,
    /// The device's stamp, in microseconds since 1970.
    pub(crate) time: Option<i64>,
}

impl Word {
    /// Reads a line, which is an object.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, String> {
        match line.trim_ascii_start().first() {
            Some(b'{') => serde_json::from_slice(line).map_err(|error| error.to_string()),
            _ => Err("it is no JSON object".into()),
        }
    }
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(RowVisitor)
    }
}

struct RowVisitor;

impl<'de> Visitor<'de> for RowVisitor {
    type Value = Row;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[id, value], [id, value, reason] or [id, value, reason, microseconds]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut row: A) -> Result<Row, A::Error> {
        let missing = |place| serde::de::Error::invalid_length(place, &self);
        let id = row.next_element()?.ok_or_else(|| missing(0))?;
        let value = row.next_element()?.ok_or_else(|| missing(1))?;
        let reason = row.next_element::<Option<String>>()?.flatten();
        let time = row.next_element::<Option<i64>>()?.flatten();
        // What newer programs add behind it is skipped.
        while row.next_element::<serde::de::IgnoredAny>()?.is_some() {}
        Ok(Row {
            id,
            value,
            reason,
            time,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Retry, Row, Word};

    fn word(line: &str) -> Word {
        Word::parse(line.as_bytes()).unwrap()
    }

    #[test]
    fn rows_are_two_to_four_long_and_may_grow() {
        let said = word(r#"{"samples":[[0,1.5],[1,null,"bad_address"],[2,"x",null,7,"new"]]}"#);
        let row = |id, value: serde_json::Value, reason: Option<&str>, time| Row {
            id,
            value,
            reason: reason.map(str::to_owned),
            time,
        };
        let expected = [
            row(0, 1.5.into(), None, None),
            row(1, serde_json::Value::Null, Some("bad_address"), None),
            row(2, "x".into(), None, Some(7)),
        ];
        assert_eq!(said.samples, expected);
        for wrong in [r#"{"samples":[[0]]}"#, r#"{"samples":[[-1,2]]}"#, "[]", ""] {
            assert!(Word::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_not_known_is_skipped() {
        let said = word(r#"{"failed":{"message":"no","retry":"never","x":1},"later":{}}"#);
        let failure = said.failed.unwrap();
        assert_eq!(
            (failure.message.as_str(), failure.retry),
            ("no", Retry::Never)
        );
        assert_eq!(word("{}"), Word::default());
    }
}
