//! Strangers at the gate: raw bytes, before anybody is trusted.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::start;

const PATIENCE: Duration = Duration::from_secs(20);

fn hello(url: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for number in [0_u32, 65_535, 65_535, 0, 0] {
        body.extend(number.to_le_bytes());
    }
    text(url, &mut body);
    frame(b"HELF", &body)
}

fn open(policy: &str, certificate: &[u8]) -> Vec<u8> {
    let mut body = 0_u32.to_le_bytes().to_vec();
    text(
        &format!("http://opcfoundation.org/UA/SecurityPolicy#{policy}"),
        &mut body,
    );
    body.extend(u32::try_from(certificate.len()).unwrap().to_le_bytes());
    body.extend(certificate);
    body.extend(u32::MAX.to_le_bytes());
    body.extend([0; 64]);
    frame(b"OPNF", &body)
}

fn text(text: &str, out: &mut Vec<u8>) {
    out.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
    out.extend(text.as_bytes());
}

fn frame(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut out = kind.to_vec();
    out.extend((u32::try_from(body.len()).unwrap() + 8).to_le_bytes());
    out.extend(body);
    out
}

/// What the server says to some bytes until it hangs up: the status of its error, if it said one.
async fn said(address: SocketAddr, parts: &[Vec<u8>]) -> Option<u32> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    for part in parts {
        // The server may have hung up before the last part.
        drop(stream.write_all(part).await);
    }
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    drop(read.expect("the server hangs up"));
    let at = answer.windows(4).rposition(|window| window == b"ERRF")?;
    let status = answer.get(at + 8..at + 12)?;
    Some(u32::from_le_bytes(status.try_into().unwrap()))
}

fn address(url: &str) -> SocketAddr {
    let rest = url.strip_prefix("opc.tcp://").unwrap();
    rest.split('/').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_refused_before_anything_is_allocated() {
    let (node, url) = start().await;
    let at = address(&url);
    let hello = hello(&url);
    let huge = [b"MSGF".as_slice(), &u32::MAX.to_le_bytes()].concat();
    let small = [b"MSGF".as_slice(), &7_u32.to_le_bytes()].concat();
    let mut create = vec![0; 16];
    create.extend([1, 0, 0xCD, 1]);
    create.extend([0; 64]);
    let cases: [(&str, Vec<Vec<u8>>, u32); 9] = [
        ("no hello", vec![frame(b"MSGF", &[0; 32])], 0x807E_0000),
        (
            "HTTP",
            vec![b"GET / HTTP/1.1\r\n\r\n".to_vec()],
            0x807E_0000,
        ),
        (
            "a hello of 4 GB",
            vec![[b"HELF".as_slice(), &u32::MAX.to_le_bytes()].concat()],
            0x8080_0000,
        ),
        ("a chunk of 4 GB", vec![hello.clone(), huge], 0x8080_0000),
        (
            "a chunk of 7 bytes",
            vec![hello.clone(), small],
            0x807E_0000,
        ),
        (
            "a request before a channel",
            vec![hello.clone(), frame(b"MSGF", &create)],
            0x807E_0000,
        ),
        (
            "a deprecated policy",
            vec![hello.clone(), open("Basic128Rsa15", b"x")],
            0x8055_0000,
        ),
        (
            "another deprecated policy",
            vec![hello.clone(), open("Basic256", b"x")],
            0x8055_0000,
        ),
        (
            "no certificate",
            vec![hello.clone(), open("Basic256Sha256", b"none")],
            0x801A_0000,
        ),
    ];
    for (what, parts, status) in cases {
        assert_eq!(said(at, &parts).await, Some(status), "{what}");
    }
    let (_, state) = node.ask("GET", "opcua-server", Value::Null).await;
    assert!(state["refused"].as_u64() >= Some(9), "{state}");
    assert!(
        node.metrics()
            .await
            .contains("opcua_server_refused_total{reason=\"too_large\"}")
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_is_sent_away() {
    let (node, url) = start().await;
    let at = address(&url);
    let begun = Instant::now();
    assert_eq!(said(at, &[]).await, Some(0x800A_0000));
    // A hello that never ends.
    assert_eq!(said(at, &[b"HELF".to_vec()]).await, Some(0x800A_0000));
    assert_eq!(said(at, &[hello(&url)]).await, Some(0x800A_0000));
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_connections_as_there_are_places() {
    let (node, url) = start().await;
    let at = address(&url);
    let mut held = Vec::new();
    for _ in 0..40 {
        let mut stream = TcpStream::connect(at).await.unwrap();
        stream.write_all(&hello(&url)).await.unwrap();
        held.push(stream);
    }
    let begun = Instant::now();
    // One address has its share, and the next one is hung up on.
    while said(at, &[]).await.is_some() {
        assert!(begun.elapsed() < PATIENCE);
    }
    let (_, state) = node.ask("GET", "opcua-server", Value::Null).await;
    assert!(state["connections"].as_u64() <= Some(40), "{state}");
    drop(held);
    node.stop().await;
}
