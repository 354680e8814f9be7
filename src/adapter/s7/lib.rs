//! Siemens S7: one connection to a CPU, its data blocks, flags, inputs, outputs, timers and
//! counters as datapoints, by absolute address.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod adapter;
mod address;
mod binding;
mod block;
mod codec;
mod config;
mod cycle;
mod data_type;
mod explore;
mod fault;
mod frame;
mod kind;
mod learned;
mod line;
mod pdu;
mod pdu_text;
mod polling;
mod session;
mod writing;

pub use kind::KIND;
