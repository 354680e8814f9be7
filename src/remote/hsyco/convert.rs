//! Texts as values of a wanted type.

use mainstem_model::{Scalar, Value, ValueType};

/// The value of a text, if it is one of the type.
pub(super) fn convert(text: &str, value_type: ValueType) -> Option<Value> {
    let value = match value_type.scalar {
        _ if value_type.array => return None,
        Scalar::Text => Value::text(text),
        Scalar::Bool => Value::Bool(flag(text.trim())?),
        Scalar::I64 => Value::Int(text.trim().parse().ok()?),
        Scalar::F64 => Value::F64(number(text.trim())?),
        _ => return None,
    };
    value.check(value_type).is_ok().then_some(value)
}

fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "on" | "true" => Some(true),
        "0" | "off" | "false" => Some(false),
        _ => None,
    }
}

/// Rust would take `inf` and `nan` too; a device that says so has no number.
fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_what_is_wanted_or_nothing() {
        let cases = [
            ("on", Scalar::Bool, Some(Value::Bool(true))),
            (" 0 ", Scalar::Bool, Some(Value::Bool(false))),
            ("50%", Scalar::Bool, None),
            ("-7", Scalar::I64, Some(Value::Int(-7))),
            ("7.5", Scalar::I64, None),
            ("7.5", Scalar::F64, Some(Value::F64(7.5))),
            ("1e300", Scalar::F64, Some(Value::F64(1e300))),
            ("nan", Scalar::F64, None),
            ("", Scalar::F64, None),
            (" a ", Scalar::Text, Some(Value::text(" a "))),
            ("1", Scalar::U8, None),
        ];
        for (text, scalar, expected) in cases {
            assert_eq!(
                convert(text, scalar.into()),
                expected,
                "{text:?} {scalar:?}"
            );
        }
        let long = "x".repeat(mainstem_model::limits::VALUE_BYTES_MAX + 1);
        assert_eq!(convert(&long, Scalar::Text.into()), None);
    }
}
