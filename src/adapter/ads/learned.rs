//! What answers have taught about a PLC; kept over sessions. Pure.

use mainstem_adapter::polled::Refusals;
use mainstem_model::Monotonic;

/// The experience with one PLC.
#[derive(Clone, Debug, Default)]
pub(crate) struct Learned {
    /// The variables that it does not give.
    pub(crate) refusals: Refusals,
    /// Whether the device reads no more than one variable at a time.
    pub(crate) is_single: bool,
    /// Whether the device tells about no more than one symbol at a time.
    pub(crate) names_single: bool,
    /// Whether the device does not count the changes of its symbols.
    pub(crate) is_uncounted: bool,
}

impl Learned {
    /// A session begins.
    pub(crate) fn begin(&mut self, now: Monotonic) {
        self.refusals.hurry(now);
        // Another device, or another firmware, may stand there now.
        self.is_single = false;
        self.names_single = false;
        self.is_uncounted = false;
    }
}
