//! The OPC UA server of a node: its datapoints as variables, what was recorded of them as their
//! history. Foreign bytes come to the library behind it only through a gate with limits.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod certificates;
mod config;
mod error;
mod frame;
mod from_client;
mod gate;
mod history;
mod identity;
mod limits;
mod nodes;
mod outcome;
mod server;
mod setup;
mod space;
mod to_client;
mod users;
mod view;
mod watch;

pub use certificates::Certificates;
pub use config::{Mode, Policy, ServerConfig};
pub use error::OpcuaServerError;
pub use history::{History, HistoryRow, HistorySlot, HistorySpan, NoHistory, Recorded};
pub use mainstem_opcua_trust::{CertificateError, CertificateState, CertificateView};
pub use nodes::{ArgumentSpec, BusAway, Held, ServerNode, ServerNodeKind, Tie, TieUse};
pub use server::{OpcuaServer, ServerGround};
pub use view::ServerView;
