//! What a node knows: sources, datapoints with their latest values, and the feed of what happened.
//! One lock, one writer at a time; readers copy out under the lock and encode outside it.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod aliases;
mod apply;
mod branches;
mod catalogue;
mod checkpoint;
mod chunk;
mod config;
mod digest;
mod encode;
mod events;
mod filter;
mod log;
mod mirror;
mod owner;
mod pace;
mod reader;
mod relocate;
mod renamed;
mod scan;
mod sources;
mod state;
mod store;
mod survey;
mod topology;
mod variables;
mod view;

#[cfg(test)]
mod tests;

pub use aliases::{AliasError, AliasView};
pub use branches::{Branch, Level};
pub use catalogue::{DefineError, PointId};
pub use checkpoint::RestoreError;
pub use chunk::{Chunk, Item};
pub use config::FeedConfig;
pub use digest::{MirrorDigests, MirrorPoint};
pub use encode::encode_chunk;
pub use events::{Answering, EVENT_BYTES_MAX, EVENT_DEADLINE_MAX, Event, EventErrand, EventError};
pub use filter::Filter;
pub use mirror::{MirrorRow, MirrorSource, MirrorState, ToldSource};
pub use owner::{Hop, Order, OrderError, Outcome, Owner, OwnerHandle, Target};
pub use pace::{Due, Paced, Pacer};
pub use reader::{Delivery, Progress, Reader, StartError};
pub use renamed::Found;
pub use sources::{NewSource, SourceId, SourceView};
pub use store::{Store, StoreLimits, StoreSetup, StoreStatistics};
pub use survey::Trouble;
pub use topology::{Tree, TreeSource};
pub use variables::{MirrorVariable, Stamp, VariableError, VariableView};
pub use view::{ListQuery, PointView};
