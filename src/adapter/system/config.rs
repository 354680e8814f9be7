//! What `connection:` may say.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

/// The shortest interval: reading the machine more often loads what it measures.
pub(crate) const INTERVAL_MIN: Duration = Duration::from_millis(500);
/// Disks watched beside the data folder's.
pub(crate) const DISKS_MAX: usize = 32;

/// The content of `connection:`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Connection {
    /// How often the machine is read, in milliseconds.
    pub interval_ms: u64,
    /// Further disks by name: `archive: /srv/archive` gives `disk.archive.free`. Any path on the
    /// disk will do. The disk of the node's data folder is always there.
    pub disks: BTreeMap<String, PathBuf>,
    /// Whether `time` can be written, which sets the clock of the machine. The process needs the
    /// right to it, and no time service may keep the clock.
    pub set_clock: bool,
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            interval_ms: 5000,
            disks: BTreeMap::new(),
            set_clock: false,
        }
    }
}

impl Connection {
    pub(crate) fn interval(&self) -> Duration {
        Duration::from_millis(self.interval_ms).max(INTERVAL_MIN)
    }
}
