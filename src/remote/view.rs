//! What a remote's page shows.

use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{Monotonic, NodeId, Timestamp};

use crate::{CanaryView, ClockState, LinkState, LoggersView, MirrorCounters, TunnelView};

/// A remote at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct RemoteView {
    /// Its name here.
    pub name: String,
    /// What stands before its names here.
    pub prefix: String,
    /// Whether its tree is shown in this node's topology.
    pub discovery: bool,
    /// The node that answered, and its own name.
    pub node: Option<(NodeId, String)>,
    /// The route in use or tried last.
    pub address: String,
    /// Where its link stands.
    pub state: LinkState,
    /// Why, where it is not live.
    pub cause: Option<String>,
    /// Since when it stands there.
    pub since: Timestamp,
    /// When the next try is due.
    pub next_try: Option<Timestamp>,
    /// What comes next, in words: by itself, or what somebody has to do.
    pub action: Option<String>,
    /// Entries of its feed that are not applied here yet.
    pub lag: Option<u64>,
    /// For how long it has had what is not applied here yet.
    pub lag_time: Option<Duration>,
    /// An estimate of the bytes that are still to come.
    pub lag_bytes: Option<u64>,
    /// How long ago anything came from it.
    pub heard: Option<Duration>,
    /// Its wall clock minus ours, in microseconds.
    pub offset_us: Option<i64>,
    /// How wrong that can be, in microseconds.
    pub uncertainty_us: Option<u64>,
    /// Whether that is within what its entry allows, once it was measured.
    pub clock: Option<ClockState>,
    /// The tunnels that wait, if the remote dials up.
    pub tunnels: Option<Vec<TunnelView>>,
    /// What it brought.
    pub counters: MirrorCounters,
    /// Rows per second, a mean over some seconds.
    pub row_rate: f64,
    /// Why a datapoint was left out, the last time.
    pub last_left_out: Option<String>,
    /// Its canary, and those of the nodes below it, in the order of their paths.
    pub canaries: Vec<CanaryView>,
    /// How its data loggers are replicated, if they are.
    pub loggers: Option<LoggersView>,
    /// When all this was so, by the monotonic clock.
    pub at: Monotonic,
}

impl RemoteView {
    pub(crate) fn new(name: &str, prefix: &str) -> Self {
        Self {
            name: name.to_owned(),
            prefix: prefix.to_owned(),
            discovery: true,
            node: None,
            address: String::new(),
            state: LinkState::Waiting,
            cause: None,
            since: Timestamp::default(),
            next_try: None,
            action: None,
            lag: None,
            lag_time: None,
            lag_bytes: None,
            heard: None,
            offset_us: None,
            uncertainty_us: None,
            clock: None,
            tunnels: None,
            counters: MirrorCounters::default(),
            row_rate: 0.0,
            last_left_out: None,
            canaries: Vec::new(),
            loggers: None,
            at: Monotonic::default(),
        }
    }

    /// The same a little later: what grows with time has grown.
    #[must_use]
    pub(crate) fn aged(mut self, now: Monotonic) -> Self {
        let more = now.since(self.at);
        let grow = |time: &mut Duration| *time = time.saturating_add(more);
        self.heard.as_mut().into_iter().for_each(grow);
        self.lag_time
            .as_mut()
            .into_iter()
            .filter(|lag| !lag.is_zero())
            .for_each(grow);
        for canary in &mut self.canaries {
            grow(&mut canary.age);
        }
        self.at = now;
        self
    }

    /// The canary of the remote itself, or of a node below it, by the path of links to it.
    pub fn canary(&self, path: &str) -> Option<&CanaryView> {
        self.canaries.iter().find(|canary| canary.path == path)
    }
}

/// Told of each change of a link's state, in their order. It must not block.
pub type StateHook = Arc<dyn Fn(LinkState) + Send + Sync>;
