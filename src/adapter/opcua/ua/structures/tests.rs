//! JSON of what needs no server, and of definitions as servers send them.

use opcua::types::{Array, DecodingOptions, Variant, VariantScalarTypeId as Type};

use super::{Missing, Structures};

fn structures() -> Structures {
    Structures::new(DecodingOptions::default())
}

#[test]
fn single_values_and_arrays_are_json() {
    let json = |found: Variant| structures().json(&found, None, false).unwrap().to_string();
    assert_eq!(json(Variant::Empty), "null");
    assert_eq!(json(Variant::UInt64(u64::MAX)), "18446744073709551615");
    assert_eq!(json(Variant::Int64(i64::MIN)), "-9223372036854775808");
    assert_eq!(json(Variant::Float(0.1)), "0.1");
    assert_eq!(json(Variant::Double(f64::NAN)), "\"NaN\"");
    assert_eq!(json(Variant::Float(f32::NEG_INFINITY)), "\"-Infinity\"");
    assert_eq!(json(Variant::ByteString(vec![0, 1].into())), "\"AAE=\"");
    assert_eq!(json(Variant::from(vec![true, false])), "[true,false]");
    let cells: Vec<_> = (1..=6).map(Variant::Int32).collect();
    let matrix = Array::new_multi(Type::Int32, cells, vec![2, 3]).unwrap();
    assert_eq!(json(Variant::Array(Box::new(matrix))), "[[1,2,3],[4,5,6]]");
}

#[test]
fn what_has_no_end_is_refused() {
    let found = Array::new_multi(Type::Int32, vec![Variant::Int32(1)], vec![1; 100_000]).unwrap();
    let found = structures().json(&Variant::Array(Box::new(found)), None, false);
    assert_eq!(found, Err(Missing::Endless));
    let deep = (0..100).fold(Variant::Int32(1), |inner, _| {
        Variant::Variant(Box::new(inner))
    });
    assert_eq!(structures().json(&deep, None, false), Err(Missing::Endless));
}
