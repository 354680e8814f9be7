//! What a remote's page shows.

use std::time::Duration;

use mainstem_model::{NodeId, Timestamp};

use crate::{LinkState, MirrorCounters, TunnelView};

/// A remote at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct RemoteView {
    /// Its name here.
    pub name: String,
    /// What stands before its names here.
    pub prefix: String,
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
    /// Entries of its feed that are not applied here yet.
    pub lag: Option<u64>,
    /// How long ago anything came from it.
    pub heard: Option<Duration>,
    /// Its wall clock minus ours, in microseconds.
    pub offset_us: Option<i64>,
    /// How wrong that can be, in microseconds.
    pub uncertainty_us: Option<u64>,
    /// The tunnels that wait, if the remote dials up.
    pub tunnels: Option<Vec<TunnelView>>,
    /// What it brought.
    pub counters: MirrorCounters,
    /// Why a datapoint was left out, the last time.
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
            cause: None,
            since: Timestamp::default(),
            next_try: None,
            lag: None,
            heard: None,
            offset_us: None,
            uncertainty_us: None,
            tunnels: None,
            counters: MirrorCounters::default(),
            last_left_out: None,
        }
    }
}
