//! The API over real sockets: TLS on a free port, foreign clients, one node in this process.
#![allow(clippy::unwrap_used)]
#![allow(
    clippy::disallowed_methods,
    reason = "the tasks of a test end with its runtime"
)]

mod access;
mod administering;
mod data;
mod description;
mod doctor;
mod forms;
mod harness;
mod hsyco;
mod limits;
mod linking;
mod pacing;
mod providing;
mod reading;
mod slow;
mod variables;
mod ways;
mod writing;
