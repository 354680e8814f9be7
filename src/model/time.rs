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
        let moment: jiff::Timestamp = text
            .parse()
            .map_err(|_| TimeError(text.chars().take(64).collect()))?;
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
    fn plausible_means_1990_to_soon() {
        let now = Timestamp::from_millis(1_795_000_000_000);
        assert!(now.is_plausible(now, 0));
        assert!(!Timestamp::from_micros(now.micros() + 2).is_plausible(now, 1));
        assert!(!Timestamp::from_micros(0).is_plausible(now, 1));
    }
}
