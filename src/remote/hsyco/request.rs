//! One request after the other over one connection of HTTP/1.1, as long as it lasts.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use mainstem_model::Secret;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::answer::{Answer, AnswerError, parse};
use crate::dial::{Dial, DialError};

/// Bytes of one answer.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    /// There is no connection.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// None came up in time.
    #[error("no connection within {0:?}")]
    NoConnection(Duration),
    /// The server closed it without a word.
    #[error(
        "the server closed the connection without an answer: HSYCO does so 10 s after a wrong \
         password (`token`), or where its RemoteServerAddress does not have this node"
    )]
    Dropped(#[source] hyper::Error),
    /// It broke within an answer.
    #[error("the connection broke within an answer")]
    Broken(#[source] hyper::Error),
    /// Nothing came.
    #[error("nothing came for {0:?}, which is longer than the server holds a request")]
    Silent(Duration),
    /// It is something else.
    #[error("{0}")]
    Status(String),
    /// It does not end.
    #[error("the answer has more than {ANSWER_BYTES_MAX} bytes")]
    TooLarge,
    /// It is something else.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// What was configured makes no request.
    #[error("no request can be made of the address and the password")]
    Request,
}

impl AskError {
    /// Whether another try soon can help.
    pub(super) fn is_refusal(&self) -> bool {
        match self {
            Self::Dial(error) => error.is_refusal(),
            Self::Status(_) | Self::TooLarge | Self::Answer(_) | Self::Request => true,
            _ => false,
        }
    }
}

/// An open connection. Dropping it closes it.
pub(super) struct Session {
    requests: SendRequest<Empty<Bytes>>,
    _open: DropGuard,
}

/// What every request needs.
#[derive(Clone)]
pub(super) struct Asking {
    pub(super) dial: Arc<dyn Dial>,
    pub(super) password: Secret,
    /// How long a connection may take.
    pub(super) connect: Duration,
    /// How long nothing may come: longer than the server holds a request.
    pub(super) patience: Duration,
    pub(super) tasks: TaskTracker,
}

impl Asking {
    /// Asks for what changed behind a time stamp, over the connection that is left from before if
    /// it still holds. Gives the connection back if it can be used again.
    pub(super) async fn ask(
        &self,
        session: Option<Session>,
        timestamp: u64,
    ) -> (Option<Session>, Result<Answer, AskError>) {
        if let Some(mut session) = session.filter(|session| !session.requests.is_closed()) {
            match self.answer(&mut session, timestamp).await {
                // The server had closed it meanwhile: that says nothing about this request.
                Err(AskError::Dropped(error)) if error.is_canceled() => {}
                Err(error) => return (None, Err(error)),
                Ok(answer) => return (Some(session), Ok(answer)),
            }
        }
        let mut session = match timeout(self.connect, self.open()).await {
            Ok(Ok(session)) => session,
            Ok(Err(error)) => return (None, Err(error)),
            Err(_) => return (None, Err(AskError::NoConnection(self.connect))),
        };
        match self.answer(&mut session, timestamp).await {
            Ok(answer) => (Some(session), Ok(answer)),
            Err(error) => (None, Err(error)),
        }
    }

    async fn open(&self) -> Result<Session, AskError> {
        let io = self.dial.dial().await?;
        let (requests, connection) = handshake(TokioIo::new(io))
            .await
            .map_err(AskError::Dropped)?;
        let closed = CancellationToken::new();
        let until_closed = closed.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                // Its end shows in the requests; here there is nobody to tell.
                _ = connection => {}
                () = until_closed.cancelled() => {}
            }
        });
        Ok(Session {
            requests,
            _open: closed.drop_guard(),
        })
    }

    async fn answer(&self, session: &mut Session, timestamp: u64) -> Result<Answer, AskError> {
        let request = self.request(timestamp).ok_or(AskError::Request)?;
        let silent = |_| AskError::Silent(self.patience);
        let sent = async {
            session.requests.ready().await?;
            session.requests.send_request(request).await
        };
        let sent = timeout(self.patience, sent).await.map_err(silent)?;
        let response = sent.map_err(AskError::Dropped)?;
        if response.status() != StatusCode::OK {
            return Err(AskError::Status(status(response.status())));
        }
        let body = self.body(response.into_body()).await?;
        Ok(parse(&body)?)
    }

    async fn body(&self, mut body: Incoming) -> Result<Vec<u8>, AskError> {
        let mut bytes = Vec::new();
        loop {
            let frame = timeout(self.patience, body.frame()).await;
            match frame.map_err(|_| AskError::Silent(self.patience))? {
                None => return Ok(bytes),
                Some(Err(error)) => return Err(AskError::Broken(error)),
                Some(Ok(frame)) => {
                    let data = frame.into_data().unwrap_or_default();
                    if bytes.len() + data.len() > ANSWER_BYTES_MAX {
                        return Err(AskError::TooLarge);
                    }
                    bytes.extend_from_slice(&data);
                }
            }
        }
    }

    fn request(&self, timestamp: u64) -> Option<Request<Empty<Bytes>>> {
        let password = encoded(self.password.expose());
        Request::get(format!("/x/rioget?1*{timestamp}*{password}"))
            .header(header::HOST, self.dial.address())
            .header(header::ACCEPT, "application/json")
            .body(Empty::new())
            .ok()
    }
}

fn status(status: StatusCode) -> String {
    match status {
        StatusCode::NOT_FOUND => format!(
            "there is no /x/rioget at this address ({status}): is the Remote Server of HSYCO, or \
             the section `hsyco` of a mainstem node, switched on?"
        ),
        _ => format!("the server answers {status}"),
    }
}

/// A password as it stands in a query: what a query may have stays, the rest is percent-encoded.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_becomes_part_of_a_query() {
        assert_eq!(encoded("plain-Pass_1!*"), "plain-Pass_1!*");
        assert_eq!(encoded("a b%#\"ä"), "a%20b%25%23%22%C3%A4");
    }
}
