//! Values of the node as OPC UA has them.

use mainstem_model::{Definition, Quality, Scalar, Status, Timestamp, Value, ValueType};
use mainstem_store::PointView;
use opcua::types::{
    Array, ByteString, DataTypeId, DataValue, DateTime, StatusCode, UAString, Variant,
    VariantScalarTypeId,
};

/// 1970 in OPC UA's count: intervals of 100 ns since 1601.
pub(crate) const TICKS_AT_1970: i64 = 116_444_736_000_000_000;
/// OPC UA's count per microsecond.
pub(crate) const TICKS_PER_MICRO: i64 = 10;

/// A datapoint as it is now. What is bad has no value: nobody is to take it for one.
pub(crate) fn data_value(view: &PointView) -> DataValue {
    let status = status(view.quality);
    let has_time = view.source_time.micros() != 0;
    DataValue {
        value: usable(view).map(|value| variant(value, view.definition.value_type)),
        status: Some(status),
        source_timestamp: has_time.then(|| moment(view.source_time)),
        server_timestamp: Some(DateTime::now()),
        ..DataValue::default()
    }
}

fn usable(view: &PointView) -> Option<&Value> {
    let is_bad = view.quality.status == Status::Bad;
    view.value.as_ref().filter(|_| !is_bad)
}

/// A quality; each reason has its status.
pub(crate) fn status(quality: Quality) -> StatusCode {
    if quality.reason.status() == quality.status {
        return StatusCode::from(quality.reason.opcua_status());
    }
    // A reason that is told with another grade than its own.
    match quality.status {
        Status::Good => StatusCode::Good,
        Status::Uncertain => StatusCode::Uncertain,
        Status::Bad => StatusCode::Bad,
    }
}

/// A moment. OPC UA has none before 1601.
pub(crate) fn moment(time: Timestamp) -> DateTime {
    let ticks = time.micros().saturating_mul(TICKS_PER_MICRO);
    DateTime::from(ticks.saturating_add(TICKS_AT_1970).max(0))
}

/// The built-in type of a scalar.
pub(crate) fn built_in(scalar: Scalar) -> VariantScalarTypeId {
    match scalar {
        Scalar::Bool => VariantScalarTypeId::Boolean,
        Scalar::I8 => VariantScalarTypeId::SByte,
        Scalar::I16 => VariantScalarTypeId::Int16,
        Scalar::I32 => VariantScalarTypeId::Int32,
        Scalar::I64 => VariantScalarTypeId::Int64,
        Scalar::U8 => VariantScalarTypeId::Byte,
        Scalar::U16 => VariantScalarTypeId::UInt16,
        Scalar::U32 => VariantScalarTypeId::UInt32,
        Scalar::U64 => VariantScalarTypeId::UInt64,
        Scalar::F32 => VariantScalarTypeId::Float,
        Scalar::F64 => VariantScalarTypeId::Double,
        Scalar::Text | Scalar::Json => VariantScalarTypeId::String,
        Scalar::Bytes => VariantScalarTypeId::ByteString,
        Scalar::Time => VariantScalarTypeId::DateTime,
    }
}

/// The node id of a type.
pub(crate) fn data_type(definition: &Definition) -> DataTypeId {
    match definition.value_type.scalar {
        Scalar::Bool => DataTypeId::Boolean,
        Scalar::I8 => DataTypeId::SByte,
        Scalar::I16 => DataTypeId::Int16,
        Scalar::I32 => DataTypeId::Int32,
        Scalar::I64 => DataTypeId::Int64,
        Scalar::U8 => DataTypeId::Byte,
        Scalar::U16 => DataTypeId::UInt16,
        Scalar::U32 => DataTypeId::UInt32,
        Scalar::U64 => DataTypeId::UInt64,
        Scalar::F32 => DataTypeId::Float,
        Scalar::F64 => DataTypeId::Double,
        Scalar::Text | Scalar::Json => DataTypeId::String,
        Scalar::Bytes => DataTypeId::ByteString,
        Scalar::Time => DataTypeId::DateTime,
    }
}

/// A value of a declared type.
pub(crate) fn variant(value: &Value, value_type: ValueType) -> Variant {
    match value {
        Value::Array(items) => {
            let scalar = |item| one(item, value_type.scalar);
            let items: Vec<_> = items.iter().map(scalar).collect();
            let array = Array::new(built_in(value_type.scalar), items);
            array.map_or(Variant::Empty, |array| Variant::Array(Box::new(array)))
        }
        value => one(value, value_type.scalar),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "values are checked against their type before they are stored"
)]
fn one(value: &Value, scalar: Scalar) -> Variant {
    match (value, scalar) {
        (Value::Bool(truth), _) => Variant::Boolean(*truth),
        (Value::Int(number), Scalar::I8) => Variant::SByte(*number as i8),
        (Value::Int(number), Scalar::I16) => Variant::Int16(*number as i16),
        (Value::Int(number), Scalar::I32) => Variant::Int32(*number as i32),
        (Value::Int(number), _) => Variant::Int64(*number),
        (Value::UInt(number), Scalar::U8) => Variant::Byte(*number as u8),
        (Value::UInt(number), Scalar::U16) => Variant::UInt16(*number as u16),
        (Value::UInt(number), Scalar::U32) => Variant::UInt32(*number as u32),
        (Value::UInt(number), _) => Variant::UInt64(*number),
        (Value::F32(number), _) => Variant::Float(*number),
        (Value::F64(number), _) => Variant::Double(*number),
        (Value::Text(text) | Value::Json(text), _) => {
            Variant::String(UAString::from(text.as_ref()))
        }
        (Value::Bytes(bytes), _) => Variant::ByteString(ByteString::from(bytes.to_vec())),
        (Value::Time(time), _) => Variant::DateTime(Box::new(moment(*time))),
        (Value::Array(_), _) => Variant::Empty,
    }
}

#[cfg(test)]
mod tests {
    use mainstem_model::Reason;

    use super::*;

    #[test]
    fn every_quality_has_a_status_of_its_grade() {
        for &reason in Reason::ALL {
            for grade in [Status::Good, Status::Uncertain, Status::Bad] {
                let told = status(Quality {
                    status: grade,
                    reason,
                });
                let is = (told.is_good(), told.is_uncertain(), told.is_bad());
                let wanted = match grade {
                    Status::Good => (true, false, false),
                    Status::Uncertain => (false, true, false),
                    Status::Bad => (false, false, true),
                };
                assert_eq!(is, wanted, "{reason:?} as {grade:?}: {told}");
            }
        }
        let down = status(Quality::of(Reason::LinkDown));
        assert_eq!(down, StatusCode::BadNoCommunication);
    }

    #[test]
    fn values_keep_their_types() {
        let small = variant(&Value::Int(-5), Scalar::I16.into());
        assert_eq!(small, Variant::Int16(-5));
        let large = variant(&Value::UInt(u64::MAX), Scalar::U64.into());
        assert_eq!(large, Variant::UInt64(u64::MAX));
        let array = ValueType {
            scalar: Scalar::U8,
            array: true,
        };
        let Variant::Array(items) = variant(&Value::Array([Value::UInt(7)].into()), array) else {
            panic!("no array");
        };
        assert_eq!(items.values, [Variant::Byte(7)]);
        assert_eq!(moment(Timestamp::from_micros(i64::MIN)).ticks(), 0);
    }
}
