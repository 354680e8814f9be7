//! Every pair that may meet, and the edges of each range.

use super::*;

const TENTH: Option<Scaling> = Some(Scaling {
    factor: 0.1,
    offset: -40.0,
});

fn scaled(raw: Value, scalar: Scalar) -> Option<Value> {
    from_device(raw, TENTH, scalar.into()).ok()
}

fn plain(raw: Value, scalar: Scalar) -> Option<Value> {
    from_device(raw, None, scalar.into()).ok()
}

#[test]
fn scaling_rounds_for_integer_types() {
    assert_eq!(scaled(Value::UInt(655), Scalar::I16), Some(Value::Int(26)));
    assert_eq!(scaled(Value::Int(0), Scalar::F32), Some(Value::F32(-40.0)));
    assert_eq!(scaled(Value::UInt(0), Scalar::U16), None, "-40 is no u16");
    assert_eq!(scaled(Value::F64(f64::NAN), Scalar::I16), None);
    assert_eq!(scaled(Value::Bool(true), Scalar::F64), None);
    assert_eq!(scaled(Value::text("1"), Scalar::F64), None);
}

#[test]
fn numbers_convert_within_their_range() {
    assert_eq!(plain(Value::UInt(7), Scalar::I8), Some(Value::Int(7)));
    assert_eq!(plain(Value::UInt(128), Scalar::I8), None);
    assert_eq!(plain(Value::Int(-1), Scalar::U64), None);
    assert_eq!(plain(Value::F32(1.5), Scalar::F64), Some(Value::F64(1.5)));
    assert_eq!(plain(Value::F64(1e39), Scalar::F32), None);
    assert_eq!(plain(Value::F64(2.5), Scalar::U8), Some(Value::UInt(3)));
    assert_eq!(plain(Value::F64(-2.5), Scalar::I8), Some(Value::Int(-3)));
    assert_eq!(plain(Value::F64(1e300), Scalar::U64), None);
    // Beyond 2^53 an integer must not take the way through a float.
    assert_eq!(
        plain(Value::UInt(u64::MAX), Scalar::U64),
        Some(Value::UInt(u64::MAX))
    );
    assert_eq!(
        plain(Value::Int(i64::MAX), Scalar::U64),
        Some(Value::UInt(i64::MAX as u64))
    );
}

#[test]
fn booleans_are_zero_and_one_only() {
    assert_eq!(plain(Value::UInt(1), Scalar::Bool), Some(Value::Bool(true)));
    assert_eq!(plain(Value::UInt(2), Scalar::Bool), None);
    assert_eq!(plain(Value::Bool(true), Scalar::U16), Some(Value::UInt(1)));
    assert_eq!(plain(Value::text("x"), Scalar::Bool), None);
}

#[test]
fn arrays_go_by_element() {
    let wanted = ValueType {
        scalar: Scalar::I16,
        array: true,
    };
    let raw = Value::Array([Value::UInt(400), Value::UInt(410)].into());
    let expected = Value::Array([Value::Int(0), Value::Int(1)].into());
    assert_eq!(from_device(raw.clone(), TENTH, wanted), Ok(expected));
    assert!(from_device(raw.clone(), TENTH, Scalar::I16.into()).is_err());
    assert!(from_device(Value::UInt(1), TENTH, wanted).is_err());
    assert!(convert(raw, Scalar::I16.into()).is_err());
    let mixed = Value::Array([Value::Int(1), Value::text("x")].into());
    assert!(convert(mixed, wanted).is_err());
}

#[test]
fn writes_go_back_to_raw() {
    assert_eq!(to_device(Value::F64(25.5), TENTH), Ok(Value::F64(655.0)));
    assert_eq!(to_device(Value::Int(26), None), Ok(Value::Int(26)));
    assert!(to_device(Value::text("x"), TENTH).is_err());
}

#[test]
fn size_stays_limited() {
    let long = Value::text(&"x".repeat(mainstem_model::limits::VALUE_BYTES_MAX + 1));
    assert!(matches!(
        convert(long, Scalar::Text.into()),
        Err(ValueError::TooLarge(_))
    ));
}
