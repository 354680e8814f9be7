//! Moments of the wall clock, in microseconds. They label; they never order.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A moment: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// A text that is no RFC 3339 moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a moment such as 2026-11-20T08:15:30.123456Z, found {0:?}")]
pub struct TimeError(String);

impl TimeError {
    fn of(text: &str) -> Self {
        Self(text.chars().take(64).collect())
    }
}

impl Timestamp {
    /// 1990-01-01: earlier stamps of a device are taken for errors.
    pub const PLAUSIBLE_MIN: Self = Self(631_152_000_000_000);
    /// 2200-01-01: later stamps of a device are taken for errors.
    pub const PLAUSIBLE_MAX: Self = Self(7_258_118_400_000_000);

    /// From microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1000))
    }

    /// The moment that somebody writes: as [`FromStr`] reads it, or in the forms of HSYCO's
    /// `time`, which are `yyyy-mm-dd hh:mm:ss` and `yyyymmddhhmmss`, both in UTC, and milliseconds
    /// since the epoch.
    pub fn from_written(text: &str) -> Result<Self, TimeError> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let form = match text.len() {
            // As milliseconds these would be of the year 2286 and later.
            14 if is_number => "%Y%m%d%H%M%S",
            1..=13 if is_number => {
                let millis = text.parse().map_err(|_| TimeError::of(text))?;
                return Ok(Self::from_millis(millis));
            }
            19 => "%Y-%m-%d %H:%M:%S",
            _ => return text.parse(),
        };
        match jiff::civil::DateTime::strptime(form, text) {
            Ok(civil) => {
                let moment = jiff::tz::Offset::UTC.to_timestamp(civil);
                let moment = moment.map_err(|_| TimeError::of(text))?;
                Ok(Self(moment.as_microsecond()))
            }
            Err(_) => text.parse(),
        }
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Whether a device's claim can be right: 1990 to 2200 and not further ahead than `ahead_max`.
    pub fn is_plausible(self, now: Self, ahead_max_micros: i64) -> bool {
        self >= Self::PLAUSIBLE_MIN
            && self <= Self::PLAUSIBLE_MAX
            && self.0 <= now.0.saturating_add(ahead_max_micros)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(moment) => write!(f, "{moment:.6}"),
            // Outside the calendar's years: the number is all that can be said.
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl FromStr for Timestamp {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        if let Some(micros) = text
            .strip_suffix("us")
            .and_then(|number| number.parse().ok())
        {
            return Ok(Self(micros));
        }
        let moment: jiff::Timestamp = text.parse().map_err(|_| TimeError::of(text))?;
        Ok(Self(moment.as_microsecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comes_back() {
        for micros in [
            0,
            1,
            1_795_000_000_123_456,
            -1,
            i64::MAX,
            i64::MIN,
            4_294_967_296_000_000,
        ] {
            let moment = Timestamp::from_micros(micros);
            assert_eq!(
                moment.to_string().parse::<Timestamp>(),
                Ok(moment),
                "{moment}"
            );
        }
        assert_eq!(
            Timestamp::from_micros(0).to_string(),
            "1970-01-01T00:00:00.000000Z"
        );
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    #[test]
    fn moments_that_other_clocks_stumble_over() {
        let micros = |text: &str| text.parse::<Timestamp>().map(Timestamp::micros);
        let seconds = [
            // The last second of 32 bits with a sign, and the first beyond.
            ("2038-01-19T03:14:07Z", 2_147_483_647),
            ("2038-01-19T03:14:08Z", 2_147_483_648),
            // The same without a sign.
            ("2106-02-07T06:28:15Z", 4_294_967_295),
            ("2106-02-07T06:28:16Z", 4_294_967_296),
            // A summer time that begins and ends in Europe: the same moment whatever the zone.
            ("2026-03-29T01:59:59+01:00", 1_774_745_999),
            ("2026-03-29T03:00:00+02:00", 1_774_746_000),
            ("2026-10-25T02:30:00+02:00", 1_792_888_200),
            ("2026-10-25T02:30:00+01:00", 1_792_891_800),
            // No year 1900, a year 2000, and the day that only some years have.
            ("2100-03-01T00:00:00Z", 4_107_542_400),
            ("2028-02-29T23:59:59Z", 1_835_481_599),
        ];
        for (text, seconds) in seconds {
            assert_eq!(micros(text), Ok(seconds * 1_000_000), "{text}");
            let shown = Timestamp::from_micros(seconds * 1_000_000).to_string();
            assert_eq!(micros(&shown), Ok(seconds * 1_000_000), "{shown}");
        }
        assert!(micros("2027-02-29T00:00:00Z").is_err());
        // A leap second has no place on this scale: it is the second before, as POSIX smears it.
        assert_eq!(
            micros("2016-12-31T23:59:60Z"),
            micros("2016-12-31T23:59:59Z")
        );
    }

    #[test]
    fn a_moment_is_written_in_the_forms_of_hsyco_too() {
        let moment = Timestamp::from_millis(1_792_888_200_000);
        for text in [
            "2026-10-25T00:30:00Z",
            "2026-10-25 00:30:00",
            "20261025003000",
            "1792888200000",
        ] {
            assert_eq!(Timestamp::from_written(text), Ok(moment), "{text}");
        }
        assert_eq!(
            Timestamp::from_written("-1"),
            Ok(Timestamp::from_millis(-1))
        );
        for text in [
            "",
            "now",
            "2026-10-25",
            "20261325003000",
            "2026-10-25 00:30",
            "99999999999999999999",
            "9999999999999999",
        ] {
            assert!(Timestamp::from_written(text).is_err(), "{text}");
        }
    }

    #[test]
    fn plausible_means_1990_to_soon() {
        let now = Timestamp::from_millis(1_795_000_000_000);
        assert!(now.is_plausible(now, 0));
        assert!(!Timestamp::from_micros(now.micros() + 2).is_plausible(now, 1));
        assert!(!Timestamp::from_micros(0).is_plausible(now, 1));
    }
}
