//! Peers that mean harm or are broken: each costs the session and nothing else.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::device::{Device, Memory, answered, frame_from};
use crate::rig::{read, started};

/// What a peer does to a client.
#[derive(Clone, Copy, Debug)]
enum Harm {
    /// Instead of the first answer.
    First(&'static [u8]),
    /// Instead of the first answer to a read.
    Instead(&'static [u8]),
    /// The first answer to a read, its frame changed.
    Frame(fn(&mut Vec<u8>)),
    /// The first answer to a request for several, its data changed.
    Several(fn(&mut Vec<u8>)),
    /// What is told about a symbol, changed.
    Info(fn(&mut Vec<u8>)),
    /// An answer and the same again, before the next question.
    Twice,
    /// One byte, now and then.
    Trickle,
    /// News without end.
    News,
    /// Nothing at all, from the beginning.
    Mute,
}

async fn harm(
    mut stream: TcpStream,
    harm: Harm,
    memory: &parking_lot::Mutex<Memory>,
) -> std::io::Result<()> {
    let mut is_first = true;
    loop {
        let request = frame_from(&mut stream).await?;
        if is_first {
            is_first = false;
            match harm {
                Harm::First(bytes) => return stream.write_all(bytes).await,
                Harm::Mute => std::future::pending().await,
                _ => {}
            }
            let state = memory.lock().answer(4, &[]);
            stream.write_all(&answered(&request, 0, &state)).await?;
            continue;
        }
        let group = crate::device::long(&request, 38);
        let mut data = memory.lock().answer(request[22], &request[38..]);
        match harm {
            Harm::Several(change) if group == 0xF080 => change(&mut data),
            Harm::Info(change) if matches!(group, 0xF009 | 0xF082) => change(&mut data),
            _ => {}
        }
        let mut answer = answered(&request, 0, &data);
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
            Harm::News => loop {
                answer[22] = 8;
                stream.write_all(&answer).await?;
            },
            Harm::Frame(change) => {
                change(&mut answer);
                stream.write_all(&answer).await?;
            }
            _ => stream.write_all(&answer).await?,
        }
    }
}

async fn ends_with(what: Harm) -> &'static str {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let device = Device::start().await;
    let mut peers = JoinSet::new();
    peers.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(harm(stream, what, &device.memory).await);
        }
    });
    let endpoints = vec![
        read(json!({ "symbolName": "MAIN.fSpeed" })),
        read(json!({ "symbolName": "MAIN.nSetpoint" })),
    ];
    let mut rig = started(port, &json!({}), endpoints);
    let begun = Instant::now();
    let end = rig.ended().await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(4), "{what:?}");
    assert_eq!(rig.seen().good(0), 0, "{what:?}");
    end.code()
}

#[tokio::test]
async fn peers_that_speak_something_else_are_left() {
    for bytes in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        &[0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3],
        &[0, 0, 31, 0, 0, 0],
        &[0, 0, 32, 0, 0, 0, 1, 2, 3],
        &[0; 38],
    ] {
        assert_eq!(
            ends_with(Harm::First(bytes)).await,
            "invalid_answer",
            "{bytes:?}"
        );
    }
    assert_eq!(ends_with(Harm::First(&[])).await, "route_missing");
    assert_eq!(ends_with(Harm::Mute).await, "connect_timeout");
}

#[tokio::test]
async fn answers_that_contradict_themselves_are_not_believed() {
    let frames: [fn(&mut Vec<u8>); 7] = [
        |frame| frame[1] = 1,
        |frame| frame[4] = 0xFF,
        |frame| frame[22] = 3,
        |frame| frame[24] = 4,
        |frame| frame[26] ^= 1,
        |frame| frame[34] ^= 1,
        |frame| frame[42] = 0xFF,
    ];
    for (index, change) in frames.into_iter().enumerate() {
        assert_eq!(
            ends_with(Harm::Frame(change)).await,
            "invalid_answer",
            "frame {index}"
        );
    }
    let several: [fn(&mut Vec<u8>); 5] = [
        Vec::clear,
        |data| data[4] ^= 1,
        |data| data.truncate(9),
        |data| data.push(0),
        |data| {
            // Consistent in itself, and longer than what was asked for.
            data.extend([0; 8]);
            let length = u32::try_from(data.len() - 8).unwrap();
            data[4..8].copy_from_slice(&length.to_le_bytes());
        },
    ];
    for (index, change) in several.into_iter().enumerate() {
        assert_eq!(
            ends_with(Harm::Several(change)).await,
            "invalid_answer",
            "several {index}"
        );
    }
    let infos: [fn(&mut Vec<u8>); 4] = [
        |data| data[12..16].fill(0xFF),
        |data| data[24..28].fill(0),
        |data| data[24 + 24..24 + 26].fill(0xFF),
        |data| data.truncate(30),
    ];
    for (index, change) in infos.into_iter().enumerate() {
        assert_eq!(
            ends_with(Harm::Info(change)).await,
            "invalid_answer",
            "info {index}"
        );
    }
}

#[tokio::test]
async fn nonsense_instead_of_an_answer_costs_the_session() {
    assert_eq!(
        ends_with(Harm::Instead(&[0xFF; 64])).await,
        "invalid_answer"
    );
    assert_eq!(ends_with(Harm::Instead(&[0, 0, 64, 0])).await, "timeout");
    assert_eq!(ends_with(Harm::Trickle).await, "timeout");
    assert_eq!(ends_with(Harm::News).await, "invalid_answer");
    assert_eq!(ends_with(Harm::Twice).await, "invalid_answer");
}

#[tokio::test]
async fn news_of_somebody_elses_subscription_do_no_harm() {
    let device = Device::start().await;
    device.memory.lock().news = 3;
    let endpoints = vec![read(json!({ "symbolName": "MAIN.fSpeed" }))];
    let mut rig = started(device.port(), &json!({}), endpoints);
    let seen = rig.until("values", |seen| seen.good(0) > 3).await;
    assert_eq!(seen.online, 1);
}
