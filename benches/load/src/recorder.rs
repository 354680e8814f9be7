//! The reader's book-keeping and its report, the same for all contestants.

use std::io;

use serde_json::json;

use crate::board::{Board, Side, Tally, Word, now};
use crate::histogram::Histogram;

pub(crate) struct Recorder {
    board: Board,
    tally: Tally,
    latency: Histogram,
    warm: u64,
    start: u64,
    received: u64,
    back: u64,
    distinct: u64,
    first: u64,
    pub(crate) last: u64,
    /// Entries that the node said this reader would never get.
    pub(crate) gaps: u64,
}

impl Recorder {
    pub(crate) fn new(board: Board, warm: u64) -> io::Result<Self> {
        let tally = board.tally(Side::Received)?;
        Ok(Self {
            board,
            tally,
            latency: Histogram::new(),
            warm,
            start: 0,
            received: 0,
            back: 0,
            distinct: 0,
            first: 0,
            last: 0,
            gaps: 0,
        })
    }

    /// The reader sees live changes from here on.
    pub(crate) fn ready(&self) -> io::Result<()> {
        self.board.set(Word::Ready, 1)
    }

    /// An update of a point, stamped in nanoseconds.
    pub(crate) fn got(&mut self, point: usize, stamp: u64, now: u64) {
        let Some(count) = self.tally.counts.get_mut(point) else {
            return;
        };
        *count += 1;
        self.distinct += u64::from(*count == 1);
        if stamp < self.tally.stamps[point] {
            self.back += 1;
        } else {
            self.tally.stamps[point] = stamp;
        }
        self.tally.touch(point);
        self.received += 1;
        if self.first == 0 {
            self.first = now;
        }
        self.last = now;
        if self.start != 0 && now > self.start + self.warm {
            self.latency.add(now.saturating_sub(stamp));
        }
    }

    /// Tells the others what came.
    pub(crate) fn commit(&mut self) -> io::Result<()> {
        if self.start == 0 {
            self.start = self.board.get(Word::Start)?;
        }
        self.board.set(Word::Received, self.received)?;
        let rest = [self.back, self.last, self.distinct, self.first];
        self.board.set_many(Word::Back, &rest)?;
        self.tally.write(&self.board, false)
    }

    /// Whether the reader may stop: everything is there, or nothing more comes.
    pub(crate) fn is_finished(&mut self, began: u64, stop: &Stop) -> io::Result<bool> {
        self.tally.write(&self.board, false)?;
        let now = now();
        if now - began > stop.max {
            return Ok(true);
        }
        let silent = |since: u64| now.saturating_sub(since) > stop.grace;
        if stop.sync {
            let all = self.distinct >= self.board.points() as u64;
            return Ok(all || silent(self.last.max(began)));
        }
        if self.board.get(Word::Done)? == 0 {
            return Ok(false);
        }
        let all = self.received >= self.board.get(Word::Sent)?;
        Ok(all || silent(self.last.max(self.board.get(Word::End)?)))
    }

    /// One line for the harness.
    pub(crate) fn report(&mut self) -> io::Result<String> {
        self.tally.write(&self.board, true)?;
        let sent = self.board.tally(Side::Sent)?;
        let (mut lost, mut doubled, mut stale) = (0, 0, 0);
        for (point, received) in self.tally.counts.iter().enumerate() {
            lost += sent.counts[point].saturating_sub(*received);
            doubled += received.saturating_sub(sent.counts[point]);
            let behind = self.tally.stamps[point] < sent.stamps[point];
            stale += u64::from(sent.counts[point] > 0 && behind);
        }
        let seconds = seconds(self.last.saturating_sub(self.board.get(Word::Start)?));
        let quantile = |thousandths| micros(self.latency.quantile(thousandths));
        let report = json!({
            "sent": self.board.get(Word::Sent)?, "recv": self.received, "lost": lost,
            "dup": doubled, "back": self.back, "stale_points": stale, "gaps": self.gaps,
            "distinct": self.distinct, "secs": seconds,
            "rate": per_second(self.received, seconds), "lat_n": self.latency.total(),
            "p50_us": quantile(500), "p90_us": quantile(900), "p99_us": quantile(990),
            "p999_us": quantile(999), "max_us": micros(self.latency.largest()),
        });
        Ok(report.to_string())
    }
}

/// When to stop, in nanoseconds.
pub(crate) struct Stop {
    pub(crate) max: u64,
    pub(crate) grace: u64,
    pub(crate) sync: bool,
}

#[expect(clippy::cast_precision_loss, reason = "shown with few digits")]
fn micros(nanoseconds: u64) -> f64 {
    (nanoseconds as f64 / 100.0).round() / 10.0
}

#[expect(clippy::cast_precision_loss, reason = "shown with few digits")]
fn seconds(nanoseconds: u64) -> f64 {
    (nanoseconds as f64 / 1e5).round() / 1e4
}

#[expect(clippy::cast_precision_loss, reason = "shown with few digits")]
fn per_second(count: u64, seconds: f64) -> f64 {
    (count as f64 / seconds.max(1e-9)).round()
}
