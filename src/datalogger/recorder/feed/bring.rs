//! Takes in what was brought: gives the rows their numbers and tells when they are on disk.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::Feed;
use crate::recorder::door::Brought;
use crate::recorder::rolling::RollSetup;
use crate::recorder::rolls::Job;
use crate::rollup::Calendar;
use crate::{Row, SeriesId};

/// A batch that is not on disk yet, and who waits for it.
pub(super) struct Awaited {
    series: SeriesId,
    rows: (u64, u64),
    stored: oneshot::Sender<(u64, u64)>,
}

impl Feed {
    /// Gives rows their numbers. They wait with the others.
    pub(super) async fn bring(&mut self, brought: Brought) {
        let Brought {
            series,
            mut rows,
            stored,
        } = brought;
        let Some(first) = self.numbering(series).await else {
            // Whoever waits sees the end of the channel.
            return;
        };
        let last = first + rows.len() as u64 - 1;
        for (row, number) in rows.iter_mut().zip(first..) {
            (row.series, row.row) = (series, number);
        }
        if !self.tracks.set_next(series, last + 1) {
            self.resting.insert(series, last + 1);
            self.roll(series, &rows).await;
        }
        // What was recorded before goes first.
        self.spool.push(&mut self.rows);
        self.spool.push_whole(rows);
        self.spool.send(true);
        self.awaited.push(Awaited {
            series,
            rows: (first, last),
            stored,
        });
    }

    /// The next number of a series.
    async fn numbering(&mut self, series: SeriesId) -> Option<u64> {
        let known = self.tracks.next(series);
        if let Some(next) = known.or_else(|| self.resting.get(&series).copied()) {
            return Some(next);
        }
        let sink = Arc::clone(&self.sink);
        let asked = tokio::task::spawn_blocking(move || sink.watermark(series)).await;
        match asked {
            Ok(Ok(watermark)) => Some(watermark + 1),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the next number of a series cannot be read");
                None
            }
            Err(error) => {
                tracing::error!(%error, "the next number of a series cannot be read");
                None
            }
        }
    }

    /// Has a series rolled up whose datapoint is not there.
    async fn roll(&self, series: SeriesId, rows: &[Row]) {
        let view = self.book.of_series(series);
        let logger = view.and_then(|view| self.plan.called(&view.logger));
        let counts = rows.iter().any(|row| row.value.as_f64().is_some());
        if let Some(logger) = logger.filter(|_| counts) {
            let setup = RollSetup {
                rule: logger.config.rule(),
                calendar: Calendar::new(self.book.zone().clone()),
                minutes: logger.config.minutes,
                raw: self.minutes_raw,
            };
            self.job(Job::Open(series, setup)).await;
        }
    }

    /// Tells who waits for rows that they are on disk.
    pub(super) fn tell_stored(&mut self, rows: &[Row]) {
        if self.awaited.is_empty() {
            return;
        }
        let is_last = |awaited: &Awaited, row: &Row| {
            row.series == awaited.series && row.row == awaited.rows.1
        };
        for awaited in std::mem::take(&mut self.awaited) {
            if rows.iter().any(|row| is_last(&awaited, row)) {
                let told = awaited.stored.send(awaited.rows);
                if told.is_err() {
                    tracing::debug!("whoever brought rows has gone; they are stored");
                }
            } else {
                self.awaited.push(awaited);
            }
        }
    }
}
