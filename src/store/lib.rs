//! Placeholder.

mod config;
pub use config::FeedConfig;
