//! Uplinks: how this node dials up.

use mainstem_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One uplink at one moment.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct UplinkDocument {
    /// Its name here.
    pub name: String,
    /// The route to the node above that was tried last.
    pub address: String,
    /// `connecting ready serving waiting refused paused`.
    pub state: String,
    /// What went wrong last, while no tunnel is up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Since when it is in this state.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// When the next try is due, while no tunnel is up.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_try: Option<Timestamp>,
    /// Tunnels that wait at the node above.
    pub waiting: u32,
    /// Tunnels that the node above uses.
    pub serving: u32,
    /// Tunnels that came about since the start.
    pub opened: u64,
}
