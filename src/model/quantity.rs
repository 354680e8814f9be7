//! Durations and sizes as a configuration file writes them: `250ms`, `2 min`, `16 MiB`.
//!
//! The functions below are for `#[serde(deserialize_with = "…")]`.

use std::fmt;
use std::time::Duration;

use serde::de::{Deserializer, Error, Visitor};

/// A text that is no duration or size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// Not a duration.
    #[error("expected a duration such as 250ms, 5s or 2 min, found {0:?}")]
    Duration(String),
    /// Not a size.
    #[error("expected a size such as 64 KiB, 16 MiB or a number of bytes, found {0:?}")]
    Size(String),
}

const SIZE_UNITS: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

/// Parses `250ms`, `5s`, `2 min`, `1h 30min`.
pub fn parse_duration(text: &str) -> Result<Duration, QuantityError> {
    let wrong = || QuantityError::Duration(text.chars().take(64).collect());
    let duration: jiff::SignedDuration = text.trim().parse().map_err(|_| wrong())?;
    Duration::try_from(duration).map_err(|_| wrong())
}

/// Parses `16 MiB`, `64KiB`, `1.5 GB`, `4096 B` or `4096`.
pub fn parse_size(text: &str) -> Result<u64, QuantityError> {
    let wrong = || QuantityError::Size(text.chars().take(64).collect());
    let trimmed = text.trim();
    let unit = SIZE_UNITS.iter().find(|(unit, _)| trimmed.ends_with(unit));
    let (number, factor) = match unit {
        Some((unit, factor)) => (trimmed.trim_end_matches(unit).trim_end(), *factor),
        None => (trimmed, 1),
    };
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(factor).ok_or_else(wrong);
    }
    let part: f64 = number.parse().map_err(|_| wrong())?;
    #[expect(
        clippy::cast_precision_loss,
        reason = "units are powers far below 2^53"
    )]
    let bytes = part * factor as f64;
    if !(0.0..9e15).contains(&bytes) || factor == 1 {
        return Err(wrong());
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "range checked"
    )]
    Ok(bytes as u64)
}

/// A duration as a person writes it: `250 ms`, `5 s`, `2 min`.
pub fn show_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    let units = [(3_600_000, "h"), (60_000, "min"), (1000, "s")];
    let unit = units
        .iter()
        .find(|(size, _)| millis >= *size && millis.is_multiple_of(*size));
    match unit {
        Some((size, unit)) => format!("{} {unit}", millis / size),
        None => format!("{millis} ms"),
    }
}

/// A size as a person writes it: `16 MiB`.
pub fn show_size(bytes: u64) -> String {
    let unit = SIZE_UNITS
        .iter()
        .take(3)
        .find(|(_, size)| bytes >= *size && bytes.is_multiple_of(*size));
    match unit {
        Some((unit, size)) => format!("{} {unit}", bytes / size),
        None => format!("{bytes} B"),
    }
}

/// Reads a duration, which is a text.
pub fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_any(DurationVisitor { number: None })
}

/// Reads a duration where the key may be left out.
pub fn optional_duration<'de, D>(deserializer: D) -> Result<Option<Duration>, D::Error>
where
    D: Deserializer<'de>,
{
    duration(deserializer).map(Some)
}

/// Reads a duration, a whole number of milliseconds being one too (Connectware's habit).
pub fn millis<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_any(DurationVisitor {
        number: Some(Duration::from_millis(1)),
    })
}

/// Reads a duration, a number of seconds being one too (HSYCO's habit).
pub fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_any(DurationVisitor {
        number: Some(Duration::from_secs(1)),
    })
}

/// Reads a size in bytes.
pub fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    deserializer.deserialize_any(SizeVisitor)
}

struct DurationVisitor {
    // What a bare number counts; none where bare numbers are refused.
    number: Option<Duration>,
}

impl DurationVisitor {
    fn of_number<E: Error>(&self, number: f64) -> Result<Duration, E> {
        let unit = self
            .number
            .ok_or_else(|| E::custom("a duration needs a unit, such as 5s"))?;
        Duration::try_from_secs_f64(unit.as_secs_f64() * number).map_err(E::custom)
    }
}

impl Visitor<'_> for DurationVisitor {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration such as 250ms, 5s or 2 min")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Duration, E> {
        parse_duration(text).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Duration, E> {
        let unit = self
            .number
            .ok_or_else(|| E::custom("a duration needs a unit, such as 5s"))?;
        let nanos = unit.as_nanos().saturating_mul(u128::from(number));
        u64::try_from(nanos)
            .map(Duration::from_nanos)
            .map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Duration, E> {
        let number = u64::try_from(number).map_err(E::custom)?;
        self.visit_u64(number)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Duration, E> {
        self.of_number(number)
    }
}

struct SizeVisitor;

impl Visitor<'_> for SizeVisitor {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a size such as 16 MiB, or a number of bytes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<u64, E> {
        parse_size(text).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<u64, E> {
        Ok(number)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<u64, E> {
        u64::try_from(number).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_shown() {
        let cases = [
            ("250ms", 250, "250 ms"),
            ("5s", 5000, "5 s"),
            ("0.5s", 500, "500 ms"),
            ("2 min", 120_000, "2 min"),
            ("90 s", 90_000, "90 s"),
            ("1h", 3_600_000, "1 h"),
            ("48h", 172_800_000, "48 h"),
            ("1h 30min", 5_400_000, "90 min"),
        ];
        for (text, millis, shown) in cases {
            let duration = parse_duration(text).unwrap();
            assert_eq!(duration.as_millis(), millis, "{text}");
            assert_eq!(show_duration(duration), shown);
            assert_eq!(parse_duration(shown).unwrap(), duration);
        }
        for text in ["", "5", "-5s", "5 apples", "fast", "1 day"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_read_and_shown() {
        let cases = [
            ("16 MiB", 16 << 20),
            ("64KiB", 65_536),
            ("1.5 GB", 1_500_000_000),
            ("7", 7),
        ];
        for (text, bytes) in cases {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        assert_eq!(show_size(16 << 20), "16 MiB");
        assert_eq!(show_size(1000), "1000 B");
        for text in [
            "",
            "MiB",
            "-1 MiB",
            "1 TiB",
            "1.5",
            "99999999999999 GiB",
            "nan KiB",
        ] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}
