//! How a session ended, and what is to be said about it.

use std::any::Any;
use std::time::Duration;

use super::STOP_TIMEOUT;
use crate::{AdapterState, Cause, SessionEnd};

/// How a session ended.
pub(super) enum End {
    /// As the contract has it.
    Session(Result<(), SessionEnd>),
    /// By a panic, with its message.
    Panic(String),
    /// It did not end when it was told to.
    CutOff,
}

impl End {
    /// By a panic, of which only a text can be shown.
    pub(super) fn panic(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Self::Panic(text.unwrap_or_else(|| "it panicked without a message".into()))
    }

    /// When the device itself wants to be asked again.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Session(Err(SessionEnd::Refused { retry_after, .. })) => *retry_after,
            _ => None,
        }
    }

    /// The state that follows, and why.
    pub(super) fn judge(&self, kind: &str) -> (AdapterState, Cause) {
        let (state, code, message) = match self {
            Self::Session(Ok(())) => {
                let message = "the session ended without being told to".to_owned();
                (AdapterState::Waiting, "ended", message)
            }
            Self::Session(Err(end)) => {
                let state = match end {
                    SessionEnd::Lost { .. } => AdapterState::Waiting,
                    SessionEnd::Refused { .. } => AdapterState::Refused,
                    SessionEnd::Misconfigured { .. } => AdapterState::Misconfigured,
                };
                (state, end.code(), end.to_string())
            }
            Self::Panic(text) => {
                let message = format!("a defect in the {kind} adapter: {text}; please report it");
                (AdapterState::Waiting, Cause::PANIC, message)
            }
            Self::CutOff => return (AdapterState::Waiting, cut_off()),
        };
        (state, Cause { code, message })
    }
}

/// What is said of a session that had to be cut off.
pub(super) fn cut_off() -> Cause {
    let message = format!(
        "its session did not end within {} s when told to, and was cut off; please report it",
        STOP_TIMEOUT.as_secs()
    );
    Cause {
        code: Cause::STOP_TIMEOUT,
        message,
    }
}
