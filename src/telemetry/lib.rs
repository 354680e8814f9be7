//! How a node is seen from outside: its clock, its metrics, its problems and its log.
//!
//! Nothing here is global but the log, which the binary alone sets up: several nodes may live in
//! one process.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod clock;
mod health;
pub mod logging;
mod metrics;

pub use clock::SystemClock;
pub use health::{
    HOOKS_MAX, Health, OVERFLOW_ID, PROBLEMS_MAX, Problem, ProblemState, Severity, Subscription,
    TEXT_BYTES_MAX,
};
pub use metrics::{
    Counter, CounterFamily, FAMILY_MEMBERS_MAX, FloatGauge, Gauge, GaugeFamily, Histogram,
    METRICS_MAX, Metrics, OTHER,
};
