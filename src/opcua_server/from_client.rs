//! What a client writes, as a value of the datapoint's type. The type has to be exactly that of
//! the node; the library itself would take a text for a number.

use mainstem_model::{Scalar, Timestamp, Value, ValueError, ValueType};
use opcua::types::{DateTime, StatusCode, Variant};

use crate::to_client::{TICKS_AT_1970, TICKS_PER_MICRO, built_in};

/// A value of a declared type, or why it is none.
pub(crate) fn value(found: &Variant, declared: ValueType) -> Result<Value, StatusCode> {
    let value = match (found, declared.array) {
        (Variant::Array(array), true) if array.value_type == built_in(declared.scalar) => {
            if array
                .dimensions
                .as_ref()
                .is_some_and(|dimensions| dimensions.len() > 1)
            {
                return Err(StatusCode::BadTypeMismatch);
            }
            let items = array.values.iter().map(|item| one(item, declared.scalar));
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        (Variant::Array(_), _) | (_, true) => return Err(StatusCode::BadTypeMismatch),
        (found, false) => one(found, declared.scalar)?,
    };
    value.check(declared).map_err(|error| match error {
        ValueError::Range { .. } | ValueError::TooLarge(_) => StatusCode::BadOutOfRange,
        ValueError::Type { .. } => StatusCode::BadTypeMismatch,
    })?;
    Ok(value)
}

fn one(found: &Variant, scalar: Scalar) -> Result<Value, StatusCode> {
    Ok(match (found, scalar) {
        (Variant::Boolean(truth), Scalar::Bool) => Value::Bool(*truth),
        (Variant::SByte(number), Scalar::I8) => Value::Int(i64::from(*number)),
        (Variant::Int16(number), Scalar::I16) => Value::Int(i64::from(*number)),
        (Variant::Int32(number), Scalar::I32) => Value::Int(i64::from(*number)),
        (Variant::Int64(number), Scalar::I64) => Value::Int(*number),
        (Variant::Byte(number), Scalar::U8) => Value::UInt(u64::from(*number)),
        (Variant::UInt16(number), Scalar::U16) => Value::UInt(u64::from(*number)),
        (Variant::UInt32(number), Scalar::U32) => Value::UInt(u64::from(*number)),
        (Variant::UInt64(number), Scalar::U64) => Value::UInt(*number),
        (Variant::Float(number), Scalar::F32) => Value::F32(*number),
        (Variant::Double(number), Scalar::F64) => Value::F64(*number),
        (Variant::String(text), Scalar::Text) => Value::text(text.as_ref()),
        (Variant::String(text), Scalar::Json) => {
            let parsed: Result<serde_json::Value, _> = serde_json::from_str(text.as_ref());
            let parsed = parsed.map_err(|_| StatusCode::BadTypeMismatch)?;
            Value::Json(parsed.to_string().into())
        }
        (Variant::ByteString(bytes), Scalar::Bytes) => Value::Bytes(bytes.as_ref().into()),
        (Variant::DateTime(moment), Scalar::Time) => Value::Time(time(**moment)?),
        _ => return Err(StatusCode::BadTypeMismatch),
    })
}

/// A moment in microseconds.
pub(crate) fn time(moment: DateTime) -> Result<Timestamp, StatusCode> {
    let ticks = moment.ticks();
    if !(0..=DateTime::endtimes_ticks()).contains(&ticks) {
        return Err(StatusCode::BadOutOfRange);
    }
    Ok(Timestamp::from_micros(
        (ticks - TICKS_AT_1970).div_euclid(TICKS_PER_MICRO),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::to_client::variant;

    #[test]
    fn what_is_told_can_be_written() {
        let values = [
            (Value::Bool(true), Scalar::Bool),
            (Value::Int(-128), Scalar::I8),
            (Value::Int(i64::MIN), Scalar::I64),
            (Value::UInt(65_535), Scalar::U16),
            (Value::F32(1.5), Scalar::F32),
            (Value::F64(f64::NAN), Scalar::F64),
            (Value::text("ä"), Scalar::Text),
            (Value::Bytes([0, 255].into()), Scalar::Bytes),
            (Value::Time(Timestamp::from_micros(1)), Scalar::Time),
            (Value::Json("{\"a\":1}".into()), Scalar::Json),
        ];
        for (written, scalar) in values {
            let told = variant(&written, scalar.into());
            assert_eq!(value(&told, scalar.into()), Ok(written));
        }
    }

    #[test]
    fn another_type_is_no_value() {
        let double = ValueType::from(Scalar::F64);
        for wrong in [
            Variant::from("5"),
            Variant::Int32(5),
            Variant::Float(5.0),
            Variant::Empty,
            Variant::Boolean(true),
            Variant::from(vec![1.0_f64]),
        ] {
            assert_eq!(
                value(&wrong, double),
                Err(StatusCode::BadTypeMismatch),
                "{wrong:?}"
            );
        }
        let json = value(&Variant::from("{"), Scalar::Json.into());
        assert_eq!(json, Err(StatusCode::BadTypeMismatch));
        let long = Variant::from("x".repeat(70_000));
        assert_eq!(
            value(&long, Scalar::Text.into()),
            Err(StatusCode::BadOutOfRange)
        );
    }
}
