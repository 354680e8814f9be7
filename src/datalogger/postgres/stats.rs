//! The figures of a store.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::connect::{unread, within};
use super::shared::Shared;
use tokio_postgres::types::ToSql;

use crate::{Extent, SeriesId, Sink, SinkError, SinkState, Stats};

const DAY_SECONDS: f64 = 86_400.0;
/// Before so many seconds have passed, a rate says nothing.
const RATE_AFTER_SECONDS: f64 = 60.0;
/// The ends of what is held of a series, each by the index. The newest time and the highest number
/// are in the last slice, where a piece that begins earlier may end later.
const EXTENT: &str = "SELECT
    (SELECT rows FROM stored WHERE series = $1),
    (SELECT low FROM piece WHERE series = $1 ORDER BY low LIMIT 1),
    (SELECT max(high) FROM piece WHERE series = $1 AND low >=
        (SELECT low - 4096 FROM piece WHERE series = $1 ORDER BY low DESC LIMIT 1)),
    (SELECT first FROM piece WHERE series = $1 ORDER BY first LIMIT 1),
    (SELECT max(last) FROM piece WHERE series = $1 AND first >=
        (SELECT greatest(first, -9223372036254775808) - 600000000 FROM piece WHERE series = $1
            ORDER BY first DESC LIMIT 1))";

impl Shared {
    pub(super) fn stats(self: &Arc<Self>) -> Stats {
        let spool = self.spool.stats();
        let away = self.state.lock().away.clone();
        let behind = self.spool.rows_behind(self.state.lock().moved);
        let state = match (self.is_full(), spool.state, away) {
            (_, SinkState::Failed { reason }, _) => SinkState::Failed { reason },
            (true, _, reason) => SinkState::Failed {
                reason: format!("its spool is full; {}", reason.unwrap_or_default()),
            },
            // Rows are taken, and on disk here: the store works, whatever the server does.
            (false, SinkState::Working, _) => SinkState::Working,
        };
        let held = *self.held.lock();
        let bytes = held.bytes + spool.bytes;
        let rows = held.rows + behind;
        let rate = self.bytes_per_day(held.bytes, held.rows, spool.acknowledged);
        Stats {
            state,
            bytes,
            rows,
            staged: behind,
            waiting: spool.waiting,
            series: spool.series,
            files: held.files,
            times: None,
            bytes_per_day: rate,
            // The server's disk is not this node's to see.
            days_left: None,
            acknowledged: spool.acknowledged,
            repeated: spool.repeated,
            refused: spool.refused + self.refused.load(Ordering::Relaxed),
            commits: self.moves.load(Ordering::Relaxed),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn bytes_per_day(&self, bytes: u64, rows: u64, acknowledged: u64) -> Option<f64> {
        let seconds = self.started.elapsed().as_secs_f64();
        if seconds < RATE_AFTER_SECONDS || rows == 0 {
            return None;
        }
        let each = bytes as f64 / rows as f64;
        Some(acknowledged as f64 / seconds * DAY_SECONDS * each)
    }

    /// What is held of one series.
    pub(super) fn extent(self: &Arc<Self>, series: SeriesId) -> Result<Extent, SinkError> {
        let Some(id) = self.ids.read().get(&series).copied() else {
            return Ok(Extent::default());
        };
        let shared = Arc::clone(self);
        self.link.ask(async move {
            let connected = shared.borrow().await?;
            let values: [&(dyn ToSql + Sync); 1] = [&id];
            let found = connected.client.query_one(EXTENT, &values);
            let found = within(shared.config.timeout, found).await;
            let found = found.map_err(|reason| unread(&shared.config, reason))?;
            shared.give_back(connected);
            let number = |column: usize| found.get::<_, Option<i64>>(column);
            let numbers = number(1).zip(number(2));
            Ok(Extent {
                rows: number(0).unwrap_or_default().cast_unsigned(),
                numbers: numbers.map(|(low, high)| (low.cast_unsigned(), high.cast_unsigned())),
                times: number(3).zip(number(4)),
            })
        })
    }

    /// Asks the server what it holds.
    pub(super) fn refresh(self: &Arc<Self>) {
        let shared = Arc::clone(self);
        let asked = self.link.ask(async move {
            let connected = shared.borrow().await?;
            let held = super::retention::held(&connected.client);
            let held = within(shared.config.timeout, held).await;
            let held = held.map_err(|reason| unread(&shared.config, reason))?;
            shared.give_back(connected);
            Ok(held)
        });
        match asked {
            Ok(held) => *self.held.lock() = held,
            Err(error) => tracing::debug!(%error, "the size of the store is not known"),
        }
    }
}
