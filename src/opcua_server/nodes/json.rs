//! Values of OPC UA in the JSON of the bus. Integers of 64 bits are texts: many programs would
//! round them.

use mainstem_model::Timestamp;
use opcua::types::{
    Array, ByteString, DateTime, Guid, LocalizedText, UAString, Variant,
    VariantScalarTypeId as Type,
};
use serde_json::{Number, Value, json};

use crate::{from_client, to_client};

/// Items of an array in a message.
const ITEMS_MAX: usize = crate::limits::ARRAY_ITEMS_MAX;

/// A value as it is told.
pub(super) fn told(value: &Variant) -> Option<Value> {
    Some(match value {
        Variant::Empty => Value::Null,
        Variant::Boolean(truth) => json!(truth),
        Variant::SByte(number) => json!(number),
        Variant::Byte(number) => json!(number),
        Variant::Int16(number) => json!(number),
        Variant::UInt16(number) => json!(number),
        Variant::Int32(number) => json!(number),
        Variant::UInt32(number) => json!(number),
        Variant::Int64(number) => json!(number.to_string()),
        Variant::UInt64(number) => json!(number.to_string()),
        Variant::Float(number) => float(f64::from(*number)),
        Variant::Double(number) => float(*number),
        Variant::String(text) => json!(text.as_ref()),
        Variant::LocalizedText(text) => json!(text.text.as_ref()),
        Variant::Guid(guid) => json!(guid.to_string()),
        Variant::DateTime(moment) => json!(from_client::time(**moment).ok()?.to_string()),
        Variant::ByteString(bytes) => json!(bytes.as_base64()),
        Variant::Array(array) => {
            Value::Array(array.values.iter().map(told).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

fn float(number: f64) -> Value {
    // What JSON has no number for stands as a text.
    Number::from_f64(number).map_or_else(|| json!(number.to_string()), Value::Number)
}

/// A value of a type from the JSON of a message; nothing if it is none.
pub(super) fn read(value: &Value, scalar: Type, is_array: bool) -> Option<Variant> {
    if !is_array {
        return one(value, scalar);
    }
    let items = value.as_array().filter(|items| items.len() <= ITEMS_MAX)?;
    let items: Option<Vec<Variant>> = items.iter().map(|item| one(item, scalar)).collect();
    Some(Variant::Array(Box::new(Array::new(scalar, items?).ok()?)))
}

fn one(value: &Value, scalar: Type) -> Option<Variant> {
    Some(match scalar {
        Type::Boolean => Variant::Boolean(value.as_bool()?),
        Type::SByte => Variant::SByte(integer(value)?.try_into().ok()?),
        Type::Byte => Variant::Byte(integer(value)?.try_into().ok()?),
        Type::Int16 => Variant::Int16(integer(value)?.try_into().ok()?),
        Type::UInt16 => Variant::UInt16(integer(value)?.try_into().ok()?),
        Type::Int32 => Variant::Int32(integer(value)?.try_into().ok()?),
        Type::UInt32 => Variant::UInt32(integer(value)?.try_into().ok()?),
        Type::Int64 => Variant::Int64(integer(value)?.try_into().ok()?),
        Type::UInt64 => Variant::UInt64(integer(value)?.try_into().ok()?),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the nearest float is wanted"
        )]
        Type::Float => Variant::Float(double(value)? as f32),
        Type::Double => Variant::Double(double(value)?),
        Type::String => Variant::String(UAString::from(value.as_str()?)),
        Type::LocalizedText => {
            Variant::LocalizedText(Box::new(LocalizedText::new("", value.as_str()?)))
        }
        Type::Guid => Variant::Guid(Box::new(value.as_str()?.parse::<Guid>().ok()?)),
        Type::DateTime => Variant::DateTime(Box::new(moment(value)?)),
        Type::ByteString => Variant::ByteString(ByteString::from_base64(value.as_str()?)?),
        _ => return None,
    })
}

/// A number, or a text with one.
fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::String(text) => text.parse().ok(),
        _ => value
            .as_i64()
            .map(i128::from)
            .or_else(|| value.as_u64().map(i128::from)),
    }
}

fn double(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => text.parse().ok(),
        _ => value.as_f64(),
    }
}

/// A moment as a text, or in milliseconds.
fn moment(value: &Value) -> Option<DateTime> {
    let time = match value {
        Value::String(text) => text.parse().ok()?,
        _ => Timestamp::from_millis(value.as_i64()?),
    };
    Some(to_client::moment(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_in_their_types() {
        let values = [
            (Variant::Boolean(true), Type::Boolean),
            (Variant::SByte(-1), Type::SByte),
            (Variant::Int64(i64::MIN), Type::Int64),
            (Variant::UInt64(u64::MAX), Type::UInt64),
            (Variant::Double(0.1), Type::Double),
            (Variant::Double(f64::INFINITY), Type::Double),
            (Variant::from("ä"), Type::String),
            (
                Variant::ByteString(ByteString::from(vec![0, 255])),
                Type::ByteString,
            ),
        ];
        for (value, scalar) in values {
            let json = told(&value).unwrap();
            assert_eq!(read(&json, scalar, false), Some(value), "{json}");
        }
        let array = Variant::from(vec![1_i32, 2]);
        assert_eq!(read(&told(&array).unwrap(), Type::Int32, true), Some(array));
        assert_eq!(told(&Variant::Int64(7)), Some(json!("7")));
    }

    #[test]
    fn what_does_not_fit_is_no_value() {
        for (value, scalar) in [
            (json!(300), Type::Byte),
            (json!(-1), Type::UInt32),
            (json!(1.5), Type::Int32),
            (json!("x"), Type::Double),
            (json!(1), Type::Boolean),
            (json!({"a": 1}), Type::String),
            (json!(null), Type::Int32),
        ] {
            assert_eq!(read(&value, scalar, false), None, "{value} as {scalar:?}");
        }
    }
}
