//! What messages say about a device that does not answer as it should.

use std::io;
use std::time::Duration;

use super::CallError;
use crate::SessionEnd;

/// A kind's words for who is at the other end of its connections.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// What is asked, as in `the PLC`.
    pub device: &'static str,
    /// What holds the other end of the connection, as in `the router`.
    pub near: &'static str,
    /// What it has to be, as in `an S7 CPU`.
    pub identity: &'static str,
    /// The option with the time in which it has to answer.
    pub time_limit: &'static str,
    /// What to check where nothing listens.
    pub if_refused: &'static str,
    /// What to check where there is no way to it.
    pub if_unreachable: &'static str,
    /// What to check where the cause is another one.
    pub if_failed: &'static str,
}

impl Peer {
    /// No connection came about.
    pub fn refused(&self, place: &str, error: &io::Error) -> SessionEnd {
        let (code, advice) = match error.kind() {
            io::ErrorKind::ConnectionRefused => (
                "connection_refused",
                format!("nothing listens there: {}", self.if_refused),
            ),
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                ("unreachable", self.if_unreachable.to_owned())
            }
            // A resolver's failure has no kind of its own, but it is none of the system's errors.
            _ if error.raw_os_error().is_none() => (
                "host_not_found",
                "check the name, or give an IP address".to_owned(),
            ),
            _ => ("connect_failed", self.if_failed.to_owned()),
        };
        let message = format!("cannot connect to {place}: {error}: {advice}");
        SessionEnd::lost(code, message)
    }

    /// The connection broke, or brought no answer within a time.
    pub fn lost(&self, place: &str, error: CallError, within: Duration) -> SessionEnd {
        let (code, message) = match error {
            CallError::Timeout => (
                "timeout",
                format!(
                    "{place} does not answer within {within:?}: check whether {} runs, and \
                     whether `{}` suffices",
                    self.device, self.time_limit
                ),
            ),
            CallError::Closed(what) => (
                "connection_closed",
                format!("lost the connection to {place}: {what}"),
            ),
            CallError::Invalid(what) => (
                "invalid_answer",
                format!(
                    "{place} sent something that cannot be trusted: {what}: check that it is {} \
                     and that nothing else answers on its behalf",
                    self.identity
                ),
            ),
        };
        SessionEnd::lost(code, message)
    }
}
