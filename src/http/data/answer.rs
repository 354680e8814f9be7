//! How requests to server nodes are answered.

use axum::response::{IntoResponse, Response};
use http::header::{AGE, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use mainstem_bus::PublishError;
use mainstem_flowsync::{Outcome, Watcher};
use serde_json::json;
use serde_json::value::RawValue;

use super::wrong;
use crate::problem::{Code, Problem};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// After how many seconds a client may try again.
const AGAIN_SECONDS: u64 = 1;

/// The end of a held request.
pub(super) fn held(outcome: Outcome) -> Result<Response, Problem> {
    match outcome {
        Outcome::Value(value) => Ok(value_of(value)),
        Outcome::Error { code, message } => Ok(error(code.unwrap_or(500), &message)),
        Outcome::TimedOut { code, message } => Ok(error(code, &message)),
        Outcome::Busy => {
            let detail = "as many requests are held as may be (`flowsync.open`)";
            Err(wrong(Code::Busy, detail).retry_after(AGAIN_SECONDS))
        }
        Outcome::BusAway { cause, told } => Err(away(&cause, told)),
        Outcome::Refused(cause) => Err(away(&cause, false)),
        Outcome::Stopping => {
            let detail = "the node stops, or the server node was taken out; whether somebody acted \
                          on the request is not known";
            Err(wrong(Code::Stopping, detail))
        }
    }
}

fn value_of(value: Box<RawValue>) -> Response {
    let text: Box<str> = value.into();
    ([(CONTENT_TYPE, JSON)], String::from(text)).into_response()
}

/// An error as the responder wants it: its code where it can be the status of an answer.
fn error(code: i64, message: &str) -> Response {
    let status = u16::try_from(code)
        .ok()
        .filter(|code| (200..600).contains(code));
    let status = status.and_then(|code| StatusCode::from_u16(code).ok());
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = json!({ "error": { "code": code, "message": message } });
    (status, [(CONTENT_TYPE, JSON)], body.to_string()).into_response()
}

fn away(cause: &str, told: bool) -> Problem {
    let detail = match told {
        false => format!("{cause}; nobody was told the request"),
        true => format!("{cause}; whether somebody acted on the request is not known"),
    };
    wrong(Code::NoBus, detail)
        .with("told", told)
        .retry_after(AGAIN_SECONDS)
}

/// What a client brought was not told.
pub(super) fn not_told(error: &PublishError) -> Problem {
    let told = matches!(error, PublishError::Away(_));
    away(&error.to_string(), told)
}

/// The last value that was told on the bus. Who brought something is not told that there is none.
pub(super) fn shown(watcher: &Watcher, brought: bool) -> Result<Response, Problem> {
    match watcher.last() {
        Ok(Some(shown)) => {
            let headers = [(CONTENT_TYPE, JSON), (AGE, shown.age.as_secs().into())];
            Ok((headers, shown.value.get().to_owned()).into_response())
        }
        _ if brought => Ok(StatusCode::NO_CONTENT.into_response()),
        Ok(None) => Err(wrong(Code::NoValue, "nothing was published on its topic")),
        Err(cause) => Err(away(&cause, false)),
    }
}
