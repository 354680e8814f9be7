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
        self.window.push_back(Offset {
            monotonic_us: signed(answer.sent).saturating_add(transit) - signed(now.micros()),
            wall_us: answer
                .sent_wall
                .saturating_add(transit)
                .saturating_sub(wall),
            uncertainty_us: half + 1,
        });
        if self.window.len() > WINDOW {
            self.window.pop_front();
        }
    }

    /// The best estimate of the window.
    pub fn best(&self) -> Option<Offset> {
        self.window
            .iter()
            .min_by_key(|offset| offset.uncertainty_us)
            .copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_exchange_decides() {
        let mut window = OffsetWindow::default();
        for (there, back) in [(1000, 9000), (100, 100), (5000, 200)] {
            let sent = 1_000_000;
            // The remote's clock is 50 s ahead; it holds the beat for 300 µs.
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
                sent_wall: 7_000_000 + 1_000_000,
                head: 0,
                quiet: Vec::new(),
                known: true,
            };
            let now = Monotonic::from_micros(sent + there + 300 + back);
            window.add(&beat, &answer, now, 1_000_000);
        }
        let best = window.best().unwrap();
        assert_eq!(best.monotonic_us, 50_000_000);
        assert!(best.uncertainty_us <= 101);
        assert!((best.wall_us - 7_000_000).abs() <= 101);
    }
}
