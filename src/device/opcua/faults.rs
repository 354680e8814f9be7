//! Faults on demand, and the counters of writes.

use std::collections::BTreeMap;
use std::sync::Arc;

use opcua::types::StatusCode;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// A handle to a device's faults; clones switch the same device.
#[derive(Debug, Clone)]
pub struct OpcuaFaults {
    switches: Arc<Mutex<Switches>>,
    frozen: Arc<watch::Sender<bool>>,
    stopped: CancellationToken,
}

#[derive(Debug, Default)]
struct Switches {
    statuses: BTreeMap<String, StatusCode>,
    write_refusals: BTreeMap<String, StatusCode>,
    writes: BTreeMap<String, u64>,
}

impl OpcuaFaults {
    pub(super) fn new(stopped: CancellationToken) -> Self {
        Self {
            switches: Arc::default(),
            frozen: Arc::new(watch::Sender::new(false)),
            stopped,
        }
    }

    /// Reads and writes of the plant's nodes get no answer and subscriptions no new values. The
    /// session itself stays alive, as with a controller whose program hangs.
    pub fn freeze(&self) {
        self.frozen.send_replace(true);
    }

    /// Ends [`Self::freeze`]. What was asked meanwhile is answered `BadTimeout`; no write of that
    /// time takes effect.
    pub fn thaw(&self) {
        self.frozen.send_replace(false);
    }

    /// Gives a node's value this status, from the next plant step on; `node` is the string part
    /// of its id. The value itself goes on moving. A scratch node takes it with the next write.
    pub fn set_status(&self, node: &str, status: StatusCode) {
        let mut switches = self.switches.lock();
        switches.statuses.insert(node.to_owned(), status);
    }

    /// Ends [`Self::set_status`].
    pub fn clear_status(&self, node: &str) {
        self.switches.lock().statuses.remove(node);
    }

    /// Answers every write to a node with this status.
    pub fn refuse_writes(&self, node: &str, status: StatusCode) {
        let mut switches = self.switches.lock();
        switches.write_refusals.insert(node.to_owned(), status);
    }

    /// Ends [`Self::refuse_writes`].
    pub fn allow_writes(&self, node: &str) {
        self.switches.lock().write_refusals.remove(node);
    }

    pub(super) fn is_frozen(&self) -> bool {
        *self.frozen.borrow()
    }

    /// Waits while the device is frozen or until it stops; says whether it was frozen.
    pub(super) async fn hold(&self) -> bool {
        if !self.is_frozen() {
            return false;
        }
        let mut frozen = self.frozen.subscribe();
        // Either end is fine: the sender lives in `self`, so the wait ends by a thaw or by stop.
        let _ended = self
            .stopped
            .run_until_cancelled(frozen.wait_for(|frozen| !frozen))
            .await
            .is_some();
        true
    }

    pub(super) fn status(&self, node: &str) -> Option<StatusCode> {
        self.switches.lock().statuses.get(node).copied()
    }

    pub(super) fn write_refusal(&self, node: &str) -> Option<StatusCode> {
        self.switches.lock().write_refusals.get(node).copied()
    }

    pub(super) fn count_write(&self, node: &str) {
        let mut switches = self.switches.lock();
        *switches.writes.entry(node.to_owned()).or_insert(0) += 1;
    }

    pub(super) fn write_count(&self, node: &str) -> u64 {
        self.switches.lock().writes.get(node).copied().unwrap_or(0)
    }
}
