//! Whether a remote's wall clock is right by ours. Pure.

use std::time::Duration;

use crate::clock::Offset;

/// From this difference on it is worth a warning.
const OFF_US: u64 = 1_000_000;

/// How a remote's wall clock stands to ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClockState {
    /// Within a second, as far as can be told; or nobody wants to know.
    #[default]
    Right,
    /// Certainly a second or more off, and within the limit.
    Off,
    /// Certainly at the limit or beyond it.
    TooFar,
}

impl ClockState {
    /// What is certain of a difference counts. Without a limit every clock is right.
    pub fn of(offset: Offset, limit: Option<Duration>) -> Self {
        let Some(limit) = limit else {
            return Self::Right;
        };
        let difference = offset.wall_us.unsigned_abs();
        let certain = difference.saturating_sub(offset.uncertainty_us);
        if u128::from(certain) >= limit.as_micros() {
            Self::TooFar
        } else if certain >= OFF_US {
            Self::Off
        } else {
            Self::Right
        }
    }

    /// The stable word: `ok`, `off` or `too_far`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Right => "ok",
            Self::Off => "off",
            Self::TooFar => "too_far",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(wall_us: i64, uncertainty_us: u64) -> ClockState {
        let offset = Offset {
            monotonic_us: 0,
            wall_us,
            uncertainty_us,
        };
        ClockState::of(offset, Some(Duration::from_secs(4)))
    }

    #[test]
    fn the_limit_is_exact_and_uncertainty_is_in_doubt() {
        let cases = [
            (999_999, 0, ClockState::Right),
            (1_000_000, 0, ClockState::Off),
            (-3_900_000, 0, ClockState::Off),
            (3_999_999, 0, ClockState::Off),
            (-4_000_000, 0, ClockState::TooFar),
            (4_100_000, 200_000, ClockState::Off),
            (4_100_000, 100_000, ClockState::TooFar),
            (i64::MIN, 0, ClockState::TooFar),
        ];
        for (wall, uncertainty, expected) in cases {
            assert_eq!(of(wall, uncertainty), expected, "{wall}");
        }
    }

    #[test]
    fn a_clock_that_drifts_is_flagged_at_the_very_step_that_reaches_the_limit() {
        // x1.0005 gains 250 µs per beat of 0.5 s.
        let states: Vec<_> = (0..20_000).map(|beat| of(beat * 250, 100)).collect();
        let first = |state| states.iter().position(|is| *is == state);
        assert_eq!(first(ClockState::Off), Some(4_001));
        assert_eq!(first(ClockState::TooFar), Some(16_001));
        let is_ordered = states.is_sorted_by_key(|state| *state as u8);
        assert!(is_ordered, "it was flagged and cleared again");
    }

    #[test]
    fn without_a_limit_every_clock_is_right() {
        let offset = Offset {
            monotonic_us: 0,
            wall_us: i64::MAX,
            uncertainty_us: 0,
        };
        assert_eq!(ClockState::of(offset, None), ClockState::Right);
    }
}
