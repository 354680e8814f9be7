//! Sets a remote's clock to ours, where `clocksync` asks for it: an ordinary write of the remote's
//! own `time`, with everything that watches over writes in its way.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{GlobSet, Monotonic, Name, Value, WriteState};
use mainstem_security::{Principal, Role};
use mainstem_store::Store;
use mainstem_telemetry::{Health, Problem, Severity};
use mainstem_wire::write_value;
use mainstem_write::{Entry, Request, WriteDesk};

/// Who asks for the write, in the audit trail of this node and of those below.
const PRINCIPAL: &str = "clocksync";
/// How long the write may take. The clock that it sets is behind by what it took.
const BUDGET: Duration = Duration::from_secs(1);
/// Beyond its deadline a write still has to bring its outcome back.
const PATIENCE: Duration = Duration::from_secs(5);
/// From one try to the next; a clock that was set needs some beats to show it.
const TRY_EVERY: Duration = Duration::from_secs(60);
/// The same after a refusal: what refuses now does so for longer.
const TRY_AGAIN: Duration = Duration::from_secs(600);

type Outcome = Result<(), String>;

/// The setting of one remote's clock.
pub(super) struct ClockSync {
    desk: Option<Arc<WriteDesk>>,
    store: Arc<Store>,
    health: Health,
    /// The name of the remote entry.
    remote: String,
    next_try: Monotonic,
    under_way: Option<Pin<Box<dyn Future<Output = Outcome> + Send>>>,
}

impl ClockSync {
    /// Without a desk it never sets anything.
    pub(super) fn new(
        desk: Option<Arc<WriteDesk>>,
        store: &Arc<Store>,
        health: &Health,
        remote: &str,
    ) -> Self {
        Self {
            desk,
            store: Arc::clone(store),
            health: health.clone(),
            remote: remote.to_owned(),
            next_try: Monotonic::default(),
            under_way: None,
        }
    }

    /// The remote's clock is at the limit or beyond. `time` is the datapoint that sets it.
    pub(super) fn is_due(&mut self, time: Option<&Name>) {
        let now = self.store.clock().monotonic();
        let Some(desk) = &self.desk else {
            return;
        };
        if self.under_way.is_some() || now < self.next_try {
            return;
        }
        self.next_try = now.after(TRY_EVERY);
        let Some(time) = time else {
            let why = "it has no `system` adapter, so no datapoint that is its clock".to_owned();
            self.tell(Err(why));
            return;
        };
        tracing::info!(remote = self.remote, point = %time, "setting the remote's clock");
        let (desk, store, time) = (Arc::clone(desk), Arc::clone(&self.store), time.clone());
        self.under_way = Some(Box::pin(async move { set(&desk, &store, &time).await }));
    }

    /// Waits for the outcome of a try. Cancel safe.
    pub(super) async fn step(&mut self) {
        let Some(under_way) = &mut self.under_way else {
            return std::future::pending().await;
        };
        let outcome = under_way.await;
        self.under_way = None;
        self.tell(outcome);
    }

    pub(super) fn all_clear(&self) {
        self.health.clear(&self.problem());
    }

    fn problem(&self) -> String {
        format!("link.{}.clocksync", self.remote)
    }

    fn tell(&mut self, outcome: Outcome) {
        let Err(why) = outcome else {
            tracing::info!(remote = self.remote, "the remote's clock was set");
            self.all_clear();
            return;
        };
        self.next_try = self.store.clock().monotonic().after(TRY_AGAIN);
        self.health.raise(Problem {
            id: self.problem(),
            severity: Severity::Warning,
            source: self.remote.clone(),
            text: format!("The clock of {} cannot be set: {why}.", self.remote),
            action: "Allow it on the way there (docs/REMOTES.md, Clocks), or take `clocksync` out \
                     of the remote entry and keep the clock by NTP."
                .into(),
        });
    }
}

/// Writes our time as a client of this node would, with no rights but for this datapoint.
async fn set(desk: &WriteDesk, store: &Store, time: &Name) -> Outcome {
    let principal = principal(time);
    let mut value = Vec::new();
    write_value(&Value::Time(store.clock().now()), &mut value);
    let value = String::from_utf8(value).unwrap_or_default();
    let value = serde_json::value::RawValue::from_string(value).map_err(|e| e.to_string())?;
    let request = Request {
        space: mainstem_model::Space::Datapoint,
        name: time.to_string(),
        value,
        pulse: None,
        key: None,
        budget: BUDGET,
        entry: Entry::Client {
            principal: principal.clone(),
            address: None,
        },
    };
    let begun = desk.submit(request).await.map_err(|e| e.to_string())?;
    let ended = desk.wait(begun.id, &principal, BUDGET + PATIENCE).await;
    let record = ended.unwrap_or(begun);
    let outcome = &record.outcome;
    if outcome.state == WriteState::Applied {
        return Ok(());
    }
    let word = outcome.state.as_str();
    let at = outcome.hop.as_deref().unwrap_or("here");
    let why = outcome.message.as_deref().or(outcome.reason.as_deref());
    Err(format!(
        "{word} at {at}: {}",
        why.unwrap_or("no reason was given")
    ))
}

fn principal(time: &Name) -> Principal {
    // A name holds nothing that a pattern takes for more than itself.
    let only = GlobSet::new(&[time.as_str()]).unwrap_or_default();
    Principal {
        from: mainstem_security::AddressList::default(),
        name: PRINCIPAL.into(),
        role: PRINCIPAL.into(),
        rights: Arc::new(Role {
            read: only.clone(),
            write: only,
            ..Role::default()
        }),
        provide: None,
    }
}

#[cfg(test)]
mod tests;
