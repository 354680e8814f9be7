//! Datapoints as a client sees them: the latest sample under the quality of all it hangs on.

use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{Definition, Glob, Monotonic, Name, NodeId, Quality, Role, Timestamp, Value};

use crate::catalogue::{Point, Slot};
use crate::state::State;
use crate::{Filter, PointId, SourceId, Store};

/// One datapoint at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct PointView {
    /// Its number.
    pub id: PointId,
    /// Its name.
    pub name: Name,
    /// The last value, if there has been one.
    pub value: Option<Value>,
    /// The worst of its own quality and those of its sources.
    pub quality: Quality,
    /// The path of the source at fault, where it is not the sample itself.
    pub hop: Option<String>,
    /// The node at fault.
    pub hop_id: Option<NodeId>,
    /// Since when the quality is so.
    pub since: Timestamp,
    /// When the source says that it was so.
    pub source_time: Timestamp,
    /// When this node got it.
    pub received: Timestamp,
    /// How long ago its source last confirmed it.
    pub age: Duration,
    /// What it is.
    pub definition: Arc<Definition>,
    /// The source it hangs on.
    pub source: SourceId,
    /// The path of that source.
    pub owner: String,
}

/// What a listing asks for.
#[derive(Clone, Debug, Default)]
pub struct ListQuery {
    /// Names behind this one only.
    pub after: Option<Name>,
    /// Names that begin with this text.
    pub prefix: Option<String>,
    /// Names that fit this pattern.
    pub glob: Option<Glob>,
    /// How many at the most.
    pub limit: usize,
}

/// Names looked at under one lock while a listing searches.
const LOOK_MAX: usize = 10_000;

impl Store {
    /// A datapoint by name.
    pub fn point(&self, name: &str) -> Option<PointView> {
        let now = self.now();
        self.read(|state| {
            let (id, point) = state.catalogue.by_name(name)?;
            Some(view(state, id, point, now.wall, now.monotonic))
        })
    }

    /// A datapoint by number.
    pub fn point_by_id(&self, id: PointId) -> Option<PointView> {
        let now = self.now();
        self.read(|state| {
            let point = state.catalogue.get(id)?;
            Some(view(state, id, point, now.wall, now.monotonic))
        })
    }

    /// Datapoints in the order of their names that pass a filter, and the name to go on behind if
    /// there may be more.
    pub fn list(&self, query: &ListQuery, filter: &Filter) -> (Vec<PointView>, Option<Name>) {
        let now = self.now();
        let mut found = Vec::new();
        let mut after = query.after.clone();
        loop {
            let (looked, last) = self.read(|state| {
                let names = state.catalogue.names_after(after.as_ref()).take(LOOK_MAX);
                let (mut looked, mut last) = (0, None);
                for (id, point) in names {
                    if found.len() >= query.limit {
                        break;
                    }
                    looked += 1;
                    last = Some(point.name.clone());
                    let former = state.former(&point.name);
                    if fits(query, point.name.as_str())
                        && filter.passes_called(point.name.as_str(), &former)
                    {
                        found.push(view(state, id, point, now.wall, now.monotonic));
                    }
                }
                (looked, last)
            });
            if found.len() >= query.limit {
                return (found, last);
            }
            if looked < LOOK_MAX {
                return (found, None);
            }
            after = last;
        }
    }

    /// What a datapoint was called that is no more, as long as the feed remembers it.
    pub fn removed_name(&self, id: PointId) -> Option<Name> {
        self.read(|state| state.catalogue.buried_name(id).cloned())
    }

    /// The datapoints that hang directly on some sources.
    pub fn points_below(&self, sources: &[SourceId]) -> Vec<PointId> {
        self.read(|state| {
            let points = state.catalogue.ids_from(0);
            points
                .filter(|(_, p)| sources.contains(&p.source))
                .map(|(id, _)| id)
                .collect()
        })
    }

    /// The path of a source: the names from the top down, joined by dots.
    pub fn path(&self, source: SourceId) -> String {
        self.read(|state| state.sources.path(source))
    }

    /// All sources at or below one.
    pub fn subtree(&self, source: SourceId) -> Vec<SourceId> {
        self.read(|state| state.sources.subtree(source))
    }
}

fn fits(query: &ListQuery, name: &str) -> bool {
    query
        .prefix
        .as_ref()
        .is_none_or(|prefix| name.starts_with(prefix.as_str()))
        && query.glob.as_ref().is_none_or(|glob| glob.matches(name))
}

pub(crate) fn view(
    state: &State,
    id: PointId,
    point: &Point,
    now: Timestamp,
    mono: Monotonic,
) -> PointView {
    let slot = &point.slot;
    let source = state.sources.get(point.source);
    let chain = source
        .map(|source| source.effective.quality)
        .unwrap_or_default();
    let own_is_worse = slot.quality.status >= chain.status && !slot.quality.is_good();
    let (hop, hop_id, since) = match source {
        Some(source) if !own_is_worse && !chain.is_good() => {
            let node = node_at_fault(state, source.at_fault);
            let hop = Some(state.sources.path(source.at_fault));
            (hop, node, source.effective.since)
        }
        // Good since both the sample and its sources are.
        Some(source) if !own_is_worse => (None, None, slot.since.max(source.effective.since)),
        _ => (None, None, slot.since),
    };
    PointView {
        id,
        name: point.name.clone(),
        value: slot.value.clone(),
        quality: if own_is_worse { slot.quality } else { chain },
        hop,
        hop_id,
        since,
        source_time: slot.source_time,
        received: slot.received,
        age: age(state, point.source, slot, now, mono),
        definition: Arc::clone(&point.definition),
        source: point.source,
        owner: owner_path(state, point.source),
    }
}

/// For a link the node behind it; it told its identity as a source of its own.
fn node_at_fault(state: &State, fault: SourceId) -> Option<NodeId> {
    let source = state.sources.get(fault)?;
    let behind = state.sources.iter().find(|(_, child)| {
        source.role == Role::Link && child.parent == Some(fault) && child.role == Role::Node
    });
    Some(behind.map_or(source.node, |(_, child)| child.node))
}

/// How long ago the value was last confirmed. As long as it can be trusted, that is the last sign of
/// life of the part of this node that it comes through; otherwise the moment at which what it hangs
/// on was last good, as far as that is known here.
fn age(state: &State, source: SourceId, slot: &Slot, now: Timestamp, mono: Monotonic) -> Duration {
    let received = || {
        let micros = now.micros().saturating_sub(slot.received.micros());
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    };
    let Some(entry) = state.sources.get(source).filter(|_| slot.quality.is_good()) else {
        return received();
    };
    let (from, is_good) = if entry.effective.quality.is_good() {
        (source, true)
    } else {
        (entry.at_fault, false)
    };
    let own = own_part(state, from).filter(|own| is_good || *own == from);
    let confirmed = own
        .and_then(|own| state.sources.get(own))
        .map(|own| own.confirmed);
    let at = confirmed.unwrap_or(entry.good_until);
    if at.micros() > 0 {
        mono.since(at)
    } else {
        received()
    }
}

/// The part of this node that a source comes through: itself, or the link above it.
fn own_part(state: &State, source: SourceId) -> Option<SourceId> {
    let mut at = Some(source);
    while let Some(id) = at {
        let entry = state.sources.get(id)?;
        if entry.remote_id.is_none() && entry.confirmed.micros() > 0 {
            return Some(id);
        }
        at = entry.parent;
    }
    None
}

fn owner_path(state: &State, source: SourceId) -> String {
    match state.sources.get(source) {
        Some(entry) if entry.role == Role::Node => entry.name.to_string(),
        _ => state.sources.path(source),
    }
}
