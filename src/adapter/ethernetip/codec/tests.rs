//! Values out of bytes and back, and bytes that make no sense.

use super::*;
use crate::data_type::{CIP_SHORT_STRING, CIP_STRING, LOGIX_STRING};

fn format(shape: Shape, length: u16) -> Format {
    Format {
        shape,
        length,
        array: length > 1,
    }
}

fn payload(code: u16, bytes: &[u8]) -> Payload {
    Payload {
        code,
        handle: 0,
        bytes: bytes.to_vec(),
    }
}

fn elements(name: &str, length: u16) -> Format {
    format(Shape::Elements(DataType::named(name).unwrap()), length)
}

#[test]
fn a_type_that_was_not_declared_is_named() {
    let found = decode(elements("INT", 1), &payload(0xC4, &[1, 0, 0, 0])).unwrap_err();
    assert!(found.to_string().contains("set `tagType: DINT`"), "{found}");
    let words = payload(0xD3, &[1, 0, 0, 0]);
    let found = decode(elements("BOOL", 1), &words).unwrap_err();
    assert!(found.to_string().contains("packed"), "{found}");
    let found = decode(format(Shape::Number, 1), &payload(STRUCTURE, &[0; 8])).unwrap_err();
    assert!(found.to_string().contains("members"), "{found}");
    for bytes in [&[][..], &[1], &[1, 2, 3]] {
        assert!(decode(elements("INT", 1), &payload(0xC3, bytes)).is_err());
        assert!(decode(format(Shape::Number, 1), &payload(0xC3, bytes)).is_err());
        assert!(decode(format(Shape::Bit(3), 1), &payload(0xC3, bytes)).is_err());
        assert!(decode(format(Shape::Packed(3), 1), &payload(0xD3, bytes)).is_err());
    }
}

#[test]
fn bits_and_words_of_bits() {
    let word = payload(0xC3, &[0b1000, 0x80]);
    assert_eq!(
        decode(format(Shape::Bit(3), 1), &word),
        Ok(Value::Bool(true))
    );
    assert_eq!(
        decode(format(Shape::Bit(15), 1), &word),
        Ok(Value::Bool(true))
    );
    assert_eq!(
        decode(format(Shape::Bit(4), 1), &word),
        Ok(Value::Bool(false))
    );
    assert!(decode(format(Shape::Bit(16), 1), &word).is_err());
    assert!(decode(format(Shape::Bit(3), 1), &payload(0xCA, &[0; 4])).is_err());
    let packed = format(Shape::Packed(30), 4);
    assert_eq!(packed.count(), 2);
    let words = payload(0xD3, &[0, 0, 0, 0x40, 2, 0, 0, 0]);
    let expected = [true, false, false, true].map(Value::Bool);
    assert_eq!(decode(packed, &words), Ok(Value::Array(expected.into())));
    assert_eq!(masks(9, true, 2), (vec![0, 2], vec![0xFF, 0xFF]));
    assert_eq!(masks(9, false, 2), (vec![0, 0], vec![0xFF, 0xFD]));
}

#[test]
fn texts_keep_the_form_of_the_tag() {
    let logix = Payload {
        code: STRUCTURE,
        handle: LOGIX_STRING,
        bytes: [&[2, 0, 0, 0][..], b"ab", &[0; 82]].concat(),
    };
    let text = elements("STRING", 1);
    assert_eq!(decode(text, &logix), Ok(Value::text("ab")));
    let bytes = encode_text(&logix, "fünf", None).unwrap();
    assert_eq!(bytes.len(), 88);
    assert_eq!(bytes[..9], *b"\x04\0\0\0f\xfcnf\0");
    let eighty_three = "x".repeat(83);
    let error = encode_text(&logix, &eighty_three, None).unwrap_err();
    assert_eq!(error.code(), "TooLong");
    assert_eq!(
        encode_text(&logix, "abc", Some(2)).unwrap_err().code(),
        "TooLong"
    );
    assert_eq!(
        encode_text(&logix, "€", None).unwrap_err().code(),
        "BadCharacter"
    );
    assert_eq!(
        encode_text(&payload(CIP_STRING, &[]), "a", None),
        Ok(vec![1, 0, b'a'])
    );
    assert_eq!(
        encode_text(&payload(CIP_SHORT_STRING, &[]), "a", None),
        Ok(vec![1, b'a'])
    );
    assert_eq!(
        encode_text(&payload(0xC4, &[]), "a", None)
            .unwrap_err()
            .code(),
        "BadType"
    );
    // A length that goes over the end, and no length at all.
    let mut long = logix.clone();
    long.bytes[3] = 0xFF;
    assert!(decode(text, &long).is_err());
    assert!(decode(text, &payload(STRUCTURE, &[1, 0])).is_err());
}

#[test]
fn numbers_are_brought_to_their_type_or_refused() {
    let int = elements("INT", 1);
    assert_eq!(encode(int, &Value::F64(-2.0)), Ok(vec![0xFE, 0xFF]));
    assert_eq!(
        encode(int, &Value::Int(40_000)).unwrap_err().code(),
        "BadType"
    );
    let three = elements("USINT", 3);
    let array = |items: &[u64]| Value::Array(items.iter().map(|item| Value::UInt(*item)).collect());
    assert_eq!(encode(three, &array(&[1, 2, 255])), Ok(vec![1, 2, 255]));
    assert_eq!(
        encode(three, &array(&[1, 2])).unwrap_err().code(),
        "BadLength"
    );
    assert_eq!(
        encode(elements("BOOL", 1), &Value::Bool(true)),
        Ok(vec![0xFF])
    );
}
