//! mainstem: a hierarchical server-to-server replication hub for industry. The rooms are crates of
//! their own; here they are put together (`app`) and given a command line (`cli`).
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod app;
pub mod cli;
