//! The one table that fixes the JSON of every type.
//!
//! | type | JSON |
//! |---|---|
//! | bool | `true`, `false` |
//! | integers | number |
//! | f32, f64 | number in its shortest form; `"NaN"`, `"Infinity"`, `"-Infinity"` |
//! | text | string |
//! | bytes | string, base64 (RFC 4648 section 4) |
//! | time | string, RFC 3339 with microseconds |
//! | json | as it is |
//! | arrays | array of the above |

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mainstem_model::limits::{VALUE_BYTES_MAX, VALUE_DEPTH_MAX};
use mainstem_model::{Scalar, Value, ValueError, ValueType};
use serde_json::value::RawValue;

use crate::decimal::write_short;

/// Appends a value's JSON.
pub fn write_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::F64(number) => write_float(*number, out, |number, out| {
            if !write_short(number, out) {
                out.extend_from_slice(ryu::Buffer::new().format_finite(number).as_bytes());
            }
        }),
        Value::F32(number) => write_float(*number, out, |number, out| {
            out.extend_from_slice(ryu::Buffer::new().format_finite(number).as_bytes());
        }),
        Value::Bool(flag) => out.extend_from_slice(if *flag { b"true" } else { b"false" }),
        Value::Int(number) => out.extend_from_slice(itoa::Buffer::new().format(*number).as_bytes()),
        Value::UInt(number) => {
            out.extend_from_slice(itoa::Buffer::new().format(*number).as_bytes());
        }
        Value::Text(text) => write_text(text, out),
        Value::Json(text) => out.extend_from_slice(text.as_bytes()),
        Value::Bytes(bytes) => write_text(&STANDARD.encode(bytes), out),
        Value::Time(moment) => write_text(&moment.to_string(), out),
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_value(item, out);
            }
            out.push(b']');
        }
    }
}

fn write_float<F: Copy + Into<f64>>(
    number: F,
    out: &mut Vec<u8>,
    finite: impl Fn(F, &mut Vec<u8>),
) {
    let wide: f64 = number.into();
    if wide.is_finite() {
        finite(number, out);
    } else if wide.is_nan() {
        out.extend_from_slice(b"\"NaN\"");
    } else {
        let text: &[u8] = if wide > 0.0 {
            b"\"Infinity\""
        } else {
            b"\"-Infinity\""
        };
        out.extend_from_slice(text);
    }
}

/// Appends a JSON string.
pub(crate) fn write_text(text: &str, out: &mut Vec<u8>) {
    // A string always serializes, and a Vec takes every byte.
    drop(serde_json::to_writer(out, text));
}

/// A value as a JSON document, for answers that are built from documents.
pub fn to_json_value(value: &Value) -> serde_json::Value {
    let mut bytes = Vec::new();
    write_value(value, &mut bytes);
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// Reads the JSON of a declared type. `null` is no value and has to be handled before.
pub fn parse_value(raw: &RawValue, value_type: ValueType) -> Result<Value, ValueError> {
    let text = raw.get();
    // Escapes and base64 shrink when they are read, so twice the limit is enough to look at.
    if text.len() > 2 * VALUE_BYTES_MAX {
        return Err(ValueError::TooLarge(text.len()));
    }
    let value = if value_type.array {
        parse_array(text, value_type)?
    } else {
        parse_scalar(text, value_type)?
    };
    let bytes = value.heap_bytes();
    if bytes > VALUE_BYTES_MAX {
        return Err(ValueError::TooLarge(bytes));
    }
    Ok(value)
}

fn parse_array(text: &str, value_type: ValueType) -> Result<Value, ValueError> {
    let items: Vec<&RawValue> =
        serde_json::from_str(text).map_err(|_| mismatch(value_type, text))?;
    let scalar = ValueType::from(value_type.scalar);
    let parsed = items.iter().map(|item| parse_scalar(item.get(), scalar));
    Ok(Value::Array(parsed.collect::<Result<_, _>>()?))
}

fn parse_scalar(text: &str, value_type: ValueType) -> Result<Value, ValueError> {
    let wrong = || mismatch(value_type, text);
    match value_type.scalar {
        Scalar::F64 => parse_float(text).map(Value::F64).ok_or_else(wrong),
        Scalar::F32 => match text.as_bytes().first() {
            Some(b'"') =>
            {
                #[expect(clippy::cast_possible_truncation, reason = "NaN and infinities only")]
                parse_float(text)
                    .map(|wide| Value::F32(wide as f32))
                    .ok_or_else(wrong)
            }
            _ => parse_f32(text, value_type),
        },
        Scalar::Bool => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(wrong()),
        },
        Scalar::Text => unquote(text)
            .map(|text| Value::Text(text.into()))
            .ok_or_else(wrong),
        Scalar::Bytes => unquote(text)
            .and_then(|text| STANDARD.decode(text.as_bytes()).ok())
            .map(|bytes| Value::Bytes(bytes.into()))
            .ok_or_else(wrong),
        Scalar::Time => unquote(text)
            .and_then(|text| text.parse().ok())
            .map(Value::Time)
            .ok_or_else(wrong),
        Scalar::Json if json_depth(text.as_bytes()) <= VALUE_DEPTH_MAX => {
            Ok(Value::Json(text.into()))
        }
        Scalar::Json => Err(wrong()),
        _ => parse_integer(text, value_type),
    }
}

fn parse_integer(text: &str, value_type: ValueType) -> Result<Value, ValueError> {
    // Texts are taken too, since JavaScript cannot say 64-bit integers otherwise.
    let digits = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(text);
    match digits.parse::<i128>() {
        Ok(number) => Value::integer(number, value_type),
        // `5.0` and `5e0` are the integer 5; `5.5` is none.
        Err(_) => match digits.parse::<f64>() {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "checked to be whole and small"
            )]
            Ok(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
                Value::integer(number as i128, value_type)
            }
            _ => Err(mismatch(value_type, text)),
        },
    }
}

fn parse_float(text: &str) -> Option<f64> {
    if text.starts_with('"') {
        return match text {
            "\"NaN\"" => Some(f64::NAN),
            "\"Infinity\"" => Some(f64::INFINITY),
            "\"-Infinity\"" => Some(f64::NEG_INFINITY),
            _ => None,
        };
    }
    // The raw text is valid JSON, so what parses here is a number; 1e400 is none.
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn parse_f32(text: &str, value_type: ValueType) -> Result<Value, ValueError> {
    let number: f32 = text.parse().map_err(|_| mismatch(value_type, text))?;
    if number.is_finite() {
        return Ok(Value::F32(number));
    }
    Err(ValueError::Range {
        expected: value_type,
        found: shorten(text),
    })
}

fn unquote(text: &str) -> Option<std::borrow::Cow<'_, str>> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return Some(inner.into());
    }
    serde_json::from_str::<String>(text).ok().map(Into::into)
}

/// How deep brackets nest, those in texts left out.
pub fn json_depth(text: &[u8]) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn mismatch(expected: ValueType, text: &str) -> ValueError {
    ValueError::Type {
        expected,
        found: shorten(text),
    }
}

fn shorten(text: &str) -> String {
    let end = text.floor_char_boundary(40);
    if end < text.len() {
        format!("{}…", &text[..end])
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mainstem_model::Timestamp;

    fn json(value: &Value) -> String {
        let mut out = Vec::new();
        write_value(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn parse(text: &str, value_type: &str) -> Result<Value, ValueError> {
        let raw = RawValue::from_string(text.to_owned()).unwrap();
        parse_value(&raw, value_type.parse().unwrap())
    }

    #[test]
    fn every_type_comes_back() {
        let cases: [(&str, Value, &str); 16] = [
            ("bool", Value::Bool(true), "true"),
            ("i64", Value::Int(i64::MIN), "-9223372036854775808"),
            ("u64", Value::UInt(u64::MAX), "18446744073709551615"),
            ("u8", Value::UInt(255), "255"),
            ("f32", Value::F32(0.1), "0.1"),
            ("f64", Value::F64(21.53), "21.53"),
            ("f64", Value::F64(-0.0), "-0.0"),
            ("f64", Value::F64(f64::NAN), "\"NaN\""),
            ("f32", Value::F32(f32::NEG_INFINITY), "\"-Infinity\""),
            ("f64", Value::F64(5e-324), "5e-324"),
            ("text", Value::text("a\"b\u{1}ü"), "\"a\\\"b\\u0001ü\""),
            (
                "bytes",
                Value::Bytes([0, 255].as_slice().into()),
                "\"AP8=\"",
            ),
            (
                "time",
                Value::Time(Timestamp::from_micros(1)),
                "\"1970-01-01T00:00:00.000001Z\"",
            ),
            ("json", Value::Json("{\"a\":[1]}".into()), "{\"a\":[1]}"),
            (
                "i8[]",
                Value::Array([Value::Int(1), Value::Int(-1)].into()),
                "[1,-1]",
            ),
            ("text[]", Value::Array([].into()), "[]"),
        ];
        for (value_type, value, text) in cases {
            assert_eq!(json(&value), text);
            assert_eq!(parse(text, value_type), Ok(value), "{value_type} {text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let cases = [
            ("256", "u8"),
            ("-1", "u8"),
            ("1.5", "i32"),
            ("1e400", "f64"),
            ("1e39", "f32"),
            ("\"x\"", "f64"),
            ("1", "text"),
            ("\"?\"", "bytes"),
            ("[1]", "i32"),
            ("1", "i32[]"),
            ("{}", "bool"),
            ("99999999999999999999999999999999999999999", "i64"),
        ];
        for (text, value_type) in cases {
            assert!(parse(text, value_type).is_err(), "{text} as {value_type}");
        }
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse(&deep(32), "json").is_ok());
        assert!(parse(&deep(33), "json").is_err());
        assert!(parse(&format!("\"{}\"", "x".repeat(65_536)), "text").is_ok());
        assert!(parse(&format!("\"{}\"", "x".repeat(65_537)), "text").is_err());
    }

    #[test]
    fn whole_floats_are_integers() {
        assert_eq!(parse("5.0", "i32"), Ok(Value::Int(5)));
        assert_eq!(
            parse("\"18446744073709551615\"", "u64"),
            Ok(Value::UInt(u64::MAX))
        );
        assert_eq!(parse("5", "f64"), Ok(Value::F64(5.0)));
    }
}
