//! How long the disk lasts, from what the store really grew by.

use std::time::Duration;

use rustix::fs::statvfs;

use super::file;
use super::shared::Shared;
use crate::{Outlook, Policy};

const DAY: i64 = 86_400_000_000;
/// How long a store runs at least before what it took so far is told as what a day takes.
const ESTIMATE_AFTER: Duration = Duration::from_hours(2);
/// What parts of the last days take says how much a day takes.
const LOOK_BACK_DAYS: i64 = 7;
/// Nobody is told of a day further away.
const DAYS_MAX: u32 = 36_500;

/// A part as far as the outlook needs it.
struct Piece {
    created: i64,
    bytes: u64,
}

impl Shared {
    /// What the store takes of its disk, and how long that goes on. Asks the file system.
    pub(super) fn outlook(&self, policy: &Policy) -> Outlook {
        let now = self.clock.now().micros();
        let pieces = self.part_list().into_iter().map(|part| Piece {
            created: part.figures().created,
            bytes: file::bytes_of(&part.path),
        });
        let pieces: Vec<Piece> = pieces.collect();
        let (used, disk) = (self.bytes(), statvfs(&self.config.folder).ok());
        let free = disk
            .as_ref()
            .map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
        let reserve = disk.map_or(0, |disk| {
            let percent = u64::from(self.config.reserve_percent);
            disk.f_blocks.saturating_mul(disk.f_frsize) / 100 * percent
        });
        // The first minutes are mostly what the write-ahead log reserves.
        let since_start = || {
            let is_long = self.started.elapsed() >= ESTIMATE_AFTER;
            is_long.then(|| self.stats().bytes_per_day).flatten()
        };
        let growth = growth(&pieces, now).or_else(since_start);
        // What it may grow by: up to its share of the disk, and not into the reserve.
        let share = self
            .budget(policy)
            .map(|budget| budget.saturating_sub(used));
        let room = free.map(|free| free.saturating_sub(reserve));
        let left = match (share, room) {
            (Some(share), Some(room)) => Some(share.min(room)),
            (share, room) => share.or(room),
        };
        Outlook {
            used,
            free,
            bytes_per_day: growth,
            days_left: left
                .zip(growth)
                .map(|(left, growth)| days(&pieces, policy.raw, now, left, growth)),
        }
    }
}

/// Bytes a day: what the parts of the last days take, by the time that they are for. Nothing
/// before there is a day of them.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn growth(pieces: &[Piece], now: i64) -> Option<f64> {
    let from = now.saturating_sub(LOOK_BACK_DAYS * DAY);
    // The newest part that is older than that covers the time until the next one.
    let first = pieces.partition_point(|piece| piece.created < from);
    let recent = &pieces[first.min(pieces.len().saturating_sub(1))..];
    let span = now.saturating_sub(recent.first()?.created);
    let bytes: u64 = recent.iter().map(|piece| piece.bytes).sum();
    (span >= DAY).then(|| bytes as f64 * DAY as f64 / span as f64)
}

/// Days until the room is used up, with what retention by age gives back meanwhile. The greatest
/// number that is told means that it lasts.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn days(pieces: &[Piece], raw: Option<i64>, now: i64, left: u64, growth: f64) -> f64 {
    let mut left = left as f64;
    let mut pieces = pieces.iter().peekable();
    let kept_days = raw.map_or(DAYS_MAX, |raw| u32::try_from(raw / DAY).unwrap_or(DAYS_MAX));
    for day in 0..kept_days.min(DAYS_MAX) {
        if let Some(raw) = raw {
            let before = now.saturating_add(i64::from(day) * DAY).saturating_sub(raw);
            while let Some(piece) =
                pieces.next_if(|piece| piece.created.saturating_add(DAY) < before)
            {
                left += piece.bytes as f64;
            }
        }
        if growth > left {
            return f64::from(day) + (left / growth).max(0.0);
        }
        left -= growth;
    }
    // From here on as much goes as comes.
    f64::from(DAYS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn daily(count: i64, bytes: u64) -> Vec<Piece> {
        let piece = |day| Piece {
            created: day * DAY,
            bytes,
        };
        (0..count).map(piece).collect()
    }

    #[test]
    fn growth_is_what_the_last_days_took() {
        let mut pieces = daily(30, 100);
        pieces[2].bytes = 1_000_000;
        assert_eq!(growth(&pieces, 30 * DAY), Some(100.0));
        assert_eq!(growth(&pieces[..1], DAY / 2), None, "too early to say");
        assert_eq!(growth(&[], 5 * DAY), None);
    }

    #[test]
    fn days_are_counted_with_what_age_gives_back() {
        let pieces = daily(30, 100);
        let now = 30 * DAY;
        let left =
            |raw: Option<i64>, left| days(&pieces, raw.map(|days| days * DAY), now, left, 100.0);
        assert_eq!(left(None, 1_050), 10.5);
        assert_eq!(left(None, u64::MAX), f64::from(DAYS_MAX));
        // Nothing is given back before day 60, so 90 days do not fit into 1000 bytes …
        assert_eq!(left(Some(90), 1_000), 10.0);
        // … and where as much goes as comes, it lasts.
        assert_eq!(left(Some(29), 1_000), f64::from(DAYS_MAX));
        assert_eq!(left(Some(90), 0), 0.0);
    }
}
