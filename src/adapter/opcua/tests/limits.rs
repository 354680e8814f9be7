//! Peers that are no OPC UA server, or a bad one.

use std::time::{Duration, Instant};

use mainstem_adapter::{SessionEnd, WriteAnswer};
use mainstem_model::Value;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::harness::{Session, built, subscribed};
use super::server::TestServer;
use crate::KIND;

fn session(folder: &tempfile::TempDir, port: u16, node: &str) -> Session {
    impatient(folder, port, node, 300)
}

fn impatient(folder: &tempfile::TempDir, port: u16, node: &str, timeout: u64) -> Session {
    let connection = json!({
        "host": "127.0.0.1", "port": port, "requestTimeout": timeout, "keepAlive": 200,
    });
    let endpoints = vec![subscribed("double", "f64", node)];
    Session::start(built(&KIND, folder.path(), connection, endpoints).adapter)
}

/// Answers the first bytes with others, and then keeps the connection.
async fn peer(answer: Vec<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut first = [0; 1024];
                drop(socket.read(&mut first).await);
                drop(socket.write_all(&answer).await);
                while socket.read(&mut first).await.is_ok_and(|read| read > 0) {}
            });
        }
    });
    port
}

#[tokio::test]
async fn garbage_and_silence_are_lost_connections() {
    let folder = tempfile::tempdir().unwrap();
    let huge = [b"ACKF".as_slice(), &u32::MAX.to_le_bytes(), &[0; 64]].concat();
    let empty = [b"ACKF".as_slice(), &0u32.to_le_bytes(), &[0; 64]].concat();
    for (answer, code) in [
        (Vec::new(), "timeout"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), "protocol"),
        (b"ACK".to_vec(), "timeout"),
        (huge, "protocol"),
        (empty, "protocol"),
    ] {
        let port = peer(answer.clone()).await;
        let ended = session(&folder, port, "i=1").end().await.1.unwrap_err();
        assert!(
            matches!(ended, SessionEnd::Lost { .. }),
            "{answer:?}: {ended}"
        );
        assert_eq!(ended.code(), code, "{answer:?}: {ended}");
    }
}

#[tokio::test]
async fn a_stop_while_connecting_is_quick() {
    let folder = tempfile::tempdir().unwrap();
    let port = peer(Vec::new()).await;
    let session = session(&folder, port, "i=1");
    tokio::task::yield_now().await;
    let started = Instant::now();
    session.stop().await.1.unwrap();
    assert!(started.elapsed() < Duration::from_secs(2));
}

/// A relay that swallows everything, in both directions, as long as it is frozen.
async fn relay(to: u16) -> (u16, watch::Sender<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (freeze, frozen) = watch::channel(false);
    tokio::spawn(async move {
        loop {
            let (near, _) = listener.accept().await.unwrap();
            let far = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
            let (mut near_read, mut near_write) = near.into_split();
            let (mut far_read, mut far_write) = far.into_split();
            let mut frozen = frozen.clone();
            tokio::spawn(async move {
                let both = async {
                    tokio::join!(
                        copy(&mut near_read, &mut far_write),
                        copy(&mut far_read, &mut near_write)
                    )
                };
                tokio::pin!(both);
                tokio::select! {
                    _ = &mut both => {}
                    _ = frozen.wait_for(|frozen| *frozen) => {}
                }
                // Frozen: nothing moves, and nobody closes either.
                std::future::pending::<()>().await;
            });
        }
    });
    (port, freeze)
}

#[tokio::test]
async fn a_frozen_server_is_found_and_a_write_in_it_is_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::open(folder.path(), 0).await;
    let (port, freeze) = relay(server.port).await;
    let session = session(&folder, port, &server.node("double"));
    session.until_value(0, Value::F64(1.5)).await;
    // The type is known from here on, so that the next one is really sent.
    let applied = WriteAnswer::Applied { verified: true };
    assert_eq!(session.write(0, Value::F64(2.0)).await, applied);
    freeze.send_replace(true);
    let answer = session.write(0, Value::F64(3.0)).await;
    assert!(matches!(answer, WriteAnswer::Unknown { .. }), "{answer:?}");
    let ended = session.end().await.1.unwrap_err();
    assert_eq!(ended.code(), "keep_alive", "{ended}");
}

#[tokio::test]
async fn a_stop_with_a_frozen_server_is_quick() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::open(folder.path(), 0).await;
    let (port, freeze) = relay(server.port).await;
    let session = impatient(&folder, port, &server.node("double"), 60_000);
    session.until_value(0, Value::F64(1.5)).await;
    freeze.send_replace(true);
    let started = Instant::now();
    drop(session.stop().await);
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn a_session_that_is_dropped_answers_its_writes() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::open(folder.path(), 0).await;
    let (port, freeze) = relay(server.port).await;
    let session = session(&folder, port, &server.node("double"));
    session.until_value(0, Value::F64(1.5)).await;
    session.write(0, Value::F64(2.0)).await;
    freeze.send_replace(true);
    let write = session.write(0, Value::F64(3.0));
    tokio::pin!(write);
    // Long enough to be sent, far less than an answer may take.
    let early = tokio::time::timeout(Duration::from_millis(100), &mut write).await;
    assert!(early.is_err());
    session.abort();
    let answer = write.await;
    assert!(matches!(answer, WriteAnswer::Unknown { .. }), "{answer:?}");
}
