//! The feed's log: entries in a ring that is bounded by bytes. Readers hold cursors, not queues.

use std::collections::VecDeque;
use std::sync::Arc;

use mainstem_model::{Name, Quality, SourceStatus, Value};

use crate::{Event, PointId, SourceId};

/// One thing that happened.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    Sample(SampleEntry),
    Define(PointId),
    Remove(PointId),
    Source(SourceId),
    Status(SourceId, SourceStatus),
    Gone(SourceId),
    /// The alias of an old name, new, changed or gone.
    Alias(Name),
    Event(Arc<Event>),
}

/// A sample as the log keeps it. The value is always the one shown from then on.
#[derive(Clone, Debug)]
pub(crate) struct SampleEntry {
    pub(crate) point: PointId,
    pub(crate) quality: Quality,
    pub(crate) catchup: bool,
    pub(crate) origin_epoch: u32,
    pub(crate) origin: u64,
    pub(crate) source_time: i64,
    pub(crate) value: Option<Value>,
}

/// Entries with dense sequence numbers; the first has number 1.
#[derive(Debug)]
pub(crate) struct Log {
    entries: VecDeque<Entry>,
    /// The number of the oldest entry kept; `head + 1` while there is none.
    first: u64,
    bytes: usize,
    bytes_max: usize,
    evicted: u64,
    /// The number of the last entry that changed the tree: everything but samples and events.
    tree: u64,
}

impl Log {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            first: 1,
            bytes: 0,
            bytes_max,
            evicted: 0,
            tree: 0,
        }
    }

    /// The number of the last entry, 0 before the first.
    pub(crate) fn head(&self) -> u64 {
        self.first + self.entries.len() as u64 - 1
    }

    /// The number that the next entry will get.
    pub(crate) fn next(&self) -> u64 {
        self.head() + 1
    }

    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// The number of the last change of the tree of sources and datapoints, 0 before the first.
    pub(crate) fn tree(&self) -> u64 {
        self.tree
    }

    pub(crate) fn push(&mut self, entry: Entry) -> u64 {
        if !matches!(entry, Entry::Sample(_) | Entry::Event(_)) {
            self.tree = self.next();
        }
        self.bytes += cost(&entry);
        self.entries.push_back(entry);
        while self.bytes > self.bytes_max && self.entries.len() > 1 {
            if let Some(oldest) = self.entries.pop_front() {
                self.bytes -= cost(&oldest);
                self.first += 1;
                self.evicted += 1;
            }
        }
        self.head()
    }

    /// Entries from a number on; `None` if that one was evicted.
    pub(crate) fn from(&self, sequence: u64) -> Option<impl Iterator<Item = (u64, &Entry)>> {
        let skip = sequence.checked_sub(self.first)?;
        let skip = usize::try_from(skip).ok()?;
        let rest = self.entries.iter().skip(skip);
        Some((sequence..).zip(rest))
    }
}

fn cost(entry: &Entry) -> usize {
    let heap = match entry {
        Entry::Sample(sample) => sample.value.as_ref().map_or(0, Value::heap_bytes),
        Entry::Event(event) => event.heap_bytes(),
        _ => 0,
    };
    size_of::<Entry>() + heap
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_small() {
        assert!(size_of::<Entry>() <= 64, "{}", size_of::<Entry>());
    }

    #[test]
    fn the_oldest_go_first() {
        let mut log = Log::new(10 * size_of::<Entry>());
        assert_eq!((log.head(), log.next()), (0, 1));
        for id in 0..25 {
            log.push(Entry::Remove(PointId(id)));
        }
        assert_eq!((log.first(), log.head(), log.evicted()), (16, 25, 15));
        assert!(log.from(15).is_none());
        let rest: Vec<u64> = log
            .from(24)
            .unwrap()
            .map(|(sequence, _)| sequence)
            .collect();
        assert_eq!(rest, [24, 25]);
        assert_eq!(log.from(26).unwrap().count(), 0);
    }
}
