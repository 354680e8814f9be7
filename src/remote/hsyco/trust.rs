//! What the time since the last answer says about the trust in what it brought. Pure.

use mainstem_model::{Monotonic, Quality, Reason};

use crate::timing::Timing;

pub(super) struct Trust {
    timing: Timing,
    /// Since when there could have been an answer.
    began: Monotonic,
    /// When the last answer was complete.
    answered: Option<Monotonic>,
    is_paused: bool,
}

impl Trust {
    pub(super) fn new(timing: Timing, is_paused: bool, now: Monotonic) -> Self {
        Self {
            timing,
            began: now,
            answered: None,
            is_paused,
        }
    }

    /// An answer was complete; it vouches for everything that was told before.
    pub(super) fn answered(&mut self, now: Monotonic) {
        self.answered = Some(now);
    }

    pub(super) fn last_answer(&self) -> Option<Monotonic> {
        self.answered
    }

    /// Switched off or on by a person. What was known before a pause is not vouched for behind it.
    pub(super) fn pause(&mut self, is_paused: bool, now: Monotonic) {
        if self.is_paused && !is_paused {
            self.began = now;
            self.answered = None;
        }
        self.is_paused = is_paused;
    }

    fn uncertain_at(&self) -> Monotonic {
        self.answered
            .map_or(self.began, |at| at.after(self.timing.uncertain_after))
    }

    pub(super) fn quality(&self, now: Monotonic) -> Quality {
        let uncertain_at = self.uncertain_at();
        if self.is_paused {
            Quality::of(Reason::OutOfService)
        } else if self.answered.is_some() && now < uncertain_at {
            Quality::GOOD
        } else if now >= uncertain_at.after(self.timing.bad_after) {
            Quality::of(Reason::LinkDown)
        } else if self.answered.is_none() {
            Quality::of(Reason::Restarted)
        } else {
            Quality::of(Reason::LinkQuiet)
        }
    }

    /// When the quality changes by itself.
    pub(super) fn deadline(&self, now: Monotonic) -> Option<Monotonic> {
        let uncertain_at = self.uncertain_at();
        let bad_at = uncertain_at.after(self.timing.bad_after);
        let next = [uncertain_at, bad_at].into_iter().find(|at| now < *at);
        next.filter(|_| !self.is_paused)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_server_that_holds_10_s_is_uncertain_after_25_and_bad_60_later() {
        let at = |seconds: u64| Monotonic::from_micros(1 + seconds * 1_000_000);
        let mut trust = Trust::new(Timing::held(Duration::from_secs(10)), false, at(0));
        assert_eq!(trust.quality(at(59)), Quality::of(Reason::Restarted));
        assert_eq!(trust.quality(at(60)), Quality::of(Reason::LinkDown));
        trust.answered(at(100));
        let word = |trust: &Trust, seconds| trust.quality(at(seconds)).reason.as_str();
        for (seconds, expected) in [
            (100, "ok"),
            (124, "ok"),
            (125, "link_quiet"),
            (184, "link_quiet"),
            (185, "link_down"),
        ] {
            assert_eq!(word(&trust, seconds), expected, "{seconds}");
        }
        assert_eq!(trust.deadline(at(101)), Some(at(125)));
        assert_eq!(trust.deadline(at(125)), Some(at(185)));
        assert_eq!(trust.deadline(at(185)), None);
        trust.pause(true, at(186));
        assert_eq!(word(&trust, 186), "out_of_service");
        trust.pause(false, at(200));
        assert_eq!(word(&trust, 200), "restarted");
    }
}
