//! Values as the texts that the route carries.
//!
//! | type | text |
//! |---|---|
//! | bool | `1`, `0`: the words of HSYCO's lights and contacts, which compare as numbers too |
//! | integers | decimal |
//! | f32, f64 | shortest decimal that reads back as the same number; `NaN`, `Infinity` |
//! | text | as it is |
//! | time | milliseconds since 1970, as HSYCO's own `time` datapoint has it |
//! | bytes | base64 |
//! | json, arrays | their JSON |

use std::fmt::{Display, LowerExp};

use mainstem_model::{Quality, Status, Value};
use mainstem_wire::write_value;

/// Numbers outside these are written with an exponent: nobody reads 300 digits.
const PLAIN_MIN: f64 = 1e-7;
const PLAIN_MAX: f64 = 1e21;

/// A value's text.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Bool(flag) => u8::from(*flag).to_string(),
        Value::Int(number) => number.to_string(),
        Value::UInt(number) => number.to_string(),
        Value::F32(number) => float(*number),
        Value::F64(number) => float(*number),
        Value::Text(text) | Value::Json(text) => text.to_string(),
        Value::Time(moment) => moment.millis().to_string(),
        Value::Bytes(_) | Value::Array(_) => json(value).trim_matches('"').to_owned(),
    }
}

fn float<F: Copy + Into<f64> + Display + LowerExp>(number: F) -> String {
    let wide: f64 = number.into();
    let size = wide.abs();
    if wide.is_nan() {
        "NaN".to_owned()
    } else if wide.is_infinite() {
        if wide > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else if size == 0.0 {
        "0".to_owned()
    } else if (PLAIN_MIN..PLAIN_MAX).contains(&size) {
        number.to_string()
    } else {
        format!("{number:e}")
    }
}

fn json(value: &Value) -> String {
    let mut out = Vec::new();
    write_value(value, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// The text of `<name>.quality`.
pub(super) fn quality(quality: Quality) -> &'static str {
    match quality.status {
        Status::Good => "good",
        Status::Uncertain => "uncertain",
        Status::Bad => "bad",
    }
}

#[cfg(test)]
mod tests {
    use mainstem_model::Timestamp;

    use super::*;

    #[test]
    fn every_type_has_its_text() {
        let cases = [
            (Value::Bool(true), "1"),
            (Value::Bool(false), "0"),
            (Value::Int(-7), "-7"),
            (Value::UInt(u64::MAX), "18446744073709551615"),
            (Value::F64(21.0), "21"),
            (Value::F64(0.1), "0.1"),
            (Value::F32(0.1), "0.1"),
            (Value::F64(-0.0), "0"),
            (Value::F64(1e300), "1e300"),
            (Value::F64(f64::NEG_INFINITY), "-Infinity"),
            (Value::F64(f64::NAN), "NaN"),
            (Value::text("50% \"x\" *"), "50% \"x\" *"),
            (
                Value::Time(Timestamp::from_millis(1_403_171_030_000)),
                "1403171030000",
            ),
            (Value::Bytes([1, 2, 255].into()), "AQL/"),
            (Value::Array([Value::Int(1), Value::Int(2)].into()), "[1,2]"),
            (Value::Array([Value::text("a")].into()), "[\"a\"]"),
        ];
        for (value, expected) in cases {
            assert_eq!(text(&value), expected, "{value:?}");
        }
    }
}
