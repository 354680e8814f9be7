//! The figures of a store.

use std::sync::atomic::Ordering;

use rustix::fs::statvfs;

use super::blocks;
use super::file::{Told, read_error};
use super::merge::{Axis, Plan, staged_segments};
use super::shared::Shared;
use crate::{Extent, Order, QualityFilter, SeriesId, SinkState, Stats};

const DAY_SECONDS: f64 = 86_400.0;
/// Before so many seconds have passed, a rate says nothing.
const RATE_AFTER_SECONDS: f64 = 60.0;

impl Shared {
    pub(super) fn stats(&self) -> Stats {
        let parts = self.part_list();
        let reason = self.trouble.lock().clone();
        let (mut rows, mut staged) = (0, 0);
        let mut times: Option<(i64, i64)> = None;
        for figures in parts.iter().map(|part| part.figures()) {
            rows += figures.rows();
            staged += figures.staged;
            if let Some((first, last)) = figures.times() {
                let (from, to) = times.unwrap_or((first, last));
                times = Some((from.min(first), to.max(last)));
            }
        }
        let bytes = self.bytes();
        let counters = &self.counters;
        let acknowledged = counters.acknowledged.load(Ordering::Relaxed);
        let bytes_per_day = self.bytes_per_day(bytes, rows, acknowledged);
        Stats {
            state: reason.map_or(SinkState::Working, |reason| SinkState::Failed { reason }),
            bytes,
            rows,
            staged,
            waiting: self.queue.weight() as u64,
            series: self.catalogue.len() as u64,
            files: parts.len() as u64,
            times,
            bytes_per_day,
            days_left: bytes_per_day.and_then(|rate| self.days_left(rate)),
            acknowledged,
            repeated: counters.repeated.load(Ordering::Relaxed),
            refused: counters.refused.load(Ordering::Relaxed),
            commits: counters.commits.load(Ordering::Relaxed),
        }
    }

    /// Rows a day since the start, times the bytes that a row takes here.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn bytes_per_day(&self, bytes: u64, rows: u64, acknowledged: u64) -> Option<f64> {
        let seconds = self.started.elapsed().as_secs_f64();
        if seconds < RATE_AFTER_SECONDS || rows == 0 {
            return None;
        }
        let each = bytes as f64 / rows as f64;
        Some(acknowledged as f64 / seconds * DAY_SECONDS * each)
    }

    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn days_left(&self, bytes_per_day: f64) -> Option<f64> {
        let disk = statvfs(&self.config.folder).ok()?;
        let reserve = disk.f_blocks / 100 * u64::from(self.config.reserve_percent);
        let free = disk
            .f_bavail
            .saturating_sub(reserve)
            .saturating_mul(disk.f_frsize);
        (bytes_per_day > 0.0).then(|| free as f64 / bytes_per_day)
    }

    /// What is held of one series: from the heads of blocks and segments alone.
    pub(super) fn extent(&self, series: SeriesId) -> Told<Extent> {
        let plan = Plan {
            series,
            axis: Axis::Time(Order::Ascending),
            times: (i64::MIN, i64::MAX),
            quality: QualityFilter::Any,
        };
        let mut extent = Extent::default();
        for part in self.part_list() {
            let connection = part.borrow()?;
            let read = read_error(&part.path);
            connection.execute_batch("BEGIN").map_err(&read)?;
            for head in blocks::heads(&connection, series, plan.times).map_err(&read)? {
                extent.widen(head.rows, head.times, head.numbers);
            }
            for (_, segment) in staged_segments(&part.path, &connection, &plan)? {
                let low = segment.numbers.first().map_or(0, |range| range.0);
                let high = segment.numbers.last().map_or(0, |range| range.1);
                extent.widen(segment.rows as u64, segment.times, (low, high));
            }
            connection.execute_batch("COMMIT").map_err(&read)?;
            part.give_back(connection);
        }
        Ok(extent)
    }
}

impl Extent {
    fn widen(&mut self, rows: u64, times: (i64, i64), numbers: (u64, u64)) {
        self.rows += rows;
        let (first, last) = self.times.unwrap_or(times);
        self.times = Some((first.min(times.0), last.max(times.1)));
        let (low, high) = self.numbers.unwrap_or(numbers);
        self.numbers = Some((low.min(numbers.0), high.max(numbers.1)));
    }
}
