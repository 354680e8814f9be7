//! Where an uplink stands, for people: its tunnels, what went wrong last, and the alarm while there
//! is no way up at all.

use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{Clock, Timestamp};
use mainstem_telemetry::{Health, Problem, Severity};
use parking_lot::Mutex;

use crate::dial::{Dial, TlsDial};

/// Where an uplink stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UplinkState {
    /// The first connection is being made.
    Connecting,
    /// Tunnels wait, and the node above uses none.
    Ready,
    /// The node above uses it.
    Serving,
    /// No connection; another try comes.
    Waiting,
    /// The node above refuses; another try comes later.
    Refused,
    /// Switched off.
    Paused,
}

impl UplinkState {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Ready => "ready",
            Self::Serving => "serving",
            Self::Waiting => "waiting",
            Self::Refused => "refused",
            Self::Paused => "paused",
        }
    }
}

/// An uplink at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct UplinkView {
    /// Its name here.
    pub name: String,
    /// The route tried last.
    pub address: String,
    /// Where it stands.
    pub state: UplinkState,
    /// What went wrong last, while no tunnel is up.
    pub cause: Option<String>,
    /// Since when it stands there.
    pub since: Timestamp,
    /// When the next try is due, while no tunnel is up.
    pub next_try: Option<Timestamp>,
    /// Tunnels that wait at the node above.
    pub waiting: u32,
    /// Tunnels that it uses.
    pub serving: u32,
    /// Tunnels that came about since the start.
    pub opened: u64,
}

/// What a tunnel does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Waiting,
    Serving,
}

pub(super) struct Standing {
    view: Mutex<UplinkView>,
    clock: Arc<dyn Clock>,
    health: Health,
}

/// A tunnel that is counted until this is dropped.
pub(super) struct Counted {
    standing: Arc<Standing>,
    place: Place,
}

impl Standing {
    pub(super) fn new(name: &str, paused: bool, clock: &Arc<dyn Clock>, health: &Health) -> Self {
        let state = match paused {
            true => UplinkState::Paused,
            false => UplinkState::Connecting,
        };
        let view = UplinkView {
            name: name.to_owned(),
            address: String::new(),
            state,
            cause: None,
            since: clock.now(),
            next_try: None,
            waiting: 0,
            serving: 0,
            opened: 0,
        };
        Self {
            view: Mutex::new(view),
            clock: Arc::clone(clock),
            health: health.clone(),
        }
    }

    pub(super) fn view(&self) -> UplinkView {
        self.view.lock().clone()
    }

    pub(super) fn dials(&self, dial: &TlsDial) {
        self.view.lock().address = dial.address();
    }

    /// A tunnel waits, or is in use.
    pub(super) fn enter(self: &Arc<Self>, place: Place) -> Counted {
        let mut view = self.view.lock();
        match place {
            Place::Waiting => {
                view.waiting += 1;
                view.opened += 1;
            }
            Place::Serving => view.serving += 1,
        }
        self.settle(&mut view);
        self.health.clear(&alarm(&view.name));
        Counted {
            standing: Arc::clone(self),
            place,
        }
    }

    /// A try failed. While another tunnel is up nobody needs to know.
    pub(super) fn failed(&self, cause: &str, is_refusal: bool, pause: Duration) {
        let mut view = self.view.lock();
        if view.waiting + view.serving > 0 {
            return;
        }
        let next = i64::try_from(pause.as_micros()).unwrap_or(i64::MAX);
        let now = self.clock.now();
        let state = match is_refusal {
            true => UplinkState::Refused,
            false => UplinkState::Waiting,
        };
        self.turn(&mut view, state);
        view.cause = Some(cause.to_owned());
        view.next_try = Some(Timestamp::from_micros(now.micros().saturating_add(next)));
        let (name, address) = (view.name.clone(), view.address.clone());
        self.health.raise(Problem {
            id: alarm(&name),
            severity: match is_refusal {
                true => Severity::High,
                false => Severity::Warning,
            },
            source: name.clone(),
            text: format!("The uplink {name} does not reach {address}: {cause}"),
            action: "See that the node above runs and that this node reaches its address, if need \
                     be through `proxy`; `mainstem uplinks list` has the details."
                .into(),
        });
    }

    pub(super) fn all_clear(&self) {
        self.health.clear(&alarm(&self.view.lock().name));
    }

    fn settle(&self, view: &mut UplinkView) {
        let state = match (view.serving, view.waiting) {
            (0, 0) => UplinkState::Waiting,
            (0, _) => UplinkState::Ready,
            _ => UplinkState::Serving,
        };
        self.turn(view, state);
        if state != UplinkState::Waiting {
            (view.cause, view.next_try) = (None, None);
        }
    }

    fn turn(&self, view: &mut UplinkView, state: UplinkState) {
        if view.state != state {
            tracing::info!(
                uplink = view.name,
                state = state.as_str(),
                "the uplink's state changed"
            );
            view.state = state;
            view.since = self.clock.now();
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut view = self.standing.view.lock();
        match self.place {
            Place::Waiting => view.waiting = view.waiting.saturating_sub(1),
            Place::Serving => view.serving = view.serving.saturating_sub(1),
        }
        self.standing.settle(&mut view);
    }
}

fn alarm(name: &str) -> String {
    format!("uplink.{name}")
}
