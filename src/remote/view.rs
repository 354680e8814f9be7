//! A link as the API shows it.

use std::time::Duration;

use mainstem_model::{NodeId, Timestamp};

use crate::{LinkState, MirrorCounters};

/// How a remote stands.
#[derive(Clone, Debug, PartialEq)]
pub struct RemoteView {
    /// Its name in the configuration.
    pub name: String,
    /// What stands before its names here.
    pub prefix: String,
    /// Who it said it is.
    pub node: Option<(NodeId, String)>,
    /// Where it is or was reached.
    pub address: String,
    /// Where the link stands.
    pub state: LinkState,
    /// Why, in a sentence; empty while nothing is wrong.
    pub cause: String,
    /// Since when.
    pub since: Timestamp,
    /// When it dials again, while it does not try at the moment.
    pub next_try: Option<Timestamp>,
    /// Entries that the remote has and this node not yet.
    pub lag: u64,
    /// How long ago something came from it.
    pub heard: Option<Duration>,
    /// Its wall clock minus ours, in microseconds: positive if it is ahead.
    pub offset_us: Option<i64>,
    /// How wrong that can be, in microseconds.
    pub uncertainty_us: Option<u64>,
    /// What came so far.
    pub counters: MirrorCounters,
    /// The last datapoint that was left out, and why.
    pub last_left_out: Option<String>,
}

impl RemoteView {
    pub(crate) fn new(name: &str, prefix: &str) -> Self {
        Self {
            name: name.to_owned(),
            prefix: prefix.to_owned(),
            node: None,
            address: String::new(),
            state: LinkState::Waiting,
            cause: "not connected yet".into(),
            since: Timestamp::default(),
            next_try: None,
            lag: 0,
            heard: None,
            offset_us: None,
            uncertainty_us: None,
            counters: MirrorCounters::default(),
            last_left_out: None,
        }
    }
}
