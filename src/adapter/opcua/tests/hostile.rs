//! Servers that turn against us in the middle of a session. A real server speaks, and a cable
//! between changes what it says: chunks without end, lies in the headers, answers to questions
//! that nobody asked, a byte now and then. The session ends, and costs nothing but itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mainstem_model::Value;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::harness::{Session, built, subscribed};
use super::server::TestServer;
use crate::{KIND, server_certificates};
use mainstem_opcua_trust::CertificateState;

/// Where the fields of a chunk of a message stand (part 6, 6.7.2).
const SIZE: usize = 4;
const TOKEN: usize = 12;
const SEQUENCE: usize = 16;
const REQUEST: usize = 20;

/// What the cable does to what the server says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attack {
    None,
    /// The same message goes on for ever.
    Endless,
    /// Four gigabytes are announced.
    Oversized,
    /// A number is left out.
    Sequence,
    /// The message before once more, as it was.
    Replay,
    /// Another security token.
    Token,
    /// Every answer is for another request.
    Stranger,
    /// One byte a second.
    Slow,
    /// The stack's own kinds of message in the wrong place.
    Acknowledge,
}

struct Cable {
    port: u16,
    attack: watch::Sender<Attack>,
    sent: Arc<AtomicUsize>,
}

async fn cable(to: u16) -> Cable {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (attack, attacks) = watch::channel(Attack::None);
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = sent.clone();
    tokio::spawn(async move {
        loop {
            let (near, _) = listener.accept().await.unwrap();
            let far = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
            let (mut near_read, near_write) = near.into_split();
            let (far_read, mut far_write) = far.into_split();
            let (attacks, counted) = (attacks.clone(), counted.clone());
            tokio::spawn(async move {
                tokio::select! {
                    _ = copy(&mut near_read, &mut far_write) => {}
                    _ = turn(far_read, near_write, attacks, counted) => {}
                }
            });
        }
    });
    Cable { port, attack, sent }
}

// Chunk by chunk, until the client hangs up.
async fn turn(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    attacks: watch::Receiver<Attack>,
    sent: Arc<AtomicUsize>,
) -> std::io::Result<()> {
    let mut before = Vec::new();
    loop {
        let mut chunk = vec![0; 8];
        from.read_exact(&mut chunk).await?;
        chunk.resize(number(&chunk, SIZE) as usize, 0);
        from.read_exact(&mut chunk[8..]).await?;
        let attack = *attacks.borrow();
        if !chunk.starts_with(b"MSG") || attack == Attack::None {
            to.write_all(&chunk).await?;
            before = chunk;
            continue;
        }
        match attack {
            Attack::None => {}
            Attack::Endless => endless(&mut to, &chunk, &sent).await?,
            Attack::Oversized => put(&mut chunk, SIZE, u32::MAX),
            Attack::Sequence => add(&mut chunk, SEQUENCE, 5),
            Attack::Replay => chunk = before.clone(),
            Attack::Token => add(&mut chunk, TOKEN, 1),
            Attack::Stranger => add(&mut chunk, REQUEST, 100_000),
            Attack::Slow => {
                let mut beat = tokio::time::interval(Duration::from_secs(1));
                for byte in &chunk {
                    beat.tick().await;
                    to.write_all(&[*byte]).await?;
                }
            }
            Attack::Acknowledge => chunk[..4].copy_from_slice(b"ACKF"),
        }
        to.write_all(&chunk).await?;
    }
}

// Intermediate chunks of the size that was agreed upon, with all that belongs to them.
async fn endless(to: &mut OwnedWriteHalf, chunk: &[u8], sent: &AtomicUsize) -> std::io::Result<()> {
    let mut more = chunk.to_vec();
    more[3] = b'C';
    more.resize(60_000, 7);
    put(&mut more, SIZE, 60_000);
    loop {
        to.write_all(&more).await?;
        sent.fetch_add(more.len(), Ordering::Relaxed);
        add(&mut more, SEQUENCE, 1);
    }
}

fn number(chunk: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(chunk[at..at + 4].try_into().unwrap())
}

fn put(chunk: &mut [u8], at: usize, number: u32) {
    chunk[at..at + 4].copy_from_slice(&number.to_le_bytes());
}

fn add(chunk: &mut [u8], at: usize, more: u32) {
    put(chunk, at, number(chunk, at).wrapping_add(more));
}

fn options(port: u16) -> serde_json::Value {
    json!({ "host": "127.0.0.1", "port": port, "requestTimeout": 1_000, "keepAlive": 300 })
}

/// The code with which a session ends that was open when the attack began.
async fn ends(attack: Attack) -> (String, usize) {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::open(folder.path(), 0).await;
    let cable = cable(server.port).await;
    let endpoints = vec![subscribed("double", "f64", &server.node("double"))];
    let session =
        Session::start(built(&KIND, folder.path(), options(cable.port), endpoints).adapter);
    session.until_value(0, Value::F64(1.5)).await;
    cable.attack.send_replace(attack);
    let ended = session.end().await.1.unwrap_err();
    assert!(!ended.to_string().is_empty());
    (ended.code().to_owned(), cable.sent.load(Ordering::Relaxed))
}

#[tokio::test]
async fn chunks_without_end_end_the_session_before_they_fill_the_memory() {
    let (code, sent) = ends(Attack::Endless).await;
    assert_eq!(code, "connection_closed");
    // What one message may have, and what lies in the sockets of this machine.
    assert!(sent < 32 * 1024 * 1024, "{sent} bytes were taken");
}

#[tokio::test]
async fn lies_in_the_headers_end_the_session() {
    for attack in [
        Attack::Oversized,
        Attack::Sequence,
        Attack::Replay,
        Attack::Acknowledge,
    ] {
        let (code, _) = ends(attack).await;
        assert!(
            ["connection_closed", "protocol"].contains(&code.as_str()),
            "{attack:?}: {code}"
        );
    }
}

#[tokio::test]
async fn who_answers_other_questions_or_a_byte_at_a_time_is_not_waited_for() {
    for attack in [Attack::Stranger, Attack::Slow] {
        let (code, _) = ends(attack).await;
        assert!(
            ["keep_alive", "timeout"].contains(&code.as_str()),
            "{attack:?}: {code}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_token_or_a_changed_byte_ends_a_protected_session() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::secured(folder.path(), true).await;
    let cable = cable(server.port).await;
    let mut options = options(cable.port);
    for (option, value) in [
        ("securityPolicy", "Basic256Sha256"),
        ("username", "operator"),
        ("password", "right"),
    ] {
        options[option] = value.into();
    }
    options["requestTimeout"] = 30_000.into();
    let start = || {
        let endpoints = vec![subscribed("double", "f64", &server.node("double"))];
        Session::start(built(&KIND, folder.path(), options.clone(), endpoints).adapter)
    };
    start().end().await.1.unwrap_err();
    let list = server_certificates(folder.path());
    for certificate in list.list().unwrap() {
        let trusted = CertificateState::Trusted;
        list.decide(&certificate.thumbprint, trusted).unwrap();
    }
    for attack in [Attack::Token, Attack::Sequence, Attack::Replay] {
        cable.attack.send_replace(Attack::None);
        let session = start();
        session.until_value(0, Value::F64(1.5)).await;
        cable.attack.send_replace(attack);
        let ended = session.end().await.1.unwrap_err();
        assert!(
            ["connection_closed", "protocol", "certificate_refused"].contains(&ended.code()),
            "{attack:?}: {ended}"
        );
    }
}
