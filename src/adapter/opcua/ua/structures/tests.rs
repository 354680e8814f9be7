//! JSON of what needs no server, and of definitions as servers send them.

use opcua::types::{
    Array, ByteStringBody, DecodingOptions, ExtensionObject, NodeId, Variant,
    VariantScalarTypeId as Type,
};
use serde_json::json;

use super::definition::{Enumeration, Field, Of, Presence, Structure};
use super::{Key, Missing, Shape, Structures};

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

fn field(name: &str, of: Of, rank: i32) -> Field {
    Field {
        name: name.into(),
        of,
        rank,
        optional: false,
        subtypes: false,
    }
}

fn numeric(number: u32) -> NodeId {
    NodeId::new(2, number)
}

/// A server's types: a point, one with everything in it, one within itself, one of nothing.
fn known() -> Structures {
    let structures = structures();
    let structure = |name: &str, encoding, presence, fields| {
        Shape::Structure(Structure {
            name: name.into(),
            presence,
            fields,
            encoding: Some(numeric(encoding)),
        })
    };
    let own = |number| Of::data_type(&numeric(number));
    let optional = |field: Field| Field {
        optional: true,
        ..field
    };
    let subtypes = |field: Field| Field {
        subtypes: true,
        ..field
    };
    let colours = Enumeration {
        encoded: Type::Int32,
        names: vec![(0, "Red".into()), (1, "Green".into())],
    };
    let point = vec![
        field("X", Of::Builtin(Type::Double), -1),
        field("Y", Of::Builtin(Type::Double), -1),
    ];
    let all = vec![
        field("Cells", Of::Builtin(Type::Int16), 2),
        optional(field("Note", Of::Builtin(Type::String), -1)),
        optional(field("Points", own(1), 1)),
        field("Colour", own(5), -1),
    ];
    let within = vec![field("Again", own(3), 1)];
    let nothing = vec![field("Void", own(6), 1)];
    let any = vec![
        subtypes(field("Shape", own(1), -1)),
        subtypes(field("Number", Of::data_type(&NodeId::new(0, 26u32)), -1)),
    ];
    {
        let mut catalog = structures.catalog.write();
        let mut insert = |number, shape| catalog.insert(Key::node(&numeric(number)), shape);
        insert(1, structure("Point", 101, Presence::All, point.clone()));
        insert(2, structure("All", 102, Presence::Masked, all));
        insert(3, structure("Within", 103, Presence::All, within));
        insert(4, structure("Either", 104, Presence::One, point));
        insert(5, Shape::Enumeration(colours));
        insert(6, structure("Void", 106, Presence::All, Vec::new()));
        insert(7, structure("Nothing", 107, Presence::All, nothing));
        insert(8, structure("Any", 108, Presence::All, any));
    }
    structures
}

fn body(encoding: u32, bytes: &[u8]) -> Variant {
    let body = ByteStringBody::new(bytes.to_vec().into(), numeric(encoding));
    Variant::ExtensionObject(ExtensionObject::new(body))
}

#[test]
fn structures_are_written_and_read_back() {
    let structures = known();
    for (number, json) in [
        (1, json!({ "X": 1.5, "Y": "NaN" })),
        (2, json!({ "Cells": [[1, 2, 3], [4, 5, 6]], "Colour": 1 })),
        (
            2,
            json!({
                "Cells": [], "Note": "n", "Points": [{ "X": 0.0, "Y": -1.0 }], "Colour": 0,
            }),
        ),
        (3, json!({ "Again": [{ "Again": [] }, { "Again": null }] })),
        (4, json!({ "Y": 2.0 })),
        (4, json!(null)),
        (7, json!({ "Void": [{}, {}] })),
        (8, json!({ "Shape": { "X": 1.0, "Y": 2.0 }, "Number": 7 })),
    ] {
        let shape = structures.shape(&numeric(number)).unwrap();
        let written = structures
            .value_of(&json, Type::ExtensionObject, -1, Some(&shape))
            .unwrap();
        assert_eq!(
            structures.json(&written, None, false),
            Ok(json.clone()),
            "{json}"
        );
    }
    let shape = structures.shape(&numeric(2)).unwrap();
    let by_name = json!({ "Cells": [], "Colour": "Green" });
    let written = structures
        .value_of(&by_name, Type::ExtensionObject, -1, Some(&shape))
        .unwrap();
    assert_eq!(structures.json(&written, None, true), Ok(by_name));
}

#[test]
fn what_does_not_fit_its_definition_stays_bytes_with_a_reason() {
    let structures = known();
    let double = 1.5f64.to_le_bytes();
    let two_doubles = [double, double].concat();
    for (number, bytes, part) in [
        (101, double.to_vec(), "Point"),
        (101, [&two_doubles[..], &[0]].concat(), "more"),
        // Lengths that lie: far too long, below -1, a product that overflows.
        (103, i32::MAX.to_le_bytes().to_vec(), ""),
        (103, 5i32.to_le_bytes().to_vec(), "Within"),
        (104, 9u32.to_le_bytes().to_vec(), "no alternative 9"),
        (102, [[0; 4], [255; 4]].concat(), "All"),
        (
            102,
            [0u32.to_le_bytes(), 17i32.to_le_bytes()].concat(),
            "17 dimensions",
        ),
    ] {
        match structures.json(&body(number, &bytes), None, false) {
            Ok(json) => {
                let reason = json["reason"].as_str().unwrap_or_default();
                assert!(reason.contains(part), "{number} {bytes:?}: {json}");
                // It can be written back as it is.
                let back = structures
                    .value_of(&json, Type::ExtensionObject, -1, None)
                    .unwrap();
                assert_eq!(back, body(number, &bytes));
            }
            Err(missing) => assert_eq!(missing, Missing::Endless, "{number} {bytes:?}"),
        }
    }
    let unknown = structures.json(&body(999, &[1]), None, false);
    assert_eq!(unknown, Err(Missing::Encoding(numeric(999))));
    structures.refuse(&numeric(999), "because".into());
    let json = structures.json(&body(999, &[1]), None, false).unwrap();
    assert_eq!(
        json,
        json!({ "typeId": "ns=2;i=999", "body": "AQ==", "reason": "because" })
    );
}

#[test]
fn nothing_that_can_be_sent_takes_all_time_or_memory() {
    let structures = known();
    // A million values of no bytes at all, in eight bytes.
    let void = 2_000_000i32.to_le_bytes();
    assert_eq!(
        structures.json(&body(107, &void), None, false),
        Err(Missing::Endless)
    );
    // Within itself without an end.
    let within: Vec<u8> = 1i32.to_le_bytes().repeat(10_000);
    assert_eq!(
        structures.json(&body(103, &within), None, false),
        Err(Missing::Endless)
    );
    // Whatever bytes: an answer.
    let mut state = 0x2545_F491_4F6C_DD1Du64;
    for length in 0..2000usize {
        let bytes: Vec<u8> = (0..length % 64)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                // Small numbers are what lengths are made of.
                if state.is_multiple_of(3) {
                    (state >> 32) as u8
                } else {
                    (state >> 60) as u8
                }
            })
            .collect();
        for encoding in [101, 102, 103, 104, 106, 107, 108] {
            drop(structures.json(&body(encoding, &bytes), None, true));
        }
    }
}

#[test]
fn a_dictionary_of_an_old_server_is_read() {
    let xml = br#"<?xml version="1.0"?>
        <opc:TypeDictionary xmlns:opc="x" TargetNamespace="urn:x">
         <!-- <opc:StructuredType Name="No"/> -->
         <opc:StructuredType BaseType="ua:ExtensionObject" Name="Masked">
          <opc:Field TypeName="opc:Bit" Name="NoteSpecified"/>
          <opc:Field TypeName="opc:Bit" Length="31" Name="Reserved1"/>
          <opc:Field TypeName="opc:Int32" Name="NoOfValues"/>
          <opc:Field TypeName="opc:Double" Name="Values" LengthField="NoOfValues"/>
          <opc:Field TypeName="opc:String" Name="Note" SwitchField="NoteSpecified"/>
          <opc:Field TypeName="tns:Level" Name="Level"/>
         </opc:StructuredType>
         <opc:StructuredType BaseType="ua:Union" Name="One">
          <opc:Field TypeName="opc:UInt32" Name="SwitchField"/>
          <opc:Field TypeName="opc:Byte" Name="A" SwitchField="SwitchField" SwitchValue="1"/>
          <opc:Field TypeName="ua:LocalizedText" Name="B" SwitchField="SwitchField" SwitchValue="2"/>
         </opc:StructuredType>
         <opc:EnumeratedType Name="Level" LengthInBits="32">
          <opc:EnumeratedValue Name="Low &amp; high" Value="3"/>
         </opc:EnumeratedType>
         <opc:StructuredType Name="Odd"><opc:Field TypeName="opc:Nonsense" Name="x"/>
         </opc:StructuredType>
        </opc:TypeDictionary>"#;
    let found = super::dictionary::definitions("ns=2;i=1", xml);
    let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Masked", "One", "Level"]);
    let fields = |shape: &Shape| match shape {
        Shape::Structure(structure) => (
            structure.presence,
            structure
                .fields
                .iter()
                .map(|field| field.name.clone())
                .collect::<Vec<_>>(),
        ),
        other => panic!("{other:?}"),
    };
    let names = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        fields(&found[0].1),
        (Presence::Masked, names(&["Values", "Note", "Level"]))
    );
    assert_eq!(fields(&found[1].1), (Presence::One, names(&["A", "B"])));
    let Shape::Enumeration(level) = &found[2].1 else {
        panic!("{found:?}")
    };
    assert_eq!(level.name(3), Some("Low & high"));
    // What is no dictionary has no definitions, and stops nothing.
    for end in 0..xml.len() {
        drop(super::dictionary::definitions("b", &xml[..end]));
    }
    assert!(super::dictionary::definitions("b", &[0xFF, b'<', b'=', b'"']).is_empty());
}
