//! MTConnect: machine tools by the line protocol of their adapters (SHDR), or by an agent over
//! HTTP. Both are only read.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod agent;
mod binding;
mod condition;
mod shape;
mod shdr;

pub use agent::KIND as AGENT;
pub use shdr::KIND as SHDR;
