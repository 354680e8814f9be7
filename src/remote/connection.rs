//! One HTTP/2 connection to a remote: the stream of changes, beats and writes share it.

mod ask;
mod open;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Either, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioIo, TokioTimer};
use mainstem_wire::{Beat, BeatAnswer};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use ask::{DIGESTS_REFUSED, cursor_gone};

pub(crate) use ask::Ask;

use crate::dial::{Dial, DialError};
use crate::support::SupportBody;

/// Bytes that may be under way on the stream of changes. More buys nothing on a local network and
/// lets unread text pile up; 1 MiB carries 80 Mbit/s over 100 ms.
const STREAM_WINDOW: u32 = 1024 * 1024;
/// The connection's window leaves room beside a stream that lags, so that no beat waits for it.
const CONNECTION_WINDOW: u32 = 8 * 1024 * 1024;
/// Frames stay small: a frame is not interrupted by a beat.
const FRAME_BYTES: u32 = 16 * 1024;
const SEND_BUFFER: usize = 64 * 1024;
/// Bytes of an answer that is not a stream.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// Why a request to a remote failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    /// There is no connection.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// It broke.
    #[error("the connection broke")]
    Broken(#[source] hyper::Error),
    /// The remote does not want us, or is no node.
    #[error("{message}")]
    Refused {
        /// The status of its answer.
        status: StatusCode,
        /// What it says and what to do.
        message: String,
        /// When to come again.
        retry_after: Option<Duration>,
    },
    /// The cursor is of no use there any more.
    #[error("the remote no longer knows the cursor")]
    CursorGone {
        /// Whether it compares digests instead.
        compares_digests: bool,
    },
    /// It does not take digests, which it did before.
    #[error("the remote does not take digests any more ({0})")]
    Digests(StatusCode),
    /// It answered with something else than asked for.
    #[error("the remote's answer is not what a mainstem node answers: {0}")]
    Answer(String),
}

/// A request's body: a document, or what somebody streams through.
pub(crate) type Outgoing = Either<Full<Bytes>, SupportBody>;

/// An open connection. Dropping it closes it.
pub(crate) struct Connection {
    requests: SendRequest<Outgoing>,
    head: Head,
    open: Arc<DropGuard>,
}

#[derive(Clone)]
struct TrackedExecutor(TaskTracker);

impl<F> hyper::rt::Executor<F> for TrackedExecutor
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn(future);
    }
}

impl Connection {
    /// Dials and shakes hands. Its tasks are the tracker's.
    pub(crate) async fn open(
        dial: &dyn Dial,
        token: &str,
        tasks: &TaskTracker,
    ) -> Result<Self, RequestError> {
        let io = dial.dial().await?;
        let (requests, driver) = Builder::new(TrackedExecutor(tasks.clone()))
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_frame_size(FRAME_BYTES)
            .max_send_buf_size(SEND_BUFFER)
            .handshake(TokioIo::new(io))
            .await
            .map_err(RequestError::Broken)?;
        let closed = CancellationToken::new();
        let until_closed = closed.clone();
        tasks.spawn(async move {
            tokio::select! {
                // Its end shows in the requests; here there is nobody to tell.
                _ = driver => {}
                () = until_closed.cancelled() => {}
            }
        });
        let head = Head {
            authority: dial.address(),
            token: format!("Bearer {token}"),
        };
        Ok(Self {
            requests,
            head,
            open: Arc::new(closed.drop_guard()),
        })
    }

    /// Opens the stream of changes.
    pub(crate) async fn changes(&self, ask: &Ask) -> Result<Response<Incoming>, RequestError> {
        let (method, body) = match &ask.digests {
            Some(digests) => {
                let body = serde_json::to_vec(&digests.to_body()).unwrap_or_default();
                (Method::POST, body.into())
            }
            None => (Method::GET, Bytes::new()),
        };
        let mut request = self.request(method, &ask.path(), body)?;
        let headers = request.headers_mut();
        headers.insert(header::ACCEPT, NDJSON);
        if ask.compressed {
            headers.insert(
                header::ACCEPT_ENCODING,
                header::HeaderValue::from_static("zstd"),
            );
        }
        let response = self.send(request).await?;
        let status = response.status();
        if status == StatusCode::GONE {
            return Err(cursor_gone(response).await);
        }
        if ask.digests.is_some() && DIGESTS_REFUSED.contains(&status) {
            return Err(RequestError::Digests(status));
        }
        let response = accepted(response).await?;
        if response.headers().get(header::CONTENT_TYPE) != Some(&NDJSON) {
            return Err(RequestError::Answer("no stream of changes".into()));
        }
        Ok(response)
    }

    /// Posts a beat.
    pub(crate) fn beat(
        &self,
        beat: &Beat,
    ) -> impl Future<Output = Result<BeatAnswer, RequestError>> + Send + 'static {
        let body = serde_json::to_vec(beat).unwrap_or_default();
        self.post("/api/v1/link/beat", body)
    }

    /// Posts a document and reads a document.
    pub(crate) fn post<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        body: Vec<u8>,
    ) -> impl Future<Output = Result<T, RequestError>> + Send + 'static + use<T> {
        self.poster().post(path, body)
    }

    /// A handle that posts over this connection as long as it is open.
    pub(crate) fn poster(&self) -> Poster {
        Poster {
            requests: self.requests.clone(),
            head: self.head.clone(),
        }
    }

    /// Keeps the connection open as long as it is held.
    pub(crate) fn lease(&self) -> Arc<DropGuard> {
        Arc::clone(&self.open)
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Request<Outgoing>, RequestError> {
        self.head.request(method, path, body)
    }

    async fn send(&self, request: Request<Outgoing>) -> Result<Response<Incoming>, RequestError> {
        self.requests
            .clone()
            .send_request(request)
            .await
            .map_err(RequestError::Broken)
    }
}

/// Posts documents over a connection that somebody else owns.
#[derive(Clone)]
pub(crate) struct Poster {
    requests: SendRequest<Outgoing>,
    head: Head,
}

impl Poster {
    /// Posts a document and reads a document.
    pub(crate) fn post<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        body: Vec<u8>,
    ) -> impl Future<Output = Result<T, RequestError>> + Send + 'static + use<T> {
        let request = self.head.request(Method::POST, path, body.into());
        let mut requests = self.requests.clone();
        async move {
            let response = requests
                .send_request(request?)
                .await
                .map_err(RequestError::Broken)?;
            let response = accepted(response).await?;
            let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX)
                .collect()
                .await;
            let body = body
                .map_err(|error| RequestError::Answer(error.to_string()))?
                .to_bytes();
            serde_json::from_slice(&body).map_err(|error| RequestError::Answer(error.to_string()))
        }
    }
}

impl Poster {
    /// Sends a request of somebody else on, with this node's token; the answer is his.
    pub(crate) fn forward(
        &self,
        mut request: Request<SupportBody>,
    ) -> impl Future<Output = Result<Response<Incoming>, RequestError>> + Send + 'static + use<>
    {
        let (head, mut requests) = (self.head.clone(), self.requests.clone());
        async move {
            let path = request.uri().to_string();
            let uri = format!("https://{}{path}", head.authority).parse();
            *request.uri_mut() = uri
                .map_err(|error: http::uri::InvalidUri| RequestError::Answer(error.to_string()))?;
            let token = header::HeaderValue::from_str(&head.token);
            let token = token.map_err(|error| RequestError::Answer(error.to_string()))?;
            request.headers_mut().insert(header::AUTHORIZATION, token);
            let sent = requests.send_request(request.map(Either::Right)).await;
            sent.map_err(RequestError::Broken)
        }
    }
}

/// What every request to a remote carries.
#[derive(Clone)]
struct Head {
    authority: String,
    token: String,
}

impl Head {
    fn request(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Request<Outgoing>, RequestError> {
        Request::builder()
            .method(method)
            .uri(format!("https://{}{path}", self.authority))
            .header(header::AUTHORIZATION, &self.token)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Either::Left(Full::new(body)))
            .map_err(|error| RequestError::Answer(error.to_string()))
    }
}

const NDJSON: header::HeaderValue = header::HeaderValue::from_static("application/x-ndjson");

/// The answer, if it is one; otherwise what it says in its problem document.
async fn accepted(response: Response<Incoming>) -> Result<Response<Incoming>, RequestError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let retry_after = retry_after(response.headers());
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX)
        .collect()
        .await;
    let said = match body {
        Ok(body) => said(&body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => None,
        Err(_) => None,
    };
    let what = match status {
        StatusCode::UNAUTHORIZED => "the remote does not know the token: check `token`",
        StatusCode::FORBIDDEN => "the remote's role for this token allows no link",
        // A node says itself what it has not.
        StatusCode::NOT_FOUND if said.is_none() => "there is no mainstem API at this address",
        _ => "the remote refuses",
    };
    let message = match said {
        Some(said) => format!("{what} ({status}: {said})"),
        None => format!("{what} ({status})"),
    };
    Err(RequestError::Refused {
        status,
        message,
        retry_after,
    })
}

/// After how long the remote wants to be asked again.
pub(crate) fn retry_after(headers: &http::HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?;
    value.to_str().ok()?.parse().ok().map(Duration::from_secs)
}

/// What a problem document says.
pub(crate) fn said(body: &[u8]) -> Option<String> {
    let problem: serde_json::Value = serde_json::from_slice(body).ok()?;
    let text = problem
        .get("detail")
        .or_else(|| problem.get("title"))?
        .as_str()?;
    Some(text.chars().filter(|c| !c.is_control()).take(200).collect())
}
