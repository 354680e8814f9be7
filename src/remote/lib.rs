//! Placeholder.

mod config;
pub use config::{Delivery, Mode, Profile, RemoteConfig, RemoteSection, Route, RouteError, Trust};
