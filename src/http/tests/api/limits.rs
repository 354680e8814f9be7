//! Every limit at N and N + 1, and clients that hold on to what they were given.

use std::sync::Arc;
use std::time::Duration;

use mainstem_http::HttpLimits;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::harness::{Node, PATIENCE, Wanted};

fn limits(change: impl FnOnce(&mut HttpLimits)) -> Wanted {
    let mut wanted = Wanted::default();
    change(&mut wanted.limits);
    wanted
}

pub(crate) async fn connect(node: &Node, protocol: &[u8]) -> TlsStream<TcpStream> {
    let mut tls = node.tls();
    tls.alpn_protocols = vec![protocol.to_vec()];
    let stream = TcpStream::connect(node.address()).await.unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    TlsConnector::from(Arc::new(tls))
        .connect(name, stream)
        .await
        .unwrap()
}

/// Waits until the server has closed a connection.
async fn closed(stream: &mut (impl AsyncReadExt + Unpin)) {
    let mut rest = Vec::new();
    let end = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
    // With a goodbye or without.
    drop(end.expect("the connection stays open"));
}

#[tokio::test]
async fn readers_are_limited() {
    let node = Node::start_with(limits(|limits| limits.readers = 2)).await;
    let admin = node.admin();
    let path = "/api/v1/changes";
    let one = admin.frames(path).await;
    let _two = admin.frames(path).await;
    let third = admin.get(path).header("accept", "text/event-stream");
    let refused = third.send().await.unwrap();
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    drop(one);
    let free = async {
        while admin
            .get("/api/v1/changes?wait=0s")
            .send()
            .await
            .unwrap()
            .status()
            != 200
        {}
    };
    tokio::time::timeout(PATIENCE, free)
        .await
        .expect("the place stayed taken");
}

#[tokio::test]
async fn connections_are_limited() {
    let node = Node::start_with(limits(|limits| limits.connections = 2)).await;
    let _one = connect(&node, b"http/1.1").await;
    let two = connect(&node, b"h2").await;
    let mut third = TcpStream::connect(node.address()).await.unwrap();
    closed(&mut third).await;
    assert_eq!(
        node.metrics.counter("http_connections_refused", "").get(),
        1
    );
    // Local clients have places of their own, and a place that is free again is given away.
    tokio::net::UnixStream::connect(node.socket())
        .await
        .unwrap();
    drop(two);
    let free = async {
        let client = node.admin();
        while client.get("/api/v1/node").send().await.is_err() {}
    };
    tokio::time::timeout(PATIENCE, free)
        .await
        .expect("the place stayed taken");
}

#[tokio::test]
async fn slow_clients_are_cut_off() {
    let quick = limits(|limits| {
        limits.handshake_timeout = Duration::from_millis(300);
        limits.header_timeout = Duration::from_millis(300);
    });
    let node = Node::start_with(quick).await;
    let mut silent = TcpStream::connect(node.address()).await.unwrap();
    closed(&mut silent).await;
    assert_eq!(node.metrics.counter("http_handshakes_failed", "").get(), 1);
    let mut headers = connect(&node, b"http/1.1").await;
    headers
        .write_all(b"GET /api/v1/node HTTP/1.1\r\nhost: x\r\nx-slow")
        .await
        .unwrap();
    closed(&mut headers).await;
    let mut preface = connect(&node, b"h2").await;
    preface.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();
    closed(&mut preface).await;
    let mut nothing = connect(&node, b"h2").await;
    closed(&mut nothing).await;
    node.admin().document("/api/v1/node").await;
}

#[tokio::test]
async fn bodies_are_limited() {
    let node = Node::start_with(limits(|limits| limits.body_bytes = 64 << 10)).await;
    node.define_setpoint("plc.setpoint");
    let admin = node.admin();
    let send = |body: String| {
        let path = "/api/v1/datapoints/plc.setpoint";
        let request = admin.request(reqwest::Method::PUT, path);
        admin.problem(
            request
                .header("content-type", "application/json")
                .body(body),
        )
    };
    let padded = |bytes: usize| format!("{{\"value\":1{}}}", " ".repeat(bytes - 11));
    // Of the right size it is looked at: nothing here carries it out.
    assert_eq!(send(padded(64 << 10)).await, (503, "not_reachable".into()));
    assert_eq!(
        send(padded((64 << 10) + 1)).await,
        (413, "body_too_large".into())
    );
    let nested = format!("{{\"value\":{}", "[".repeat(10_000));
    assert_eq!(send(nested).await, (400, "bad_json".into()));
    assert_eq!(send("\u{feff}{}".into()).await, (400, "bad_json".into()));
    assert_eq!(
        send("{\"value\":1,\"value\":2}".into()).await,
        (400, "bad_json".into())
    );
    assert_eq!(send("{\"value\":1e400}".into()).await.0, 422);
    let path = "/api/v1/datapoints/plc.setpoint";
    let form = admin.request(reqwest::Method::PUT, path).body("value=1");
    assert_eq!(
        admin.problem(form).await,
        (415, "unsupported_media_type".into())
    );
}

#[tokio::test]
async fn a_line_that_never_ends_ends_the_stream() {
    let node = Node::start().await;
    let mes = node.client(&node.token("mes", "viewer", Some("mes")));
    let endless = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'x'; 65536]));
    let request = mes
        .post("/api/v1/samples")
        .header("content-type", "application/x-ndjson")
        .body(reqwest::Body::wrap_stream(endless));
    let mut acks = crate::harness::Lines::new(request.send().await.unwrap());
    let ack = acks.next().await;
    assert!(ack["error"].as_str().unwrap().contains("the stream ends"));
    assert!(acks.text().await.is_none());
}

#[tokio::test]
async fn stop_ends_endless_answers_and_waits_for_all() {
    let node = Node::start().await;
    let mut lines = node.admin().frames("/api/v1/changes").await;
    lines.until("end").await;
    node.api.set_ready(true);
    let ready = node.admin().get("/readyz").send().await.unwrap();
    assert_eq!(ready.status(), 200);
    let stop = node.server.stop(Duration::from_secs(10));
    tokio::time::timeout(Duration::from_secs(5), stop)
        .await
        .expect("stop waits for a reader");
    while lines.text().await.is_some() {}
    assert!(TcpStream::connect(node.address()).await.is_err());
    assert_eq!(node.metrics.gauge("feed_readers", "").get(), 0);
}

/// Sends the head of a request with a body of two bytes, the body only when the answer is there,
/// and returns the head of the answer.
async fn early_answer(node: &Node, head: &str) -> String {
    let mut stream = connect(node, b"http/1.1").await;
    let request = format!("{head}\r\nhost: node\r\ncontent-length: 2\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = tokio::time::timeout(PATIENCE, stream.read_buf(&mut answer)).await;
        assert_ne!(read.expect("no answer").unwrap(), 0, "no answer");
    }
    String::from_utf8(answer).unwrap().to_ascii_lowercase()
}

#[tokio::test]
async fn an_answer_before_the_body_says_that_the_connection_ends() {
    let node = Node::start().await;
    let admin = node.token("early", "admin", None);
    let refused = [
        ("POST /api/v1/tokens HTTP/1.1".to_owned(), "401"),
        (
            format!("POST /api/v1/tokens HTTP/1.1\r\nauthorization: Bearer {admin}"),
            "415",
        ),
        ("POST /nowhere HTTP/1.1".to_owned(), "404"),
    ];
    for (head, status) in refused {
        let answer = early_answer(&node, &head).await;
        assert!(
            answer.starts_with(&format!("http/1.1 {status}")),
            "{answer}"
        );
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    }
    // What was read to its end leaves the connection open.
    let mut stream = connect(&node, b"http/1.1").await;
    let request = format!(
        "POST /api/v1/tokens HTTP/1.1\r\nhost: node\r\nauthorization: Bearer {admin}\r\n\
         content-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}"
    );
    for _ in 0..2 {
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"}") {
            let read = tokio::time::timeout(PATIENCE, stream.read_buf(&mut answer)).await;
            assert_ne!(read.expect("no answer").unwrap(), 0, "no answer");
        }
        let answer = String::from_utf8(answer).unwrap().to_ascii_lowercase();
        assert!(answer.starts_with("http/1.1 400") && !answer.contains("connection: close"));
    }
}
