//! One write on its way: committed, handed over in time, and its outcome committed. A task of its
//! own, so that nobody who asked has to wait for it.

use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{Monotonic, Name, Value, WriteId, WriteState};
use mainstem_store::{Hop, Order, OrderError, Outcome, Owner, PointId};
use mainstem_telemetry::{Problem, Severity};
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::check::Checked;
use crate::office::Office;
use crate::policy::rest_of;
use crate::pulse::Pulse;
use crate::row::Row;
use crate::{Entry, Request, WriteRecord, reason};

/// What is to be handed over, and to whom.
pub(crate) struct Task {
    id: WriteId,
    point: PointId,
    name: Name,
    value: Value,
    deadline: Monotonic,
    originators: Vec<String>,
    owner: Owner,
    pulse: Option<Duration>,
}

/// A write on its way.
pub(crate) struct Journey {
    office: Arc<Office>,
    task: Task,
    durable: bool,
    /// Whether it was handed over: from then on, no answer means that nobody can tell.
    handed: bool,
    /// The pulse that stood at the datapoint when this was handed over.
    stood: Option<WriteId>,
    finished: bool,
}

impl Office {
    pub(crate) fn order_of(
        &self,
        request: &Request,
        record: &WriteRecord,
        checked: Checked,
        owner: Owner,
    ) -> Task {
        let mut originators = record.originators.clone();
        if let (Entry::Link { principal, .. }, Owner::Link(_)) = (&request.entry, owner) {
            originators.push(self.originator(&principal.name));
        }
        Task {
            id: record.id,
            point: checked.point,
            name: checked.name,
            value: checked.value,
            deadline: record.deadline,
            originators,
            owner,
            pulse: request.pulse,
        }
    }
}

impl Journey {
    pub(crate) fn new(office: Arc<Office>, task: Task, durable: bool) -> Self {
        Self {
            office,
            task,
            durable,
            handed: false,
            stood: None,
            finished: false,
        }
    }

    /// All the way to the outcome.
    pub(crate) async fn run(mut self) {
        if self.durable && !self.commit().await {
            return;
        }
        let pulse = match self.note_pulse().await {
            Ok(pulse) => pulse,
            Err(outcome) => return self.finish(outcome, None).await,
        };
        self.office.trail.accepted();
        self.office
            .table
            .lock()
            .advance(self.task.id, WriteState::Accepted);
        let accepted = self.office.hop(WriteState::Accepted);
        let mut reply = match self.hand_over() {
            Ok(reply) => reply,
            Err(outcome) => {
                self.settle(pulse, &outcome).await;
                return self.finish(outcome, None).await;
            }
        };
        let is_entry = self.durable;
        let passed = match self.task.owner {
            Owner::Local(_) => None,
            Owner::Link(_) => {
                let forwarded = self.office.hop(WriteState::Forwarded);
                let mut table = self.office.table.lock();
                table.advance(self.task.id, WriteState::Forwarded);
                Some(if is_entry { accepted } else { forwarded })
            }
        };
        let outcome = self.answer(&mut reply).await;
        let open = outcome.state == WriteState::Unknown;
        self.settle(pulse, &outcome).await;
        self.finish(outcome, passed).await;
        if open {
            self.listen_on(reply).await;
        }
    }

    /// The first durable point. What cannot be committed is not carried out.
    async fn commit(&mut self) -> bool {
        let row = {
            let table = self.office.table.lock();
            let kept = table.kept(self.task.id);
            kept.map(|kept| Row::begin(&kept.record, &kept.hash))
        };
        let Some(row) = row else { return false };
        let Err(error) = self.office.ledger.commit(&row).await else {
            return true;
        };
        // Nothing was begun, so the key may be used again.
        self.office.table.lock().unbind(self.task.id);
        let text = format!("the write was not carried out: {error}");
        let outcome = Outcome::because(WriteState::Rejected, reason::JOURNAL, text);
        self.finish(outcome, None).await;
        false
    }

    /// Notes a pulse on the disk before it begins, so that no crash forgets that it stands.
    async fn note_pulse(&self) -> Result<Option<Pulse>, Outcome> {
        let (Owner::Local(_), Some(length)) = (self.task.owner, self.task.pulse) else {
            return Ok(None);
        };
        let Some(rest) = rest_of(&self.task.value) else {
            return Ok(None);
        };
        let pulse = Pulse {
            id: self.task.id,
            name: self.task.name.clone(),
            rest,
            length,
        };
        let noted = self.office.pulses.note(&pulse).await;
        noted
            .map(|()| Some(pulse))
            .map_err(|(reason, why)| Outcome::because(WriteState::Rejected, reason, why))
    }

    /// What a local outcome means for pulses: this one's reset is due some time later, or it never
    /// stood; and a value that somebody else has set since is no pulse any more.
    async fn settle(&self, pulse: Option<Pulse>, outcome: &Outcome) {
        let stands = matches!(outcome.state, WriteState::Applied | WriteState::Unknown);
        match pulse {
            Some(pulse) if stands => self.office.reset_later(pulse),
            Some(pulse) => self.office.pulses.withdraw(&pulse).await,
            None => {
                let stood = self.stood.filter(|_| outcome.state == WriteState::Applied);
                if let Some(id) = stood {
                    self.office.pulses.forget(&self.task.name, id).await;
                }
            }
        }
    }

    /// Hands the order over, if there is still time right now.
    fn hand_over(&mut self) -> Result<oneshot::Receiver<Outcome>, Outcome> {
        let task = &self.task;
        if self.office.stopping.is_cancelled() {
            return Err(too_late(reason::RESTARTED, "the node stopped"));
        }
        if self.office.now() >= task.deadline {
            return Err(too_late(reason::DEADLINE, "the deadline passed"));
        }
        if let Owner::Local(_) = task.owner {
            let live = |name: &str| self.office.live(name);
            let former = self.office.store.former_names(&task.name);
            self.office
                .policies
                .still(&task.name, &former, &live)
                .map_err(|why| Outcome::because(WriteState::Rejected, reason::POLICY, why))?;
        }
        let (reply, outcome) = oneshot::channel();
        let order = Order {
            id: task.id,
            point: task.point,
            name: task.name.clone(),
            value: task.value.clone(),
            deadline: task.deadline,
            originators: task.originators.clone(),
            pulse: task.pulse,
            reply,
        };
        self.stood = self.office.pulses.standing(&task.name);
        self.office
            .store
            .order(task.owner, order)
            .map_err(|error| {
                let reason = match error {
                    OrderError::NoOwner => reason::NO_OWNER,
                    OrderError::Busy => reason::BUSY,
                };
                Outcome::because(WriteState::Rejected, reason, error.to_string())
            })?;
        self.handed = true;
        Ok(outcome)
    }

    /// The outcome, or `unknown` if none comes in time.
    async fn answer(&self, reply: &mut oneshot::Receiver<Outcome>) -> Outcome {
        let left = self.task.deadline.since(self.office.now());
        let patience = left.saturating_add(self.office.config.grace);
        tokio::select! {
            biased;
            answer = reply => match answer {
                Ok(outcome) if outcome.state.is_final() => outcome,
                _ => self.unknown(reason::LOST, "whoever had the write gave it up without an outcome"),
            },
            () = sleep(patience) => {
                self.unknown(reason::NO_ANSWER, "no outcome came before the deadline")
            }
            () = self.office.stopping.cancelled() => {
                self.unknown(reason::RESTARTED, "the node stopped before the outcome was known")
            }
        }
    }

    fn unknown(&self, reason: &str, text: &str) -> Outcome {
        let hop = self.office.store.path(self.task.owner.source());
        Outcome {
            hop: Some(hop).filter(|hop| !hop.is_empty()),
            ..Outcome::because(WriteState::Unknown, reason, text)
        }
    }

    async fn finish(&mut self, outcome: Outcome, passed: Option<Hop>) {
        let outcome = self.office.completed(outcome, passed);
        self.office.finish(self.task.id, outcome).await;
        self.finished = true;
    }

    /// The true outcome may still come; then it replaces the `unknown`.
    async fn listen_on(&self, reply: oneshot::Receiver<Outcome>) {
        // With too many of them, this one stays unknown until somebody resolves it.
        let Ok(_place) = self.office.late.try_acquire() else {
            return;
        };
        let late: Duration = self.office.config.late_for;
        let answer = tokio::select! {
            answer = reply => answer.ok(),
            () = sleep(late) => None,
            () = self.office.stopping.cancelled() => None,
        };
        let told = answer.filter(|outcome| outcome.state.is_final());
        if let Some(outcome) = told.filter(|outcome| outcome.state != WriteState::Unknown) {
            self.office.resolve(self.task.id, outcome).await;
        }
    }
}

fn too_late(reason: &str, what: &str) -> Outcome {
    let text = format!("{what} before it was handed over");
    Outcome::because(WriteState::Expired, reason, text)
}

/// Only a panic or the end of the runtime drops a journey before it is finished: whoever waits is
/// told even then.
impl Drop for Journey {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        let outcome = match self.handed {
            true => self.unknown(reason::LOST, "the part that carried it ended unexpectedly"),
            false => too_late(reason::LOST, "the part that carried it ended"),
        };
        let outcome = self.office.completed(outcome, None);
        self.office.conclude(self.task.id, outcome);
        if std::thread::panicking() {
            self.office.health.raise(Problem {
                id: "writes.panic".to_owned(),
                severity: Severity::High,
                source: "writes".to_owned(),
                text: format!("The task of write {} ended in a panic.", self.task.id),
                action: "Report it with the log of this moment: this is a defect.".to_owned(),
            });
        }
    }
}
