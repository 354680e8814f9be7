//! An answer with its body, bounded; and what can go wrong on the way to it.

use reqwest::RequestBuilder;

/// Characters of an answer's body that are shown in a message.
const SHOWN_CHARS_MAX: usize = 200;

/// A good answer.
pub(crate) struct Answer {
    pub(crate) body: Vec<u8>,
}

/// Why there is none.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Failure {
    /// No connection came up: nothing was sent.
    #[error("no connection: {0}")]
    Connect(String),
    /// No answer came in time, or the connection broke: nobody can tell what was done.
    #[error("no answer: {0}")]
    Lost(String),
    /// The service answered with a status that is no success.
    #[error("status {status}: {text}")]
    Status {
        /// The status.
        status: u16,
        /// The beginning of its body.
        text: String,
    },
    /// The answer's body cannot be used.
    #[error("{0}")]
    Body(String),
}

impl Failure {
    /// The same with what was tried before it.
    pub(crate) fn at(self, what: &str) -> Self {
        match self {
            Self::Connect(text) => Self::Connect(format!("{what}: {text}")),
            Self::Lost(text) => Self::Connect(format!("{what}: {text}")),
            Self::Status { status, text } => Self::Status {
                status,
                text: format!("{what}: {text}"),
            },
            Self::Body(text) => Self::Body(format!("{what}: {text}")),
        }
    }

    /// Whether the service cannot be reached at all.
    pub(crate) fn is_away(&self) -> bool {
        matches!(self, Self::Connect(_))
    }
}

/// Sends a request and reads the answer, at most so many bytes.
pub(crate) async fn of(request: RequestBuilder, most: usize) -> Result<Answer, Failure> {
    let mut response = request.send().await.map_err(|error| failure(&error))?;
    let status = response.status();
    if response
        .content_length()
        .is_some_and(|length| length > most as u64)
    {
        return Err(too_large(most));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error))? {
        if body.len() + chunk.len() > most {
            return Err(too_large(most));
        }
        body.extend_from_slice(&chunk);
    }
    match status.is_success() {
        true => Ok(Answer { body }),
        false => Err(Failure::Status {
            status: status.as_u16(),
            text: shown(&body, status.is_redirection()),
        }),
    }
}

fn too_large(most: usize) -> Failure {
    Failure::Body(format!(
        "the answer has more than {most} bytes (maxBodySize)"
    ))
}

fn shown(body: &[u8], is_redirection: bool) -> String {
    if is_redirection {
        return "a redirection, which is not followed: give the right address".into();
    }
    let text = String::from_utf8_lossy(body);
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    clean.take(SHOWN_CHARS_MAX).collect()
}

/// What the library says, with all that is behind it but without the address: it may hold secrets.
fn failure(error: &reqwest::Error) -> Failure {
    let mut text = String::new();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&error.to_string());
        source = error.source();
    }
    if error.is_timeout() && !error.is_connect() {
        return Failure::Lost("not in time".into());
    }
    if text.is_empty() {
        text = "the request failed".into();
    }
    match error.is_connect() || error.is_builder() {
        true => Failure::Connect(text),
        false => Failure::Lost(text),
    }
}
