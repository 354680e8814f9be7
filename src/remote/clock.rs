//! The remote's clocks against ours, from the four stamps of each beat.

use std::collections::VecDeque;

use mainstem_model::Monotonic;
use mainstem_wire::{Beat, BeatAnswer};

/// Exchanges kept; the one with the shortest round trip is the best estimate.
const WINDOW: usize = 16;

/// One exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offset {
    /// The remote's monotonic clock minus ours, in microseconds.
    pub monotonic_us: i64,
    /// The remote's wall clock minus ours, in microseconds: positive if the remote is ahead.
    pub wall_us: i64,
    /// How wrong either can be, in microseconds: half the round trip.
    pub uncertainty_us: u64,
}

/// The last exchanges of one connection.
#[derive(Clone, Debug, Default)]
pub struct OffsetWindow {
    window: VecDeque<Offset>,
    /// How many of the newest were measured with the wall clocks as they run now.
    fresh: usize,
}

impl OffsetWindow {
    /// Takes in an exchange.
    pub fn add(&mut self, beat: &Beat, answer: &BeatAnswer, now: Monotonic, wall: i64) {
        let away = now.micros().saturating_sub(beat.sent);
        let held = answer.sent.saturating_sub(answer.received);
        let half = away.saturating_sub(held) / 2;
        let signed = |micros: u64| i64::try_from(micros).unwrap_or(i64::MAX);
        // The answer left the remote half a round trip before it came here.
        let transit = signed(half);
        let measured = Offset {
            monotonic_us: signed(answer.sent).saturating_add(transit) - signed(now.micros()),
            wall_us: answer
                .sent_wall
                .saturating_add(transit)
                .saturating_sub(wall),
            uncertainty_us: half + 1,
        };
        // What no uncertainty explains is a wall clock that was set, here or there: what was
        // measured before says nothing of it any more. How the monotonic clocks map stays true.
        let is_set = self.wall().is_some_and(|known| known.differs(&measured));
        self.fresh = if is_set { 1 } else { self.fresh + 1 };
        self.window.push_back(measured);
        if self.window.len() > WINDOW {
            self.window.pop_front();
        }
        self.fresh = self.fresh.min(self.window.len());
    }

    /// The best estimate of how the monotonic clocks map.
    pub fn best(&self) -> Option<Offset> {
        most_certain(self.window.iter())
    }

    /// The best estimate of how the wall clocks stand to each other, as they run now.
    pub fn wall(&self) -> Option<Offset> {
        most_certain(self.window.iter().rev().take(self.fresh))
    }
}

impl Offset {
    /// Whether both cannot be true of wall clocks that nobody has set in between.
    fn differs(&self, other: &Self) -> bool {
        let doubt = self.uncertainty_us.saturating_add(other.uncertainty_us);
        self.wall_us.abs_diff(other.wall_us) > doubt
    }
}

fn most_certain<'a>(offsets: impl Iterator<Item = &'a Offset>) -> Option<Offset> {
    offsets.min_by_key(|offset| offset.uncertainty_us).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One exchange with a remote whose monotonic clock is 50 s ahead and that holds a beat for
    /// 300 µs; what its wall clock is ahead changes.
    fn exchange(window: &mut OffsetWindow, there: u64, back: u64, ahead: i64) {
        let sent = 1_000_000;
        let received = sent + there + 50_000_000;
        let beat = Beat {
            session: 1,
            applied: 0,
            sent,
            sent_wall: 0,
            offset: None,
            uncertainty: None,
        };
        let answer = BeatAnswer {
            received,
            sent: received + 300,
            // It travels for `back` until our wall shows 1 s.
            sent_wall: ahead + 1_000_000 - i64::try_from(back).unwrap(),
            head: 0,
            quiet: Vec::new(),
            known: true,
        };
        let now = Monotonic::from_micros(sent + there + 300 + back);
        window.add(&beat, &answer, now, 1_000_000);
    }

    #[test]
    fn the_shortest_exchange_decides() {
        let mut window = OffsetWindow::default();
        for (there, back) in [(1000, 9000), (100, 100), (5000, 200)] {
            exchange(&mut window, there, back, 7_000_000);
        }
        let best = window.best().unwrap();
        assert_eq!(best.monotonic_us, 50_000_000);
        assert!(best.uncertainty_us <= 101);
        assert!((best.wall_us - 7_000_000).abs() <= 101);
    }
    #[test]
    fn a_clock_that_was_set_counts_with_the_next_exchange() {
        let mut window = OffsetWindow::default();
        exchange(&mut window, 100, 100, 0);
        let hour = 3_600_000_000;
        for ahead in [-hour, hour, 87_660 * hour, 0] {
            // Less certain than what was measured before the step, and true.
            exchange(&mut window, 4000, 4000, ahead);
            let wall = window.wall().unwrap();
            assert_eq!((wall.wall_us, wall.uncertainty_us), (ahead, 4001));
            let best = window.best().unwrap();
            assert_eq!((best.monotonic_us, best.uncertainty_us), (50_000_000, 101));
        }
    }

    #[test]
    fn a_clock_that_runs_too_fast_is_followed() {
        let mut window = OffsetWindow::default();
        // 500 ppm at a beat every 0.5 s, and a round trip of 200 µs.
        for beat in 0..100 {
            let ahead = beat * 250;
            exchange(&mut window, 100, 100, ahead);
            let off = window.wall().unwrap().wall_us.abs_diff(ahead);
            assert!(off <= 250, "{off} µs behind the truth");
        }
    }
}
