//! Peers that mean harm or are broken: each costs the session and nothing else.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::device::{CONFIRM, Memory, answered, frame_from, framed};
use crate::rig::{read, started};

/// What a peer does to a client.
#[derive(Clone, Copy, Debug)]
enum Harm {
    /// Before anything was agreed.
    First(&'static [u8]),
    /// Instead of the first answer to a read.
    Instead(&'static [u8]),
    /// An answer whose PDU was changed.
    Changed(fn(&mut Vec<u8>)),
    /// One byte, now and then.
    Trickle,
    /// Frames without content and without end.
    Hollow,
    /// Nothing at all, from the beginning.
    Mute,
}

async fn harm(mut stream: TcpStream, harm: Harm) -> std::io::Result<()> {
    frame_from(&mut stream).await?;
    match harm {
        Harm::First(bytes) => return stream.write_all(bytes).await,
        Harm::Mute => std::future::pending().await,
        _ => stream.write_all(&framed(CONFIRM)).await?,
    }
    let mut memory = Memory {
        pdu: 240,
        ..Memory::default()
    };
    memory.areas.insert((0x84, 1), vec![0; 64]);
    let setup = frame_from(&mut stream).await?;
    let answer = memory.answer(&setup[3..]).unwrap();
    stream
        .write_all(&framed(&[&[2, 0xF0, 0x80], &answer[..]].concat()))
        .await?;
    let request = frame_from(&mut stream).await?;
    let mut answer = memory.answer(&request[3..]).unwrap();
    match harm {
        Harm::Instead(bytes) => stream.write_all(bytes).await?,
        Harm::Changed(change) => {
            change(&mut answer);
            stream
                .write_all(&framed(&[&[2, 0xF0, 0x80], &answer[..]].concat()))
                .await?;
        }
        Harm::Trickle => {
            let frame = framed(&[&[2, 0xF0, 0x80], &answer[..]].concat());
            let mut tick = tokio::time::interval(Duration::from_millis(100));
            for byte in frame {
                tick.tick().await;
                stream.write_all(&[byte]).await?;
            }
        }
        _ => loop {
            stream.write_all(&framed(&[2, 0xF0, 0])).await?;
        },
    }
    // Whoever is not content with that may go.
    frame_from(&mut stream).await.map(drop)
}

async fn ends_with(what: Harm) -> &'static str {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut peers = JoinSet::new();
    peers.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(harm(stream, what).await);
        }
    });
    let endpoints = vec![
        read(json!({ "address": "DB1.DBW0" })),
        read(json!({ "address": "DB1.DBW60" })),
    ];
    let mut rig = started(port, &json!({}), endpoints);
    let begun = Instant::now();
    let end = rig.ended().await.unwrap_err();
    assert!(
        begun.elapsed() < Duration::from_secs(4),
        "{what:?}: {:?}",
        begun.elapsed()
    );
    assert_eq!(rig.seen().good(0), 0, "{what:?}");
    end.code()
}

#[tokio::test]
async fn peers_that_speak_something_else_are_left() {
    for bytes in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        &[3, 0, 0xFF, 0xFF, 1, 2, 3],
        &[3, 0, 0, 0],
        &[3, 0, 0, 7, 2, 0xF0, 0x80],
        &[3, 0, 0, 8, 0xFF, 0xD0, 0, 0],
        &[3, 0, 0, 22, 0x11, 0xD0],
    ] {
        assert_eq!(
            ends_with(Harm::First(bytes)).await,
            "invalid_answer",
            "{bytes:?}"
        );
    }
    let disconnect = &[3, 0, 0, 11, 6, 0x80, 0, 0, 0, 0, 1];
    assert_eq!(
        ends_with(Harm::First(disconnect)).await,
        "s7_connection_refused"
    );
    assert_eq!(ends_with(Harm::First(&[])).await, "s7_connection_refused");
}

#[tokio::test]
async fn answers_that_contradict_themselves_are_not_believed() {
    let changes: [fn(&mut Vec<u8>); 8] = [
        |pdu| pdu[5] ^= 1,
        |pdu| pdu[0] = 0x72,
        |pdu| pdu[1] = 7,
        |pdu| pdu[7] = 200,
        |pdu| pdu[9] += 1,
        |pdu| pdu[13] = 9,
        |pdu| pdu[16] = 0xFF,
        |pdu| pdu.truncate(20),
    ];
    for change in changes {
        assert_eq!(ends_with(Harm::Changed(change)).await, "invalid_answer");
    }
    for bytes in [
        &b"garbage and more garbage"[..],
        &[3, 0, 4, 8, 2, 0xF0, 0x80],
        &[3, 0, 0, 30, 2],
    ] {
        let code = ends_with(Harm::Instead(bytes)).await;
        assert!(
            ["invalid_answer", "timeout"].contains(&code),
            "{bytes:?}: {code}"
        );
    }
}

#[tokio::test]
async fn slow_hollow_and_mute_peers_cost_a_timeout() {
    assert_eq!(ends_with(Harm::Trickle).await, "timeout");
    assert_eq!(ends_with(Harm::Hollow).await, "invalid_answer");
    assert_eq!(ends_with(Harm::Mute).await, "connect_timeout");
}

#[tokio::test]
async fn a_pdu_that_leaves_no_room_is_refused() {
    for granted in [0u16, 20, 961, 65_535] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut peers = JoinSet::new();
        peers.spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            frame_from(&mut stream).await.unwrap();
            stream.write_all(&framed(CONFIRM)).await.unwrap();
            let setup = frame_from(&mut stream).await.unwrap();
            let [high, low] = granted.to_be_bytes();
            let parameters = [0xF0, 0, 0, 1, 0, 1, high, low];
            let answer = answered(&setup[3..], (0, 0), &parameters, &[]);
            let frame = framed(&[&[2, 0xF0, 0x80], &answer[..]].concat());
            stream.write_all(&frame).await.unwrap();
            drop(frame_from(&mut stream).await);
        });
        let mut rig = started(port, &json!({}), vec![read(json!({ "address": "MB0" }))]);
        assert_eq!(
            rig.ended().await.unwrap_err().code(),
            "invalid_answer",
            "{granted}"
        );
    }
}
