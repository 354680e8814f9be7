//! The embedded broker with clients of its own and with raw sockets.

mod basics;
mod harness;
mod limits;
mod neighbours;
