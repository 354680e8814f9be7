//! The store's handle: one lock around the state, and a signal to readers after each batch.

use std::sync::Arc;

use mainstem_model::{Clock, Definition, Name, NodeId, Quality, Sample};
use mainstem_wire::{
    Epoch, FEATURE_DIGEST, FEATURE_DOCTOR, FEATURE_EVENTS, FEATURE_LOGGERS, FEATURE_PACING,
    FEATURE_PULSE, FEATURE_VARIABLES, HelloFrame,
};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::events::Events;
use crate::owner::Owners;
use crate::state::{Moment, State};
use crate::{DefineError, NewSource, PointId, SourceId, SourceView};

/// Bounds of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreLimits {
    /// Bytes of the feed's log.
    pub log_bytes: usize,
    /// Datapoints in all.
    pub points_max: usize,
    /// Variables in all.
    pub variables_max: usize,
    /// Bytes of all variables, their names included.
    pub variable_bytes_max: usize,
}

impl Default for StoreLimits {
    fn default() -> Self {
        Self {
            log_bytes: 16 * 1024 * 1024,
            points_max: 1_000_000,
            variables_max: 50_000,
            variable_bytes_max: 64 * 1024 * 1024,
        }
    }
}

/// Who the node is, for its feed.
#[derive(Clone)]
pub struct StoreSetup {
    /// The node.
    pub node: NodeId,
    /// Its name.
    pub name: Arc<str>,
    /// The running copy of it.
    pub instance: u64,
    /// This life of its feed.
    pub epoch: Epoch,
    /// Its clocks.
    pub clock: Arc<dyn Clock>,
    /// Its bounds.
    pub limits: StoreLimits,
}

/// Counters of the feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreStatistics {
    /// The last entry's number.
    pub head: u64,
    /// The oldest entry kept.
    pub first: u64,
    /// Entries evicted so far.
    pub evicted: u64,
    /// Bytes in the log.
    pub log_bytes: usize,
    /// Datapoints.
    pub points: usize,
    /// Sources.
    pub sources: usize,
    /// Variables.
    pub variables: usize,
    /// Bytes of all variables.
    pub variable_bytes: usize,
}

/// What a node knows. Shared by all its parts.
pub struct Store {
    state: Mutex<State>,
    head: watch::Sender<u64>,
    setup: StoreSetup,
    pub(crate) owners: Owners,
    pub(crate) events: Events,
}

impl Store {
    /// An empty store; [`Store::restore`] fills it from a checkpoint.
    pub fn new(setup: StoreSetup) -> Arc<Self> {
        let state = State::new(setup.node, setup.epoch, setup.limits);
        let (head, _) = watch::channel(0);
        Arc::new(Self {
            state: Mutex::new(state),
            head,
            setup,
            owners: Owners::default(),
            events: Events::default(),
        })
    }

    /// The node that this store belongs to.
    pub fn setup(&self) -> &StoreSetup {
        &self.setup
    }

    /// The node's clocks.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.setup.clock
    }

    /// A signal that carries the feed's head; it fires once per batch.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    /// Adds a source, or finds the one of that name below that parent and updates it.
    pub fn put_source(&self, new: NewSource) -> SourceId {
        self.change(|state, at| state.put_source(new, at))
    }

    /// A source of this node itself: an adapter, a provider, a link.
    pub fn put_own_source(
        &self,
        parent: Option<SourceId>,
        name: &str,
        role: mainstem_model::Role,
        quality: Quality,
        complete: bool,
    ) -> SourceId {
        self.put_source(NewSource {
            parent,
            node: self.setup.node,
            name: name.into(),
            role,
            epoch: self.setup.epoch,
            quality,
            complete,
            remote_id: None,
        })
    }

    /// Sets a source's own state. Returns whether that changed anything.
    pub fn set_status(&self, source: SourceId, quality: Quality) -> bool {
        self.change(|state, at| state.set_status(source, quality, at))
    }

    /// Says whether all datapoints of a source are known.
    pub fn set_complete(&self, source: SourceId, complete: bool) {
        self.change(|state, _| state.set_complete(source, complete));
    }

    /// A sign of life from a source: the age of what hangs on it starts again.
    pub fn confirm(&self, source: SourceId) {
        let at = self.now();
        self.state.lock().confirm(source, at);
    }

    /// Takes a source out with all below it and all their datapoints and variables.
    pub fn remove_source(&self, source: SourceId) {
        self.change(|state, at| state.remove_source(source, at));
    }

    /// Defines a datapoint of this node. The same definition again gives the same number.
    pub fn define(
        &self,
        source: SourceId,
        name: &Name,
        definition: Definition,
    ) -> Result<PointId, DefineError> {
        self.change(|state, at| state.define(source, name, definition, None, at))
    }

    /// Takes datapoints out.
    pub fn remove_points(&self, points: &[PointId]) {
        self.change(|state, _| points.iter().for_each(|&id| state.remove_point(id)));
    }

    /// Takes out the datapoints of a source that are not in a list.
    pub fn retain_points(&self, source: SourceId, keep: &[PointId]) {
        let keep: std::collections::HashSet<PointId> = keep.iter().copied().collect();
        let gone = self.read(|state| {
            let points = state.catalogue.ids_from(0);
            let gone = points.filter(|(id, p)| p.source == source && !keep.contains(id));
            gone.map(|(id, _)| id).collect::<Vec<_>>()
        });
        self.remove_points(&gone);
    }

    /// Applies samples that arise at this node, as one batch. Drains the batch. Returns how many
    /// were changes.
    pub fn apply(&self, source: SourceId, batch: &mut Vec<(PointId, Sample)>) -> usize {
        self.change(|state, at| state.apply_local(source, batch, at))
    }

    /// Counters of the feed.
    pub fn statistics(&self) -> StoreStatistics {
        self.read(|state| StoreStatistics {
            head: state.log.head(),
            first: state.log.first(),
            evicted: state.log.evicted(),
            log_bytes: state.log.bytes(),
            points: state.catalogue.len(),
            sources: state.sources.iter().count(),
            variables: state.variables.len(),
            variable_bytes: state.variables.bytes(),
        })
    }

    /// A source as the API shows it.
    pub fn source(&self, id: SourceId) -> Option<SourceView> {
        self.read(|state| state.sources.view(id))
    }

    /// All sources.
    pub fn sources(&self) -> Vec<SourceView> {
        self.read(|state| {
            state
                .sources
                .iter()
                .filter_map(|(id, _)| state.sources.view(id))
                .collect()
        })
    }

    /// How long ago something came from a source, if anything did in this life of the node.
    pub fn silence(&self, id: SourceId) -> Option<std::time::Duration> {
        let now = self.setup.clock.monotonic();
        self.read(|state| {
            let confirmed = state.sources.get(id)?.confirmed;
            (confirmed.micros() > 0).then(|| now.since(confirmed))
        })
    }

    /// The hello of a stream that begins now.
    pub fn hello(&self, snapshot: bool, session: u64, filter: u32) -> HelloFrame {
        HelloFrame {
            protocol: mainstem_wire::PROTOCOL,
            node: self.setup.node,
            name: self.setup.name.to_string(),
            instance: self.setup.instance,
            epoch: self.setup.epoch,
            features: [
                FEATURE_PULSE,
                FEATURE_PACING,
                FEATURE_EVENTS,
                FEATURE_DOCTOR,
                FEATURE_VARIABLES,
                FEATURE_DIGEST,
                FEATURE_LOGGERS,
            ]
            .map(str::to_owned)
            .to_vec(),
            snapshot,
            head: self.read(|state| state.log.head()),
            session,
            filter,
        }
    }

    pub(crate) fn now(&self) -> Moment {
        Moment::now(&*self.setup.clock)
    }

    pub(crate) fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.state.lock())
    }

    pub(crate) fn change<T>(&self, act: impl FnOnce(&mut State, Moment) -> T) -> T {
        let at = self.now();
        let mut state = self.state.lock();
        let before = state.log.head();
        let result = act(&mut state, at);
        let head = state.log.head();
        drop(state);
        // One wake per batch, after the lock is free.
        if head != before {
            self.head.send_replace(head);
        }
        result
    }
}
