//! The one integration binary: whole nodes, trees of nodes, and the laws of the house.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test says by a panic what is wrong"
)]

mod bus;
mod bus_points;
mod clocks;
mod connectors;
mod copies;
mod demo;
mod devices;
mod dial_up;
mod doctor;
mod endpoints;
mod events;
mod faults;
mod first_hour;
mod flows;
mod flowsync;
mod forward_proxy;
mod history;
mod hsyco;
mod influxdb;
mod links;
mod loggers;
mod loggers_postgres;
mod modbus_server;
mod one_way;
mod opcua_client;
mod opcua_server;
mod outcomes;
mod pacing;
mod policies;
mod protocol;
mod remote_support;
mod renaming;
mod replication;

mod running;
mod schemathesis;
mod service_unit;
mod skipped;
mod strangers;
mod support;
mod system_states;
mod tidy;
mod topology;
mod variables;
mod writes;
