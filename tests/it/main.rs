//! The one integration binary: whole nodes, trees of nodes, and the laws of the house.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test says by a panic what is wrong"
)]

mod demo;
mod events;
mod hsyco;
mod links;
mod loggers;
mod outcomes;
mod policies;
mod protocol;
mod renaming;
mod running;
mod schemathesis;
mod service_unit;
mod skipped;
mod strangers;
mod support;
mod tidy;
mod topology;
mod writes;
