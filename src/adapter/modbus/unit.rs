//! How a unit is doing: answering, silent once, or down and asked less often. Pure.

use std::time::Duration;

use mainstem_model::Monotonic;

/// Silent requests in a row after which a unit that did answer is down.
const SILENCES_MAX: u8 = 2;
/// A down unit's timeouts take at most one part in so many of the connection's time.
const PROBE_SHARE: u32 = 15;
/// The shortest and the longest wait before a down unit is asked again.
const PROBE_AFTER: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(15));

/// One unit during one session.
#[derive(Clone, Debug)]
pub(crate) struct Unit {
    /// Its address in requests.
    pub(crate) id: u8,
    /// Its place among the adapter's devices, if there is more than one.
    pub(crate) device: Option<usize>,
    /// Whether anything of it is polled.
    pub(crate) polled: bool,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Unknown,
    Answering { silences: u8 },
    Down { probe_at: Monotonic },
}

impl Unit {
    /// A unit that was not asked yet.
    pub(crate) fn new(id: u8, device: Option<usize>, polled: bool) -> Self {
        Self {
            id,
            device,
            polled,
            state: State::Unknown,
        }
    }

    /// It answered, be it with an exception. Returns whether that is news.
    pub(crate) fn answered(&mut self) -> bool {
        let news = !matches!(self.state, State::Answering { silences: 0 });
        self.state = State::Answering { silences: 0 };
        news
    }

    /// It did not answer. Returns whether it counts as down now. Whoever has not answered in
    /// this session at all gets no second chance: it would cost the others a second timeout.
    pub(crate) fn silent(&mut self, now: Monotonic, timeout: Duration, down: usize) -> bool {
        if let State::Answering { silences } = self.state
            && silences + 1 < SILENCES_MAX
        {
            self.state = State::Answering {
                silences: silences + 1,
            };
            return false;
        }
        let others = u32::try_from(down).unwrap_or(u32::MAX);
        let wait = timeout
            .saturating_mul(PROBE_SHARE)
            .saturating_mul(others.saturating_add(1));
        let wait = wait.clamp(PROBE_AFTER.0, PROBE_AFTER.1);
        self.state = State::Down {
            probe_at: now.after(wait),
        };
        true
    }

    /// Whether it was not asked in this session, or not answered yet.
    pub(crate) fn is_unknown(&self) -> bool {
        self.state == State::Unknown
    }

    /// Whether its last request was answered.
    pub(crate) fn is_well(&self) -> bool {
        matches!(self.state, State::Answering { silences: 0 })
    }

    /// Others fell silent one after the other, so it has to prove itself as if it had, too.
    pub(crate) fn doubt(&mut self) {
        if self.is_well() {
            self.state = State::Answering { silences: 1 };
        }
    }

    /// Whether it is believed not to answer.
    pub(crate) fn is_down(&self) -> bool {
        matches!(self.state, State::Down { .. })
    }

    /// Whether a poll may be spent on it.
    pub(crate) fn may_poll(&self, now: Monotonic) -> bool {
        match self.state {
            State::Down { probe_at } => probe_at <= now,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(1);

    #[test]
    fn an_answering_unit_may_be_silent_once() {
        let now = Monotonic::from_micros(1);
        let mut unit = Unit::new(3, None, true);
        assert!(unit.answered());
        assert!(!unit.answered());
        assert!(!unit.silent(now, TIMEOUT, 0));
        assert!(unit.may_poll(now));
        assert!(
            unit.answered(),
            "an answer between two silences forgives the first, and is news"
        );
        assert!(!unit.silent(now, TIMEOUT, 0));
        assert!(unit.silent(now, TIMEOUT, 0));
        assert!(unit.is_down());
    }

    #[test]
    fn a_doubted_unit_has_one_chance() {
        let now = Monotonic::from_micros(1);
        let mut unit = Unit::new(3, None, true);
        unit.doubt();
        assert!(unit.is_unknown(), "nothing is known that could be doubted");
        unit.answered();
        unit.doubt();
        assert!(!unit.is_well() && unit.may_poll(now));
        assert!(unit.clone().answered());
        assert!(unit.silent(now, TIMEOUT, 0));
    }

    #[test]
    fn a_down_unit_is_asked_less_often_the_more_are_down() {
        let now = Monotonic::from_micros(1);
        let mut unit = Unit::new(3, None, true);
        assert!(unit.silent(now, TIMEOUT, 0), "it has never answered");
        assert!(!unit.may_poll(now.after(Duration::from_millis(14_999))));
        assert!(unit.may_poll(now.after(Duration::from_secs(15))));
        assert!(unit.silent(now, TIMEOUT, 2));
        assert!(!unit.may_poll(now.after(Duration::from_millis(44_999))));
        assert!(unit.may_poll(now.after(Duration::from_secs(45))));
        assert!(unit.silent(now, TIMEOUT, 1000));
        assert!(unit.may_poll(now.after(Duration::from_mins(15))));
        assert!(unit.answered());
    }
}
