//! What the callers and the mover share.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use mainstem_model::Clock;
use mainstem_telemetry::{Health, Problem, Severity};
use parking_lot::{Condvar, Mutex, RwLock};

use super::config::PostgresConfig;
use super::connect::{Connected, connect, failed, unread};
use super::lasts::Lasts;
use super::link::Link;
use super::session::find;
use crate::sqlite::{Place, SqliteSink};
use crate::{About, SeriesId, SinkError};

/// Connections of readers that are kept for the next one.
const IDLE_MAX: usize = 4;
/// The identity of the store, in the folder of the spool.
pub(super) const STORE: &str = "store";
pub(super) const AWAY: &str = "datalogger.postgres.away";
pub(super) const FULL: &str = "datalogger.postgres.spool";
pub(super) const LOST: &str = "datalogger.postgres.lost";

/// Everything of one store.
pub(super) struct Shared {
    pub(super) config: PostgresConfig,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) health: Health,
    pub(super) spool: SqliteSink,
    pub(super) link: Link,
    pub(super) lasts: Lasts,
    /// The server's numbers of series.
    pub(super) ids: RwLock<HashMap<SeriesId, i32>>,
    pub(super) state: Mutex<State>,
    pub(super) news: Condvar,
    pub(super) idle: Mutex<Vec<Connected>>,
    /// Bytes of the spool, and whether it takes no more.
    pub(super) spooled: AtomicU64,
    /// Rows that the server confirmed since the start, and transactions that it took.
    pub(super) moved_rows: AtomicU64,
    pub(super) moves: AtomicU64,
    pub(super) refused: AtomicU64,
    /// What people call series, until the server knows it.
    pub(super) about: Mutex<HashMap<SeriesId, About>>,
    /// What the server holds, as it was told last.
    pub(super) held: Mutex<Held>,
    pub(super) started: Instant,
}

/// What the server holds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Held {
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) files: u64,
}

/// How far the mover is, and what is wanted of it.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Why the server cannot be used now.
    pub(super) away: Option<String>,
    /// The spool is stored up to here.
    pub(super) moved: Place,
    /// Somebody waits until it is stored up to here.
    pub(super) wanted: Place,
    pub(super) stopping: bool,
}

impl Shared {
    /// Why the server cannot be used now, as an error of reading.
    pub(super) fn away(&self) -> Option<SinkError> {
        let reason = self.state.lock().away.clone()?;
        let rows = self.spool.rows_behind(self.state.lock().moved);
        Some(unread(
            &self.config,
            format!("{reason}; up to {rows} rows wait in the spool and none is lost"),
        ))
    }

    /// Waits until what is acknowledged now is at the server.
    pub(super) fn settle_up(&self) -> Result<(), SinkError> {
        let head = self.spool.head();
        let until = Instant::now() + self.config.timeout;
        loop {
            let mut state = self.state.lock();
            if state.away.is_some() {
                break;
            }
            if state.moved >= head {
                return Ok(());
            }
            if state.stopping {
                return Err(SinkError::Stopped);
            }
            if state.wanted < head {
                state.wanted = head;
                self.news.notify_all();
            }
            if self.news.wait_until(&mut state, until).timed_out() {
                drop(state);
                let reason = "what was recorded last is still on its way from the spool";
                return Err(unread(&self.config, reason));
            }
        }
        Err(self.away().unwrap_or(SinkError::Stopped))
    }

    pub(super) async fn borrow(&self) -> Result<Connected, SinkError> {
        let idle = self.idle.lock().pop();
        match idle.filter(|connected| !connected.is_closed()) {
            Some(connected) => Ok(connected),
            None => {
                let connected = connect(&self.config, "reader").await;
                connected.map_err(|reason| unread(&self.config, reason))
            }
        }
    }

    pub(super) fn give_back(&self, connected: Connected) {
        let mut idle = self.idle.lock();
        if idle.len() < IDLE_MAX {
            idle.push(connected);
        }
    }

    /// The server's number of a series; one that it does not know yet is made.
    pub(super) async fn id_of(
        &self,
        connected: &Connected,
        series: &[SeriesId],
    ) -> Result<(), SinkError> {
        let fresh = self.unknown(series.iter().copied());
        if fresh.is_empty() {
            return Ok(());
        }
        let found = find(&connected.client, &fresh);
        let found = super::connect::within(self.config.timeout, found).await;
        let found = found.map_err(|reason| failed(&self.config, reason))?;
        self.ids.write().extend(found);
        Ok(())
    }

    /// Those of some series of which the server's numbers are not known, with their keys.
    pub(super) fn unknown(
        &self,
        series: impl Iterator<Item = SeriesId>,
    ) -> Vec<(SeriesId, crate::SeriesKey)> {
        let ids = self.ids.read();
        let fresh = series.filter(|id| !ids.contains_key(id));
        let mut fresh: Vec<_> = fresh
            .filter_map(|id| Some((id, self.spool.key(id)?)))
            .collect();
        fresh.sort();
        fresh.dedup();
        fresh
    }

    /// Whether the spool has as much as it may.
    pub(super) fn is_full(&self) -> bool {
        self.spooled.load(Ordering::Relaxed) >= self.config.spool
    }

    /// Says that the server is away, or that it is back.
    pub(super) fn tell(&self, away: Option<String>) {
        let mut state = self.state.lock();
        if state.away == away {
            return;
        }
        let was = std::mem::replace(&mut state.away, away.clone());
        drop(state);
        self.news.notify_all();
        self.idle.lock().clear();
        let label = self.config.label();
        let Some(reason) = away else {
            tracing::info!(store = label, "the PostgreSQL store is back");
            return self.health.clear(AWAY);
        };
        if was.is_none() {
            tracing::error!(store = label, reason, "the PostgreSQL store is away");
        }
        self.health.raise(Problem {
            id: AWAY.to_owned(),
            severity: Severity::High,
            source: "datalogger.postgres".to_owned(),
            text: format!(
                "The PostgreSQL store {label} cannot be used: {reason}. Samples wait in the spool \
                 on this machine's disk and are not lost; they cannot be read until then."
            ),
            action: "Check the server and the way to it; the node goes on by itself.".to_owned(),
        });
    }

    /// Looks at the size of the spool.
    pub(super) fn weigh(&self) {
        let bytes = self.spool.bytes();
        self.spooled.store(bytes, Ordering::Relaxed);
        let limit = self.config.spool;
        if bytes < limit {
            return self.health.clear(FULL);
        }
        self.health.raise(Problem {
            id: FULL.to_owned(),
            severity: Severity::Critical,
            source: "datalogger.postgres".to_owned(),
            text: format!(
                "The spool of the PostgreSQL store is full: {} MiB of {} MiB. Further samples are \
                 kept in memory as far as they fit there; then they are lost as a gap.",
                bytes >> 20,
                limit >> 20
            ),
            action: "Bring the PostgreSQL server back, or give `spool` more room.".to_owned(),
        });
    }
}
