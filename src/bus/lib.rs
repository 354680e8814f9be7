//! The MQTT bus: one trait, behind which a broker of our own or a foreign one stands.
//!
//! Whoever publishes or subscribes here cannot tell which.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod bus;
pub mod config;
pub mod embedded;
pub mod external;
mod message;
mod subscription;

pub use bus::{Bus, BusState, Outage, PublishError, SubscribeError};
pub use embedded::{EmbeddedBus, EmbeddedSetup};
pub use external::{ExternalBus, ExternalSetup};
pub use mainstem_model::{
    FILTER_BYTES_MAX, TOPIC_LEVELS_MAX, Topic, TopicError, TopicFilter, TopicRights, TopicSet,
};
pub use message::{Message, Publication, Qos};
pub use subscription::{Subscription, Tap, tap};
