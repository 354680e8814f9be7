//! The HTTPS server: the only room that knows axum, one file per resource.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod arrival;
mod auth;
mod body;
mod changes;
mod config;
mod datapoints;
mod documents;
mod link;
mod node;
mod parts;
mod problem;
mod query;
mod router;
mod server;
mod state;
mod write_answer;
mod writes;

pub use config::{HttpLimits, ListenConfig};
pub use parts::{PartError, Parts};
pub use server::{ServeError, Server, ServerSetup};
pub use state::{Api, ApiSetup, NodeFacts};
