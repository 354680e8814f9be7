//! Errors as documents (RFC 9457). What they say is written for the client; the text of an
//! internal error goes to the log only.

mod table;

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, header};
use mainstem_wire::api::ProblemDocument;
use serde_json::{Map, Value};

pub(crate) use table::Code;

const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Why a request is not carried out. Boxed, since most results do not hold one.
#[derive(Debug)]
pub(crate) struct Problem(Box<Content>);

#[derive(Debug)]
struct Content {
    code: Code,
    detail: String,
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem of a kind, and what happened this time.
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self(Box::new(Content {
            code,
            detail: detail.into(),
            members: Map::new(),
            headers: Vec::new(),
        }))
    }

    /// With a further member of the document.
    pub(crate) fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.0.members.insert(member.to_owned(), value.into());
        self
    }

    /// With a header of the answer.
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// With the seconds after which to try again.
    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.0.headers.push((header::RETRY_AFTER, seconds.into()));
        self
    }

    /// A defect: the cause goes to the log, not to the client.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request met a defect");
        Self::new(Code::Internal, "the cause stands in the node's log")
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> u16 {
        self.0.code.status().as_u16()
    }

    /// The document without further members.
    pub(crate) fn document(&self) -> ProblemDocument {
        let code = self.0.code;
        ProblemDocument {
            problem_type: format!("urn:mainstem:problem:{}", code.as_str()),
            title: code.title().to_owned(),
            status: code.status().as_u16(),
            code: code.as_str().to_owned(),
            detail: self.0.detail.clone(),
            action: code.action().to_owned(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = match serde_json::to_value(self.document()) {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        };
        let content = *self.0;
        body.extend(content.members);
        let mut response = (content.code.status(), Value::Object(body).to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, MEDIA_TYPE);
        if content.code == Code::Unauthorized {
            let challenge = HeaderValue::from_static("Bearer realm=\"mainstem\"");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        headers.extend(content.headers);
        response
    }
}

/// The answer for addresses that do not exist.
pub(crate) async fn not_found(uri: http::Uri) -> Problem {
    let path: String = uri.path().chars().take(200).collect();
    Problem::new(Code::NotFound, format!("nothing is at {path}"))
}

/// The answer for methods that a resource does not have.
pub(crate) async fn method_not_allowed(method: http::Method) -> Problem {
    let method: String = method.as_str().chars().take(20).collect();
    Problem::new(Code::Method, format!("{method} is not possible here"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_sentences_end() {
        for (index, code) in Code::ALL.iter().enumerate() {
            assert!(code.status().is_client_error() || code.status().is_server_error());
            assert!(code.action().ends_with('.'), "{}", code.as_str());
            let again = Code::ALL[index + 1..]
                .iter()
                .any(|other| other.as_str() == code.as_str());
            assert!(!again, "{}", code.as_str());
        }
    }
}
