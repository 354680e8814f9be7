//! The parts of a JSON document, each with its pointer: for protocols whose devices send documents.

use mainstem_model::{Scalar, Value, ValueType};
use serde_json::Value as Json;

/// Parts taken out of one document.
pub const DOCUMENT_PARTS_MAX: usize = 64;
/// Levels of a document that are taken apart.
const DEPTH_MAX: usize = 8;

/// One part of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentPart {
    /// Where it is (RFC 6901); empty for the whole.
    pub pointer: String,
    /// The members on the way to it.
    pub path: Vec<String>,
    /// What it holds.
    pub value: Value,
    /// The type that suits it. A number is an `f64`, for the next one may have a fraction.
    pub value_type: ValueType,
}

/// Every single value in a document, and lists as a whole; the document itself where it is neither
/// object nor list. Also how many parts there were no room for.
pub fn document_parts(document: &Json) -> (Vec<DocumentPart>, usize) {
    let mut walk = Walk::default();
    walk.go(document);
    (walk.parts, walk.left_out)
}

#[derive(Default)]
struct Walk {
    path: Vec<String>,
    parts: Vec<DocumentPart>,
    left_out: usize,
}

impl Walk {
    fn go(&mut self, here: &Json) {
        let Json::Object(members) = here else {
            return self.take(here);
        };
        if self.path.len() >= DEPTH_MAX || members.is_empty() {
            return self.take(here);
        }
        for (name, member) in members {
            self.path.push(name.clone());
            self.go(member);
            self.path.pop();
        }
    }

    fn take(&mut self, here: &Json) {
        if self.parts.len() >= DOCUMENT_PARTS_MAX {
            self.left_out += 1;
            return;
        }
        let (value, scalar) = match here {
            Json::Bool(flag) => (Value::Bool(*flag), Scalar::Bool),
            Json::Number(number) => match number.as_f64() {
                Some(number) => (Value::F64(number), Scalar::F64),
                None => (Value::text(&number.to_string()), Scalar::Text),
            },
            Json::String(text) => (Value::text(text), Scalar::Text),
            other => (Value::Json(other.to_string().into()), Scalar::Json),
        };
        let escaped = |name: &String| format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        self.parts.push(DocumentPart {
            pointer: self.path.iter().map(escaped).collect(),
            path: self.path.clone(),
            value,
            value_type: scalar.into(),
        });
    }
}

/// Splits an address and the pointer into its document: `state#/temp/0`.
pub fn pointed(address: &str) -> (&str, Option<&str>) {
    match address.find("#/") {
        Some(at) => (&address[..at], Some(&address[at + 1..])),
        None => (address, None),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_comes_apart() {
        let (parts, left_out) = document_parts(&json!({
            "a/b": {"list": [1, 2], "t": 21}, "empty": {}, "name": "x", "none": null, "on": true,
        }));
        let shown: Vec<_> = parts
            .iter()
            .map(|part| (part.pointer.as_str(), part.value_type.to_string()))
            .collect();
        let expected = [
            ("/a~1b/list", "json"),
            ("/a~1b/t", "f64"),
            ("/empty", "json"),
            ("/name", "text"),
            ("/none", "json"),
            ("/on", "bool"),
        ];
        assert_eq!(shown, expected.map(|(at, word)| (at, word.to_owned())));
        assert_eq!(left_out, 0);
        let (parts, _) = document_parts(&json!(7));
        assert_eq!(
            (&*parts[0].pointer, &parts[0].value),
            ("", &Value::F64(7.0))
        );
    }

    #[test]
    fn documents_are_taken_apart_within_limits() {
        let wide: serde_json::Map<_, _> = (0..100).map(|n| (n.to_string(), json!(n))).collect();
        let (parts, left_out) = document_parts(&Json::Object(wide));
        assert_eq!((parts.len(), left_out), (DOCUMENT_PARTS_MAX, 36));
        let deep = (0..100).fold(json!(1), |inner, _| json!({ "a": inner }));
        let (parts, _) = document_parts(&deep);
        assert_eq!(parts[0].path.len(), DEPTH_MAX);
    }

    #[test]
    fn pointers_stand_behind_addresses() {
        assert_eq!(pointed("hall/state#/a/0"), ("hall/state", Some("/a/0")));
        assert_eq!(pointed("hall/#"), ("hall/#", None));
    }
}
