//! The adapter contract: what a protocol crate implements, what it may ask for, and the runner
//! that owns everything else (reconnecting, quality on loss, statistics, writes, stop).
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod ask;
mod backoff;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod contract;
mod convert;
pub mod explore;
pub mod fields;
mod intake;
mod io;
mod keepsake;
mod kind;
mod log_lines;
mod options;
mod outlet;
mod poll;
pub mod polled;
mod reading;
mod rule;
mod runner;
mod site;
mod sleep;
mod slot;
mod source_trust;
mod spec;
mod standing;
mod states;
mod statistics;
mod strategy;
mod supervision;
mod tls;
mod trace;
mod visit;
mod write_job;

pub use ask::{ASKS_WAITING_MAX, AskError, AskJob, Asks};
pub use backoff::{Backoff, BackoffOptions};
pub use contract::{Adapter, BoxFuture, SessionEnd};
pub use convert::{convert, from_device, to_device};
pub use explore::Explore;
pub use io::{AdapterIo, Output};
pub use keepsake::Keepsake;
pub use kind::{Built, Kind, Point, PointId, Problem};
pub use log_lines::{
    LOG_BYTES_KEPT, LOG_LINE_BYTES_MAX, LOG_LINES_KEPT, LogLine, LogLines, LogPage, LogSource,
};
/// Files that kinds keep in their own folder, whole or not at all.
pub use mainstem_journal::{Checked, read_checked, write_checked};
/// TLS to services, for protocols that have no room of their own for it.
pub use mainstem_security::{Credentials, Pin, TlsError, Trust, device_config};
/// The JSON of values, the same as in the API.
pub use mainstem_wire::{parse_value, to_json_value};
pub use options::{OptionRow, option_rows};
pub use outlet::{Outgoing, Outlet, Outlets};
pub use poll::{DuePoll, POLL_INTERVAL_MIN, PollGroup, PollSchedule, poll_groups, poll_groups_of};
pub use reading::Reading;
pub use runner::{
    AdapterRunner, AdapterView, DeviceView, RunnerOptions, STOP_TIMEOUT, WRITES_WAITING_MAX,
    WriteRequest,
};
pub use site::{Installation, Site, SiteAdapter};
pub use spec::{AdapterSpec, EndpointSpec, Scaling, TimePolicy};
pub use standing::{AdapterState, Cause, Standing};
pub use states::{ResourceState, StateChange, States};
pub use statistics::{ROUND_TRIP_BOUNDS_US, Statistics, StatisticsSnapshot};
pub use strategy::ConnectionStrategy;
pub use tls::TlsSection;
pub use trace::{
    Direction, TRACE_FRAME_BYTES_MAX, TRACE_FRAMES_WAITING_MAX, TRACE_READERS_MAX,
    TRACE_TEXT_BYTES_MAX, Trace, TraceBusy, TraceFrame, TraceReader, Traced,
};
pub use visit::{Door, Speaker, Taken, Visit, Visitor};
pub use write_job::{WriteAnswer, WriteJob};
