//! The section `feed:` of the node file.

use std::time::Duration;

use mainstem_model::quantity;

/// How much of the past the feed keeps, and how often the state goes to disk.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FeedConfig {
    /// Memory for samples that slower readers have not fetched yet. Who falls further behind gets
    /// a gap with its count, and then the latest values.
    #[serde(deserialize_with = "quantity::size")]
    #[schemars(with = "String", extend(
        "type" = ["string", "integer"], "size" = {"min": "1 MiB", "max": "4 GiB"}
    ))]
    pub log_bytes: u64,
    /// How often names, last values and cursors are written to the data folder; also at a stop.
    #[serde(deserialize_with = "quantity::duration")]
    #[schemars(with = "String", extend("duration" = {"min": "1s", "max": "1h"}))]
    pub checkpoint: Duration,
}

impl Default for FeedConfig {
    fn default() -> Self {
        Self {
            log_bytes: 16 << 20,
            checkpoint: Duration::from_secs(10),
        }
    }
}
