//! Placeholder.

mod config;
pub use config::{HttpLimits, ListenConfig};
