//! What two nodes have in common, found by digests: the serving end compares, the reading end sends
//! what it has. Both go over the datapoints in steps, so that the lock is held only briefly.

use std::collections::HashMap;

use mainstem_model::{Definition, ValueType};
use mainstem_wire::{Digests, Hasher, Same, hash_definition, hash_name, hash_source, hash_type};

use crate::catalogue::Point;
use crate::chunk::{Chunk, Item};
use crate::reader::LOOK_MAX;
use crate::scan::Scan;
use crate::state::State;
use crate::{Filter, PointId, SourceId, Store};

/// A datapoint of a link's neighbour as it is kept here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MirrorPoint {
    /// Its number at the neighbour.
    pub remote_id: u32,
    /// Ours.
    pub id: PointId,
    /// The source that it hangs on, by our number.
    pub source: SourceId,
    /// Its type.
    pub value_type: ValueType,
    /// Its bucket.
    pub bucket: usize,
}

/// What is here from a link's neighbour, as digests and one by one.
#[derive(Clone, Debug, Default)]
pub struct MirrorDigests {
    /// By buckets.
    pub digests: Digests,
    /// One by one.
    pub points: Vec<MirrorPoint>,
}

impl Store {
    /// Digests of what is here from a link's neighbour, in the neighbour's names and numbers.
    pub fn mirror_digests(&self, link: SourceId, prefix: &str, buckets: usize) -> MirrorDigests {
        let mut tally = Tally::new(buckets, Some(link));
        let mut points = Vec::new();
        let mut from = 0;
        loop {
            let next = self.read(|state| {
                let below = state.sources.subtree(link);
                let mut texts = Texts::default();
                let mut looked = state.catalogue.ids_from(from).take(LOOK_MAX).peekable();
                looked.peek()?;
                let mut next = from;
                for (id, point) in looked {
                    next = id.0 + 1;
                    let name = point.name.as_str().strip_prefix(prefix);
                    let name = name.and_then(|name| name.strip_prefix('.'));
                    let is_below = below.binary_search(&point.source).is_ok();
                    let (Some(name), Some(remote_id), true) = (name, point.remote_id, is_below)
                    else {
                        continue;
                    };
                    points.push(MirrorPoint {
                        remote_id,
                        id,
                        source: point.source,
                        value_type: point.definition.value_type,
                        bucket: tally.add(state, &mut texts, (name, remote_id), point),
                    });
                }
                Some(next)
            });
            match next {
                Some(next) => from = next,
                None => break,
            }
        }
        MirrorDigests {
            digests: tally.digests,
            points,
        }
    }
}

/// Adds datapoints up.
#[derive(Debug)]
struct Tally {
    digests: Digests,
    /// Sources do not change what they hash, and their numbers are not used twice.
    sources: HashMap<SourceId, u64>,
    /// Where the neighbour's tree begins.
    root: Option<SourceId>,
}

/// The hashes of definitions, which many datapoints share: of the definition and of its type. By
/// their place in memory, so only while the lock is held.
#[derive(Default)]
struct Texts(HashMap<usize, (u64, u64)>);

impl Texts {
    fn of(&mut self, definition: &std::sync::Arc<Definition>) -> (u64, u64) {
        let place = std::sync::Arc::as_ptr(definition) as usize;
        let hashes = || (hash_definition(definition), hash_type(definition));
        *self.0.entry(place).or_insert_with(hashes)
    }
}

impl Tally {
    fn new(buckets: usize, root: Option<SourceId>) -> Self {
        Self {
            digests: Digests::empty(buckets),
            sources: HashMap::new(),
            root,
        }
    }

    /// Adds a datapoint under its name and number at the node that is read. Returns its bucket.
    fn add(
        &mut self,
        state: &State,
        texts: &mut Texts,
        (name, number): (&str, u32),
        point: &Point,
    ) -> usize {
        let hash = hash_name(name);
        let bucket = self.digests.bucket(hash);
        let (definition, value_type) = texts.of(&point.definition);
        let defined = Hasher::new()
            .word(hash)
            .word(u64::from(number))
            .word(self.source(state, point.source))
            .word(definition)
            .end();
        let sum = &mut self.digests.define[bucket];
        *sum = sum.wrapping_add(defined);
        let slot = &point.slot;
        if slot.sequence > 0 {
            let said = Hasher::new()
                .word(hash)
                .word(value_type)
                .word(u64::from(slot.quality.code()))
                .word(u64::from(slot.origin_epoch))
                .word(slot.origin)
                .word(slot.source_time.micros().cast_unsigned())
                .value(slot.value.as_ref())
                .end();
            let sum = &mut self.digests.rows[bucket];
            *sum = sum.wrapping_add(said);
        }
        bucket
    }

    fn source(&mut self, state: &State, id: SourceId) -> u64 {
        if Some(id) == self.root {
            return 0;
        }
        if let Some(hash) = self.sources.get(&id) {
            return *hash;
        }
        // The tree is as deep as a path is long: 8 links at the most, and what hangs on each.
        let hash = state.sources.get(id).map_or(0, |source| {
            let parent = source.parent.map_or(0, |parent| self.source(state, parent));
            hash_source(parent, source.node, &source.name)
        });
        self.sources.insert(id, hash);
        hash
    }
}

/// A snapshot's first pass: what does the reader have already?
#[derive(Debug)]
pub(crate) struct Compare {
    theirs: Digests,
    tally: Tally,
    /// The head when it began: what changes behind it is told from the log.
    until: Option<u64>,
    next: u32,
}

impl Compare {
    pub(crate) fn new(theirs: Digests) -> Self {
        let tally = Tally::new(theirs.buckets(), None);
        Self {
            theirs,
            tally,
            until: None,
            next: 0,
        }
    }

    /// One step. At the end it says what is the same, and what is to be told.
    pub(crate) fn step(
        &mut self,
        state: &State,
        filter: &mut Filter,
        chunk: &mut Chunk,
    ) -> Option<Scan> {
        let until = *self.until.get_or_insert(state.log.head());
        let mut texts = Texts::default();
        let mut looked = 0;
        for (id, point) in state.catalogue.ids_from(self.next).take(LOOK_MAX) {
            looked += 1;
            self.next = id.0 + 1;
            if filter.passes(state, id, &point.name) {
                let named = (point.name.as_str(), id.0);
                self.tally.add(state, &mut texts, named, point);
            }
        }
        if looked > 0 {
            return None;
        }
        let same = self.tally.digests.same(&self.theirs);
        chunk.items.push(Item::Same(same.to_frame()));
        Some(Scan::differences(until, Common(same)))
    }
}

/// What a reader has already, by buckets.
#[derive(Debug)]
pub(crate) struct Common(Same);

/// What a reader has to be told of a datapoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lacks {
    pub(crate) definition: bool,
    pub(crate) row: bool,
}

impl Lacks {
    pub(crate) const ALL: Self = Self {
        definition: true,
        row: true,
    };
}

impl Common {
    /// What a datapoint's bucket lacks at the reader. What came since the comparison into a bucket
    /// that was the same is told from the log, number and all.
    pub(crate) fn lacks(&self, name: &str, is_newer: bool) -> Lacks {
        let (has_definition, has_row) = self.0.of(name);
        Lacks {
            definition: !has_definition,
            row: !(has_row || has_definition && is_newer),
        }
    }
}
