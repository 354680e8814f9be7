//! What kinds share that poll one device over one connection, one request after the other. Each
//! piece serves by itself: a kind takes those that fit and keeps what is its own.

mod building;
mod halt;
mod peer;
mod refusals;
mod socket;
mod turns;

pub use building::{build, connection};
pub use halt::{Halt, WRITES_IN_A_ROW, answered, next_write, unless_stopped};
pub use peer::Peer;
pub use refusals::{RETRIES_PER_TURN, RETRY_AFTER, Refusals};
pub use socket::{CallError, Socket, read_head, read_rest};
pub use turns::Turns;
