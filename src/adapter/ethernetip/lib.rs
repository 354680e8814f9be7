//! EtherNet/IP: one connection to a Logix controller, its tags as datapoints, by name.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod adapter;
mod binding;
mod cip;
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
mod path;
mod polling;
mod route;
mod session;
mod symbols;
mod writing;

pub use kind::KIND;
