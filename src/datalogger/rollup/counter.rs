//! How much a counter went on between two readings.

/// How a counter counts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CounterRule {
    /// The number at which it begins again with 0, if it is known.
    pub modulus: Option<f64>,
}

/// What happened between two readings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    /// It went on, or stood.
    On(f64),
    /// It went over its end and began with 0 again.
    Over(f64),
    /// It was set back to 0, and has counted so far since.
    Reset(f64),
    /// It went back a little: an earlier reading was too high.
    Back(f64),
}

/// An overflow is only believed when the counter went on by less than this share of its range;
/// otherwise it was set back, or replaced.
const OVERFLOW_SHARE: f64 = 0.25;
/// A counter that shows less than this share of its last reading was set back; one that shows more
/// has corrected itself.
const RESET_SHARE: f64 = 0.5;

impl CounterRule {
    pub(super) fn step(self, before: f64, now: f64) -> Step {
        if now >= before {
            return Step::On(now - before);
        }
        if let Some(modulus) = self.modulus {
            let over = now + modulus - before;
            if over >= 0.0 && over < modulus * OVERFLOW_SHARE {
                return Step::Over(over);
            }
        }
        if now >= 0.0 && now < before * RESET_SHARE {
            return Step::Reset(now);
        }
        Step::Back(now - before)
    }
}

impl Step {
    pub(super) fn increment(self) -> f64 {
        match self {
            Self::On(by) | Self::Over(by) | Self::Reset(by) | Self::Back(by) => by,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overflow_reset_and_correction_are_told_apart() {
        let plain = CounterRule::default();
        let wrapping = CounterRule {
            modulus: Some(65_536.0),
        };
        assert_eq!(plain.step(10.0, 12.5), Step::On(2.5));
        assert_eq!(plain.step(10.0, 10.0), Step::On(0.0));
        assert_eq!(wrapping.step(65_530.0, 4.0), Step::Over(10.0));
        // A quarter of the range at one step is no overflow any more.
        assert_eq!(wrapping.step(49_152.0, 0.0), Step::Reset(0.0));
        assert_eq!(wrapping.step(49_153.0, 0.0), Step::Over(16_383.0));
        assert_eq!(plain.step(65_530.0, 4.0), Step::Reset(4.0));
        assert_eq!(
            plain.step(123_456.7, 123_456.5).increment(),
            123_456.5 - 123_456.7
        );
        assert!(matches!(plain.step(100.0, 50.0), Step::Back(by) if by == -50.0));
        // Below nothing it is no counter; the difference at least adds up.
        assert_eq!(plain.step(1.0, -5.0), Step::Back(-6.0));
    }
}
