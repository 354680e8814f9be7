//! Writes: from the node where they enter, hop by hop, to the owner and back. Two durable points
//! whatever the depth, one audit record per outcome, and nothing late is ever carried out.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod begin;
mod bounds;
mod check;
mod config;
mod desk;
mod explain;
mod journey;
mod ledger;
mod office;
mod policy;
mod pulse;
mod query;
pub mod reason;
mod record;
mod request;
mod row;
mod table;
mod trail;

#[cfg(test)]
mod tests;

pub use config::WriteConfig;
pub use desk::{OpenError, WriteDesk, WriteList};
pub use explain::{Explained, Rule, Step};
pub use ledger::LEDGER_FILE;
pub use policy::{
    ConfigFault, Day, Expected, InterlockConfig, PULSE_MAX, PULSE_MIN, PolicyConfig, PulseRule,
    RangeConfig, RateConfig, TimeOfDay, WindowConfig, Zone,
};
pub use pulse::PULSES_FILE;
pub use query::{Reach, WriteQuery};
pub use record::WriteRecord;
pub use request::{
    BUDGET_DEFAULT, BUDGET_MAX, Entry, KEY_BYTES_MAX, ORIGINATOR_BYTES_MAX, ORIGINATORS_MAX,
    Refusal, Request,
};
pub use trail::WriteCounters;
