//! The HTTPS server: the only room that knows axum, one file per resource.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod adapters;
mod alarms;
mod aliases;
mod arrival;
mod auth;
mod body;
mod changes;
mod config;
mod datapoints;
mod documents;
mod dropped;
mod early;
mod events;
mod explain;
mod grant;
mod hsyco;
mod link;
mod loggers;
mod node;
mod openapi;
mod pages;
mod parts;
mod probes;
mod problem;
mod query;
mod remotes;
mod router;
mod samples;
mod server;
mod state;
mod switch;
mod tokens;
mod topology;
mod write_answer;
mod writes;

pub use config::{HttpLimits, ListenConfig};
pub use hsyco::{AddressRule, AddressRuleError, HsycoConfig};
pub use openapi::openapi_yaml;
pub use parts::{PartError, Parts};
pub use server::{ServeError, Server, ServerSetup};
pub use state::{Api, ApiSetup, NodeFacts};
