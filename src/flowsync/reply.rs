//! Messages: how a request is told, and what a reply says.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::TransactionId;
use crate::id::ID_BYTES;

/// Bytes of a reply; a larger one is malformed.
pub const REPLY_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of an error's message; the rest is cut off.
pub const MESSAGE_BYTES_MAX: usize = 4096;

/// What a responder says.
#[derive(Debug)]
pub(crate) enum Reply {
    Value(Box<RawValue>),
    Error { code: Option<i64>, message: String },
}

/// `{id, timestamp, value}` or `{id, timestamp, error}`, with whatever else there may be.
#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "present")]
    value: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

/// A `null` is a value too.
fn present<'de, D: Deserializer<'de>>(source: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(source).map(Some)
}

#[derive(Deserialize)]
struct Fault<'a> {
    #[serde(default)]
    code: Option<serde_json::Value>,
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
}

/// The message that tells a request.
pub(crate) fn request(id: TransactionId, timestamp_ms: i64, value: &RawValue) -> Bytes {
    let (id, mut room) = (id.0, [0; ID_BYTES]);
    let mut text = String::with_capacity(value.get().len() + 96);
    text.push_str(r#"{"id":""#);
    text.push_str(id.as_hyphenated().encode_lower(&mut room));
    text.push_str(r#"","timestamp":"#);
    text.push_str(itoa::Buffer::new().format(timestamp_ms));
    text.push_str(r#","value":"#);
    text.push_str(value.get());
    text.push('}');
    text.into()
}

/// The message that tells what a client brought.
pub(crate) fn told(timestamp_ms: i64, value: &RawValue) -> Bytes {
    format!(r#"{{"timestamp":{timestamp_ms},"value":{}}}"#, value.get()).into()
}

/// What a message on `/tres` says; nothing if it is no reply. With both a value and an error it is
/// an error; an `error` of `null` is none.
pub(crate) fn parse(payload: &[u8]) -> Option<(TransactionId, Reply)> {
    if payload.len() > REPLY_BYTES_MAX {
        return None;
    }
    let document: Document<'_> = serde_json::from_slice(payload).ok()?;
    let id = TransactionId::parse(&document.id)?;
    let reply = match (document.error, document.value) {
        (Some(error), _) => fault(error),
        (None, Some(value)) => Reply::Value(value.to_owned()),
        (None, None) => return None,
    };
    Some((id, reply))
}

fn fault(error: &RawValue) -> Reply {
    let fault: Option<Fault<'_>> = serde_json::from_str(error.get()).ok();
    let (code, message) = match fault {
        Some(fault) => (fault.code.and_then(integer), fault.message.map(text)),
        None => (None, Some(text(error))),
    };
    let mut message = message.unwrap_or_default();
    message.truncate(message.floor_char_boundary(MESSAGE_BYTES_MAX));
    Reply::Error { code, message }
}

/// A code as a responder may write it: `408`, `408.0` or `"408"`.
fn integer(code: serde_json::Value) -> Option<i64> {
    let whole = |number: f64| number.fract() == 0.0 && number.abs() < 9e15;
    match code {
        serde_json::Value::Number(number) => number.as_i64().or_else(|| {
            #[expect(clippy::cast_possible_truncation, reason = "whole and small")]
            number.as_f64().filter(|n| whole(*n)).map(|n| n as i64)
        }),
        serde_json::Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A text as it is meant, anything else as it is written.
fn text(value: &RawValue) -> String {
    serde_json::from_str(value.get()).unwrap_or_else(|_| value.get().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "cb75f252-ebd8-4b33-b39d-b74953c6c99c";

    fn said(rest: &str) -> Option<Reply> {
        let text = format!(r#"{{"id":"{ID}","timestamp":1{rest}}}"#);
        parse(text.as_bytes()).map(|(id, reply)| {
            assert_eq!(id.to_string(), ID);
            reply
        })
    }

    #[test]
    fn a_request_is_told_as_connectware_does() {
        let value = RawValue::from_string(r#"{"a": 1.50}"#.to_owned()).unwrap();
        let id = TransactionId::parse(ID).unwrap();
        let told = request(id, 1_733_219_059_372, &value);
        let expected =
            format!(r#"{{"id":"{ID}","timestamp":1733219059372,"value":{{"a": 1.50}}}}"#);
        assert_eq!(told, expected);
    }

    #[test]
    fn values_come_as_they_were_written() {
        for value in [
            "null",
            "1.50",
            "18446744073709551615",
            r#""x""#,
            "[]",
            r#"{"b":[1]}"#,
        ] {
            let Some(Reply::Value(found)) = said(&format!(r#","value":{value}"#)) else {
                panic!("{value}");
            };
            assert_eq!(found.get(), value);
        }
        assert!(matches!(
            said(r#","error":null,"value":1"#),
            Some(Reply::Value(_))
        ));
    }

    #[test]
    fn errors_are_read_leniently() {
        let cases = [
            (r#"{"code":408,"message":"late"}"#, Some(408), "late"),
            (r#"{"code":408.0,"message":"late"}"#, Some(408), "late"),
            (r#"{"code":"408","message":"late"}"#, Some(408), "late"),
            (r#"{"code":"x","message":{"a":1}}"#, None, r#"{"a":1}"#),
            (r#"{"message":"no code"}"#, None, "no code"),
            (r#""only a text""#, None, "only a text"),
            ("17", None, "17"),
            ("{}", None, ""),
        ];
        for (error, code, message) in cases {
            for both in ["", r#","value":1"#] {
                match said(&format!(r#","error":{error}{both}"#)) {
                    Some(Reply::Error {
                        code: c,
                        message: m,
                    }) => {
                        assert_eq!((c, m.as_str()), (code, message), "{error}");
                    }
                    other => panic!("{error}: {other:?}"),
                }
            }
        }
    }

    #[test]
    fn what_is_no_reply_is_malformed() {
        assert!(said("").is_none());
        assert!(said(r#","error":null"#).is_none());
        assert!(said(r#","value":1,"value":2"#).is_none());
        for text in [
            String::new(),
            "1".to_owned(),
            "[]".to_owned(),
            "{".to_owned(),
            format!(r#"["{ID}"]"#),
            r#"{"value":1}"#.to_owned(),
            r#"{"id":7,"value":1}"#.to_owned(),
            r#"{"id":"+","value":1}"#.to_owned(),
            format!(r#"{{"id":"{ID}","value":1}} trailing"#),
            format!(
                r#"{{"id":"{ID}","value":"{}"}}"#,
                "x".repeat(REPLY_BYTES_MAX)
            ),
        ] {
            assert!(
                parse(text.as_bytes()).is_none(),
                "{}",
                &text[..text.len().min(80)]
            );
        }
        assert!(parse(b"{\"id\":\"\xff\",\"value\":1}").is_none());
    }
}
