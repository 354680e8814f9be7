//! Remote entries that lead to something else than a mainstem node, and nodes that talk nonsense.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use mainstem_model::{Clock, Status};
use mainstem_remote::{LinkState, LoggersState};
use mainstem_security::{Identity, server_config};
use mainstem_telemetry::SystemClock;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::support::{TestNode, eventually, remote};

/// How often strangers of this process were asked for data loggers, and for anything else.
static ASKED_FOR_LOGGERS: AtomicUsize = AtomicUsize::new(0);
static ASKED_FOR_ELSE: AtomicUsize = AtomicUsize::new(0);

/// What a stranger does with a connection.
#[derive(Clone, Copy)]
enum Manner {
    /// Accepts, and never says a word.
    Silent,
    /// Closes at once.
    Closes,
    /// Answers the TLS handshake with text.
    Text,
    /// TLS that has only HTTP/1.1.
    OldTls,
    /// TLS with HTTP/2, and then bytes that are none.
    GarbageBehindTls,
    /// A web server that has no such page.
    Web,
    /// A web server that answers everything with this, as a stream of changes.
    Stream(&'static str),
}

struct Stranger {
    address: SocketAddr,
    pin: String,
    _folder: TempDir,
    _tasks: JoinSet<()>,
}

impl Stranger {
    async fn start(manner: Manner) -> Self {
        let folder = TempDir::new().unwrap();
        let names = ["127.0.0.1".to_owned()];
        let now = SystemClock.now();
        let identity = Identity::load_or_create(folder.path(), "stranger", &names, now).unwrap();
        let mut tls = (*server_config(&identity).unwrap()).clone();
        if matches!(manner, Manner::OldTls) {
            tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        }
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                open.spawn(behave(stream, manner, acceptor.clone()));
            }
        });
        Self {
            address,
            pin: identity.pin().to_string(),
            _folder: folder,
            _tasks: tasks,
        }
    }
}

async fn behave(mut stream: TcpStream, manner: Manner, acceptor: TlsAcceptor) {
    match manner {
        Manner::Silent => std::future::pending().await,
        Manner::Closes => {}
        Manner::Text => drop(stream.write_all(b"220 mail.example ESMTP\r\n").await),
        _ => {
            let Ok(mut tls) = acceptor.accept(stream).await else {
                return;
            };
            match manner {
                Manner::GarbageBehindTls => {
                    drop(tls.write_all(&[0xa5; 4096]).await);
                    drop(tls.read(&mut [0; 64]).await);
                }
                Manner::Web => answer(tls, 404, "text/html", "<h1>Not Found</h1>").await,
                Manner::Stream(text) => answer(tls, 200, "application/x-ndjson", text).await,
                _ => drop(tls.read(&mut [0; 64]).await),
            }
        }
    }
}

async fn answer(
    tls: tokio_rustls::server::TlsStream<TcpStream>,
    status: u16,
    media: &'static str,
    text: &'static str,
) {
    let service = hyper::service::service_fn(move |request: Request<Incoming>| async move {
        let asked = match request.uri().path() {
            path if path.starts_with("/api/v1/link/loggers") => &ASKED_FOR_LOGGERS,
            _ => &ASKED_FOR_ELSE,
        };
        asked.fetch_add(1, Ordering::Relaxed);
        let response = Response::builder()
            .status(status)
            .header("content-type", media)
            .body(Full::new(Bytes::from_static(text.as_bytes())));
        Ok::<_, Infallible>(response.unwrap())
    });
    let http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    drop(http.serve_connection(TokioIo::new(tls), service).await);
}

/// The link's state and cause, once it has a cause from an attempt.
async fn cause(manner: Manner) -> (LinkState, String) {
    let stranger = Stranger::start(manner).await;
    let own = "  sim: { type: Connection, properties: { protocol: simulator } }
  count: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, subscribe: { signal: counter, step: 1 } } }\n";
    let entry = remote("line1", &stranger.pin, stranger.address, "");
    let node = TestNode::start("plant1", &format!("{own}{entry}")).await;
    let tried = || {
        let link = node.link("line1");
        let told = link.cause.filter(|cause| cause != "not connected yet");
        told.map(|cause| (link.state, cause))
    };
    let found = eventually("an attempt has failed", tried).await;
    // Whatever it is, it harms nothing else, and nothing of it is good.
    node.wait_good("sim.count").await;
    let connection = node.get("line1.connection").unwrap();
    assert_eq!(connection.quality.status, Status::Good);
    assert_eq!(
        connection.value,
        Some(mainstem_model::Value::text("offline"))
    );
    tokio::time::timeout(Duration::from_secs(10), node.stop())
        .await
        .unwrap();
    found
}

/// What each kind of stranger is called, and whether trying again soon is of use.
#[tokio::test(flavor = "multi_thread")]
async fn each_stranger_is_named_and_harms_nothing() {
    for (manner, refused, words) in [
        (Manner::Silent, false, "no connection within"),
        (Manner::Closes, false, "TLS"),
        (Manner::Text, true, "TLS"),
        (Manner::OldTls, true, "HTTP/2"),
        (Manner::GarbageBehindTls, false, "connection broke"),
        (Manner::Web, true, "no mainstem API"),
        (Manner::Stream("not a frame\n"), true, "no frame"),
        (Manner::Stream("{\"r\":[[1,0,5]]}\n"), true, "hello"),
        (Manner::Stream("{\"hello\":{\"proto"), false, "ended"),
    ] {
        let (found, cause) = cause(manner).await;
        eprintln!("{found:?}: {cause}");
        assert!(cause.contains(words), "{words:?} is not in {cause:?}");
        // What may mend itself is tried again soon, so it may be dialling again by now.
        let is_refused = found == LinkState::Refused;
        assert_eq!(is_refused, refused, "{found:?}: {cause}");
    }
}

/// What the first version of mainstem sent.
const OLD: &str = include_str!("../fixtures/compat/1/1-snapshot.ndjson");

#[tokio::test(flavor = "multi_thread")]
async fn an_old_node_hands_on_no_data_loggers_and_is_not_asked_for_any() {
    let old = Stranger::start(Manner::Stream(OLD)).await;
    let more = "      mode: poll\n      poll_interval: 200ms\n      dataloggers: [ \"**\" ]\n      \
                dataloggerspollinterval: 1\n";
    let entry = remote("line1", &old.pin, old.address, more);
    let node = TestNode::start("plant1", &entry).await;
    let state = || {
        let view = node.link("line1").loggers?;
        (view.state == LoggersState::NotSupported).then_some(view.cause)
    };
    let cause = eventually("it is told that the remote is too old", state).await;
    assert!(cause.unwrap().contains("update it"));
    // Rounds later it is the same, and nobody has asked.
    let before = ASKED_FOR_ELSE.load(Ordering::Relaxed);
    let rounds = || (ASKED_FOR_ELSE.load(Ordering::Relaxed) > before + 10).then_some(());
    eventually("some rounds more", rounds).await;
    assert_eq!(ASKED_FOR_LOGGERS.load(Ordering::Relaxed), 0);
    assert!(state().is_some());
    node.stop().await;
}
