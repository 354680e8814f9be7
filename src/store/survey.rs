//! How the datapoints of this node itself are, counted by what is wrong with them.

use std::collections::BTreeMap;

use mainstem_model::{Access, Name, Quality, Reason, Role, Status};

use crate::state::State;
use crate::{Filter, PointId, SourceId, Store};

/// Datapoints looked at under one lock.
const LOOK_MAX: usize = 10_000;
/// Kinds of trouble told apart; there are fewer reasons and sources than that in sound nodes.
const TROUBLES_MAX: usize = 1000;

/// Datapoints with the same thing wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What is wrong.
    pub quality: Quality,
    /// The path of the source at fault; none where it is the samples themselves.
    pub at: Option<String>,
    /// How many there are.
    pub count: u64,
    /// A few of them.
    pub examples: Vec<Name>,
}

type Kinds = BTreeMap<(u16, Option<SourceId>), Trouble>;

impl Store {
    /// What is wrong with the datapoints that arise at this node, and of which the caller may know;
    /// those of nodes below they know best themselves, and what a node says of its own parts is
    /// no datapoint of a plant. Ordered by count, the most first.
    pub fn survey(&self, filter: &Filter, examples: usize) -> Vec<Trouble> {
        let mut kinds = Kinds::new();
        let mut from = 0;
        loop {
            let next = self.read(|state| {
                let points = state.catalogue.ids_from(from).take(LOOK_MAX);
                let mut last = None;
                for (id, _) in points {
                    last = Some(id);
                    note(state, id, filter, examples, &mut kinds);
                }
                last
            });
            match next {
                Some(PointId(last)) => from = last.saturating_add(1),
                None => break,
            }
        }
        let mut troubles: Vec<Trouble> = kinds.into_values().collect();
        troubles.sort_by_key(|trouble| std::cmp::Reverse(trouble.count));
        troubles
    }
}

fn note(state: &State, id: PointId, filter: &Filter, examples: usize, kinds: &mut Kinds) {
    let Some(point) = state.catalogue.get(id) else {
        return;
    };
    let Some(source) = state.sources.get(point.source) else {
        return;
    };
    let is_elsewhere = source.remote_id.is_some() || source.role == Role::Node;
    if is_elsewhere || !filter.passes_name(point.name.as_str()) {
        return;
    }
    let (own, chain) = (point.slot.quality, source.effective.quality);
    let own_is_worse = own.status >= chain.status && !own.is_good();
    let (quality, at) = match own_is_worse {
        true => (own, None),
        false => (chain, Some(source.at_fault)),
    };
    // What can only be written has no value, and nothing is wrong with that.
    let is_write_only =
        point.definition.access == Access::Write && quality.reason == Reason::Waiting;
    if quality.status == Status::Good || is_write_only {
        return;
    }
    let key = (quality.code(), at);
    if kinds.len() >= TROUBLES_MAX && !kinds.contains_key(&key) {
        return;
    }
    let trouble = kinds.entry(key).or_insert_with(|| Trouble {
        quality,
        at: at.map(|at| state.sources.path(at)),
        count: 0,
        examples: Vec::new(),
    });
    trouble.count += 1;
    if trouble.examples.len() < examples {
        trouble.examples.push(point.name.clone());
    }
}
