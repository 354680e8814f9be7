//! Datapoints on their way to the server: from the outlet into the spool, and out of it in requests
//! of many lines, with growing waits after those that were not taken.

use std::time::Duration;

use mainstem_adapter::{AdapterIo, Backoff, Outgoing, Outlet};
use mainstem_model::Monotonic;

use crate::client::Failure;
use crate::export::Rules;
use crate::line;
use crate::plan::ServerPlan;
use crate::spool::Spool;

/// What is carried out, across sessions.
pub(super) struct Carrying {
    pub(super) outlet: Option<Box<dyn Outlet>>,
    rules: Rules,
    spool: Spool,
    samples: Vec<Outgoing>,
    backoff: Backoff,
    /// Nothing is sent before this.
    not_before: Monotonic,
    /// Since when lines wait.
    waits_since: Option<Monotonic>,
    flush: Duration,
}

impl Carrying {
    pub(super) fn new(plan: &ServerPlan) -> Self {
        Self {
            outlet: None,
            rules: plan.rules.clone(),
            spool: Spool::new(plan.lines_max, plan.batch),
            samples: Vec::new(),
            backoff: Backoff::new(plan.backoff),
            not_before: Monotonic::default(),
            waits_since: None,
            flush: plan.flush,
        }
    }

    /// A session begins: what was under way in the last one goes again. Twice written is one point.
    pub(super) fn begin(&mut self, io: &AdapterIo) {
        let gone = self.spool.give_back();
        self.lost(gone, io);
        self.not_before = Monotonic::default();
    }

    /// The next samples; how many were missed.
    pub(super) async fn next(&mut self) -> u64 {
        match &mut self.outlet {
            Some(outlet) => outlet.next(&mut self.samples).await,
            None => std::future::pending().await,
        }
    }

    /// Gathers until nobody waits for it any more.
    pub(super) async fn gather_on(&mut self, io: &AdapterIo) {
        loop {
            let missed = self.next().await;
            self.gather(missed, io);
        }
    }

    /// Makes lines of the samples that came.
    pub(super) fn gather(&mut self, missed: u64, io: &AdapterIo) {
        if missed > 0 {
            io.statistics().failed_times("samples_missed", missed);
            tracing::warn!(missed, "samples were not read in time, and are not written");
        }
        let gone = self
            .rules
            .gather(&mut self.samples, &mut self.spool, io.statistics());
        self.lost(gone, io);
        if self.waits_since.is_none() && self.spool.len() > 0 {
            self.waits_since = Some(io.clock().monotonic());
        }
    }

    fn lost(&self, gone: u64, io: &AdapterIo) {
        if gone > 0 {
            io.statistics().failed_times("lines_dropped", gone);
            tracing::warn!(gone, "too many lines wait: the oldest were dropped");
        }
    }

    /// When something is to be sent, if anything waits.
    pub(super) fn due(&self, now: Monotonic) -> Option<Monotonic> {
        let ripe = match self.spool.is_ripe() {
            true => now,
            false => self.waits_since?.after(self.flush),
        };
        self.spool.may_send().then(|| ripe.max(self.not_before))
    }

    /// The body of a request, if one is due.
    pub(super) fn take(&mut self, now: Monotonic) -> Option<String> {
        if self.due(now).is_none_or(|due| due > now) {
            return None;
        }
        let body = self.spool.take();
        self.waits_since = Some(now);
        body
    }

    /// A request has ended. Returns what is to be looked at further.
    pub(super) fn flushed(
        &mut self,
        answer: Result<(), Failure>,
        io: &AdapterIo,
    ) -> Option<Failure> {
        let now = io.clock().monotonic();
        let failure = match answer {
            Ok(()) => {
                self.spool.taken();
                self.backoff.reset();
                if self.spool.len() == 0 {
                    self.waits_since = None;
                }
                return None;
            }
            Err(failure) => failure,
        };
        if failure.is_passing() {
            let gone = self.spool.give_back();
            self.lost(gone, io);
            self.not_before = now.after(self.backoff.next_wait(chance(now)));
            if !matches!(failure, Failure::Connect(_) | Failure::Lost(_)) {
                tracing::warn!(%failure, "lines are not taken now, and wait");
            }
            return Some(failure);
        }
        if let Some(line) = self.spool.refused() {
            io.statistics().failed("line_refused");
            // Not the values: whoever reads the log need not be who may read them.
            let measurement = line::measurement(&line);
            tracing::warn!(%failure, measurement, "a line is refused, and lost");
        }
        // The rest is tried at once.
        self.waits_since = Some(Monotonic::default());
        None
    }
}

/// Chance enough that nodes which failed together do not come back together: the microseconds of the
/// moment.
fn chance(now: Monotonic) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a number below a million")]
    let part = (now.micros() % 1_000_000) as f64;
    0.5 + part / 2_000_000.0
}
