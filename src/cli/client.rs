//! The client of a node's API: HTTP/1.1 over TLS or over the node's Unix socket, one connection
//! per request.

mod answer;
mod dial;
mod download;
mod events;
mod upload;

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::connection::{ConnectionArgs, Target};
use super::exit::{Exit, Failure};
pub(crate) use answer::Answer;
use dial::Wire;
pub(crate) use events::{Event, Events};

/// The largest answer that is read at once.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// How long a node may take to answer, beside what it was told to wait.
const ANSWER_PATIENCE: Duration = Duration::from_secs(15);

/// A node's API.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    target: Target,
    token: Option<String>,
}

impl Client {
    /// The node that the arguments mean.
    pub(crate) fn from_args(args: &ConnectionArgs) -> Result<Self, Failure> {
        Ok(Self::new(args.target()?, args.read_token()?))
    }

    pub(crate) fn new(target: Target, token: Option<String>) -> Self {
        Self { target, token }
    }

    /// Reads a document.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.send(Method::GET, path, None::<&()>, Duration::ZERO)
            .await?
            .document()
    }

    /// Sends a request and waits for the whole answer; `wait` is what the node may take on top.
    pub(crate) async fn send<B: Serialize + Sync>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
        wait: Duration,
    ) -> Result<Answer, Failure> {
        let request = self.request(method, path, body, "application/json")?;
        let exchange = async {
            let mut wire = self.dial().await?;
            let response = wire.send(request).await.map_err(|e| self.broken(&e))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect();
            let body = wire
                .alongside(body)
                .await
                .map_err(|error| self.broken(&*error))?;
            Ok(Answer::new(self.target.describe(), status, body.to_bytes()))
        };
        match tokio::time::timeout(ANSWER_PATIENCE + wait, exchange).await {
            Ok(answer) => answer,
            Err(_) => Err(self.silent(ANSWER_PATIENCE + wait)),
        }
    }

    /// Opens a stream of server-sent events.
    pub(crate) async fn events(&self, path: &str) -> Result<Events, Failure> {
        let request = self.request(Method::GET, path, None::<&()>, "text/event-stream")?;
        let opening = async {
            let mut wire = self.dial().await?;
            let response = wire.send(request).await.map_err(|e| self.broken(&e))?;
            if response.status().is_success() {
                return Ok(Events::new(
                    self.target.describe(),
                    wire,
                    response.into_body(),
                ));
            }
            Err(self.refusal(wire, response).await)
        };
        match tokio::time::timeout(ANSWER_PATIENCE, opening).await {
            Ok(events) => events,
            Err(_) => Err(self.silent(ANSWER_PATIENCE)),
        }
    }

    async fn refusal(&self, mut wire: Wire, response: Response<Incoming>) -> Failure {
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect();
        match wire.alongside(body).await {
            Ok(body) => Answer::new(self.target.describe(), status, body.to_bytes()).failure(),
            Err(error) => self.broken(&*error),
        }
    }

    async fn dial(&self) -> Result<Wire, Failure> {
        dial::dial(&self.target).await
    }

    fn request<B: Serialize>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
        accept: &str,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let wrong = |error: &dyn std::fmt::Display| {
            Failure::new(
                Exit::Usage,
                format!("this cannot be sent to a node: {error}"),
            )
        };
        let host = match &self.target {
            Target::Socket(_) => "localhost".to_owned(),
            Target::Https { host, port, .. } => format!("{host}:{port}"),
        };
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, host)
            .header(ACCEPT, accept);
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let bytes = match body {
            Some(body) => {
                request = request.header(CONTENT_TYPE, "application/json");
                serde_json::to_vec(body).map_err(|error| wrong(&error))?
            }
            None => Vec::new(),
        };
        request
            .body(Full::new(bytes.into()))
            .map_err(|error| wrong(&error))
    }

    fn broken(&self, error: &dyn std::error::Error) -> Failure {
        let where_ = self.target.describe();
        Failure::new(
            Exit::NoCommunication,
            format!("the connection to {where_} broke: {error}"),
        )
        .action("try again; if it stays so, see the node's log")
    }

    fn silent(&self, patience: Duration) -> Failure {
        let where_ = self.target.describe();
        let seconds = patience.as_secs();
        Failure::new(
            Exit::NoCommunication,
            format!("{where_} has not answered within {seconds} s"),
        )
        .action("see whether the node runs, and its log")
    }
}

/// A part of a path or query, with everything escaped that could end it.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for &byte in text.as_bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~*".contains(&byte) {
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
    fn names_are_escaped() {
        assert_eq!(escaped("plant1.line1.**"), "plant1.line1.**");
        assert_eq!(escaped("a/b?c=ü &"), "a%2Fb%3Fc%3D%C3%BC%20%26");
    }

    #[tokio::test]
    async fn nobody_at_home_is_no_communication() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("no.sock");
        let client = Client::new(Target::Socket(socket), None);
        let failure = client
            .get::<serde_json::Value>("/api/v1/node")
            .await
            .unwrap_err();
        assert_eq!(failure.exit, Exit::NoCommunication);
        assert!(failure.message.contains("no.sock"), "{failure:?}");
        assert!(failure.action.is_some());
    }
}
