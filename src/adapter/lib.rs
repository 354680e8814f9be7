//! The adapter contract: what a protocol crate implements, what it may ask for, and the runner
//! that owns everything else (reconnecting, quality on loss, statistics, writes, stop).
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod contract;
mod io;
mod kind;
mod poll;
mod reading;
mod spec;
mod statistics;
mod write_job;

pub use contract::{Adapter, BoxFuture, SessionEnd};
pub use io::{AdapterIo, Output};
pub use kind::{Built, Kind, Point, PointId, Problem};
pub use poll::{DuePoll, POLL_INTERVAL_MIN, PollGroup, PollSchedule, poll_groups};
pub use reading::Reading;
pub use spec::{AdapterSpec, EndpointSpec, Scaling, TimePolicy};
pub use statistics::{Statistics, StatisticsSnapshot};
pub use write_job::{WriteAnswer, WriteJob};
