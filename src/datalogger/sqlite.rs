//! The store on one machine: SQLite files, one thread that writes, one that settles.
//!
//! Rows are acknowledged when they lie in the staging table of the newest **part** (a file), one
//! blob a commit. The settler turns them into compressed blocks of one series each, in the same
//! file and in one transaction that deletes what it replaces: whoever reads sees each row once.
//! Parts are closed after a day or at a size; retention deletes parts, never rows.

mod blocks;
mod catalogue;
mod check;
mod commit;
mod config;
mod desk;
mod drain;
mod edits;
mod figures;
mod file;
mod incoming;
mod layout;
mod ledger;
mod merge;
mod outlook;
mod part;
mod parts;
mod place;
mod queue;
mod reached;
mod reading;
mod retention;
mod rolled;
mod settle;
mod shared;
mod stats;
mod swap;
mod trouble;
mod watch;
mod writer;

#[cfg(test)]
mod tests;

pub use config::{SqliteConfig, Synchronous};
pub use desk::SqliteSink;
pub(crate) use drain::{Drained, Place};
