//! The topics of an endpoint.

use mainstem_model::Name;

use crate::{Qos, Rule};

/// What an endpoint does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointOperation {
    /// Tells its value on `<topic>`.
    Subscribe,
    /// Answers a request on `<topic>/req` on `<topic>/res`.
    Read,
    /// Writes what comes on `<topic>/set` and tells the outcome on `<topic>/res`.
    Write,
}

/// An endpoint and the topic it lives on.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointAddress {
    /// Its resource id.
    pub id: String,
    /// Its datapoint.
    pub datapoint: Name,
    /// What it does.
    pub operation: EndpointOperation,
    /// Whether its datapoint may be written, on `<topic>/set`.
    pub is_writable: bool,
    /// The topic, without suffix.
    pub topic: String,
    /// How surely its messages are published.
    pub qos: Qos,
    /// Whether the broker keeps its last value.
    pub retain: bool,
    /// What is done with its values before they are published.
    pub rules: Vec<Rule>,
}

impl EndpointAddress {
    /// Where a read is asked for.
    #[must_use]
    pub fn read_topic(&self) -> String {
        format!("{}/req", self.topic)
    }

    /// Where a write is asked for.
    #[must_use]
    pub fn write_topic(&self) -> String {
        format!("{}/set", self.topic)
    }

    /// Where reads and writes are answered.
    #[must_use]
    pub fn result_topic(&self) -> String {
        format!("{}/res", self.topic)
    }
}
