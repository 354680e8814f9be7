//! From a request to a write: looked at, known already or new, and then a task of its own.

use std::sync::Arc;

use mainstem_model::{Monotonic, Timestamp, WriteId, WriteState};
use mainstem_store::{Outcome, Owner};
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::check::{self, Checked, Denied};
use crate::journey::Journey;
use crate::office::Office;
use crate::policy::{Live, Verdict, Wish};
use crate::request::ORIGINATORS_MAX;
use crate::table::{Begun, New};
use crate::{Entry, Refusal, Request, WriteRecord, reason};

/// What became of a request.
pub(crate) enum Begin {
    /// A write that was refused before it was begun.
    Refused(Arc<WriteRecord>),
    /// A write that has been begun, now or before.
    Open(WriteId),
}

impl Office {
    /// Begins a write, or says why not. Everything here is quick; the rest is the task's.
    pub(crate) fn begin(self: &Arc<Self>, request: &Request) -> Result<Begin, Refusal> {
        let came = self.now();
        let begun = self.try_begin(request, came);
        begun.inspect_err(|refusal| {
            self.trail
                .refused(request, refusal, self.moment(Some(came)));
        })
    }

    fn try_begin(self: &Arc<Self>, request: &Request, came: Monotonic) -> Result<Begin, Refusal> {
        if self.stopping.is_cancelled() {
            return Err(Refusal::Stopping);
        }
        check::form(request)?;
        let mut record = self.record(request, came);
        let checked = match check::check(&self.store, request, &mut check::silently) {
            Ok(checked) => checked,
            Err(Denied::Refused(refusal)) => return Err(refusal),
            Err(Denied::Rejected(_, reason, message)) => {
                let value = check::shorten(request.value.get());
                return self.refuse(record, &value, reason, &message, came);
            }
        };
        if let Some(asked_as) = &checked.asked_as {
            record.name = checked.name.to_string();
            record.asked_as = Some(asked_as.to_string());
        }
        // What was begun before is answered whether it could be begun now or not.
        let known = {
            let mut table = self.table.lock();
            table.look_up(&record, &checked.hash, came, &self.config)
        };
        if let Some(known) = known {
            return answer_known(known, &record);
        }
        let owner = self.owner_for(request, &checked).and_then(|owner| {
            let admitted = self.admit(request, &checked, owner);
            admitted.map(|()| owner)
        });
        match owner {
            Ok(owner) => self.start(request, record, checked, owner),
            Err((reason, message)) => {
                let value = check::shown(&checked.value);
                self.refuse(record, &value, reason, &message, came)
            }
        }
    }

    /// Takes the write into the table and sends it on its way.
    fn start(
        self: &Arc<Self>,
        request: &Request,
        record: WriteRecord,
        checked: Checked,
        owner: Owner,
    ) -> Result<Begin, Refusal> {
        let came = self.now();
        let value = check::shown(&checked.value);
        // A relay keeps a write in memory: the entry node and the owner have it on their disks.
        let is_relay = matches!(
            (&request.entry, owner),
            (Entry::Link { .. }, Owner::Link(_))
        );
        let new = New {
            record: record.clone(),
            hash: checked.hash,
            durable: !is_relay,
            value: value.as_str().into(),
        };
        match self.enter(new, came) {
            (Begun::New(record), token) => {
                let order = self.order_of(request, &record, checked, owner);
                let journey = Journey::new(Arc::clone(self), order, !is_relay);
                self.tasks.spawn(journey.run());
                drop(token);
                Ok(Begin::Open(record.id))
            }
            (Begun::Busy, _) => {
                let most = self.config.open_max;
                let text = format!("this node has {most} open writes or no room for more");
                self.refuse(record, &value, reason::BUSY, &text, came)
            }
            (known, _) => answer_known(known, &record),
        }
    }

    /// Takes a write into the table, with a token that keeps `stop` waiting for its task.
    fn enter(&self, new: New, came: Monotonic) -> (Begun, TaskTrackerToken) {
        let mut table = self.table.lock();
        (table.begin(new, came, &self.config), self.tasks.token())
    }

    /// The policies of this node, if it is the owner.
    fn admit(
        &self,
        request: &Request,
        checked: &Checked,
        owner: Owner,
    ) -> Result<(), (&'static str, String)> {
        let Owner::Local(_) = owner else {
            return Ok(());
        };
        let wish = Wish {
            name: &checked.name,
            former: &checked.former,
            value: &checked.value,
            pulse: request.pulse,
        };
        let live = |name: &str| self.live(name);
        match self.policies.admit(&wish, &live, &**self.store.clock()) {
            Verdict::Allowed(_) => Ok(()),
            Verdict::Refused(why) => Err((reason::POLICY, why)),
        }
    }

    /// A datapoint as an interlock sees it.
    pub(crate) fn live(&self, name: &str) -> Option<Live> {
        let view = self.store.find(name)?.view;
        Some(Live {
            value: view.value,
            quality: view.quality,
        })
    }

    pub(crate) fn owner_for(
        &self,
        request: &Request,
        checked: &Checked,
    ) -> Result<Owner, (&'static str, String)> {
        let name = &request.name;
        let owner = self.store.owner_of(checked.point).ok_or_else(|| {
            let text = format!("nothing at this node carries out writes to {name} now");
            (reason::NO_OWNER, text)
        })?;
        match (&request.entry, owner) {
            (Entry::Link { originators, .. }, Owner::Link(_))
                if originators.len() >= ORIGINATORS_MAX =>
            {
                let text = format!("a write passes at most {ORIGINATORS_MAX} nodes");
                Err((reason::TOO_FAR, text))
            }
            _ => Ok(owner),
        }
    }

    /// Keeps a refused request for a while, and tells the audit trail.
    fn refuse(
        &self,
        mut record: WriteRecord,
        value: &str,
        reason: &'static str,
        message: &str,
        came: Monotonic,
    ) -> Result<Begin, Refusal> {
        let outcome = Outcome::because(WriteState::Rejected, reason, message);
        record.outcome = self.completed(outcome, None);
        let id = record.id;
        let new = New {
            record,
            hash: [0; 32],
            durable: false,
            value: value.into(),
        };
        let kept = self.table.lock().refuse(new, came);
        let kept = kept.ok_or(Refusal::IdReused(id))?;
        self.trail.outcome(&kept, value, self.moment(Some(came)));
        Ok(Begin::Refused(kept))
    }

    fn record(&self, request: &Request, came: Monotonic) -> WriteRecord {
        let at = self.store.clock().now();
        let who = &request.entry.principal().name;
        let (id, address, originators, deadline) = match &request.entry {
            Entry::Client { address, .. } => (
                WriteId(uuid::Uuid::new_v4()),
                address.clone(),
                vec![self.originator(who)],
                came.after(request.budget),
            ),
            Entry::Link {
                id,
                deadline,
                originators,
                ..
            } => {
                let latest = came.after(crate::BUDGET_MAX);
                (*id, None, originators.clone(), (*deadline).min(latest))
            }
        };
        let left = i64::try_from(deadline.since(came).as_micros()).unwrap_or(i64::MAX);
        WriteRecord {
            id,
            sequence: 0,
            name: request.name.clone(),
            asked_as: None,
            principal: who.clone(),
            address,
            originators,
            key: request
                .key
                .clone()
                .filter(|_| matches!(request.entry, Entry::Client { .. })),
            at,
            deadline,
            deadline_wall: Timestamp::from_micros(at.micros().saturating_add(left)),
            outcome: Outcome::new(WriteState::Accepted),
        }
    }

    /// Who asked here, for the nodes behind this one.
    pub(crate) fn originator(&self, who: &str) -> String {
        let mut text = format!("{who}@{}", self.store.setup().name);
        text.truncate(text.floor_char_boundary(crate::ORIGINATOR_BYTES_MAX));
        text
    }
}

fn answer_known(known: Begun, record: &WriteRecord) -> Result<Begin, Refusal> {
    match known {
        Begun::Before(id) => Ok(Begin::Open(id)),
        Begun::New(record) => Ok(Begin::Open(record.id)),
        Begun::KeyReused(id) => Err(Refusal::KeyReused {
            key: record.key.clone().unwrap_or_default(),
            id,
        }),
        Begun::IdReused => Err(Refusal::IdReused(record.id)),
        Begun::Busy | Begun::Closed => Err(Refusal::Stopping),
    }
}
