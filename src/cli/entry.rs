//! A value as somebody types it, as the JSON of a datapoint's type.

use serde_json::Value;
use serde_json::value::RawValue;

/// The JSON of a typed value, or what was expected. The node checks it once more, and the limits.
pub(crate) fn parse(text: &str, value_type: &str) -> Result<Box<RawValue>, String> {
    let json = if value_type.ends_with("[]") || value_type == "json" {
        document(text, value_type)?
    } else {
        match value_type {
            "bool" => boolean(text)?.to_owned(),
            "f32" | "f64" => number(text)?,
            "text" | "bytes" | "time" => Value::from(text).to_string(),
            _ if is_integer(value_type) => integer(text, value_type)?,
            // A type of a newer node: what is JSON goes as it is, everything else as a text.
            _ => document(text, value_type).unwrap_or_else(|_| Value::from(text).to_string()),
        }
    };
    RawValue::from_string(json).map_err(|error| format!("{text:?} cannot be sent: {error}"))
}

fn is_integer(value_type: &str) -> bool {
    matches!(
        value_type,
        "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64"
    )
}

fn boolean(text: &str) -> Result<&'static str, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "on" | "1" | "yes" => Ok("true"),
        "false" | "off" | "0" | "no" => Ok("false"),
        _ => Err(format!(
            "{text:?} is no bool: use true or false, on or off, 1 or 0"
        )),
    }
}

fn number(text: &str) -> Result<String, String> {
    let text = text.trim();
    let special = ["NaN", "Infinity", "-Infinity"];
    if let Some(word) = special.iter().find(|word| word.eq_ignore_ascii_case(text)) {
        return Ok(Value::from(*word).to_string());
    }
    let found: f64 = text
        .parse()
        .map_err(|_| format!("{text:?} is no number: use a decimal point, as in 72.5"))?;
    if !found.is_finite() {
        return Err(format!("{text} is too large for a number"));
    }
    // What JSON knows goes digit by digit; `.5` and `+3` do not.
    match serde_json::from_str::<&RawValue>(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Ok(Value::from(found).to_string()),
    }
}

fn integer(text: &str, value_type: &str) -> Result<String, String> {
    let wrong = || format!("{text:?} is no whole number that fits into {value_type}");
    let text = text.trim();
    let number: i128 = match text.strip_prefix("0x") {
        Some(digits) => i128::from_str_radix(digits, 16).map_err(|_| wrong())?,
        None => text.parse().map_err(|_| wrong())?,
    };
    let bits: u32 = value_type[1..].parse().map_err(|_| wrong())?;
    let (low, high) = if value_type.starts_with('i') {
        (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1)
    } else {
        (0, (1_i128 << bits) - 1)
    };
    if (low..=high).contains(&number) {
        Ok(number.to_string())
    } else {
        Err(format!(
            "{number} does not fit into {value_type}: {low} to {high}"
        ))
    }
}

fn document(text: &str, value_type: &str) -> Result<String, String> {
    match serde_json::from_str::<&RawValue>(text.trim()) {
        Ok(raw) => Ok(raw.get().to_owned()),
        Err(error) => Err(format!(
            "{value_type} is written as JSON, and this is not: {error}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_becomes_json() {
        let cases = [
            ("72.5", "f64", "72.5"),
            ("+3", "f64", "3.0"),
            (".5", "f32", "0.5"),
            ("1e3", "f64", "1e3"),
            ("nan", "f64", "\"NaN\""),
            ("on", "bool", "true"),
            ("0", "bool", "false"),
            ("0x1F", "u16", "31"),
            ("-128", "i8", "-128"),
            ("18446744073709551615", "u64", "18446744073709551615"),
            ("12", "text", "\"12\""),
            ("a \"b\"", "text", "\"a \\\"b\\\"\""),
            ("2026-11-20T08:00:00Z", "time", "\"2026-11-20T08:00:00Z\""),
            ("[1, 2]", "u8[]", "[1, 2]"),
            ("{\"a\": 1}", "json", "{\"a\": 1}"),
            ("12", "complex", "12"),
            ("x", "complex", "\"x\""),
        ];
        for (text, value_type, json) in cases {
            let parsed = parse(text, value_type).unwrap();
            assert_eq!(parsed.get(), json, "{text} as {value_type}");
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let cases = [
            ("72,5", "f64", "decimal point"),
            ("1e999", "f64", "too large"),
            ("maybe", "bool", "true or false"),
            ("256", "u8", "0 to 255"),
            ("-129", "i8", "-128 to 127"),
            ("1.5", "i32", "whole number"),
            ("[1", "u8[]", "JSON"),
        ];
        for (text, value_type, expected) in cases {
            let error = parse(text, value_type).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
