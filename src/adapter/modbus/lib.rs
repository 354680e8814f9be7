//! Modbus: one connection to a device or gateway, its coils and registers as datapoints.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod adapter;
mod binding;
mod block;
mod codec;
mod config;
mod cycle;
mod data_type;
mod exception;
mod explore;
mod frame_text;
mod kind;
mod learned;
mod line;
mod liveness;
mod polling;
mod request;
mod session;
mod unit;
mod way;
mod writing;

pub use kind::KIND;
