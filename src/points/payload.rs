//! Payloads: what is told of a datapoint, what a `/set` may say, and how it is answered.

use std::time::Duration;

use bytes::Bytes;
use mainstem_model::{Reason, Timestamp};
use mainstem_store::PointView;
use mainstem_wire::write_value;
use mainstem_write::{KEY_BYTES_MAX, WriteRecord};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

/// The longest `/set`: a value with escapes, and what stands beside it.
pub(crate) const SET_BYTES_MAX: usize = 512 * 1024;
/// Bytes of an id that is handed back.
const ID_BYTES_MAX: usize = 256;

/// `{timestamp, value, quality}`, and the reason where it is not simply good.
pub(crate) fn datapoint(view: &PointView, catchup: bool) -> Bytes {
    let mut out = Vec::with_capacity(96);
    out.extend_from_slice(b"{\"timestamp\":");
    out.extend_from_slice(view.source_time.millis().to_string().as_bytes());
    out.extend_from_slice(b",\"value\":");
    match &view.value {
        Some(value) => write_value(value, &mut out),
        None => out.extend_from_slice(b"null"),
    }
    let mut word = |name: &str, text: &str| {
        out.extend_from_slice(b",\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":\"");
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    };
    word("quality", view.quality.status.as_str());
    if view.quality.reason != Reason::Ok {
        word("reason", view.quality.reason.as_str());
    }
    if catchup {
        out.extend_from_slice(b",\"catchup\":true");
    }
    out.push(b'}');
    out.into()
}

/// What a `/set` says.
#[derive(Debug)]
pub(crate) struct Wish {
    /// What the answer carries, so that who asked knows it.
    pub(crate) id: Option<Box<RawValue>>,
    pub(crate) value: Box<RawValue>,
    /// When it was said.
    pub(crate) said: Option<i64>,
    pub(crate) key: Option<String>,
    pub(crate) pulse: Option<Duration>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    id: Option<Box<RawValue>>,
    value: Box<RawValue>,
    #[serde(default)]
    timestamp: Option<i64>,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    pulse: Option<u64>,
}

/// Reads `{value}` with `id`, `timestamp`, `key` and `pulse` where given; any other JSON is the
/// value itself, and what is no JSON is a text.
pub(crate) fn wish(payload: &[u8]) -> Result<Wish, String> {
    if payload.len() > SET_BYTES_MAX {
        return Err(format!("it is longer than {SET_BYTES_MAX} bytes"));
    }
    let text = std::str::from_utf8(payload).map_err(|_| "it is no UTF-8 text".to_owned())?;
    if text.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    let Ok(value) = serde_json::from_str::<Box<RawValue>>(text) else {
        let value = serde_json::value::to_raw_value(text);
        return value.map(Wish::of).map_err(|error| error.to_string());
    };
    if !value.get().starts_with('{') || !has_value(value.get()) {
        return Ok(Wish::of(value));
    }
    let written: Written = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let is_long = |id: &RawValue| id.get().len() > ID_BYTES_MAX;
    if written.id.as_deref().is_some_and(is_long) {
        return Err(format!("`id` is longer than {ID_BYTES_MAX} bytes"));
    }
    if written
        .key
        .as_ref()
        .is_some_and(|key| key.len() > KEY_BYTES_MAX)
    {
        return Err(format!("`key` is longer than {KEY_BYTES_MAX} bytes"));
    }
    Ok(Wish {
        id: written.id,
        value: written.value,
        said: written.timestamp,
        key: written.key,
        pulse: written.pulse.map(Duration::from_millis),
    })
}

fn has_value(object: &str) -> bool {
    #[derive(Deserialize)]
    struct Only {
        #[serde(rename = "value")]
        _value: serde::de::IgnoredAny,
    }
    serde_json::from_str::<Only>(object).is_ok()
}

impl Wish {
    fn of(value: Box<RawValue>) -> Self {
        Self {
            id: None,
            value,
            said: None,
            key: None,
            pulse: None,
        }
    }
}

/// How a write ended.
pub(crate) enum Answer<'a> {
    Done(&'a WriteRecord, &'a RawValue),
    Refused { code: &'a str, message: &'a str },
}

/// `{id, timestamp, result}` or `{id, timestamp, error}`; the id as it was given, if it was.
pub(crate) fn answer(id: Option<&RawValue>, at: Timestamp, answer: &Answer<'_>) -> Bytes {
    let mut document = serde_json::Map::new();
    if let Some(id) = id {
        let id = serde_json::to_value(id).unwrap_or_default();
        document.insert("id".to_owned(), id);
    }
    document.insert("timestamp".to_owned(), at.millis().into());
    match answer {
        Answer::Done(record, value) => {
            let result = json!({
                "value": value, "write": record.id, "verified": record.outcome.verified,
            });
            document.insert("result".to_owned(), result);
        }
        Answer::Refused { code, message } => {
            let error = json!({ "code": code, "message": message });
            document.insert("error".to_owned(), error);
        }
    }
    serde_json::to_vec(&document).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::wish;

    #[test]
    fn what_a_set_may_say() {
        for (payload, value) in [
            ("12.5", "12.5"),
            ("on", "\"on\""),
            ("\"on\"", "\"on\""),
            ("[1,2]", "[1,2]"),
            ("{\"a\":1}", "{\"a\":1}"),
            ("{\"id\":7,\"value\":{\"a\":1}}", "{\"a\":1}"),
            ("{\"value\":null}", "null"),
        ] {
            assert_eq!(wish(payload.as_bytes()).unwrap().value.get(), value);
        }
        let wish_of = wish(br#"{"id":"a","value":1,"timestamp":5,"key":"k","pulse":500}"#).unwrap();
        assert_eq!(wish_of.id.unwrap().get(), "\"a\"");
        assert_eq!((wish_of.said, wish_of.key.as_deref()), (Some(5), Some("k")));
        assert_eq!(wish_of.pulse.unwrap().as_millis(), 500);
    }

    #[test]
    fn what_it_may_not_say() {
        let long_id = format!("{{\"value\":1,\"id\":\"{}\"}}", "x".repeat(300));
        for payload in [
            b"".as_slice(),
            b" ",
            b"\xff",
            br#"{"value":1,"valeu":2}"#,
            br#"{"value":1,"timestamp":"now"}"#,
            long_id.as_bytes(),
            &vec![b'1'; super::SET_BYTES_MAX + 1],
        ] {
            assert!(wish(payload).is_err(), "{:?}", payload.get(..20));
        }
    }
}
