//! Strangers at the registers: raw bytes of the table of hostile inputs (H23 to H25, and more).

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::start;
use crate::support::{TestNode, eventually};

const PATIENCE: Duration = Duration::from_secs(20);

/// A sound request: the one register at 6.
const SOUND: [u8; 12] = [0, 9, 0, 0, 0, 6, 1, 3, 0, 6, 0, 1];
/// Its answer: -7.
const ANSWER: [u8; 11] = [0, 9, 0, 0, 0, 5, 1, 3, 2, 0xFF, 0xF9];

/// What the server says to some bytes until it hangs up or has said so much.
async fn said(address: SocketAddr, bytes: &[u8], most: usize) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may have hung up before the end.
    drop(stream.write_all(bytes).await);
    answer(&mut stream, most).await
}

async fn answer(stream: &mut TcpStream, most: usize) -> Vec<u8> {
    let (mut got, mut buffer) = (Vec::new(), [0; 300]);
    while got.len() < most {
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut buffer)).await;
        match read.expect("the server answers or hangs up") {
            Ok(read @ 1..) => got.extend_from_slice(&buffer[..read]),
            _ => break,
        }
    }
    got
}

async fn counted(node: &TestNode, series: &str) -> u64 {
    let metrics = node.metrics().await;
    let line = metrics.lines().find(|line| line.contains(series));
    let number = line.and_then(|line| line.rsplit(' ').next());
    number
        .and_then(|number| number.parse().ok())
        .unwrap_or_default()
}

async fn refused(node: &TestNode, reason: &str) -> u64 {
    let series = format!("modbus_server_refused_total{{server=\"scada\",reason=\"{reason}\"}}");
    counted(node, &series).await
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_are_none_end_the_connection_and_are_counted() {
    let (node, address) = start("allow: [ 127.0.0.1 ]").await;
    assert_eq!(said(address, &SOUND, ANSWER.len()).await, ANSWER);
    let cases: [&[u8]; 7] = [
        // H23: a length of 0, 1, 255 and 65535; then another protocol, HTTP, and TLS.
        &[0, 1, 0, 0, 0, 0, 1, 3, 0, 6, 0, 1],
        &[0, 1, 0, 0, 0, 1, 1, 3, 0, 6, 0, 1],
        &[0, 1, 0, 0, 0, 255, 1, 3],
        &[0, 1, 0, 0, 0xFF, 0xFF, 1, 3],
        &[0, 1, 0, 1, 0, 6, 1, 3, 0, 6, 0, 1],
        b"GET / HTTP/1.1\r\nHost: plc\r\n\r\n",
        &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3],
    ];
    for (number, bytes) in (1..).zip(cases) {
        assert_eq!(said(address, bytes, 1).await, b"", "{bytes:?}");
        assert_eq!(refused(&node, "malformed").await, number, "{bytes:?}");
    }
    // What came before a frame that is none was answered.
    let mut both = SOUND.to_vec();
    both.extend(cases[0]);
    assert_eq!(said(address, &both, 99).await, ANSWER);
    // One line in the audit for all of them: it is not for strangers to fill the disk.
    let audit = || {
        let audit = std::fs::read_to_string(node.data().join("audit.log")).ok()?;
        audit.contains("malformed").then_some(audit)
    };
    let audit = eventually("the refusal is in the audit", audit).await;
    assert_eq!(audit.matches("malformed").count(), 1, "{audit}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_none_get_an_exception_and_the_connection_lives() {
    let (node, address) = start("allow: [ 127.0.0.1 ]").await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let cases: [(&[u8], u8); 8] = [
        (&[99], 1),
        (&[0x83, 0, 6, 0, 1], 1),
        (&[43, 13, 0], 1),
        // H23: the count of bytes is not that of the data.
        (&[16, 0, 0, 0, 2, 200, 0, 0, 0, 0], 3),
        (&[16, 0, 0, 0, 2, 4, 0, 0], 3),
        (&[3, 0, 0, 0xFF, 0xFF], 3),
        (&[3, 0xFF, 0xFF, 0, 2], 2),
        (&[3, 0, 6, 0, 1, 0, 0], 3),
    ];
    for (pdu, exception) in cases {
        let length = u8::try_from(pdu.len() + 1).unwrap();
        let mut frame = vec![7, 7, 0, 0, 0, length, 1];
        frame.extend(pdu);
        stream.write_all(&frame).await.unwrap();
        let wanted = [7, 7, 0, 0, 0, 3, 1, pdu[0] | 0x80, exception];
        assert_eq!(answer(&mut stream, wanted.len()).await, wanted, "{pdu:?}");
    }
    // H25: a unit that is not there; 0, which stands for the only one.
    let mut other = SOUND;
    other[6] = 77;
    stream.write_all(&other).await.unwrap();
    assert_eq!(
        answer(&mut stream, 9).await,
        [0, 9, 0, 0, 0, 3, 77, 0x83, 11]
    );
    other[6] = 0;
    stream.write_all(&other).await.unwrap();
    assert_eq!(answer(&mut stream, 11).await[6..], [0, 3, 2, 0xFF, 0xF9]);
    let series = "modbus_server_exceptions_total{server=\"scada\",code=\"illegal_data_value\"}";
    assert_eq!(counted(&node, series).await, 4);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_and_hasty_clients_are_served_and_those_that_stop_half_way_are_not() {
    let (node, address) = start("allow: [ 127.0.0.1 ]").await;
    // Byte by byte, each in a segment of its own.
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for byte in SOUND {
        stream.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(answer(&mut stream, 11).await, ANSWER);
    // A hundred requests at once: each is answered, in order.
    stream.write_all(&SOUND.repeat(100)).await.unwrap();
    assert_eq!(answer(&mut stream, 1100).await, ANSWER.repeat(100));
    // H24: half a frame, and then nothing.
    let begun = std::time::Instant::now();
    assert_eq!(said(address, &SOUND[..9], 1).await, b"");
    assert!(
        begun.elapsed() > Duration::from_secs(2),
        "it was given no time"
    );
    assert_eq!(refused(&node, "slow").await, 1);
    // Meanwhile nobody else waits for it.
    assert_eq!(said(address, &SOUND, 11).await, ANSWER);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_as_many_connections_as_may_be_and_only_from_where_they_may_come() {
    let (node, address) = start("allow: [ 127.0.0.1 ], maxConnections: 2").await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&SOUND).await.unwrap();
        assert_eq!(answer(&mut stream, 11).await, ANSWER);
        held.push(stream);
    }
    assert_eq!(said(address, &SOUND, 11).await, b"");
    assert_eq!(refused(&node, "connections").await, 1);
    // Whoever leaves makes room.
    held.pop();
    let mut served = false;
    while !served {
        served = said(address, &SOUND, 11).await == ANSWER;
    }
    node.stop().await;

    let (node, address) = start("allow: [ 10.0.0.0/8, 192.168.7.1 ]").await;
    assert_eq!(said(address, &SOUND, 11).await, b"");
    assert_eq!(refused(&node, "address").await, 1);
    let is_told = || {
        let audit = std::fs::read_to_string(node.data().join("audit.log")).ok()?;
        (audit.contains("modbus:scada") && audit.contains("address")).then_some(())
    };
    eventually("the refusal is in the audit", is_told).await;
    node.stop().await;
}

/// Resident memory of this process, node included, in bytes.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    let kilobytes = line.unwrap().split_whitespace().nth(1).unwrap();
    kilobytes.parse::<u64>().unwrap() * 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_does_no_harm() {
    let (node, address) = start("allow: [ 127.0.0.1 ]").await;
    let (before, mut seed) = (memory(), 0x2545_F491_4F6C_DD1D_u64);
    println!("seed {seed:#x}");
    let mut chance = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        u8::try_from(seed >> 56).unwrap()
    };
    for round in 0..150 {
        let mut bytes = Vec::new();
        for _ in 0..20 {
            let pdu: Vec<u8> = (0..=chance() % 40).map(|_| chance()).collect();
            if round % 2 == 0 {
                // A sound header, whatever is behind it: all of them are answered.
                let length = u8::try_from(pdu.len() + 1).unwrap();
                bytes.extend([chance(), chance(), 0, 0, 0, length, 1]);
            }
            bytes.extend(pdu);
        }
        let mut stream = TcpStream::connect(address).await.unwrap();
        drop(stream.write_all(&bytes).await);
        stream.shutdown().await.ok();
        let answered = answer(&mut stream, usize::MAX).await;
        assert!(round % 2 == 1 || answered.len() >= 20 * 9, "{bytes:?}");
    }
    assert_eq!(said(address, &SOUND, 11).await, ANSWER);
    let more = memory().saturating_sub(before);
    assert!(more < 64 << 20, "{more} bytes more");
    node.stop().await;
}
