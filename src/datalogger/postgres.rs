//! The store on a PostgreSQL server, with a spool on this machine's disk before it.
//!
//! Rows are acknowledged when they lie in the spool, which is a SQLite store that settles nothing.
//! One thread, the mover, hands them on in their order: each transaction stores rows as **pieces**
//! (arrays of one series) and moves the numbers of the rows that are stored. Those numbers decide
//! what is stored already, so that a commit whose answer was lost is neither lost nor doubled.

mod again;
mod answer;
mod config;
mod connect;
mod copy;
mod desk;
mod edited;
mod greeting;
mod lasts;
mod layout;
mod link;
mod mover;
mod moving;
mod paging;
mod partitions;
mod piece;
mod retention;
mod rolled;
mod session;
mod shared;
mod stats;

#[cfg(test)]
pub(crate) mod tests;

pub use config::{PostgresConfig, TlsMode};
pub use desk::PostgresSink;
