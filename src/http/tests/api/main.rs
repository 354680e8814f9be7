//! The API over real sockets: TLS on a free port, foreign clients, one node in this process.
#![allow(clippy::unwrap_used)]

mod access;
mod harness;
mod reading;
