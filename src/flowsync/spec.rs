//! What makes a server node that holds requests.

use std::sync::Arc;
use std::time::Duration;

use mainstem_bus::{Qos, Topic, TopicError};
use mainstem_model::Name;

/// How long an answer is waited for, unless the node says it.
pub const TIMEOUT_DEFAULT: Duration = Duration::from_secs(2);
/// The code of a timeout, unless the node says it.
pub const TIMEOUT_ERROR_CODE_DEFAULT: i64 = 500;
/// The message of a timeout, unless the node says it.
pub const TIMEOUT_MESSAGE_DEFAULT: &str = "Request timed out while waiting for response";

/// What makes a server node that holds requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSpec {
    /// What it is called: `<resource>`, or `<service>.<resource>`.
    pub name: Name,
    /// Its topic, without `/treq` and `/tres`.
    pub topic: Topic,
    /// How long an answer is waited for.
    pub timeout: Duration,
    /// The code that ends a request that nobody answered.
    pub timeout_error_code: i64,
    /// The message that ends a request that nobody answered.
    pub timeout_error_message: Arc<str>,
    /// How surely requests are told, and answers taken.
    pub qos: Qos,
    /// Where a responder is.
    pub answered_by: AnsweredBy,
}

/// Where the responder of a server node is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AnsweredBy {
    /// On this node's bus.
    #[default]
    Here,
    /// At a node above.
    Above,
    /// At the server node of a node below, by its name here: `<remote>.<server node>`.
    Below(Name),
}

impl NodeSpec {
    /// A node with the defaults.
    #[must_use]
    pub fn new(name: Name, topic: Topic) -> Self {
        Self {
            name,
            topic,
            timeout: TIMEOUT_DEFAULT,
            timeout_error_code: TIMEOUT_ERROR_CODE_DEFAULT,
            timeout_error_message: TIMEOUT_MESSAGE_DEFAULT.into(),
            qos: Qos::AtMostOnce,
            answered_by: AnsweredBy::Here,
        }
    }

    /// Where requests are told.
    pub fn requests(&self) -> Result<Topic, TopicError> {
        Topic::new(&format!("{}/treq", self.topic))
    }

    /// Where answers are awaited.
    pub fn replies(&self) -> Result<Topic, TopicError> {
        Topic::new(&format!("{}/tres", self.topic))
    }
}
