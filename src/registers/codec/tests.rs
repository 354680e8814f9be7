//! Every data type in every order against bytes written out by hand.

use mainstem_model::{Scalar, Value};
use proptest::prelude::*;

use super::*;
use crate::data_type::words;

fn format(word: &str) -> Format {
    words()
        .into_iter()
        .find(|(known, _)| known == word)
        .unwrap()
        .1
}

/// (word, registers, value): both ways.
fn vectors() -> Vec<(&'static str, Vec<u16>, Value)> {
    [integers(), floats_and_others()].concat()
}

fn integers() -> Vec<(&'static str, Vec<u16>, Value)> {
    vec![
        ("int16BE", vec![0xFFFE], Value::Int(-2)),
        ("int16LE", vec![0xFEFF], Value::Int(-2)),
        ("uint16BE", vec![0x1234], Value::UInt(0x1234)),
        ("uint16LE", vec![0x3412], Value::UInt(0x1234)),
        // 0x12345678
        ("uint32BE", vec![0x1234, 0x5678], Value::UInt(0x1234_5678)),
        ("uint32LE", vec![0x7856, 0x3412], Value::UInt(0x1234_5678)),
        ("uint32BEWS", vec![0x5678, 0x1234], Value::UInt(0x1234_5678)),
        ("uint32LEWS", vec![0x3412, 0x7856], Value::UInt(0x1234_5678)),
        // -2 = 0xFFFFFFFE
        ("int32BE", vec![0xFFFF, 0xFFFE], Value::Int(-2)),
        ("int32LE", vec![0xFEFF, 0xFFFF], Value::Int(-2)),
        ("int32BEWS", vec![0xFFFE, 0xFFFF], Value::Int(-2)),
        ("int32LEWS", vec![0xFFFF, 0xFEFF], Value::Int(-2)),
        // 0x0102030405060708
        (
            "uint64BE",
            vec![0x0102, 0x0304, 0x0506, 0x0708],
            Value::UInt(0x0102_0304_0506_0708),
        ),
        (
            "uint64LE",
            vec![0x0807, 0x0605, 0x0403, 0x0201],
            Value::UInt(0x0102_0304_0506_0708),
        ),
        (
            "uint64BEWS",
            vec![0x0708, 0x0506, 0x0304, 0x0102],
            Value::UInt(0x0102_0304_0506_0708),
        ),
        (
            "uint64LEWS",
            vec![0x0201, 0x0403, 0x0605, 0x0807],
            Value::UInt(0x0102_0304_0506_0708),
        ),
        // The smallest 64-bit integer: 0x8000000000000000
        ("int64BE", vec![0x8000, 0, 0, 0], Value::Int(i64::MIN)),
        ("int64LE", vec![0, 0, 0, 0x0080], Value::Int(i64::MIN)),
        ("int64BEWS", vec![0, 0, 0, 0x8000], Value::Int(i64::MIN)),
        ("int64LEWS", vec![0x0080, 0, 0, 0], Value::Int(i64::MIN)),
    ]
}

fn floats_and_others() -> Vec<(&'static str, Vec<u16>, Value)> {
    vec![
        // 123.456 as a float is 0x42F6E979
        ("floatBE", vec![0x42F6, 0xE979], Value::F32(123.456)),
        ("floatLE", vec![0x79E9, 0xF642], Value::F32(123.456)),
        ("floatBEWS", vec![0xE979, 0x42F6], Value::F32(123.456)),
        ("floatLEWS", vec![0xF642, 0x79E9], Value::F32(123.456)),
        // -2.5 as a double is 0xC004000000000000; 0.1 is 0x3FB999999999999A
        ("doubleBE", vec![0xC004, 0, 0, 0], Value::F64(-2.5)),
        (
            "doubleBE",
            vec![0x3FB9, 0x9999, 0x9999, 0x999A],
            Value::F64(0.1),
        ),
        (
            "doubleLE",
            vec![0x9A99, 0x9999, 0x9999, 0xB93F],
            Value::F64(0.1),
        ),
        (
            "doubleBEWS",
            vec![0x999A, 0x9999, 0x9999, 0x3FB9],
            Value::F64(0.1),
        ),
        (
            "doubleLEWS",
            vec![0xB93F, 0x9999, 0x9999, 0x9A99],
            Value::F64(0.1),
        ),
        (
            "raw",
            vec![0x0102, 0x0304],
            Value::Bytes([1, 2, 3, 4].into()),
        ),
        ("base64", vec![0xFF00], Value::Bytes([0xFF, 0].into())),
        ("boolean", vec![1], Value::Bool(true)),
        ("boolean", vec![0], Value::Bool(false)),
        ("string", vec![0x4142, 0x4300], Value::text("ABC")),
    ]
}

#[test]
fn every_word_has_a_vector_and_both_ways_agree_with_it() {
    for (word, registers, value) in vectors() {
        let format = format(word);
        assert_eq!(decode_words(format, &registers), value, "{word} decodes");
        let count = u16::try_from(registers.len()).unwrap();
        assert_eq!(
            encode_words(format, &value, count),
            Ok(registers),
            "{word} encodes"
        );
        assert!(
            value.check(format.scalar().into()).is_ok(),
            "{word} has the type that it says"
        );
    }
    for (word, _) in words() {
        assert!(
            vectors().iter().any(|(known, ..)| *known == word),
            "{word} has a vector"
        );
    }
}

#[test]
fn the_words_of_connectware_are_all_known() {
    let list = "raw base64 boolean doubleBE doubleLE floatBE floatBEWS floatLE floatLEWS int16BE \
                int16LE int32BE int32LE uint16BE uint16LE uint32BE uint32LE";
    for word in list.split(' ') {
        assert!(words().iter().any(|(known, _)| known == word), "{word}");
    }
}

#[test]
fn bits_of_registers() {
    assert_eq!(decode_words(Format::Bit(0), &[0x0001]), Value::Bool(true));
    assert_eq!(decode_words(Format::Bit(15), &[0x8000]), Value::Bool(true));
    assert_eq!(decode_words(Format::Bit(14), &[0x8000]), Value::Bool(false));
    assert_eq!(decode_words(Format::Bool, &[0x8000]), Value::Bool(true));
}

#[test]
fn coils_pack_as_on_the_wire() {
    // The example of section 6.1: 0xCD is the states of outputs 27 to 20.
    let bits = [
        true, false, true, true, false, false, true, true, false, true,
    ];
    let value = Value::Bytes([0xCD, 0x02].into());
    assert_eq!(decode_bits(Format::Raw, &bits), value);
    assert_eq!(encode_bits(Format::Raw, &value, 10), Ok(bits.to_vec()));
    assert_eq!(decode_bits(Format::Bool, &[true]), Value::Bool(true));
    assert_eq!(
        encode_bits(Format::Bool, &Value::Bool(false), 1),
        Ok(vec![false])
    );
}

#[test]
fn texts_are_trimmed_padded_and_survive_other_encodings() {
    let text = Format::Text { swapped: false };
    let swapped = Format::Text { swapped: true };
    assert_eq!(decode_words(text, &[0x4142, 0x2020]), Value::text("AB"));
    assert_eq!(decode_words(text, &[0x4100, 0x4242]), Value::text("A"));
    assert_eq!(decode_words(swapped, &[0x4241, 0x0043]), Value::text("ABC"));
    assert_eq!(
        encode_words(swapped, &Value::text("ABC"), 2),
        Ok(vec![0x4241, 0x0043])
    );
    // "Öl" in Latin-1, then in UTF-8.
    assert_eq!(decode_words(text, &[0xD66C]), Value::text("Öl"));
    assert_eq!(decode_words(text, &[0xC396, 0x6C00]), Value::text("Öl"));
    let too_long = encode_words(text, &Value::text("ABC"), 1);
    assert_eq!(
        too_long,
        Err(EncodeError::Length {
            expected: 2,
            found: 3
        })
    );
}

#[test]
fn nan_and_infinity_pass() {
    assert_eq!(
        decode_words(format("floatBE"), &[0x7FC0, 0]),
        Value::F32(f32::NAN)
    );
    assert_eq!(
        decode_words(format("floatBE"), &[0xFF80, 0]),
        Value::F32(f32::NEG_INFINITY)
    );
    let sent = encode_words(format("floatBE"), &Value::F64(f64::INFINITY), 2);
    assert_eq!(sent, Ok(vec![0x7F80, 0]));
}

#[test]
fn what_does_not_fit_is_refused() {
    let refused = |word: &str, value: Value| encode_words(format(word), &value, 1).unwrap_err();
    for (word, value) in [
        ("int16BE", Value::Int(32_768)),
        ("int16BE", Value::Int(-32_769)),
        ("uint16BE", Value::UInt(65_536)),
        ("uint16BE", Value::Int(-1)),
        ("uint32BE", Value::UInt(1 << 32)),
        ("int32BE", Value::F64(3e9)),
        ("int64BE", Value::UInt(u64::MAX)),
        ("uint64BE", Value::F64(1e20)),
        ("uint16BE", Value::F64(f64::NAN)),
        ("floatBE", Value::F64(1e300)),
        ("raw", Value::Bytes([1].into())),
    ] {
        assert_eq!(
            refused(word, value.clone()).code(),
            "OutOfRange",
            "{word} {value:?}"
        );
    }
    for (word, value) in [
        ("int16BE", Value::Bool(true)),
        ("floatBE", Value::text("1")),
        ("doubleBE", Value::Bool(true)),
        ("boolean", Value::Int(2)),
        ("boolean", Value::F64(1.0)),
        ("raw", Value::Int(1)),
        ("string", Value::Int(1)),
    ] {
        assert_eq!(
            refused(word, value.clone()).code(),
            "TypeMismatch",
            "{word} {value:?}"
        );
    }
}

#[test]
fn an_inverted_scaling_is_rounded() {
    let value = Value::F64(214.999_999_999_999_97);
    assert_eq!(encode_words(format("int16BE"), &value, 1), Ok(vec![215]));
    assert_eq!(
        encode_words(format("int16BE"), &Value::F64(-0.6), 1),
        Ok(vec![0xFFFF])
    );
}

#[test]
fn short_and_long_words_mean_the_same() {
    use crate::{Endian, ShortType};
    let (big, little) = (Some(Endian::Big), Some(Endian::Little));
    assert_eq!(ShortType::F32.format(None, None), format("floatBE"));
    assert_eq!(ShortType::F32.format(little, big), format("floatBEWS"));
    assert_eq!(ShortType::U64.format(little, little), format("uint64LE"));
    assert_eq!(ShortType::I32.format(big, little), format("int32LEWS"));
    assert_eq!(ShortType::Text.format(None, None).scalar(), Scalar::Text);
}

proptest! {
    #[test]
    fn any_registers_come_back(registers in proptest::collection::vec(any::<u16>(), 4)) {
        for (word, format) in words() {
            let count = match format {
                Format::Text { .. } | Format::Bool => continue,
                _ => format.words().unwrap_or(4),
            };
            let registers = &registers[..usize::from(count)];
            let value = decode_words(format, registers);
            prop_assert_eq!(encode_words(format, &value, count).unwrap(), registers, "{}", word);
        }
    }
}
