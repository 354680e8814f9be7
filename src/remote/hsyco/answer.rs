//! The body of an answer. Any white space and any order of the fields is accepted, and fields that
//! are not known here are left alone.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// What a server answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// To be sent with the next request.
    pub(super) timestamp: u64,
    /// Names with their texts, in the order of the answer.
    pub(super) io: Vec<(String, String)>,
    /// Values that are no texts and no numbers either.
    pub(super) odd: u64,
}

/// A body that is no such answer.
#[derive(Debug, thiserror::Error)]
#[error("the answer is not that of a HSYCO server")]
pub(super) struct AnswerError(#[source] serde_json::Error);

#[derive(Deserialize)]
struct Document {
    hsycostate: State,
}

#[derive(Deserialize)]
struct State {
    timestamp: u64,
    #[serde(default)]
    io: Option<Members>,
}

#[derive(Default)]
struct Members {
    texts: Vec<(String, String)>,
    odd: u64,
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("names with texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Members::default();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    match value {
                        Value::String(text) => members.texts.push((name, text)),
                        Value::Number(number) => members.texts.push((name, number.to_string())),
                        _ => members.odd += 1,
                    }
                }
                Ok(members)
            }
        }

        input.deserialize_map(Collect)
    }
}

/// Reads a body. The character set is not documented: UTF-8, and what is not that is Latin-1.
pub(super) fn parse(body: &[u8]) -> Result<Answer, AnswerError> {
    let latin: String;
    let text = match std::str::from_utf8(body) {
        Ok(text) => text,
        Err(_) => {
            latin = body.iter().copied().map(char::from).collect();
            &latin
        }
    };
    let text = text.trim_start_matches('\u{feff}');
    let document: Document = serde_json::from_str(text).map_err(AnswerError)?;
    let State { timestamp, io } = document.hsycostate;
    let Members { texts, odd } = io.unwrap_or_default();
    Ok(Answer {
        timestamp,
        io: texts,
        odd,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn io(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn the_documented_form_is_read() {
        let body = "{\"hsycostate\":{\n\"timestamp\":1403628740123000,\"system\":\"system\",\
                    \"topotime\":1403171030000,\n\"io\":{\"dummy.light.1\": \"1\",\
                    \"k.temp\": \"21.5\"}}}";
        let answer = parse(body.as_bytes()).unwrap();
        assert_eq!(answer.timestamp, 1_403_628_740_123_000);
        assert_eq!(answer.io, io(&[("dummy.light.1", "1"), ("k.temp", "21.5")]));
        let nothing = "{\"hsycostate\":{\n\"timestamp\":1403628740123000,\"system\":\"system\",\
                       \"topotime\":1403171030000}}";
        assert_eq!(parse(nothing.as_bytes()).unwrap().io, []);
    }

    #[test]
    fn white_space_order_and_what_is_new_do_not_matter() {
        let body = " {\r\n\t\"more\": [1], \"hsycostate\" : { \"io\" : { \"a.b\":\"x\\u00b0\" , \
                    \"n\": 7,\"o\":{},\"p\":null } ,\"ui\":{\"x\":1}, \"timestamp\" : 5 } }\n";
        let answer = parse(body.as_bytes()).unwrap();
        assert_eq!((answer.timestamp, answer.odd), (5, 2));
        assert_eq!(answer.io, io(&[("a.b", "x°"), ("n", "7")]));
        let latin = b"{\"hsycostate\":{\"timestamp\":5,\"io\":{\"a.b\":\"21 \xb0C\"}}}";
        assert_eq!(parse(latin).unwrap().io, io(&[("a.b", "21 °C")]));
    }

    #[test]
    fn garbage_is_an_error() {
        let cases: [&[u8]; 8] = [
            b"",
            b"<html>",
            b"{}",
            b"[]",
            b"{\"hsycostate\":{}}",
            b"{\"hsycostate\":{\"timestamp\":-1}}",
            b"{\"hsycostate\":{\"timestamp\":5,\"io\":[]}}",
            b"{\"hsycostate\":{\"timestamp\":5,\"io\":{\"a\":\"b\"",
        ];
        for case in cases {
            assert!(parse(case).is_err(), "{}", String::from_utf8_lossy(case));
        }
    }
}
