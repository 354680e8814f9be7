//! One connection: handshake, protocol by ALPN, requests, and its end.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::IntoResponse;
use futures_util::FutureExt;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use mainstem_telemetry::{Problem as HealthProblem, Severity};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::idle::{HeldBody, Traffic};
use crate::Api;
use crate::arrival::{Arrival, Peer};
use crate::dropped::Dropped;
use crate::problem::Problem;

/// Requests open at the same time on one HTTP/2 connection.
const STREAMS_MAX: u32 = 256;
/// What a client may send unread on one stream, and on all of a connection.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 8 << 20;
/// A frame is not interrupted: small ones let beats pass.
const FRAME_BYTES_MAX: u32 = 16 * 1024;
/// Bytes of an answer that may wait for the connection.
const SEND_BYTES_MAX: usize = 32 * 1024;
const HEADER_BYTES_MAX: u32 = 16 * 1024;
/// Streams that a client opened and reset before they were served.
const RESET_STREAMS_MAX: usize = 64;
/// A peer that does not answer a ping is gone.
const PING_INTERVAL: Duration = Duration::from_secs(10);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// Without a request for so long, a connection is closed.
const IDLE_MAX: Duration = Duration::from_secs(60);

/// What all connections of a listener share.
#[derive(Clone)]
pub(super) struct Connections {
    pub(super) api: Arc<Api>,
    pub(super) router: Router,
    pub(super) permits: Arc<Semaphore>,
    pub(super) cut: CancellationToken,
    pub(super) tasks: TaskTracker,
}

/// Spawns hyper's streams where the server's stop waits for them.
#[derive(Clone)]
struct Tracked(TaskTracker);

impl<F> Executor<F> for Tracked
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn(future);
    }
}

/// A connection of either protocol, as far as its end goes.
trait Served: Future<Output = hyper::Result<()>> {
    fn wind_down(self: Pin<&mut Self>);
}

impl<I, S> Served for http1::UpgradeableConnection<I, S>
where
    S: Service<Request<Incoming>, Response = Response<HeldBody>, Error = Dropped>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    fn wind_down(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<I, S> Served for http2::Connection<I, S, Tracked>
where
    S: Service<Request<Incoming>, Response = Response<HeldBody>, Error = Dropped>,
    S::Future: Send + 'static,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
{
    fn wind_down(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl Connections {
    /// The result of a wait, unless the node stops first.
    pub(super) async fn unless_stopped<T>(&self, wait: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            () = self.api.stopping.cancelled() => None,
            done = wait => Some(done),
        }
    }

    /// A place for one connection more; without one it is refused and counted.
    pub(super) fn admit(&self) -> Option<OwnedSemaphorePermit> {
        let permit = Arc::clone(&self.permits).try_acquire_owned().ok();
        if permit.is_none() {
            self.api.counters.connections_refused.inc();
        }
        permit
    }

    /// A connection over the network.
    pub(super) async fn serve_tls<I>(&self, stream: I, tls: &TlsAcceptor, peer: Peer)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let handshake = tokio::time::timeout(self.api.limits.handshake_timeout, tls.accept(stream));
        let Some(Ok(Ok(stream))) = self.unless_stopped(handshake).await else {
            self.api.counters.handshakes_failed.inc();
            return;
        };
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            Box::pin(self.serve_http2(stream, peer)).await;
        } else {
            Box::pin(self.serve_http1(stream, peer)).await;
        }
    }

    /// A connection of HTTP/1.1.
    pub(super) async fn serve_http1<I>(&self, stream: I, peer: Peer)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let traffic = Arc::new(Traffic::default());
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.api.limits.header_timeout)
            .max_buf_size(SEND_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), self.service(peer, &traffic))
            .with_upgrades();
        self.drive(connection, &traffic).await;
    }

    async fn serve_http2<I>(&self, stream: I, peer: Peer)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let traffic = Arc::new(Traffic::default());
        let connection = http2::Builder::new(Tracked(self.tasks.clone()))
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_frame_size(FRAME_BYTES_MAX)
            .max_send_buf_size(SEND_BYTES_MAX)
            .max_concurrent_streams(STREAMS_MAX)
            .max_header_list_size(HEADER_BYTES_MAX)
            .max_pending_accept_reset_streams(RESET_STREAMS_MAX)
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT)
            .serve_connection(TokioIo::new(stream), self.service(peer, &traffic));
        self.drive(connection, &traffic).await;
    }

    async fn drive(&self, connection: impl Served, traffic: &Traffic) {
        self.api.counters.connections.inc();
        let mut connection = pin!(connection);
        let mut idle = pin!(rest(traffic, self.api.limits.header_timeout));
        let ended = tokio::select! {
            ended = &mut connection => Some(ended),
            () = self.api.stopping.cancelled() => None,
            () = &mut idle => None,
        };
        if ended.is_none() {
            connection.as_mut().wind_down();
            let last = self.api.limits.header_timeout;
            tokio::select! {
                _ = &mut connection => {}
                () = self.cut.cancelled() => {}
                // Nothing is open on it, so nothing is lost if the peer does not close.
                () = rest_at_once(traffic, last) => {}
            }
        }
        self.api.counters.connections.dec();
    }

    /// Answers each request; a panic in a route is an answer and a health problem.
    fn service(
        &self,
        peer: Peer,
        traffic: &Arc<Traffic>,
    ) -> impl Service<
        Request<Incoming>,
        Response = Response<HeldBody>,
        Error = Dropped,
        Future: Send + 'static,
    > + use<> {
        let router = TowerToHyperService::new(self.router.clone());
        let (api, traffic) = (Arc::clone(&self.api), Arc::clone(traffic));
        service_fn(move |mut request: Request<Incoming>| {
            let at = api.clock().monotonic();
            api.counters.requests.inc();
            request.extensions_mut().insert(Arrival { peer, at });
            let (api, open) = (Arc::clone(&api), traffic.begin());
            let answer = AssertUnwindSafe(router.call(request)).catch_unwind();
            async move {
                let response = match answer.await {
                    Ok(Ok(response)) => response,
                    Err(_) => defect(&api),
                };
                if let Some(dropped) = response.extensions().get::<Dropped>() {
                    return Err(*dropped);
                }
                Ok(response.map(|body| HeldBody { body, _open: open }))
            }
        })
    }
}

fn defect(api: &Api) -> axum::response::Response {
    api.counters.panics.inc();
    api.health.raise(HealthProblem {
        id: "http.panic".to_owned(),
        severity: Severity::High,
        source: "http".to_owned(),
        text: "A request met a defect of the program; it was answered with an error.".to_owned(),
        action: "Report it with the lines of the log from that moment.".to_owned(),
    });
    Problem::internal(&"a route panicked").into_response()
}

/// Ends when there was no request for too long; a connection that brought none yet gets only the
/// time that headers have.
async fn rest(traffic: &Traffic, first: Duration) {
    let mut seen = None;
    loop {
        let patience = if seen.unwrap_or(0) == 0 {
            first
        } else {
            IDLE_MAX
        };
        tokio::time::sleep(patience).await;
        let resting = traffic.resting();
        if resting.is_some() && (resting == seen || resting == Some(0)) {
            return;
        }
        seen = resting;
    }
}

/// Ends after a time in which whatever was open could end, once nothing is.
async fn rest_at_once(traffic: &Traffic, patience: Duration) {
    loop {
        tokio::time::sleep(patience.min(Duration::from_secs(1))).await;
        if traffic.resting().is_some() {
            return;
        }
    }
}
