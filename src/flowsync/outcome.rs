//! Who asked, and what became of it.

use std::sync::Arc;

use serde_json::value::RawValue;

/// Over what a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// A route of the HTTP server.
    Http,
    /// A method or a variable of the OPC UA server.
    OpcUa,
    /// A link: it is held at a node above.
    Link,
}

impl Protocol {
    /// The stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::OpcUa => "opcua",
            Self::Link => "link",
        }
    }
}

/// Who asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The name of the principal.
    pub principal: Arc<str>,
    /// Over what it came.
    pub protocol: Protocol,
}

/// What became of a held request.
#[derive(Debug)]
pub enum Outcome {
    /// A responder answered.
    Value(Box<RawValue>),
    /// A responder answered that it cannot be done.
    Error {
        /// The responder's own code, if it gave one.
        code: Option<i64>,
        /// What it says.
        message: String,
    },
    /// Nobody answered in time. It says nothing about whether somebody acted.
    TimedOut {
        /// As configured.
        code: i64,
        /// As configured.
        message: Arc<str>,
    },
    /// As many requests are held as may be.
    Busy,
    /// The bus cannot be reached.
    BusAway {
        /// Why, for people.
        cause: Arc<str>,
        /// Whether the request may have been told on the bus before: then somebody may have acted.
        told: bool,
    },
    /// The broker does not take the message.
    Refused(Arc<str>),
    /// The node stops. Whoever was told the request may have acted.
    Stopping,
}
