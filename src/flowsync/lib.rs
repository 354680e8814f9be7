//! FlowSync: requests that are held open until their reply came over the bus, or their deadline
//! passed.
//!
//! Whoever holds a request (an HTTP route, an OPC UA method) makes a [`Node`] for each server node
//! and calls [`Node::hold`]. The request is told on `<topic>/treq`, and ended by a message on
//! `<topic>/tres` with the same id. Dropping the future gives its place back.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod bridge;
mod deadlines;
mod exchange;
mod flow;
mod hold;
mod id;
mod levels;
mod limits;
mod listen;
mod node;
mod numbers;
mod outcome;
mod past;
mod reply;
mod shared;
mod spec;
mod table;
mod view;

#[cfg(test)]
mod tests;

pub use exchange::{Shown, Teller, Watcher};
pub use flow::{FlowSetup, FlowSync};
pub use id::TransactionId;
pub use levels::{Levels, Tree};
pub use limits::FlowLimits;
pub use node::Node;
pub use numbers::Stray;
pub use outcome::{Caller, Outcome, Protocol};
pub use past::Ending;
pub use reply::{MESSAGE_BYTES_MAX, REPLY_BYTES_MAX};
pub use spec::{
    AnsweredBy, NodeSpec, TIMEOUT_DEFAULT, TIMEOUT_ERROR_CODE_DEFAULT, TIMEOUT_MESSAGE_DEFAULT,
};
pub use view::{EndedView, NodeView, OpenView};
