//! Stores what came, and records what will never come; waits for a store that takes nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use mainstem_wire::LogGone;

use super::super::plan::missing;
use super::{Halt, Intake, RETRY};
use crate::numbers::PIECES_MAX;
use crate::{Gap, GapCause, Healing, Refused, Row, RowQuery, SeriesId, SinkError};

/// Live rows are left to the backlog when a series has so many pieces: the store keeps no more.
const LIVE_PIECES_MAX: usize = PIECES_MAX * 3 / 4;
/// Tries of rows that happened just now; then they are left to the backlog.
const LIVE_TRIES: u32 = 6;

impl Intake {
    /// Leaves out rows of series that are stored in too many pieces already: those between come
    /// first, and with them these.
    pub(super) fn leave_scattered(&self, rows: &mut Vec<Row>) {
        let mut pieces: HashMap<SeriesId, bool> = HashMap::new();
        rows.retain(|row| {
            *pieces.entry(row.series).or_insert_with(|| {
                let held = self.sink().held(row.series);
                held.is_ok_and(|held| held.len() < LIVE_PIECES_MAX)
            })
        });
    }

    /// Stores rows. Those of a backlog wait for the store as long as it takes; whoever brings them
    /// waits too, so that no more are under way.
    pub(super) async fn store(&self, mut rows: Vec<Row>, is_live: bool) -> Result<(), Halt> {
        let (mut retry, mut tries) = (RETRY.0, 0);
        while !rows.is_empty() {
            let kept = rows.clone();
            match self.sink().append(rows).await {
                Ok(()) => {
                    self.count(kept.len() as u64, is_live);
                    self.desk.stored(kept, is_live).await;
                    return Ok(());
                }
                Err(Refused { error, .. }) => {
                    tries += 1;
                    let scattered = matches!(error, SinkError::Scattered(_));
                    if scattered || (is_live && tries >= LIVE_TRIES) {
                        // They are still missing, and are asked for as such.
                        return Ok(());
                    }
                    self.wait(&error, &mut retry).await?;
                    rows = kept;
                }
            }
        }
        Ok(())
    }

    fn count(&self, rows: u64, is_live: bool) {
        let mut state = self.state.lock();
        state.held_up = None;
        state.rows.0 += rows;
        state.rows.1 += if is_live { rows } else { 0 };
    }

    /// Waits before the next try of a store that refused.
    pub(super) async fn wait(&self, error: &SinkError, retry: &mut Duration) -> Result<(), Halt> {
        match error {
            SinkError::Stopped => return Err(Halt::Closed),
            SinkError::Invalid { .. } | SinkError::UnknownSeries(_) => {
                return Err(Halt::Nonsense(error.to_string()));
            }
            // The disk is busy, which is no trouble.
            SinkError::Full => {}
            _ => self.state.lock().held_up = Some(error.to_string()),
        }
        tokio::time::sleep(*retry).await;
        *retry = (*retry * 2).min(RETRY.1);
        Ok(())
    }

    /// Rows that the remote no longer has: they will never come, and that is recorded.
    pub(super) async fn gone(&self, gone: LogGone) -> Result<(), Halt> {
        let Some(series) = self.local(gone.id) else {
            return Ok(());
        };
        if gone.from == 0 || gone.to < gone.from || gone.to == u64::MAX {
            return Err(Halt::Nonsense("rows gone that never were".into()));
        }
        let mut retry = RETRY.0;
        let held = self.sink().held(series).unwrap_or_default();
        for (first, last) in missing(&[(gone.from, gone.to)], &held, usize::MAX) {
            // First the record, then the watermark: a crash between tells it twice, never not at all.
            while let Err(error) = self.record(series, &gone, (first, last)).await? {
                self.wait(&error, &mut retry).await?;
            }
            while let Err(Refused { error, .. }) = self.sink().forgo(series, first, last).await {
                self.wait(&error, &mut retry).await?;
            }
            self.desk.forgone(series, first, last).await;
            self.state.lock().rows.2 += last - first + 1;
            tracing::warn!(
                remote = self.naming.remote,
                first,
                last,
                cause = gone.cause,
                "rows of a data logger will never come: the remote no longer has them"
            );
        }
        Ok(())
    }

    async fn record(
        &self,
        series: SeriesId,
        gone: &LogGone,
        (first, last): (u64, u64),
    ) -> Result<Result<(), SinkError>, Halt> {
        let sink = Arc::clone(self.sink());
        let (cause, hop) = (gone.cause.clone(), gone.hop);
        let (after, before) = (gone.after, gone.before);
        let now = self.desk.now();
        let recorded = tokio::task::spawn_blocking(move || {
            // Here there may be an older row than there.
            let query = RowQuery {
                series,
                after: first.saturating_sub(2),
                limit: 1,
            };
            let older = sink.rows(&query)?.next().transpose()?;
            let older = older.filter(|row| row.row < first).map(|row| row.time);
            let (from, to) = (older.or(after), before.unwrap_or(now));
            let gap = Gap {
                series,
                from: from.unwrap_or(0).min(to),
                to,
                rows: Some((first, last)),
                cause: GapCause::parse(&cause).unwrap_or(GapCause::Missing),
                hop: Some(hop),
                state: Healing::Permanent,
                since: now,
            };
            sink.record_gap(&gap).map(drop)
        });
        let recorded = recorded.await;
        recorded.map_err(|error| Halt::Nonsense(error.to_string()))
    }
}
