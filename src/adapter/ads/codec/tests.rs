//! Values out of bytes and back, and bytes that make no sense.

use super::*;

fn format(name: &str, length: Option<u32>, array: bool) -> Format {
    Format {
        data_type: DataType::named(name),
        length,
        array,
    }
}

fn encoded(name: &str, size: usize, value: &Value) -> Result<Vec<u8>, EncodeError> {
    let format = format(name, None, false);
    encode(format, format.data_type.unwrap(), size, value)
}

#[test]
fn texts_end_with_a_zero_and_never_go_over_their_end() {
    let text = format("STRING", None, false);
    assert_eq!(
        decode(text, 30, b"f\xfcnf\0rest"),
        Some(Value::text("fünf"))
    );
    assert_eq!(decode(text, 30, b"full"), Some(Value::text("full")));
    assert_eq!(
        encoded("STRING", 6, &Value::text("fünf")),
        Ok(b"f\xfcnf\0\0".to_vec())
    );
    assert_eq!(
        encoded("STRING", 6, &Value::text("sechs!"))
            .unwrap_err()
            .code(),
        "TooLong"
    );
    assert_eq!(
        encoded("STRING", 6, &Value::text("€")).unwrap_err().code(),
        "BadCharacter"
    );
    let short = format("STRING", Some(2), false);
    let error = encode(short, DataType::String, 81, &Value::text("abc")).unwrap_err();
    assert_eq!(error.code(), "TooLong");
    assert_eq!(
        encoded("WSTRING", 6, &Value::text("€a")),
        Ok(vec![0xAC, 0x20, b'a', 0, 0, 0])
    );
    let wide = format("WSTRING", None, false);
    assert_eq!(
        decode(wide, 31, &[0xAC, 0x20, 0, 0, 7, 7]),
        Some(Value::text("€"))
    );
    assert_eq!(
        decode(wide, 31, &[0x00, 0xD8, 9]),
        Some(Value::text("\u{FFFD}"))
    );
}

#[test]
fn moments_are_seconds_or_nanoseconds() {
    let at = |micros| Value::Time(Timestamp::from_micros(micros));
    let date = format("DATE_AND_TIME", None, false);
    assert_eq!(decode(date, 65, &[0x10, 0, 0, 0]), Some(at(16_000_000)));
    assert_eq!(encoded("DT", 4, &at(16_900_000)), Ok(vec![0x10, 0, 0, 0]));
    assert_eq!(encoded("DT", 4, &at(-1)).unwrap_err().code(), "BadMoment");
    assert_eq!(
        encoded("LDT", 8, &at(1)),
        Ok(vec![0xE8, 3, 0, 0, 0, 0, 0, 0])
    );
    assert_eq!(
        decode(format("LDT", None, false), 0, &[0xFF; 8]),
        Some(at(18_446_744_073_709_551))
    );
}

#[test]
fn what_has_another_length_is_no_value() {
    for bytes in [&[][..], &[1], &[1, 2, 3]] {
        assert_eq!(decode(format("INT", None, false), 2, bytes), None);
        assert_eq!(decode(format("INT", Some(2), true), 2, bytes), None);
        assert_eq!(decode(format("LREAL", None, false), 5, bytes), None);
    }
    let any = Format {
        data_type: None,
        length: None,
        array: false,
    };
    assert_eq!(
        decode(any, 3, &[0xFE, 0xFF, 0xFF, 0xFF]),
        Some(Value::Int(-2))
    );
    assert_eq!(decode(any, 30, b"text"), None);
    assert_eq!(decode(any, 65, &[1, 2]), None);
    let three = format("USINT", Some(3), true);
    let array = Value::Array([1, 2].map(Value::UInt).into());
    assert_eq!(
        encode(three, DataType::Unsigned(1), 3, &array)
            .unwrap_err()
            .code(),
        "BadLength"
    );
    assert_eq!(
        encoded("SINT", 1, &Value::Int(200)).unwrap_err().code(),
        "BadType"
    );
    assert_eq!(
        encoded("raw", 2, &Value::Bytes([1].into()))
            .unwrap_err()
            .code(),
        "BadLength"
    );
}
