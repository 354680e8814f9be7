//! The options of a kind as people read them: its JSON Schema as rows of a table.

use serde_json::{Map, Value};

/// Objects within objects beyond this are not opened: no schema of a kind is that deep.
const DEPTH_MAX: usize = 4;

/// One option.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct OptionRow {
    /// Its name; `tls.ca` for one within another, `items[].name` for one within a list.
    pub name: String,
    /// Whether it has to be given.
    pub required: bool,
    /// `text`, `integer`, `number`, `true, false`, `list`, `object`, or what may be chosen.
    pub values: String,
    /// From where to where, for numbers and for the length of texts and lists.
    pub range: String,
    /// What holds where it is not given.
    pub default: String,
    /// What it means.
    pub meaning: String,
}

/// All options of a schema, in the order in which the kind tells them.
pub fn option_rows(schema: &Value) -> Vec<OptionRow> {
    let mut rows = Vec::new();
    if let Some(object) = schema.as_object() {
        collect(schema, object, "", 0, &mut rows);
    }
    rows
}

fn collect(
    root: &Value,
    object: &Map<String, Value>,
    prefix: &str,
    depth: usize,
    rows: &mut Vec<OptionRow>,
) {
    let Some(properties) = object.get("properties").and_then(Value::as_object) else {
        return;
    };
    let required: Vec<&str> = texts(object.get("required"));
    for (key, told) in properties {
        let name = format!("{prefix}{key}");
        let form = opened(root, told);
        rows.push(OptionRow {
            required: required.contains(&key.as_str()),
            values: values(root, form),
            range: range(form),
            default: default(told, form),
            meaning: meaning(told, form),
            name: name.clone(),
        });
        if depth < DEPTH_MAX {
            let (inner, mark) = match form.get("items") {
                Some(items) => (opened(root, items), "[]."),
                None => (form, "."),
            };
            if let Some(inner) = inner.as_object() {
                collect(root, inner, &format!("{name}{mark}"), depth + 1, rows);
            }
        }
    }
}

/// A schema behind its reference, and without the `null` that only says that it may be left out.
fn opened<'a>(root: &'a Value, mut told: &'a Value) -> &'a Value {
    for _ in 0..DEPTH_MAX {
        let choice = told.get("anyOf").and_then(Value::as_array);
        if let Some(only) = choice.and_then(|forms| only_form(forms)) {
            told = only;
        } else if let Some(path) = told.get("$ref").and_then(Value::as_str) {
            let path = path.trim_start_matches('#');
            match root.pointer(path) {
                Some(found) => told = found,
                None => return told,
            }
        } else {
            break;
        }
    }
    told
}

fn only_form(forms: &[Value]) -> Option<&Value> {
    let mut rest = forms
        .iter()
        .filter(|form| form.get("type").and_then(Value::as_str) != Some("null"));
    let first = rest.next()?;
    rest.next().is_none().then_some(first)
}

fn texts(list: Option<&Value>) -> Vec<&str> {
    let list = list.and_then(Value::as_array);
    list.map_or_else(Vec::new, |list| {
        list.iter().filter_map(Value::as_str).collect()
    })
}

fn values(root: &Value, form: &Value) -> String {
    let plain = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if let Some(list) = form.get("enum").and_then(Value::as_array) {
        let all: Vec<String> = list.iter().filter(|v| !v.is_null()).map(plain).collect();
        return all.join(", ");
    }
    for choice in ["oneOf", "anyOf"] {
        let Some(forms) = form.get(choice).and_then(Value::as_array) else {
            continue;
        };
        let all: Vec<String> = forms
            .iter()
            .map(|form| opened(root, form))
            .map(|form| form.get("const").map_or_else(|| values(root, form), plain))
            .filter(|text| !text.is_empty())
            .collect();
        return all.join(", ");
    }
    let mut kinds = texts(form.get("type"));
    kinds.extend(form.get("type").and_then(Value::as_str));
    let words = kinds.into_iter().filter_map(|kind| match kind {
        "string" => Some("text"),
        "boolean" => Some("true, false"),
        "array" => Some("list"),
        "null" => None,
        other => Some(other),
    });
    words.collect::<Vec<_>>().join(" or ")
}

fn range(form: &Value) -> String {
    let bound = |key: &str| form.get(key).and_then(Value::as_f64);
    if let Some(told) = form.get("duration").or_else(|| form.get("size")) {
        let word = |key: &str| told.get(key).and_then(Value::as_str).unwrap_or("");
        return format!("{} to {}", word("min"), word("max"));
    }
    for (least, most, unit) in [
        ("minimum", "maximum", ""),
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " entries"),
        ("minProperties", "maxProperties", " entries"),
    ] {
        match (bound(least), bound(most)) {
            (None, None) => {}
            // A lower bound of nothing says nothing.
            (Some(least), None) if least == 0.0 && unit.is_empty() => {}
            (Some(least), None) => return format!("at least {least}{unit}"),
            (least, Some(most)) if unit.is_empty() || least.is_some() => {
                return format!("{} to {most}{unit}", least.unwrap_or(0.0));
            }
            (_, Some(most)) => return format!("up to {most}{unit}"),
        }
    }
    String::new()
}

fn default(told: &Value, form: &Value) -> String {
    let found = told.get("default").or_else(|| form.get("default"));
    match found {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Object(map)) if map.is_empty() => String::new(),
        Some(Value::Array(list)) if list.is_empty() => String::new(),
        Some(other) => other.to_string(),
    }
}

fn meaning(told: &Value, form: &Value) -> String {
    let found = told.get("description").or_else(|| form.get("description"));
    let text = found.and_then(Value::as_str).unwrap_or("");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_is_rows() {
        let schema = json!({
            "properties": {
                "host": { "type": "string", "minLength": 1, "maxLength": 253, "description": "Where\nit is." },
                "port": { "type": ["integer", "null"], "minimum": 1, "maximum": 65535, "default": 502 },
                "way": { "oneOf": [ { "const": "tcp" }, { "const": "tls" } ], "default": "tcp" },
                "tls": { "anyOf": [ { "$ref": "#/$defs/Tls" }, { "type": "null" } ] },
                "gap": { "type": "string", "duration": { "min": "1ms", "max": "1h" } },
                "nodes": { "type": "array", "items": { "$ref": "#/$defs/Tls" }, "maxItems": 4 }
            },
            "required": ["host"],
            "$defs": { "Tls": { "type": "object", "description": "Whom to believe.",
                "properties": { "ca": { "type": "string" } } } }
        });
        let rows = option_rows(&schema);
        let told: Vec<String> = rows
            .iter()
            .map(|row| {
                let must = if row.required { "!" } else { "" };
                format!(
                    "{}{must}|{}|{}|{}|{}",
                    row.name, row.values, row.range, row.default, row.meaning
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                "host!|text|1 to 253 characters||Where it is.",
                "port|integer|1 to 65535|502|",
                "way|tcp, tls||tcp|",
                "tls|object|||Whom to believe.",
                "tls.ca|text|||",
                "gap|text|1ms to 1h||",
                "nodes|list|up to 4 entries||",
                "nodes[].ca|text|||",
            ]
        );
    }

    #[test]
    fn a_schema_that_names_itself_ends() {
        let schema = json!({
            "properties": { "a": { "$ref": "#/$defs/A" } },
            "$defs": { "A": { "properties": { "a": { "$ref": "#/$defs/A" } } } }
        });
        assert_eq!(option_rows(&schema).len(), DEPTH_MAX + 1);
    }
}
