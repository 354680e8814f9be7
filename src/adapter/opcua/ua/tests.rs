//! Conversions in both directions, as tables.

use mainstem_model::{Scalar, Timestamp, Value, ValueType};
use opcua::types::{
    Array, ByteString, DataTypeId, DataValue, DateTime, Guid, LocalizedText, NodeId, StatusCode,
    Variant, VariantScalarTypeId as Type,
};

use super::from_device::{Mismatch, value};
use super::to_device::{NodeType, variant};

fn declared(text: &str) -> ValueType {
    text.parse().unwrap()
}

fn one(scalar: Type) -> NodeType {
    NodeType {
        scalar,
        array: false,
    }
}

#[test]
fn what_loses_nothing_is_converted() {
    for (found, wanted, expected) in [
        (Variant::Boolean(true), "bool", Value::Bool(true)),
        (Variant::SByte(-128), "i8", Value::Int(-128)),
        (Variant::SByte(-1), "i64", Value::Int(-1)),
        (Variant::Byte(255), "u8", Value::UInt(255)),
        (Variant::Byte(255), "i16", Value::Int(255)),
        (Variant::Int32(-5), "i64", Value::Int(-5)),
        (Variant::Int32(5), "u16", Value::UInt(5)),
        (Variant::Int64(i64::MIN), "i64", Value::Int(i64::MIN)),
        (Variant::UInt64(u64::MAX), "u64", Value::UInt(u64::MAX)),
        (Variant::Float(0.1), "f32", Value::F32(0.1)),
        (Variant::Float(0.5), "f64", Value::F64(0.5)),
        (
            Variant::Float(f32::NAN),
            "f64",
            Value::F64(f64::from(f32::NAN)),
        ),
        (
            Variant::Double(f64::NEG_INFINITY),
            "f64",
            Value::F64(f64::NEG_INFINITY),
        ),
        (Variant::Double(-0.0), "f64", Value::F64(-0.0)),
        (Variant::Double(5e-324), "f64", Value::F64(5e-324)),
        (
            Variant::Int64(1 << 53),
            "f64",
            Value::F64(9_007_199_254_740_992.0),
        ),
        (Variant::UInt16(65_535), "f32", Value::F32(65_535.0)),
    ] {
        assert_eq!(
            value(&found, declared(wanted)),
            Ok(expected),
            "{found:?} as {wanted}"
        );
    }
}

#[test]
fn texts_bytes_and_arrays_are_converted() {
    let guid = "09087e75-8e5e-499b-954f-f2a9603db28a";
    for (found, wanted, expected) in [
        (
            Variant::StatusCode(StatusCode::Bad),
            "u32",
            Value::UInt(0x8000_0000),
        ),
        (Variant::String("Öl".into()), "text", Value::text("Öl")),
        (
            Variant::String(opcua::types::UAString::null()),
            "text",
            Value::text(""),
        ),
        (
            Variant::from(LocalizedText::new("en", "on")),
            "text",
            Value::text("on"),
        ),
        (
            Variant::from(guid.parse::<Guid>().unwrap()),
            "text",
            Value::text(guid),
        ),
        (
            Variant::ByteString(vec![0, 255].into()),
            "bytes",
            Value::Bytes([0, 255].into()),
        ),
        (
            Variant::from(vec![1u8, 2]),
            "bytes",
            Value::Bytes([1, 2].into()),
        ),
        (
            Variant::ByteString(vec![7].into()),
            "u8[]",
            Value::Array([Value::UInt(7)].into()),
        ),
        (
            Variant::from(vec![1i32, -2]),
            "f64[]",
            Value::Array([Value::F64(1.0), Value::F64(-2.0)].into()),
        ),
        (
            Variant::from(Vec::<i32>::new()),
            "i32[]",
            Value::Array([].into()),
        ),
    ] {
        assert_eq!(
            value(&found, declared(wanted)),
            Ok(expected),
            "{found:?} as {wanted}"
        );
    }
}

#[test]
fn what_would_lose_something_is_a_bad_type() {
    let matrix = Array::new_multi(Type::Int32, vec![Variant::Int32(1); 4], vec![2, 2]).unwrap();
    let long = "x".repeat(64 * 1024 + 1);
    for (found, wanted, code) in [
        (Variant::Empty, "f64", "bad_type_null"),
        (Variant::Double(1.0), "f32", "bad_type_Double"),
        (Variant::Double(1.0), "i32", "bad_type_Double"),
        (Variant::Int16(-1), "u16", "bad_type_Int16"),
        (Variant::Int32(40_000), "i16", "bad_type_Int32"),
        (Variant::Int64((1 << 53) + 1), "f64", "bad_type_Int64"),
        (Variant::UInt64(u64::MAX), "i64", "bad_type_UInt64"),
        (Variant::UInt64(u64::MAX), "f64", "bad_type_UInt64"),
        (Variant::Int32(1), "bool", "bad_type_Int32"),
        (Variant::Boolean(true), "u8", "bad_type_Boolean"),
        (Variant::String("1".into()), "f64", "bad_type_String"),
        (Variant::String(long.into()), "text", "bad_type_too_large"),
        (Variant::from(vec![1i32]), "i32", "bad_type_array"),
        (Variant::from(vec![1.5f64]), "i32[]", "bad_type_array"),
        (Variant::Int32(1), "i32[]", "bad_type_Int32"),
        (Variant::Array(Box::new(matrix)), "i32[]", "bad_type_matrix"),
    ] {
        assert_eq!(
            value(&found, declared(wanted)),
            Err(Mismatch(code)),
            "{wanted}"
        );
    }
}

#[test]
fn moments_keep_their_microseconds_and_their_limits() {
    let time = |ticks: i64| match value(&DateTime::from(ticks).into(), declared("time")) {
        Ok(Value::Time(moment)) => moment.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(time(0), "1601-01-01T00:00:00.000000Z");
    assert_eq!(time(116_444_736_000_000_000), "1970-01-01T00:00:00.000000Z");
    assert_eq!(time(116_444_736_000_000_019), "1970-01-01T00:00:00.000001Z");
    // The calendar of the text ends a day earlier.
    assert_eq!(time(i64::MAX), "253402300799000000us");
    // What no calendar has must not stop anything.
    for ticks in [i64::MIN, -1, i64::MAX - 1] {
        assert!(!time(ticks).is_empty());
    }
    for text in [
        "1601-01-01T00:00:00Z",
        "2026-11-20T08:15:30.123456Z",
        "253402300798000000us",
    ] {
        let moment = Value::Time(text.parse().unwrap());
        let there = variant(&moment, one(Type::DateTime)).unwrap();
        assert_eq!(value(&there, declared("time")), Ok(moment));
    }
    let before = Value::Time(Timestamp::from_micros(i64::MIN));
    assert_eq!(
        variant(&before, one(Type::DateTime)),
        Ok(DateTime::from(0i64).into())
    );
}

#[test]
fn writes_take_the_type_of_the_node() {
    for (given, node, expected) in [
        (Value::Bool(true), Type::Boolean, Variant::Boolean(true)),
        (Value::Int(-128), Type::SByte, Variant::SByte(-128)),
        (Value::UInt(255), Type::Byte, Variant::Byte(255)),
        (Value::UInt(7), Type::Int64, Variant::Int64(7)),
        (
            Value::UInt(u64::MAX),
            Type::UInt64,
            Variant::UInt64(u64::MAX),
        ),
        (Value::Int(i64::MIN), Type::Int64, Variant::Int64(i64::MIN)),
        (
            Value::F64(215.000_000_000_000_03),
            Type::Int16,
            Variant::Int16(215),
        ),
        (Value::F64(-0.0), Type::Int16, Variant::Int16(0)),
        (Value::F64(0.1), Type::Float, Variant::Float(0.1)),
        (Value::F32(0.1), Type::Float, Variant::Float(0.1)),
        (
            Value::F64(f64::INFINITY),
            Type::Float,
            Variant::Float(f32::INFINITY),
        ),
        (Value::Int(3), Type::Double, Variant::Double(3.0)),
        (Value::text("x"), Type::String, Variant::String("x".into())),
        (
            Value::Bytes([1].into()),
            Type::ByteString,
            Variant::ByteString(vec![1].into()),
        ),
        (Value::Int(3), Type::Variant, Variant::Int64(3)),
    ] {
        assert_eq!(
            variant(&given, one(node)),
            Ok(expected),
            "{given:?} to {node}"
        );
    }
    let array = NodeType {
        scalar: Type::Int16,
        array: true,
    };
    let given = Value::Array([Value::Int(1), Value::UInt(2)].into());
    assert_eq!(variant(&given, array), Ok(Variant::from(vec![1i16, 2])));
    let bytes = NodeType {
        scalar: Type::Byte,
        array: true,
    };
    assert_eq!(
        variant(&Value::Bytes([3].into()), bytes),
        Ok(Variant::from(vec![3u8]))
    );
}

#[test]
fn writes_that_the_node_cannot_hold_are_refused() {
    for (given, node) in [
        (Value::Int(128), Type::SByte),
        (Value::Int(-1), Type::UInt64),
        (Value::F64(1.5), Type::Int32),
        (Value::F64(f64::NAN), Type::Int32),
        (Value::F64(1e300), Type::Int64),
        (Value::F64(1e300), Type::Float),
        (Value::Int((1 << 53) + 1), Type::Double),
        (Value::Bool(true), Type::Int32),
        (Value::Int(1), Type::Boolean),
        (Value::text("1"), Type::Double),
        (Value::Int(1), Type::String),
        (Value::text("no guid"), Type::Guid),
        (Value::Array([Value::Int(1)].into()), Type::Int32),
        (Value::Int(1), Type::ExtensionObject),
    ] {
        assert!(variant(&given, one(node)).is_err(), "{given:?} to {node}");
    }
    assert!(
        variant(
            &Value::Int(1),
            NodeType {
                scalar: Type::Int32,
                array: true
            }
        )
        .is_err()
    );
}

#[test]
fn a_node_tells_its_type_by_declaration_or_by_value() {
    let id = |node: NodeId| DataValue::from(Variant::from(node));
    let rank = |rank: i32| DataValue::from(Variant::Int32(rank));
    let none = DataValue::null();
    let custom = NodeId::new(2, "Colours");
    for (data_type, value_rank, current, expected) in [
        (
            DataTypeId::SByte.into(),
            -1,
            none.clone(),
            Some(one(Type::SByte)),
        ),
        (
            DataTypeId::Double.into(),
            -1,
            Variant::Double(1.0).into(),
            Some(one(Type::Double)),
        ),
        (
            DataTypeId::Duration.into(),
            -1,
            none.clone(),
            Some(one(Type::Double)),
        ),
        (
            DataTypeId::UtcTime.into(),
            -1,
            none.clone(),
            Some(one(Type::DateTime)),
        ),
        (
            DataTypeId::Number.into(),
            -2,
            Variant::UInt16(1).into(),
            Some(one(Type::UInt16)),
        ),
        (
            custom.clone(),
            -1,
            Variant::Int32(2).into(),
            Some(one(Type::Int32)),
        ),
        (custom, -1, none.clone(), None),
        (
            DataTypeId::Float.into(),
            1,
            none.clone(),
            Some(NodeType {
                scalar: Type::Float,
                array: true,
            }),
        ),
        (
            DataTypeId::Int32.into(),
            -2,
            Variant::from(vec![1i32]).into(),
            Some(NodeType {
                scalar: Type::Int32,
                array: true,
            }),
        ),
    ] {
        let found: Option<NodeType> = NodeType::learn(&id(data_type), &rank(value_rank), &current);
        assert_eq!(found, expected);
    }
    let unreadable = DataValue::new_now_status(Variant::Empty, StatusCode::BadNotReadable);
    assert_eq!(NodeType::learn(&none, &none, &unreadable), None);
    assert_eq!(declared("u8"), Scalar::U8.into());
    assert!(ByteString::null().as_ref().is_empty());
}
