//! How a command ends: its exit code, and a failure as sentences.

use std::io;
use std::process::ExitCode;

use serde_json::{Value, json};

/// What the exit codes mean, for `--help`.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failure
  2  wrong arguments
  3  not found
  4  refused: by a policy, a limit or the device
  5  no communication with the node
  6  outcome unknown, or not in time
  7  problems in the configuration
  8  the doctor found something wrong";

/// The exit codes, documented in docs/CLI.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// Something failed that has no code of its own.
    Failure = 1,
    /// The arguments are wrong.
    Usage = 2,
    /// What was named does not exist.
    NotFound = 3,
    /// A policy, a limit or the device said no.
    Refused = 4,
    /// The node cannot be reached.
    NoCommunication = 5,
    /// Nobody can tell what happened, or it did not happen in time.
    Unknown = 6,
    /// The configuration has problems.
    Configuration = 7,
    /// The doctor found something wrong.
    Unwell = 8,
}

/// Why a command failed: what happened and where, and what to do.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    pub(crate) action: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            action: None,
        }
    }

    /// With what to do about it.
    #[must_use]
    pub(crate) fn action(mut self, action: impl Into<String>) -> Self {
        self.action = Some(action.into());
        self
    }

    /// Whether whoever read our output went away, which is not worth a word.
    pub(super) fn is_silent(&self) -> bool {
        self.message.is_empty()
    }

    pub(super) fn to_json(&self) -> Value {
        json!({"error": {
            "exit": self.exit as u8,
            "message": self.message,
            "action": self.action,
        }})
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Only writing to the terminal or a pipe fails as plain I/O.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::new(Exit::Done, "");
        }
        Self::new(Exit::Failure, format!("cannot write the output: {error}"))
    }
}
