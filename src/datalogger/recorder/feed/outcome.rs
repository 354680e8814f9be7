//! What became of rows that were handed to the store, and the end of recording.

use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{Quality, Reason};
use mainstem_telemetry::{Problem, Severity};
use tokio::time::Instant;

use super::{Feed, TICK};
use crate::recorder::rolls::Job;
use crate::recorder::spool::Sent;

/// How long the rows that say that recording ended may take to get to the disk.
const STOP_PATIENCE: Duration = Duration::from_secs(5);
const PROBLEM: &str = "loggers.spool";
const WAITING: &str = "The data logger store takes no rows; they wait";
const TOO_SLOW: &str = "More than half of the memory for rows that wait is taken";
const LOSING: &str = "The data logger store takes no rows, and no more can wait: what happens now \
                      may not be recorded";

impl Feed {
    /// Tells on what is stored, or why nothing is.
    pub(super) async fn sent(&mut self, sent: Sent) {
        match sent {
            Sent::Stored(rows, time) => {
                self.figures.rows.inc_by(rows.len() as u64);
                self.tell_stored(&rows);
                let rows = Arc::new(rows);
                self.book.tap().pass(&rows);
                self.figures.stored.observe(time.as_secs_f64());
                self.job(Job::Rows(rows)).await;
                if self.spool.is_filling() {
                    self.tell(Severity::Warning, TOO_SLOW, "the disk is too slow for them");
                } else {
                    self.health.clear(PROBLEM);
                }
            }
            Sent::Refused(count, why) => {
                self.figures.refused.inc_by(count);
                tracing::warn!(rows = count, why, "the data logger store takes no rows now");
                if self.spool.is_full() {
                    self.tell(Severity::High, LOSING, &why);
                } else {
                    self.tell(Severity::Warning, WAITING, &why);
                }
            }
        }
        let bytes = i64::try_from(self.spool.bytes()).unwrap_or(i64::MAX);
        self.figures.spool.set(bytes);
        self.figures
            .waiting
            .set(i64::try_from(self.spool.len()).unwrap_or(i64::MAX));
    }

    fn tell(&self, severity: Severity, text: &str, why: &str) {
        self.health.raise(Problem {
            id: PROBLEM.into(),
            severity,
            source: "loggers".into(),
            text: format!("{text}: {why}."),
            action: "See that the disk of the data folder has room and is writable; recording \
                     goes on by itself."
                .into(),
        });
    }

    /// Says of everything that it is no longer recorded, and waits for the disk.
    pub(super) async fn finish(mut self) {
        let now = self.store.clock().now();
        let stopped = Quality::of(Reason::Stopped);
        for point in self.tracks.points() {
            self.tracks
                .end(point, stopped, now.micros(), now, &mut self.rows);
        }
        self.spool.push(&mut self.rows);
        let until = Instant::now() + STOP_PATIENCE;
        while self.spool.len() > 0 {
            self.spool.send(true);
            match tokio::time::timeout_at(until, self.spool.sent()).await {
                Ok(sent) => self.sent(sent).await,
                Err(_) => {
                    let rows = self.spool.len();
                    tracing::error!(rows, "the data logger store did not take the last rows");
                    break;
                }
            }
            if self.spool.due().is_some_and(|due| due > Instant::now()) {
                tokio::time::sleep_until(until.min(Instant::now() + TICK)).await;
            }
            if Instant::now() >= until {
                break;
            }
        }
        self.job(Job::Tick(now)).await;
    }
}
