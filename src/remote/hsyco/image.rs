//! What a HSYCO server told, in the store: each name is a datapoint below the prefix.

use std::collections::HashMap;
use std::sync::Arc;

use mainstem_model::{
    Definition, Glob, GlobSet, Name, Quality, Reason, Role, Sample, Scalar, ValueType,
};
use mainstem_store::{PointId, SourceId, Store};

use super::answer::Answer;
use super::convert::convert;
use crate::mirror::{MirrorCounters, MirrorLimits};

pub(super) struct Image {
    store: Arc<Store>,
    source: SourceId,
    prefix: String,
    read: GlobSet,
    types: Vec<(Glob, ValueType)>,
    /// By the name at the server; `None` for what is left out here.
    points: HashMap<String, Option<(PointId, ValueType)>>,
    counters: MirrorCounters,
    last_left_out: Option<String>,
    batch: Vec<(PointId, Sample)>,
}

impl Image {
    /// The image below a link's source, which it makes known.
    pub(super) fn new(
        store: Arc<Store>,
        prefix: &str,
        read: GlobSet,
        types: Vec<(Glob, ValueType)>,
    ) -> Self {
        let quality = Quality::of(Reason::Restarted);
        let source = store.put_own_source(None, prefix, Role::Link, quality, false);
        // From a time when a mainstem node was read below this prefix.
        for below in store.subtree(source).into_iter().filter(|id| *id != source) {
            store.remove_source(below);
        }
        store.forget_cursor(source);
        Self {
            store,
            source,
            prefix: prefix.to_owned(),
            read,
            types,
            points: HashMap::new(),
            counters: MirrorCounters::default(),
            last_left_out: None,
            batch: Vec::new(),
        }
    }

    pub(super) fn source(&self) -> SourceId {
        self.source
    }

    pub(super) fn counters(&self) -> MirrorCounters {
        self.counters
    }

    pub(super) fn last_left_out(&self) -> Option<&str> {
        self.last_left_out.as_deref()
    }

    /// Takes an answer over. A full one names everything that there is: what it does not name is
    /// removed. One without any name says nothing about that; a server that has just been started
    /// may not know its datapoints yet.
    pub(super) fn apply(&mut self, answer: &Answer, is_full: bool) {
        if is_full {
            self.counters.snapshots += 1;
            self.points.clear();
        } else {
            self.counters.resumes += 1;
        }
        self.counters.bad_values += answer.odd;
        for (name, text) in &answer.io {
            self.counters.rows += 1;
            let Some((id, value_type)) = self.point(name) else {
                continue;
            };
            let sample = match convert(text, value_type) {
                Some(value) => Sample::good(value, None),
                None => {
                    self.counters.bad_values += 1;
                    Sample::without_value(Quality::of(Reason::BadType), None)
                }
            };
            self.batch.push((id, sample));
        }
        let changes = self.store.apply(self.source, &mut self.batch);
        self.counters.changes += changes as u64;
        if is_full && !answer.io.is_empty() {
            let keep: Vec<PointId> = self.points.values().flatten().map(|(id, _)| *id).collect();
            self.store.retain_points(self.source, &keep);
        }
        if is_full {
            self.store.set_complete(self.source, true);
        }
    }

    fn point(&mut self, name: &str) -> Option<(PointId, ValueType)> {
        if let Some(known) = self.points.get(name) {
            return *known;
        }
        if !self.read.allows(name) {
            return None;
        }
        let limit = MirrorLimits::default().points;
        if self.points.len() >= limit {
            self.leave_out(
                name,
                &format!("more than {limit} datapoints from one remote"),
            );
            return None;
        }
        let found = self.define(name);
        if let Err(why) = &found {
            self.leave_out(name, why);
        }
        let found = found.ok();
        self.points.insert(name.to_owned(), found);
        found
    }

    fn define(&self, name: &str) -> Result<(PointId, ValueType), String> {
        let value_type = self.types.iter().find(|(glob, _)| glob.matches(name));
        let value_type = value_type.map_or(Scalar::Text.into(), |(_, value_type)| *value_type);
        let full = Name::new(name)
            .and_then(|name| name.below(&self.prefix))
            .map_err(|error| error.to_string())?;
        let id = self
            .store
            .define(self.source, &full, Definition::new(value_type))
            .map_err(|error| error.to_string())?;
        Ok((id, value_type))
    }

    fn leave_out(&mut self, name: &str, why: &str) {
        self.counters.left_out += 1;
        let name: String = name.chars().take(80).collect();
        self.last_left_out = Some(format!("{name}: {why}"));
    }
}
