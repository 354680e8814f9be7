//! BACnet/IP: one device of a building, its objects' properties as datapoints, polled in batches or
//! told by change-of-value subscriptions.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod adapter;
mod address;
mod binding;
mod codec;
mod config;
mod cov;
mod cycle;
mod data_type;
mod explore;
mod fault;
mod identity;
mod kind;
mod learned;
mod line;
mod names;
mod opening;
mod polling;
mod port;
mod session;
mod writing;

pub use kind::KIND;
