//! Writes: from the node where they enter, hop by hop, to the owner and back. Two durable points
//! whatever the depth, one audit record per outcome, and nothing late is ever carried out.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod desk;
pub mod reason;
mod record;
mod request;

pub use desk::{OpenError, WriteCounters, WriteDesk, WriteList};
pub use record::WriteRecord;
pub use request::{
    BUDGET_DEFAULT, BUDGET_MAX, Entry, KEY_BYTES_MAX, ORIGINATOR_BYTES_MAX, ORIGINATORS_MAX,
    Refusal, Request,
};
