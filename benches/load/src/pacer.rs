//! When how much may be sent: at a rate whatever comes of it, or as much as keeps a window full.

use std::io;
use std::time::Duration;

use crate::board::{Board, Word, now};
use crate::options::PubOptions;

/// Pauses of a publisher that has nothing to send, the same as those of the other generators.
const PAUSE_AT_RATE: Duration = Duration::from_micros(300);
const PAUSE_AT_WINDOW: Duration = Duration::from_micros(50);

pub(crate) struct Pacer {
    rate: f64,
    window: u64,
    start: u64,
    end: u64,
    quiet: u64,
    pub(crate) sent: u64,
    count: u64,
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// So many may be sent.
    Send(u64),
    /// Nothing for so long.
    Pause(Duration),
    /// It is over.
    End,
}

impl Pacer {
    /// Begins now.
    pub(crate) fn new(options: &PubOptions, board: &Board) -> io::Result<Self> {
        let start = now();
        board.set(Word::Start, start)?;
        Ok(Self {
            rate: options.rate,
            window: options.window,
            start,
            end: start + nanoseconds(options.secs),
            quiet: match nanoseconds(options.quiet_at) {
                0 => u64::MAX,
                at => start + at,
            },
            sent: 0,
            count: options.count,
        })
    }

    /// Nanoseconds since the start.
    pub(crate) fn elapsed(&self) -> u64 {
        now() - self.start
    }

    /// Whether odd points are silent by now.
    pub(crate) fn is_quiet(&self, now: u64) -> bool {
        now > self.quiet
    }

    pub(crate) fn has_rate(&self) -> bool {
        self.rate > 0.0
    }

    pub(crate) fn due(&self, board: &Board, batch: u64) -> io::Result<Due> {
        let now = now();
        if now >= self.end || self.sent >= self.count {
            return Ok(Due::End);
        }
        let aim = if self.has_rate() {
            by_rate(self.rate, now - self.start)
        } else {
            board.get(Word::Received)?.saturating_add(self.window)
        };
        Ok(
            match aim
                .saturating_sub(self.sent)
                .min(batch)
                .min(self.count - self.sent)
            {
                0 if self.has_rate() => Due::Pause(PAUSE_AT_RATE),
                0 => Due::Pause(PAUSE_AT_WINDOW),
                due => Due::Send(due),
            },
        )
    }
}

/// Seconds of the command line in nanoseconds.
pub(crate) fn nanoseconds(seconds: f64) -> u64 {
    let duration = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "rates and times of a benchmark are far from the limits"
)]
fn by_rate(rate: f64, elapsed: u64) -> u64 {
    (elapsed as f64 * rate / 1e9) as u64
}
