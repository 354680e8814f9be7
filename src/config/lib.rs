//! The node file: loaded, checked as a whole, resolved. Every problem is told at once, with its
//! place and what was expected. Nothing is connected and nothing is written.
//!
//! The way of a file: text, tree with places (`parse`), references expanded (`expand`), secrets
//! resolved (`secrets`), JSON Schema (`schema`), structs, checks across sections, the kinds' own
//! checks (`adapters`).
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod access;
mod adapters;
mod aliases;
mod bus;
mod clients;
mod expand;
mod limits;
mod load;
mod loggers;
mod names;
mod nearest;
mod node_config;
mod parse;
mod policies;
mod problem;
mod remotes;
mod rename;
mod report;
mod resources;
mod schema;
mod secrets;
mod sections;
mod services;
mod tree;
mod uplinks;

pub use access::{
    Credential, LinkRight, LoggerRightsConfig, RoleConfig, TokenConfig, TopicsConfig,
    VariablesConfig,
};
pub use load::load;
pub use node_config::{AdapterConfig, NodeConfig, NodeSettings};
pub use problem::{Problem, Problems};
pub use rename::{Bearing, Mention, RenamePlan, Renamed};
pub use resources::StrategyConfig;
pub use sections::{LogConfig, LogFormat, LogLevel};

#[cfg(test)]
mod tests;
