//! Values between JSON and datapoints.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mainstem_model::{Scalar, Timestamp, Value, ValueType};
use serde_json::Value as Json;

/// A value that the program said, for a datapoint of a type; `None` where it cannot be one. Numbers
/// are left as they are: the runner scales and converts them.
pub(crate) fn from_json(said: Json, value_type: ValueType) -> Option<Value> {
    if value_type.array {
        let Json::Array(items) = said else {
            return None;
        };
        let items = items
            .into_iter()
            .map(|item| scalar(item, value_type.scalar));
        return Some(Value::Array(items.collect::<Option<_>>()?));
    }
    scalar(said, value_type.scalar)
}

fn scalar(said: Json, wanted: Scalar) -> Option<Value> {
    Some(match (wanted, said) {
        (Scalar::Json, said) => Value::Json(said.to_string().into()),
        (Scalar::Bytes, Json::String(text)) => Value::Bytes(STANDARD.decode(text).ok()?.into()),
        (Scalar::Time, Json::String(text)) => Value::Time(text.parse().ok()?),
        (Scalar::Time, Json::Number(micros)) => {
            Value::Time(Timestamp::from_micros(micros.as_i64()?))
        }
        (_, Json::Bool(flag)) => Value::Bool(flag),
        (_, Json::String(text)) => Value::text(&text),
        (_, Json::Number(number)) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Value::Int(number),
            (None, Some(number)) => Value::UInt(number),
            (None, None) => Value::F64(number.as_f64()?),
        },
        _ => return None,
    })
}

/// A value for the program. A number that JSON cannot say (NaN, infinity) is null.
pub(crate) fn to_json(value: &Value) -> Json {
    match value {
        Value::Bool(flag) => (*flag).into(),
        Value::Int(number) => (*number).into(),
        Value::UInt(number) => (*number).into(),
        Value::F32(number) => f64::from(*number).into(),
        Value::F64(number) => (*number).into(),
        Value::Text(text) => (**text).into(),
        Value::Bytes(bytes) => STANDARD.encode(bytes).into(),
        Value::Time(time) => time.micros().into(),
        // What is no JSON is said as the text that it is.
        Value::Json(text) => serde_json::from_str(text).unwrap_or_else(|_| (**text).into()),
        Value::Array(items) => items.iter().map(to_json).collect(),
    }
}

#[cfg(test)]
mod tests {
    use mainstem_model::{Scalar, Value, ValueType};
    use serde_json::json;

    use super::{from_json, to_json};

    #[test]
    fn values_come_back() {
        let array = ValueType {
            scalar: Scalar::I32,
            array: true,
        };
        for (said, value_type, value) in [
            (json!(true), Scalar::Bool.into(), Value::Bool(true)),
            (json!(-5), Scalar::I64.into(), Value::Int(-5)),
            (json!(u64::MAX), Scalar::U64.into(), Value::UInt(u64::MAX)),
            (json!(0.5), Scalar::F64.into(), Value::F64(0.5)),
            (json!("a"), Scalar::Text.into(), Value::text("a")),
            (
                json!("AQI="),
                Scalar::Bytes.into(),
                Value::Bytes([1, 2].into()),
            ),
            (
                json!({"a":1}),
                Scalar::Json.into(),
                Value::Json(r#"{"a":1}"#.into()),
            ),
            (
                json!([1, 2]),
                array,
                Value::Array([Value::Int(1), Value::Int(2)].into()),
            ),
        ] {
            assert_eq!(
                from_json(said.clone(), value_type),
                Some(value.clone()),
                "{said}"
            );
            assert_eq!(to_json(&value), said);
        }
    }

    #[test]
    fn what_cannot_be_the_value_is_none() {
        for (said, value_type) in [
            (json!(null), Scalar::F64),
            (json!({}), Scalar::F64),
            (json!("#"), Scalar::Bytes),
            (json!("yesterday"), Scalar::Time),
            (json!([1]), Scalar::F64),
        ] {
            assert_eq!(from_json(said, value_type.into()), None);
        }
    }
}
