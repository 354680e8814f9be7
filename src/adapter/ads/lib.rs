//! ADS: one connection to a TwinCAT runtime, its variables as datapoints, by symbol or by index.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod adapter;
mod ams;
mod binding;
mod codec;
mod commands;
mod config;
mod cycle;
mod data_type;
mod explore;
mod fault;
mod kind;
mod learned;
mod line;
mod net_id;
mod polling;
mod resolving;
mod session;
mod symbol;
mod writing;

pub use kind::KIND;
