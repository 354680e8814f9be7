//! Bytes as STEP 7 stores them.

use mainstem_model::Timestamp;
use proptest::prelude::*;

use super::*;

fn format(data_type: DataType, length: u16) -> Format {
    Format {
        data_type,
        length,
        array: false,
        bit: 0,
    }
}

fn both_ways(data_type: DataType, bytes: &[u8], value: &Value) {
    assert_eq!(
        decode(format(data_type, 1), bytes),
        Some(value.clone()),
        "{data_type:?}"
    );
    assert_eq!(
        encode(format(data_type, 1), value).unwrap(),
        bytes,
        "{data_type:?}"
    );
}

fn moment(text: &str) -> Value {
    Value::Time(Timestamp::from_written(text).unwrap())
}

#[test]
fn numbers_have_their_highest_byte_first() {
    both_ways(DataType::Sint, &[0x80], &Value::Int(-128));
    both_ways(DataType::Word, &[0x12, 0x34], &Value::UInt(0x1234));
    both_ways(DataType::Dint, &[0xFF, 0xFF, 0xFF, 0xFE], &Value::Int(-2));
    both_ways(
        DataType::Lword,
        &[1, 0, 0, 0, 0, 0, 0, 2],
        &Value::UInt(0x0100_0000_0000_0002),
    );
    both_ways(DataType::Real, &[0x42, 0x28, 0, 0], &Value::F32(42.0));
    let bit = Format {
        bit: 5,
        ..format(DataType::Bool, 1)
    };
    assert_eq!(decode(bit, &[0x20]), Some(Value::Bool(true)));
    assert_eq!(decode(bit, &[0xDF]), Some(Value::Bool(false)));
    assert!(encode(format(DataType::Int, 1), &Value::Int(40_000)).is_err());
}

#[test]
fn moments_are_those_of_step_7() {
    both_ways(DataType::Date, &[0, 1], &moment("1990-01-02T00:00:00Z"));
    let sunday = [0x20, 0x07, 0x12, 0x17, 0x32, 0x02, 0x85, 0x41];
    both_ways(
        DataType::DateAndTime,
        &sunday,
        &moment("2020-07-12T17:32:02.854Z"),
    );
    let long = [0x07, 0xE4, 7, 12, 1, 17, 32, 2, 0x32, 0xE7, 0x01, 0x80];
    both_ways(DataType::Dtl, &long, &moment("2020-07-12T17:32:02.854Z"));
    both_ways(DataType::S5time, &[0x21, 0x23], &Value::UInt(123_000));
    both_ways(DataType::TimeOfDay, &[0, 0, 0, 5], &Value::UInt(5));
    for wrong in [
        [0x20, 0x13, 0x12, 0, 0, 0, 0, 0],
        [0x2A, 1, 1, 0, 0, 0, 0, 0],
    ] {
        assert_eq!(
            decode(format(DataType::DateAndTime, 1), &wrong),
            None,
            "no such day"
        );
    }
    assert_eq!(decode(format(DataType::TimeOfDay, 1), &[0xFF; 4]), None);
    assert_eq!(decode(format(DataType::S5time, 1), &[0x0A, 0]), None);
    let late = moment("2100-01-01T00:00:00Z");
    assert_eq!(
        encode(format(DataType::DateAndTime, 1), &late),
        Err(EncodeError::Moment)
    );
}

#[test]
fn texts_have_headers_and_limits() {
    let string = format(DataType::String, 5);
    assert_eq!(
        decode(string, &[5, 2, b'H', 0xFC, b'x', 0, 0]),
        Some(Value::text("Hü"))
    );
    assert_eq!(
        decode(string, &[5, 6, 0, 0, 0, 0, 0]),
        None,
        "longer than it may be"
    );
    assert_eq!(
        decode(string, &[1, 2, 0, 0, 0, 0, 0]),
        None,
        "longer than it says"
    );
    assert_eq!(encode(string, &Value::text("Hü")).unwrap(), [2, b'H', 0xFC]);
    assert!(encode(string, &Value::text("123456")).is_err());
    assert_eq!(
        encode(string, &Value::text("€")),
        Err(EncodeError::Character('€'))
    );
    let wide = format(DataType::Wstring, 2);
    assert_eq!(
        decode(wide, &[0, 2, 0, 1, 0x20, 0xAC, 0, 0]),
        Some(Value::text("€"))
    );
    assert_eq!(
        decode(wide, &[0, 2, 0, 1, 0xD8, 0, 0, 0]),
        None,
        "half a character"
    );
    assert_eq!(encode(wide, &Value::text("€")).unwrap(), [0, 1, 0x20, 0xAC]);
    assert!(encode(wide, &Value::text("abc")).is_err());
    let characters = format(DataType::Char, 4);
    assert_eq!(decode(characters, b"ab  "), Some(Value::text("ab")));
    assert_eq!(encode(characters, &Value::text("ab")).unwrap(), b"ab  ");
}

#[test]
fn arrays_are_element_by_element() {
    let array = Format {
        array: true,
        ..format(DataType::Int, 2)
    };
    let value = Value::Array([Value::Int(1), Value::Int(-1)].into());
    assert_eq!(decode(array, &[0, 1, 0xFF, 0xFF]), Some(value.clone()));
    assert_eq!(encode(array, &value).unwrap(), [0, 1, 0xFF, 0xFF]);
    let short = Value::Array([Value::Int(1)].into());
    assert!(matches!(
        encode(array, &short),
        Err(EncodeError::Length { .. })
    ));
}

proptest! {
    #[test]
    fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let names = "bool lreal string wstring dt dtl ldt date s5time char";
        for name in names.split(' ') {
            let data_type = DataType::named(name).unwrap();
            for length in 0..20 {
                drop(decode(format(data_type, length), &bytes));
            }
        }
    }

    #[test]
    fn any_s5time_survives_within_its_base(count in 0u32..1000, place in 0usize..4) {
        let millis = count * [10, 100, 1_000, 10_000][place];
        let written = encode(format(DataType::S5time, 1), &Value::UInt(millis.into())).unwrap();
        let read = decode(format(DataType::S5time, 1), &written);
        prop_assert_eq!(read, Some(Value::UInt(millis.into())));
    }
}
