//! What all ways share.

use std::sync::Arc;

use mainstem_bus::Bus;
use mainstem_model::Clock;
use mainstem_telemetry::Health;
use uuid::Uuid;

use super::StartupNotice;
use super::numbers::Numbers;

/// What all ways share.
pub(super) struct Shared {
    pub(super) bus: Arc<dyn Bus>,
    pub(super) node: Uuid,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) health: Health,
    pub(super) numbers: Numbers,
    pub(super) notice: Arc<dyn StartupNotice>,
}

/// The problem of a mapping that fails.
pub(super) fn problem_id(mapping: &str) -> String {
    format!("mapping.{mapping}.failing")
}
