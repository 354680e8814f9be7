//! The words of mainstem as types: names, values, quality, samples, sources, definitions and
//! limits. No I/O, no async; constructors fail only by validation.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod alias;
mod clock;
mod definition;
mod event;
mod glob;
pub mod limits;
mod name;
mod pacing;
mod quality;
pub mod quantity;
mod sample;
mod secret;
mod source;
mod time;
mod topic;
mod value;
mod value_type;
mod write;

pub use alias::{ALIAS_CHAIN_MAX, ALIASES_MAX, Alias};
pub use clock::{Clock, ManualClock, Monotonic};
pub use definition::{Access, Definition, Limits};
pub use event::EventId;
pub use glob::{Decided, Glob, GlobError, GlobSet};
pub use name::{Name, NameError};
pub use pacing::{
    Deadband, DeadbandError, PACE_INTERVAL_MAX, PACE_INTERVAL_MIN, Pacing, PacingError,
};
pub use quality::{Quality, Reason, Status};
pub use sample::Sample;
pub use secret::Secret;
pub use source::{NodeId, Role, SourceStatus};
pub use time::{TimeError, Timestamp};
pub use topic::{
    FILTER_BYTES_MAX, TOPIC_LEVELS_MAX, Topic, TopicError, TopicFilter, TopicRights, TopicSet,
};
pub use value::{Value, ValueError};
pub use value_type::{Scalar, ValueType};
pub use write::{Space, WriteId, WriteState};
