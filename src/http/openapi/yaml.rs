//! A JSON document as block YAML, for people who read differences. Every scalar is written as
//! JSON, which is YAML too; only keys that need no quotes go without.

use serde_json::Value;

/// Appends a document.
pub(super) fn write(document: &Value, out: &mut String) {
    block(document, 0, out);
}

fn block(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (key, member) in members {
                indent(depth, out);
                out.push_str(&quoted_if_needed(key));
                out.push(':');
                below(member, depth + 1, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                indent(depth, out);
                out.push('-');
                below(item, depth + 1, out);
            }
        }
        scalar => {
            indent(depth, out);
            out.push_str(&scalar.to_string());
            out.push('\n');
        }
    }
}

fn below(value: &Value, depth: usize, out: &mut String) {
    let is_block = match value {
        Value::Object(members) => !members.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if is_block {
        out.push('\n');
        block(value, depth, out);
    } else {
        out.push(' ');
        out.push_str(&value.to_string());
        out.push('\n');
    }
}

fn indent(depth: usize, out: &mut String) {
    out.extend(std::iter::repeat_n("  ", depth));
}

/// A key without quotes where it can be nothing but a text.
fn quoted_if_needed(key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/' | '.');
    let first = |c: char| c.is_ascii_alphabetic() || c == '/' || c == '_';
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let is_word = words.contains(&key.to_ascii_lowercase().as_str());
    if key.starts_with(first) && key.chars().all(plain) && !is_word {
        key.to_owned()
    } else {
        Value::from(key).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_scalars() {
        let document = serde_json::json!({
            "a": {"b": [1, {"c": "x: y\n#"}], "200": [], "on": null}, "/p/{x}": {}
        });
        let mut text = String::new();
        write(&document, &mut text);
        let wanted = "a:\n  b:\n    - 1\n    -\n      c: \"x: y\\n#\"\n  \"200\": []\n  \"on\": null\n\"/p/{x}\": {}\n";
        assert_eq!(text, wanted);
    }
}
