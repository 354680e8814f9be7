//! SQL databases: queries that are polled or asked, and statements that writes fill in.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod cell;
mod config;
mod driver;
mod incremental;
mod kept;
mod kind;
mod mariadb;
mod param;
mod plan;
mod pool;
mod postgres;
mod session;
mod shape;
mod sqlite;
mod statement;
mod target;

pub use config::{Connection, Operation};
pub use kind::KIND;
