//! What rules remember, topic by topic.

use std::collections::HashMap;

use jsonata_core::value::JValue;

use crate::limits::TOPICS_MAX;

/// Something for each topic; beyond [`TOPICS_MAX`] those unused longest go.
#[derive(Debug)]
pub(super) struct PerTopic<T> {
    kept: HashMap<String, (u64, T)>,
    turn: u64,
}

impl<T> Default for PerTopic<T> {
    fn default() -> Self {
        Self {
            kept: HashMap::new(),
            turn: 0,
        }
    }
}

impl<T> PerTopic<T> {
    pub(super) fn get(&self, topic: &str) -> Option<&T> {
        self.kept.get(topic).map(|(_, value)| value)
    }

    /// What is kept of a topic, to be changed; the default of a new one.
    pub(super) fn of(&mut self, topic: &str) -> &mut T
    where
        T: Default,
    {
        self.turn += 1;
        if !self.kept.contains_key(topic) && self.kept.len() >= TOPICS_MAX {
            self.make_room();
        }
        let turn = self.turn;
        let entry = self.kept.entry(topic.to_owned()).or_default();
        entry.0 = turn;
        &mut entry.1
    }

    // A tenth at once, so that the search is paid once for many topics.
    fn make_room(&mut self) {
        let mut turns: Vec<u64> = self.kept.values().map(|(turn, _)| *turn).collect();
        let (_, limit, _) = turns.select_nth_unstable(TOPICS_MAX / 10);
        let limit = *limit;
        self.kept.retain(|_, (turn, _)| *turn > limit);
    }
}

/// Labels that one topic has stashed.
const STASHED_MAX: usize = 32;

/// What `stash` has kept.
#[derive(Debug, Default)]
pub(super) struct Stashes(PerTopic<HashMap<String, JValue>>);

impl Stashes {
    pub(super) fn last(&self, topic: &str, label: &str) -> Option<JValue> {
        self.0.get(topic)?.get(label).cloned()
    }

    pub(super) fn put(&mut self, topic: &str, label: &str, value: JValue) {
        let labels = self.0.of(topic);
        // A way has no more rules than this, so no label is lost.
        if labels.len() < STASHED_MAX || labels.contains_key(label) {
            labels.insert(label.to_owned(), value);
        }
    }
}
