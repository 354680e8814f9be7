//! Peers that mean harm or are broken: each costs the session and nothing else.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::device::{Memory, answered, around, frame_from, tag};
use crate::rig::{read, started};

/// What a peer does to a client.
#[derive(Clone, Copy, Debug)]
enum Harm {
    /// Instead of a session.
    First(&'static [u8]),
    /// Instead of the first answer to a read.
    Instead(&'static [u8]),
    /// An answer whose frame was changed.
    Frame(fn(&mut Vec<u8>)),
    /// An answer whose CIP message was changed.
    Message(fn(&mut Vec<u8>)),
    /// The answer, and one that nobody asked for, before the next question.
    Twice,
    /// One byte, now and then.
    Trickle,
    /// Nothing at all, from the beginning.
    Mute,
}

fn memory() -> Memory {
    let mut memory = Memory {
        room: 480,
        ..Memory::default()
    };
    memory.tags.insert("A".into(), tag(0xC3, 2, &[1, 0]));
    memory.tags.insert("B".into(), tag(0xC3, 2, &[2, 0]));
    memory
}

async fn harm(mut stream: TcpStream, harm: Harm) -> std::io::Result<()> {
    let register = frame_from(&mut stream).await?;
    match harm {
        Harm::First(bytes) => return stream.write_all(bytes).await,
        Harm::Mute => std::future::pending().await,
        _ => {
            stream
                .write_all(&answered(&register, &[1, 0, 0, 0]))
                .await?
        }
    }
    let request = frame_from(&mut stream).await?;
    // Behind the way to slot 0: ten bytes before the message, four after it.
    let mut message = memory().answer(&request[50..request.len() - 4]);
    if let Harm::Message(change) = harm {
        change(&mut message);
    }
    let mut answer = answered(&request, &around(&message));
    match harm {
        Harm::Instead(bytes) => stream.write_all(bytes).await?,
        Harm::Twice => stream.write_all(&[&answer[..], &answer].concat()).await?,
        Harm::Trickle => {
            let mut tick = tokio::time::interval(Duration::from_millis(100));
            for byte in answer {
                tick.tick().await;
                stream.write_all(&[byte]).await?;
            }
        }
        Harm::Frame(change) => {
            change(&mut answer);
            stream.write_all(&answer).await?;
        }
        _ => stream.write_all(&answer).await?,
    }
    // Whoever is not content with that may go.
    frame_from(&mut stream).await.map(drop)
}

async fn ends_with(what: Harm, good: usize) -> &'static str {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut peers = JoinSet::new();
    peers.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(harm(stream, what).await);
        }
    });
    let endpoints = vec![
        read(json!({ "tagName": "A", "tagType": "INT" })),
        read(json!({ "tagName": "B", "tagType": "INT" })),
    ];
    let mut rig = started(port, &json!({}), endpoints);
    let begun = Instant::now();
    let end = rig.ended().await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(4), "{what:?}");
    assert_eq!(rig.seen().good(0), good, "{what:?}");
    end.code()
}

#[tokio::test]
async fn peers_that_speak_something_else_are_left() {
    for bytes in [
        &b"HTTP/1.1 400 Bad Request\r\nServer: somebody\r\n\r\n"[..],
        &[
            0x65, 0, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ],
        // The answer to another request for a session.
        &[
            0x65, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ],
        &[0x65, 0, 4, 0, 1],
    ] {
        let code = ends_with(Harm::First(bytes), 0).await;
        assert_eq!(code, "invalid_answer", "{bytes:?}");
    }
    let mut full = [0; 24];
    (full[0], full[8], full[12]) = (0x65, 2, 1);
    let full: &'static [u8] = Box::leak(Box::new(full));
    assert_eq!(ends_with(Harm::First(full), 0).await, "session_refused");
    assert_eq!(ends_with(Harm::First(&[]), 0).await, "session_refused");
}

#[tokio::test]
async fn answers_that_contradict_themselves_are_not_believed() {
    let frames: [fn(&mut Vec<u8>); 8] = [
        |frame| frame[0] = 0x70,
        |frame| frame[2..4].fill(0xFF),
        |frame| frame[4] ^= 1,
        |frame| frame[12] ^= 1,
        |frame| frame[30] = 9,
        |frame| frame[32] = 0xA1,
        |frame| frame[36] = 0xB1,
        |frame| frame[38] ^= 1,
    ];
    for (index, change) in frames.into_iter().enumerate() {
        let code = ends_with(Harm::Frame(change), 0).await;
        assert_eq!(code, "invalid_answer", "frame {index}");
    }
    let messages: [fn(&mut Vec<u8>); 10] = [
        Vec::clear,
        |message| message.truncate(3),
        |message| message[0] = 0x0A,
        |message| message[0] = 0xCC,
        |message| message[3] = 200,
        |message| message[4] = 9,
        |message| message[6..8].fill(0xFF),
        |message| message[6..8].fill(0),
        |message| message.truncate(12),
        // An answer of the first tag that has no type any more.
        |message| message[8] = 12,
    ];
    for (index, change) in messages.into_iter().enumerate() {
        let code = ends_with(Harm::Message(change), 0).await;
        assert_eq!(code, "invalid_answer", "message {index}");
    }
}

#[tokio::test]
async fn nonsense_instead_of_an_answer_costs_the_session() {
    let cases: [(&[u8], &str); 3] = [
        (&[0xFF; 64], "invalid_answer"),
        (&[0x6F, 0, 4], "timeout"),
        (&[0; 24], "invalid_answer"),
    ];
    for (bytes, expected) in cases {
        assert_eq!(
            ends_with(Harm::Instead(bytes), 0).await,
            expected,
            "{bytes:?}"
        );
    }
    assert_eq!(ends_with(Harm::Trickle, 0).await, "timeout");
    assert_eq!(ends_with(Harm::Mute, 0).await, "connect_timeout");
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_is_never_taken_for_another() {
    assert_eq!(ends_with(Harm::Twice, 1).await, "invalid_answer");
}
