//! The MQTT bus: one trait, behind which a broker of our own or a foreign one stands.
//!
//! Whoever publishes or subscribes here cannot tell which.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod bus;
mod message;
mod subscription;
mod topic;

pub use bus::{Bus, BusState, Outage, PublishError, SubscribeError};
pub use message::{Message, Publication, Qos};
pub use subscription::{Subscription, Tap, tap};
pub use topic::{FILTER_BYTES_MAX, TOPIC_LEVELS_MAX, Topic, TopicError, TopicFilter};
