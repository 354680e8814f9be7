//! An answer of the API: a document, or a problem as sentences.

use bytes::Bytes;
use hyper::StatusCode;
use mainstem_wire::api::ProblemDocument;
use serde::de::DeserializeOwned;

use crate::cli::exit::{Exit, Failure};
use crate::cli::text::harmless;

/// A complete answer.
#[derive(Debug)]
pub(crate) struct Answer {
    at: String,
    status: StatusCode,
    body: Bytes,
}

impl Answer {
    pub(super) fn new(at: String, status: StatusCode, body: Bytes) -> Self {
        Self { at, status, body }
    }

    /// The document of a success, or why there is none.
    pub(crate) fn document<T: DeserializeOwned>(self) -> Result<T, Failure> {
        if !self.status.is_success() {
            return Err(self.failure());
        }
        self.read()
    }

    /// Nothing but the success, or why there was none.
    pub(crate) fn done(self) -> Result<(), Failure> {
        if self.status.is_success() {
            Ok(())
        } else {
            Err(self.failure())
        }
    }

    /// The body as a document, whatever the status.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let message = format!("{} answered with something unknown: {error}", self.at);
            Failure::new(Exit::Failure, message)
                .action("see whether it is a mainstem node of the same or a later version")
        })
    }

    /// A refusal as sentences.
    pub(crate) fn failure(&self) -> Failure {
        let exit = exit_of(self.status);
        let Ok(problem) = serde_json::from_slice::<ProblemDocument>(&self.body) else {
            let message = format!("{} answered {}", self.at, self.status);
            return Failure::new(exit, message)
                .action("see whether a mainstem node listens there, and its log");
        };
        let detail = if problem.detail.is_empty() {
            problem.title
        } else {
            problem.detail
        };
        let failure = Failure::new(exit, harmless(&detail));
        // What the node says about it is written for those who send the requests themselves.
        if self.status == StatusCode::UNAUTHORIZED {
            return failure.action(
                "show a valid token with --token, --token-file or MAINSTEM_TOKEN; `mainstem token \
                 create` makes one on the node's own machine",
            );
        }
        if problem.action.is_empty() {
            failure
        } else {
            failure.action(harmless(&problem.action))
        }
    }
}

fn exit_of(status: StatusCode) -> Exit {
    match status.as_u16() {
        401 | 403 | 409 | 422 => Exit::Refused,
        404 => Exit::NotFound,
        502..=503 => Exit::NoCommunication,
        504 => Exit::Unknown,
        _ => Exit::Failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        let status = StatusCode::from_u16(status).unwrap();
        Answer::new(
            "https://a:1".into(),
            status,
            Bytes::copy_from_slice(body.as_bytes()),
        )
    }

    #[test]
    fn a_problem_becomes_sentences() {
        let body = r#"{"type":"urn:mainstem:problem:not_found","title":"Not found","status":404,
            "code":"not_found","detail":"There is no \u001b[2Jx.","action":"Look."}"#;
        let failure = answer(404, body).failure();
        assert_eq!(failure.exit, Exit::NotFound);
        assert_eq!(failure.message, "There is no \\u{1b}[2Jx.");
        assert_eq!(failure.action.as_deref(), Some("Look."));
        assert_eq!(answer(403, body).failure().exit, Exit::Refused);
        assert_eq!(answer(504, body).failure().exit, Exit::Unknown);
    }

    #[test]
    fn something_else_is_named() {
        let failure = answer(200, "<html>").document::<Vec<u8>>().unwrap_err();
        assert!(failure.message.contains("https://a:1"), "{failure:?}");
        let failure = answer(500, "oops").failure();
        assert!(failure.message.contains("500"), "{failure:?}");
    }
}
