//! Members of requests that keep a form. What the OpenAPI document announces of them is checked
//! here, while a body is read, so that the document and the program say the same.

use std::fmt;
use std::time::Duration;

use mainstem_model::quantity::{self, QuantityError};
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

/// Bytes of an idempotency key; all of them are printable ASCII.
pub const KEY_BYTES_MAX: usize = 128;
/// Nodes that say for whom a write is.
pub const ORIGINATORS_MAX: usize = 8;
/// Digits before and behind the point of a duration.
const DURATION_DIGITS_MAX: (usize, usize) = (6, 3);
const DURATION_UNITS: [&str; 4] = ["ms", "min", "s", "h"];
/// 2 to the power of 64 and of 63, where the whole numbers of the API end.
const UNSIGNED_END: f64 = 18_446_744_073_709_551_616.0;
const SIGNED_END: f64 = 9_223_372_036_854_775_808.0;

/// Reads a duration of the API: one number and one unit, `^[0-9]{1,6}(\.[0-9]{1,3})? ?(ms|s|min|h)$`.
/// Configuration files may say more.
pub fn parse_duration(text: &str) -> Result<Duration, QuantityError> {
    let number = DURATION_UNITS
        .iter()
        .find_map(|unit| text.strip_suffix(unit));
    let number = number.map(|rest| rest.strip_suffix(' ').unwrap_or(rest));
    let (whole, part) = DURATION_DIGITS_MAX;
    let digits = |text: &str, most: usize| {
        (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let fits = number.is_some_and(|number| match number.split_once('.') {
        Some((before, behind)) => digits(before, whole) && digits(behind, part),
        None => digits(number, whole),
    });
    match fits {
        true => quantity::parse_duration(text),
        false => Err(QuantityError::Duration(text.chars().take(64).collect())),
    }
}

/// Whether a text can be an idempotency key: `^[ -~]{1,128}$`.
pub fn is_key(text: &str) -> bool {
    let printable = |byte: u8| (b' '..=b'~').contains(&byte);
    (1..=KEY_BYTES_MAX).contains(&text.len()) && text.bytes().all(printable)
}

/// Reads a duration that may be left out.
pub fn optional_duration<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    let duration = text.as_deref().map(parse_duration).transpose();
    duration.map_err(Error::custom)
}

/// Reads a duration that may be left out, and keeps its text.
pub(crate) fn duration_text<'de, D>(from: D) -> Result<Option<String>, D::Error>
where
    D: Deserializer<'de>,
{
    let text = Option::<String>::deserialize(from)?;
    match text.as_deref().map(parse_duration).transpose() {
        Ok(_) => Ok(text),
        Err(error) => Err(D::Error::custom(error)),
    }
}

/// Reads an idempotency key that may be left out.
pub(crate) fn key<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let key = Option::<String>::deserialize(from)?;
    if key.as_deref().is_none_or(is_key) {
        return Ok(key);
    }
    let rule = format!("a key is 1 to {KEY_BYTES_MAX} printable ASCII characters");
    Err(D::Error::custom(rule))
}

/// Reads who asked for a write.
pub(crate) fn originators<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let originators = Vec::<String>::deserialize(from)?;
    if originators.len() <= ORIGINATORS_MAX {
        return Ok(originators);
    }
    let rule = format!("a write has at most {ORIGINATORS_MAX} originators");
    Err(D::Error::custom(rule))
}

/// Reads a whole number, which JSON may spell `5`, `5.0` or `5e0`.
pub(crate) fn unsigned<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    Whole::deserialize(from).and_then(Whole::unsigned)
}

/// The same, where it may be left out.
pub(crate) fn optional_unsigned<'de, D>(from: D) -> Result<Option<u64>, D::Error>
where
    D: Deserializer<'de>,
{
    let whole = Option::<Whole>::deserialize(from)?;
    whole.map(Whole::unsigned).transpose()
}

/// Reads a whole number of 32 bits.
pub(crate) fn small<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    let number = unsigned(from)?;
    let expected = "a number below 4294967296";
    u32::try_from(number).map_err(|_| Error::invalid_value(Unexpected::Unsigned(number), &expected))
}

/// Reads a whole number that may be negative.
pub(crate) fn signed<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    Whole::deserialize(from).and_then(Whole::signed)
}

/// The same, where it may be left out.
pub(crate) fn optional_signed<'de, D>(from: D) -> Result<Option<i64>, D::Error>
where
    D: Deserializer<'de>,
{
    let whole = Option::<Whole>::deserialize(from)?;
    whole.map(Whole::signed).transpose()
}

/// A number of a document that has nothing behind its point.
#[derive(Clone, Copy)]
enum Whole {
    Negative(i64),
    Natural(u64),
}

impl Whole {
    fn unsigned<E: Error>(self) -> Result<u64, E> {
        match self {
            Self::Natural(number) => Ok(number),
            Self::Negative(number) => {
                let found = Unexpected::Signed(number);
                Err(E::invalid_value(found, &"a number that is not negative"))
            }
        }
    }

    fn signed<E: Error>(self) -> Result<i64, E> {
        match self {
            Self::Negative(number) => Ok(number),
            Self::Natural(number) => i64::try_from(number).map_err(|_| {
                E::invalid_value(Unexpected::Unsigned(number), &"a number of 64 bits")
            }),
        }
    }
}

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WholeVisitor)
    }
}

struct WholeVisitor;

impl Visitor<'_> for WholeVisitor {
    type Value = Whole;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number of 64 bits")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Whole, E> {
        Ok(Whole::Natural(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Whole, E> {
        Ok(u64::try_from(number).map_or(Whole::Negative(number), Whole::Natural))
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be whole and in range"
    )]
    fn visit_f64<E: Error>(self, number: f64) -> Result<Whole, E> {
        match number {
            _ if number.fract() != 0.0 => Err(E::invalid_type(Unexpected::Float(number), &self)),
            _ if (0.0..UNSIGNED_END).contains(&number) => Ok(Whole::Natural(number as u64)),
            // The end itself is refused: numbers beyond it are rounded to it before they come here.
            _ if -SIGNED_END < number && number < 0.0 => Ok(Whole::Negative(number as i64)),
            _ => Err(E::invalid_value(Unexpected::Float(number), &self)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_one_number_and_one_unit() {
        let read = |text: &str| parse_duration(text).map(|duration| duration.as_micros());
        let cases = [
            ("250ms", 250_000),
            ("2 min", 120_000_000),
            ("0.5s", 500_000),
            ("000001.250 s", 1_250_000),
            ("0.001ms", 1),
            ("999999h", 3_599_996_400_000_000),
            ("0s", 0),
        ];
        for (text, micros) in cases {
            assert_eq!(read(text), Ok(micros), "{text}");
        }
        let wrong = [
            "", " ", "s", "5", "-5s", "5  s", " 5s", "5s ", "5s\n", "1h 30min", "PT5S", ".5s",
            "1.s", "1234567s", "1.2345s", "٥s", "5 S",
        ];
        for text in wrong {
            assert!(read(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn keys_are_printable() {
        let longest = "k".repeat(KEY_BYTES_MAX);
        for good in ["a", " ", "~", &longest] {
            assert!(is_key(good), "{good:?}");
        }
        for bad in ["", "a\n", "\u{7f}", "ä", &format!("{longest}k")] {
            assert!(!is_key(bad), "{bad:?}");
        }
    }

    #[test]
    fn whole_numbers_may_be_spelled_as_floats() {
        let natural = |text| unsigned(&mut serde_json::Deserializer::from_str(text)).ok();
        assert_eq!(natural("435.0"), Some(435));
        assert_eq!(natural("4.35e2"), Some(435));
        assert_eq!(natural("-0.0"), Some(0));
        assert_eq!(natural("18446744073709551615"), Some(u64::MAX));
        for text in [
            "18446744073709551616",
            "-1",
            "-1.0",
            "0.5",
            "\"1\"",
            "null",
            "1e300",
        ] {
            assert_eq!(natural(text), None, "{text}");
        }
        let whole = |text| signed(&mut serde_json::Deserializer::from_str(text)).ok();
        assert_eq!(whole("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(whole("-5.0"), Some(-5));
        for text in ["9223372036854775808", "-9223372036854775809", "-0.5"] {
            assert_eq!(whole(text), None, "{text}");
        }
    }
}
