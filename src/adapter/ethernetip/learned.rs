//! What answers have taught about a controller; kept over sessions. Pure.

use std::collections::BTreeSet;

use mainstem_adapter::polled::Refusals;
use mainstem_model::Monotonic;

/// The experience with one controller.
#[derive(Clone, Debug, Default)]
pub(crate) struct Learned {
    /// The tags that it does not give.
    pub(crate) refusals: Refusals,
    /// Read part by part, because an answer did not fit.
    long: BTreeSet<usize>,
    /// Whether the device takes no more than one request at a time.
    pub(crate) is_single: bool,
}

impl Learned {
    /// Whether a binding has to be read part by part.
    pub(crate) fn is_long(&self, binding: usize) -> bool {
        self.long.contains(&binding)
    }

    /// A binding's answer does not fit into one.
    pub(crate) fn is_too_long(&mut self, binding: usize) {
        self.long.insert(binding);
    }

    /// A session begins.
    pub(crate) fn begin(&mut self, now: Monotonic) {
        self.refusals.hurry(now);
        // Another device, or another firmware, may stand there now.
        self.is_single = false;
        self.long.clear();
    }
}
