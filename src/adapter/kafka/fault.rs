//! What goes wrong with brokers, and what it means for the session.

use mainstem_adapter::SessionEnd;

use crate::protocol::codes;
use crate::protocol::scram::ScramProblem;
use crate::protocol::wire::Malformed;

/// Something went wrong with a broker.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// No connection.
    #[error("no connection to {broker}: {error}")]
    Connect {
        broker: String,
        error: std::io::Error,
    },
    /// The connection broke.
    #[error("the connection to {broker} broke: {error}")]
    Broke {
        broker: String,
        error: std::io::Error,
    },
    /// It takes too long.
    #[error("{broker} did not {what} within {limit:?}")]
    Late {
        broker: String,
        what: &'static str,
        limit: std::time::Duration,
    },
    /// It answers what is no answer.
    #[error("{broker} answers what is no answer: {problem}")]
    Malformed { broker: String, problem: Malformed },
    /// It does not let us in.
    #[error("{broker} refuses the log-in: {message}")]
    LogIn { broker: String, message: String },
    /// It does not prove that it knows the password.
    #[error("{broker}: {problem}")]
    Scram {
        broker: String,
        problem: ScramProblem,
    },
    /// It says why it does not do it.
    #[error("{broker} says {}", codes::word(*.code))]
    Code { broker: String, code: i16 },
    /// There is no leader.
    #[error("partition {partition} of {topic} has no leader now")]
    Leaderless { topic: String, partition: i32 },
}

impl Fault {
    fn code(&self) -> &'static str {
        match self {
            Self::Connect { .. } => "no_connection",
            Self::Broke { .. } => "connection_broke",
            Self::Late { .. } => "timeout",
            Self::Malformed { .. } => "malformed",
            Self::LogIn { .. } | Self::Scram { .. } => "log_in_refused",
            Self::Code { code, .. } => codes::word(*code),
            Self::Leaderless { .. } => "no_leader",
        }
    }

    /// What it means for the session.
    pub(crate) fn end(self) -> SessionEnd {
        let (code, message) = (self.code(), self.to_string());
        match self {
            Self::LogIn { .. } | Self::Scram { .. } => SessionEnd::Refused {
                code,
                message,
                retry_after: None,
            },
            _ => SessionEnd::Lost { code, message },
        }
    }
}
