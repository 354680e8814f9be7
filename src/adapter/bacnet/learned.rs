//! What answers have taught about a device; kept over sessions. Pure.

use std::collections::BTreeSet;

/// The experience with one device.
#[derive(Clone, Debug)]
pub(crate) struct Learned {
    /// The number of the last request: it goes on over sessions, so that an answer to a request of
    /// an earlier one is not taken for an answer to a new one.
    pub(crate) invoke: u8,
    reads_multiple: bool,
    batch: usize,
    without_flags: BTreeSet<usize>,
    complained: BTreeSet<(usize, &'static str)>,
}

impl Learned {
    /// Nothing yet; so many properties are asked for at once.
    pub(crate) fn new(batch: usize) -> Self {
        Self {
            invoke: 0,
            reads_multiple: batch > 1,
            batch,
            without_flags: BTreeSet::new(),
            complained: BTreeSet::new(),
        }
    }

    /// Properties that one request may ask for.
    pub(crate) fn batch(&self) -> usize {
        match self.reads_multiple {
            true => self.batch,
            false => 1,
        }
    }

    /// The device does not know requests for several properties.
    pub(crate) fn reads_one_by_one(&mut self) {
        self.reads_multiple = false;
    }

    /// A request for so many properties had no room in an answer.
    pub(crate) fn too_many(&mut self, properties: usize) {
        self.batch = self.batch.min((properties / 2).max(1));
    }

    /// An object has no status flags.
    pub(crate) fn no_flags(&mut self, binding: usize) {
        self.without_flags.insert(binding);
    }

    /// Whether status flags are worth asking for.
    pub(crate) fn has_flags(&self, binding: usize) -> bool {
        !self.without_flags.contains(&binding)
    }

    /// Whether it is news that something is wrong with a binding.
    pub(crate) fn complain(&mut self, binding: usize, code: &'static str) -> bool {
        self.complained.insert((binding, code))
    }

    /// A binding is well again: the next complaint is news.
    pub(crate) fn is_well(&mut self, binding: usize) {
        if !self.complained.is_empty() {
            self.complained.retain(|(of, _)| *of != binding);
        }
    }
}
