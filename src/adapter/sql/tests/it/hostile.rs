//! Servers that do what they should not: nonsense, lengths without an end, silence, byte by byte.

use std::time::Duration;

use mainstem_adapter::conformance::Observed;
use serde_json::Value as Json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::rig::{self, Rig, reads, to_mariadb, to_postgres};

/// A greeting of MariaDB's protocol whose login is always taken.
const GREETING: &[u8] = b"\x0a8.0.99\0\x01\0\0\0abcdefgh\0\xff\xf7\x21\x02\0\xff\x81\x15\
    \0\0\0\0\0\0\0\0\0\0ijklmnopqrst\0mysql_native_password\0";

/// What a server says to each that comes.
#[derive(Clone, Copy, Debug)]
enum Manner {
    /// Nothing at all.
    Silent,
    /// Bytes without a meaning, again and again.
    Nonsense,
    /// A message that is said to be as long as one can be, and goes on for ever.
    Endless(&'static [u8]),
    /// A right beginning, one byte in a while.
    Trickle(&'static [u8]),
    /// A right beginning, and then the end.
    Cut(&'static [u8]),
}

async fn behave(mut stream: TcpStream, manner: Manner) {
    let mut heard = [0; 4096];
    match manner {
        Manner::Silent => while stream.read(&mut heard).await.is_ok_and(|read| read > 0) {},
        Manner::Nonsense => while stream.write_all(&[0xA5; 512]).await.is_ok() {},
        Manner::Endless(head) => {
            if stream.write_all(head).await.is_ok() {
                while stream.write_all(&[b'x'; 65_536]).await.is_ok() {}
            }
        }
        Manner::Trickle(text) => {
            for byte in text.iter().cycle() {
                if stream.write_all(&[*byte]).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        Manner::Cut(text) => drop(stream.write_all(text).await),
    }
}

struct Server {
    port: u16,
    task: JoinHandle<()>,
}

impl Server {
    #[expect(clippy::disallowed_methods, reason = "a peer of a test, ended with it")]
    async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(behave(stream, manner));
            }
        });
        Self { port, task }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Three tries in vain, no panic, no memory.
async fn is_survived(connection: Json, manner: Manner) {
    let before = resident_kib();
    let rig = Rig::start(rig::spec(connection, vec![reads("one", "i64", "SELECT 1")]));
    let tried = |seen: &Observed| {
        let waiting = mainstem_adapter::AdapterState::Waiting;
        let waits = seen
            .standings
            .iter()
            .filter(|standing| standing.state == waiting);
        (waits.count() >= 3).then_some(())
    };
    rig.suite
        .witness
        .until("three tries", rig::PATIENCE, tried)
        .await;
    assert_eq!(rig.errors(mainstem_adapter::Cause::PANIC), 0, "{manner:?}");
    let grown = resident_kib().saturating_sub(before);
    assert!(grown < 64 * 1024, "{manner:?}: {grown} KiB more");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_postgres() {
    for manner in [
        Manner::Silent,
        Manner::Nonsense,
        // A greeting of two gigabytes.
        Manner::Endless(b"R\x7f\xff\xff\xff"),
        Manner::Endless(b"R\x00\x00\x00\x08\x00\x00\x00\x00N\x7f\xff\xff\xff"),
        Manner::Endless(b"R\xff\xff\xff\xff"),
        Manner::Trickle(b"R\x00\x00\x00\x08\x00\x00\x00\x00"),
        Manner::Cut(b"R\x00\x00\x00\x08\x00\x00"),
    ] {
        let server = Server::start(manner).await;
        is_survived(to_postgres(server.port), manner).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_mariadb() {
    let mut greeting = vec![u8::try_from(GREETING.len()).unwrap(), 0, 0, 0];
    greeting.extend_from_slice(GREETING);
    let greeting: &'static [u8] = greeting.leak();
    for manner in [
        Manner::Silent,
        Manner::Nonsense,
        Manner::Endless(b"\xff\xff\xff\x00"),
        Manner::Trickle(greeting),
        Manner::Cut(greeting),
        Manner::Endless(greeting),
    ] {
        let server = Server::start(manner).await;
        is_survived(to_mariadb(server.port), manner).await;
    }
}
