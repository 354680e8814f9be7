//! Brokers that misbehave: each is given up with a word, and costs neither memory nor others' time.

use std::time::Duration;

use mainstem_adapter::conformance::{Observed, Rig};
use mainstem_adapter_kafka::KIND;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

use crate::peer::{PATIENCE, reads, spec};

/// What a broker does with the first request on each connection.
#[derive(Clone, Copy)]
enum Vice {
    /// These bytes, and then nothing.
    Says(&'static [u8]),
    /// An answer with the right number and this behind it.
    Answers(&'static [u8]),
    /// The same, a byte at a time, slower than is borne.
    Slowly(&'static [u8]),
    Hangs,
    Closes,
}

async fn meet(mut stream: TcpStream, vice: Vice) -> std::io::Result<()> {
    let length = stream.read_i32().await?;
    let mut request = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut request).await?;
    let number = &request[4..8];
    match vice {
        Vice::Says(bytes) => stream.write_all(bytes).await?,
        Vice::Answers(body) => {
            stream
                .write_i32(i32::try_from(4 + body.len()).unwrap())
                .await?;
            stream.write_all(number).await?;
            stream.write_all(body).await?;
        }
        Vice::Slowly(body) => {
            stream
                .write_i32(i32::try_from(4 + body.len()).unwrap())
                .await?;
            for byte in number.iter().chain(body) {
                stream.write_all(&[*byte]).await?;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        Vice::Closes => return Ok(()),
        Vice::Hangs => {}
    }
    // Until the other side has enough.
    stream.read_to_end(&mut request).await.map(drop)
}

async fn broker(vice: Vice) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    TaskTracker::new().spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            TaskTracker::new().spawn(meet(stream, vice));
        }
    });
    port
}

/// A list with more items than there are bytes, behind a throttle time.
const ENDLESS_LIST: &[u8] = &[0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff];
/// One broker, whose name is no text.
const BAD_TEXT: &[u8] = &[
    0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 2, 0xff, 0xfe, 0, 0, 0, 1,
];

#[tokio::test]
async fn each_vice_has_its_word() {
    for (vice, code) in [
        (Vice::Says(&[0x7f, 0xff, 0xff, 0xff, 0]), "malformed"),
        (Vice::Says(&[0xff, 0xff, 0xff, 0xff]), "malformed"),
        (Vice::Says(&[0, 0, 0, 0]), "malformed"),
        (Vice::Says(&[0, 0, 0, 4, 9, 9, 9, 9]), "malformed"),
        (Vice::Says(&[0, 0, 0, 100, 0, 0]), "timeout"),
        (Vice::Answers(&[]), "malformed"),
        (Vice::Answers(ENDLESS_LIST), "malformed"),
        (Vice::Answers(BAD_TEXT), "malformed"),
        (Vice::Slowly(&[0; 40]), "timeout"),
        (Vice::Hangs, "timeout"),
        (Vice::Closes, "connection_broke"),
    ] {
        let folder = TempDir::new().unwrap();
        let connection = json!({
            "brokers": [format!("127.0.0.1:{}", broker(vice).await)], "requestTimeoutMs": 300,
        });
        let endpoints = vec![reads("pressure", "f64", "press", "/pressure")];
        let rig = Rig::start(KIND, spec(connection, endpoints, &folder));
        let is_told = |seen: &Observed| {
            let standing = seen.standings.last()?;
            (standing.cause.as_ref()?.code == code).then_some(())
        };
        rig.witness.until(code, PATIENCE, is_told).await;
        rig.runner.stop().await;
    }
}

#[tokio::test]
async fn a_second_broker_is_asked_where_the_first_is_bad() {
    let Some(peer) = crate::peer::Peer::start(&["press"]) else {
        return;
    };
    peer.produce("press", r#"{"pressure":4.5}"#);
    let bad = broker(Vice::Answers(ENDLESS_LIST)).await;
    let mut spec = peer.spec(vec![reads("pressure", "f64", "press", "/pressure")]);
    spec.connection["brokers"] = json!([format!("127.0.0.1:{bad}"), peer.address]);
    let rig = Rig::start(KIND, spec);
    let is_good = |seen: &Observed| seen.value("pressure").map(drop);
    rig.witness.until("the value", PATIENCE, is_good).await;
    rig.runner.stop().await;
}
