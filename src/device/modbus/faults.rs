//! Faults on demand: what a bad device, gateway or cable does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio_modbus::ExceptionCode;
use tokio_util::sync::CancellationToken;

use super::image::Table;

/// A handle to a device's faults; clones switch the same device.
#[derive(Debug, Clone, Default)]
pub struct ModbusFaults {
    switches: Arc<Mutex<Switches>>,
    answered: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct Switches {
    frozen: bool,
    frozen_units: BTreeSet<u8>,
    refusing: bool,
    /// Cut to close every connection of today; connections that come later get a new one.
    cut: CancellationToken,
    delay: Duration,
    exceptions: BTreeMap<(u8, Table, u16), ExceptionCode>,
}

impl ModbusFaults {
    /// Connections are accepted and requests read, but nothing is answered and nothing is done:
    /// what arrives while frozen never takes effect.
    pub fn freeze(&self) {
        self.switches.lock().frozen = true;
    }

    /// Ends [`Self::freeze`].
    pub fn thaw(&self) {
        self.switches.lock().frozen = false;
    }

    /// Freezes one unit behind the gateway; the others go on.
    pub fn freeze_unit(&self, unit: u8) {
        self.switches.lock().frozen_units.insert(unit);
    }

    /// Ends [`Self::freeze_unit`].
    pub fn thaw_unit(&self, unit: u8) {
        self.switches.lock().frozen_units.remove(&unit);
    }

    /// Closes every connection and each new one as soon as it is made.
    pub fn refuse(&self) {
        self.switches.lock().refusing = true;
        self.drop_connections();
    }

    /// Ends [`Self::refuse`].
    pub fn accept(&self) {
        self.switches.lock().refusing = false;
    }

    /// Closes every connection once; new ones are welcome.
    pub fn drop_connections(&self) {
        let cut = std::mem::take(&mut self.switches.lock().cut);
        cut.cancel();
    }

    /// Answers every request this much later; zero ends it.
    pub fn delay(&self, delay: Duration) {
        self.switches.lock().delay = delay;
    }

    /// Makes each request that touches an address fail with an exception.
    pub fn fail_address(&self, unit: u8, table: Table, address: u16, exception: ExceptionCode) {
        let key = (unit, table, address);
        self.switches.lock().exceptions.insert(key, exception);
    }

    /// Ends [`Self::fail_address`].
    pub fn clear_address(&self, unit: u8, table: Table, address: u16) {
        let key = (unit, table, address);
        self.switches.lock().exceptions.remove(&key);
    }

    pub(super) fn is_frozen(&self, unit: u8) -> bool {
        let switches = self.switches.lock();
        switches.frozen || switches.frozen_units.contains(&unit)
    }

    pub(super) fn refuses(&self) -> bool {
        self.switches.lock().refusing
    }

    pub(super) fn cut_signal(&self) -> CancellationToken {
        self.switches.lock().cut.clone()
    }

    pub(super) fn answer_delay(&self) -> Duration {
        self.switches.lock().delay
    }

    /// The exception of the first failing address in a block.
    pub(super) fn exception(
        &self,
        unit: u8,
        table: Table,
        start: u16,
        count: u16,
    ) -> Option<ExceptionCode> {
        let end = start.saturating_add(count.saturating_sub(1));
        let switches = self.switches.lock();
        let mut failing = switches
            .exceptions
            .range((unit, table, start)..=(unit, table, end));
        failing.next().map(|(_, exception)| *exception)
    }

    pub(super) fn count_answer(&self) {
        self.answered.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }
}
