//! What state an adapter is in, since when, and why.

use mainstem_model::Timestamp;

/// The states of an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AdapterState {
    /// A session is being opened.
    Connecting,
    /// The device answers.
    Online,
    /// The session was lost or never came up; the next try has its time.
    Waiting,
    /// The device answered and does not want us; the next try has its time.
    Refused,
    /// Only another configuration helps, or a person who resumes it.
    Misconfigured,
    /// Switched off by a person.
    Paused,
    /// Ended, for good.
    Stopped,
}

impl AdapterState {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Online => "online",
            Self::Waiting => "waiting",
            Self::Refused => "refused",
            Self::Misconfigured => "misconfigured",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
        }
    }
}

/// Why an adapter is not online.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// A stable short code; [`Cause::PANIC`] marks a defect of the program.
    pub code: &'static str,
    /// What happened, where, and what to do.
    pub message: String,
}

impl Cause {
    /// The code of a session that panicked.
    pub const PANIC: &'static str = "panic";
    /// The code of a session that did not end when it was told to, and was cut off.
    pub const STOP_TIMEOUT: &'static str = "stop_timeout";
}

/// An adapter's state at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The state.
    pub state: AdapterState,
    /// Why, unless it is online or switched off on purpose. While the adapter connects again it
    /// is the cause of the last loss.
    pub cause: Option<Cause>,
    /// Since when.
    pub since: Timestamp,
    /// When the next try is due, while waiting or refused.
    pub next_try: Option<Timestamp>,
}
