//! Subscriptions to changes: made, renewed before they end, and given up where a device has none.

use std::collections::BTreeMap;
use std::time::Duration;

use mainstem_adapter::{Reading, SessionEnd};
use mainstem_model::Monotonic;

use crate::adapter::Setup;
use crate::codec::ObjectId;
use crate::codec::service::{self, SUBSCRIBE_COV};
use crate::fault::Refusal;
use crate::line::Line;
use crate::names::{PRESENT_VALUE, STATUS_FLAGS};
use crate::session::{Halt, Session};

/// After how long a device that has refused a subscription is asked again.
const RETRY_AFTER: Duration = Duration::from_secs(300);

/// The subscriptions of one session. Pure.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    of: BTreeMap<ObjectId, State>,
}

#[derive(Clone, Copy, Debug)]
struct State {
    /// When it has to be asked for, again or at last.
    due: Monotonic,
    /// Until when it lasts, if it was granted.
    until: Option<Monotonic>,
}

impl Subscriptions {
    /// All of them are asked for at once.
    pub(crate) fn new(objects: impl Iterator<Item = ObjectId>, now: Monotonic) -> Self {
        let state = State {
            due: now,
            until: None,
        };
        Self {
            of: objects.map(|object| (object, state)).collect(),
        }
    }

    /// One that has to be asked for now.
    pub(crate) fn due(&self, now: Monotonic) -> Option<ObjectId> {
        let due = self.of.iter().find(|(_, state)| state.due <= now);
        due.map(|(object, _)| *object)
    }

    /// When the next one has to be asked for.
    pub(crate) fn next_due(&self) -> Option<Monotonic> {
        self.of.values().map(|state| state.due).min()
    }

    /// Whether changes of an object are told.
    pub(crate) fn is_live(&self, object: ObjectId, now: Monotonic) -> bool {
        let until = self.of.get(&object).and_then(|state| state.until);
        until.is_some_and(|until| now < until)
    }

    /// Whether a binding that was last read then has to be asked for in its turn.
    pub(crate) fn is_poll_due(
        &self,
        setup: &Setup,
        index: usize,
        read_at: Option<Monotonic>,
        now: Monotonic,
    ) -> bool {
        let binding = &setup.bindings[index];
        if !binding.cov || !self.is_live(binding.target.object, now) {
            return true;
        }
        let slow = Duration::from_millis(setup.config.cov.poll_interval);
        read_at.is_none_or(|at| now.since(at) >= slow)
    }

    /// The objects whose changes are told.
    pub(crate) fn live(&self) -> impl Iterator<Item = ObjectId> {
        let live = self.of.iter().filter(|(_, state)| state.until.is_some());
        live.map(|(object, _)| *object)
    }

    /// It was granted for so long.
    pub(crate) fn granted(&mut self, object: ObjectId, now: Monotonic, lifetime: Duration) {
        let state = State {
            due: now.after(lifetime / 2),
            until: Some(now.after(lifetime)),
        };
        self.of.insert(object, state);
    }

    /// It was refused: the object is polled as if it had not been asked for.
    pub(crate) fn refused(&mut self, object: ObjectId, now: Monotonic) {
        let state = State {
            due: now.after(RETRY_AFTER),
            until: None,
        };
        self.of.insert(object, state);
    }
}

impl Session<'_> {
    /// Asks for a subscription, or for a longer life of one.
    pub(crate) async fn subscribe(
        &mut self,
        line: &mut Line,
        object: ObjectId,
    ) -> Result<(), Halt> {
        let cov = &self.setup.config.cov;
        let mut body = Vec::new();
        let how = Some((cov.confirmed, cov.cov_lifetime_seconds));
        service::subscribe(&mut body, line.process, object, how);
        // The life is counted from before the question, so that it never seems longer than it is.
        let now = self.io.clock().monotonic();
        match self.ask(line, SUBSCRIBE_COV, &body).await? {
            Ok(_) => {
                let lifetime = Duration::from_secs(u64::from(cov.cov_lifetime_seconds));
                self.subscriptions.granted(object, now, lifetime);
            }
            Err(refusal) => self.not_subscribed(line, object, refusal, now),
        }
        Ok(())
    }

    fn not_subscribed(&mut self, line: &Line, object: ObjectId, refusal: Refusal, now: Monotonic) {
        self.subscriptions.refused(object, now);
        self.io.statistics().failed("cov_refused");
        let first = self.setup.told.get(&object).and_then(|of| of.first());
        if first.is_some_and(|index| self.learned.complain(*index, "cov_refused")) {
            let (place, fault) = (line.place(), refusal.fault());
            let object = crate::names::object_text(object);
            let message = fault.message;
            tracing::warn!(place, object, "not subscribed, so it is polled: {message}");
        }
    }

    /// Hands over what the device has told.
    pub(crate) fn take_changes(&mut self, line: &mut Line) {
        let setup = self.setup;
        if line.take_lost() {
            // The newest may be among what there was no room for: all of it is asked for.
            self.read_at.fill(None);
        }
        for change in line.take_changes() {
            let Some(of) = setup.told.get(&change.object) else {
                self.io.statistics().failed("foreign_notification");
                continue;
            };
            let part = |property| {
                let found = change.values.iter().find(|(number, _)| *number == property);
                found.map(|(_, values)| values.as_slice())
            };
            let (value, flags) = (part(PRESENT_VALUE), part(STATUS_FLAGS));
            for index in of {
                if let Some(value) = value {
                    self.deliver(line, *index, value, flags);
                }
            }
        }
        self.emit();
    }

    /// Gives subscriptions up at the end of a session.
    pub(crate) fn unsubscribe(&self, line: &mut Line) {
        line.forget(self.subscriptions.live());
    }

    pub(crate) fn emit(&mut self) {
        self.io.emit(&mut self.readings);
    }

    pub(crate) fn push(&mut self, reading: Reading) {
        self.readings.push(reading);
    }
}

impl From<SessionEnd> for Halt {
    fn from(end: SessionEnd) -> Self {
        Self::End(end)
    }
}
