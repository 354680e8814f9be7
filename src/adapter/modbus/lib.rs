//! Modbus: one connection to a device or gateway, its coils and registers as datapoints.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod adapter;
mod binding;
mod block;
mod config;
mod cycle;
mod exception;
mod explore;
mod frame_text;
mod kind;
mod lanes;
mod learned;
mod line;
mod liveness;
mod numbered;
mod polling;
mod request;
mod session;
mod unit;
mod way;
mod writing;

pub use kind::KIND;
