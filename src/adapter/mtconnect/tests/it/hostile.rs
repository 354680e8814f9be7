//! Adapters and agents that are broken, slow, or mean harm.

use mainstem_adapter::SessionEnd;
use mainstem_model::Value;
use serde_json::json;

use crate::rig::{Rig, agent, count, read, shdr};
use crate::scripted::{Scripted, answer, document, stream};

const SOUND: &str = "2026-02-28T23:59:58Z|x|1.5\n";

/// A session with an adapter that says this; one number must still arrive behind it.
async fn survives(said: &[u8], step: usize) -> Rig {
    let all = [b"* PONG 60000\n", said, b"\n", SOUND.as_bytes()].concat();
    let peer = Scripted::saying(all, false, step).await;
    let mut rig = shdr(peer.port, &json!({}), vec![read("x", "sample")]);
    let sound = Value::F64(1.5);
    rig.until("the number", |seen| seen.value(0) == Some(&sound))
        .await;
    rig.stopped().await;
    rig
}

#[tokio::test]
async fn lines_of_no_sense_are_counted_and_left_out() {
    let said = b"hello\n\xFF\xFE\xFD\n||\n|\n2026|x\nx|\n|x|1|y\n* what\n@@|@@\n\x00\x00\n";
    let rig = survives(said, 4096).await;
    assert!(
        count(&rig, "malformed") >= 5,
        "{:?}",
        rig.statistics.snapshot().errors
    );
}

#[tokio::test]
async fn a_line_without_an_end_is_left_out() {
    let rig = survives(&[b'x'; 2_000_000], 16 * 1024).await;
    assert_eq!(count(&rig, "line_too_long"), 1);
}

#[tokio::test]
async fn lines_may_come_byte_by_byte() {
    survives(b"2026-02-28T23:59:58Z|other|1|x|7\n", 1).await;
}

#[tokio::test]
async fn values_of_another_type_are_bad_and_others_are_not() {
    let rig = survives(b"2026-02-28T23:59:58Z|x|fast\nnever|x|\n", 4096).await;
    assert!(count(&rig, "unexpected_value") >= 2);
}

#[tokio::test]
async fn an_adapter_that_asks_for_a_sign_of_life_each_microsecond_is_asked_less_often() {
    let rig = survives(b"* PONG 0\n* PONG 99999999999999999999\n* PONG -1\n", 4096).await;
    assert_eq!(count(&rig, "malformed"), 0);
}

#[tokio::test]
async fn an_adapter_that_says_nothing_is_given_up() {
    let peer = Scripted::saying(b"half a line".to_vec(), false, 4096).await;
    let mut rig = shdr(
        peer.port,
        &json!({ "timeout": 300 }),
        vec![read("x", "sample")],
    );
    assert_eq!(rig.ended().await.unwrap_err().code(), "no_first_line");
    assert_eq!(rig.seen().online, 0);
}

#[tokio::test]
async fn something_that_speaks_no_shdr_is_given_up() {
    let peer = Scripted::saying(b"220 mail.example ESMTP\r\n".repeat(200), false, 4096).await;
    let mut rig = shdr(peer.port, &json!({}), vec![read("x", "sample")]);
    assert_eq!(rig.ended().await.unwrap_err().code(), "invalid_answer");
    assert_eq!(rig.seen().online, 0);
}

#[tokio::test]
async fn an_adapter_that_never_stops_talking_can_be_stopped() {
    let peer = Scripted::saying(SOUND.repeat(100).into_bytes(), true, 8192).await;
    let mut rig = shdr(peer.port, &json!({}), vec![read("x", "sample")]);
    rig.until("many", |seen| seen.good(0) > 10_000).await;
    rig.stopped().await;
}

fn current() -> String {
    document(1, 1, 5, &[(4, "1.5")])
}

/// A session with an agent whose stream is this, until it ends by itself.
async fn ends(sample: Vec<u8>) -> (Rig, SessionEnd) {
    let peer = Scripted::agent(move |path| match path.starts_with("/current") {
        true => answer(&current()),
        false => sample.clone(),
    })
    .await;
    let options = json!({ "timeout": 300, "heartbeat": 100, "interval": 10 });
    let mut rig = agent(peer.port, &options, vec![read("x", "sample")]);
    let end = rig.ended().await.unwrap_err();
    assert_eq!(rig.seen().value(0), Some(&Value::F64(1.5)));
    (rig, end)
}

#[tokio::test]
async fn streams_of_no_sense_end_the_session() {
    let long = "HTTP/1.1 200 OK\r\nContent-Type: multipart/mixed;boundary=b\r\n\r\n--b\r\n\
        Content-length: 99999999999\r\n\r\n";
    let rows: [(&str, Vec<u8>); 5] = [
        ("no stream", answer(&current())),
        ("no document", stream(&["<html/>".to_owned()])),
        ("half", stream(&["<MTConnectStreams>".to_owned()])),
        ("long", long.into()),
        (
            "bomb",
            stream(&["<!DOCTYPE a [<!ENTITY b \"c\">]><MTConnectStreams/>".to_owned()]),
        ),
    ];
    for (what, bytes) in rows {
        let (_, end) = ends(bytes).await;
        assert_eq!(end.code(), "invalid_answer", "{what}: {end:?}");
    }
}

#[tokio::test]
async fn a_stream_that_falls_silent_is_given_up() {
    let part = document(1, 1, 6, &[(5, "2.5")]);
    let peer = Scripted::agent(move |path| match path.starts_with("/current") {
        true => answer(&current()),
        false => stream(std::slice::from_ref(&part)),
    })
    .await;
    let options = json!({ "timeout": 300, "heartbeat": 100, "interval": 10 });
    let mut rig = agent(peer.port, &options, vec![read("x", "sample")]);
    let end = rig.ended().await.unwrap_err();
    assert_eq!(
        (end.code(), rig.seen().value(0)),
        ("timeout", Some(&Value::F64(2.5)))
    );
}

#[tokio::test]
async fn gaps_and_repetitions_within_a_stream_are_told() {
    let parts = [
        document(1, 1, 6, &[(5, "2.5")]),
        // What was told already, and one more.
        document(1, 1, 7, &[(4, "666"), (5, "666"), (6, "3.5")]),
        // The agent has thrown away what comes next.
        document(1, 20, 22, &[(20, "4.5"), (21, "5.5")]),
    ];
    let (rig, end) = ends_at(stream(&parts), 5.5).await;
    assert_eq!(end.code(), "timeout");
    assert_eq!((count(&rig, "gap"), count(&rig, "told_twice")), (1, 1));
    // The present state, and then each one once.
    assert_eq!(rig.seen().good(0), 5);
}

async fn ends_at(sample: Vec<u8>, value: f64) -> (Rig, SessionEnd) {
    let peer = Scripted::agent(move |path| match path.starts_with("/current") {
        true => answer(&current()),
        false => sample.clone(),
    })
    .await;
    let options = json!({ "timeout": 300, "heartbeat": 100, "interval": 10 });
    let mut rig = agent(peer.port, &options, vec![read("x", "sample")]);
    let end = rig.ended().await.unwrap_err();
    assert_eq!(rig.seen().value(0), Some(&Value::F64(value)));
    (rig, end)
}

#[tokio::test]
async fn another_instance_within_a_stream_is_read_anew() {
    let part = document(2, 1, 6, &[(5, "666")]);
    let peer = Scripted::agent(move |path| match path.starts_with("/current") {
        true => answer(&current()),
        false => stream(std::slice::from_ref(&part)),
    })
    .await;
    let options = json!({ "timeout": 300, "heartbeat": 100, "interval": 10 });
    let mut rig = agent(peer.port, &options, vec![read("x", "sample")]);
    let seen = rig.until("the state again", |seen| seen.good(0) > 1).await;
    assert_eq!((seen.value(0), seen.online), (Some(&Value::F64(1.5)), 1));
    assert!(count(&rig, "agent_restarted") > 0);
    rig.stopped().await;
}

#[tokio::test]
async fn a_login_before_an_agent_is_said() {
    let peer =
        Scripted::agent(|_| b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n".to_vec())
            .await;
    let mut rig = agent(peer.port, &json!({}), vec![read("x", "sample")]);
    assert_eq!(rig.ended().await.unwrap_err().code(), "http_refused");
}

#[tokio::test]
async fn a_document_without_end_is_cut() {
    let peer = Scripted::agent(|_| {
        let mut bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 99000000\r\n\r\n".to_vec();
        bytes.resize(20_000_000, b' ');
        bytes
    })
    .await;
    let mut rig = agent(
        peer.port,
        &json!({ "timeout": 20_000 }),
        vec![read("x", "sample")],
    );
    assert_eq!(rig.ended().await.unwrap_err().code(), "invalid_answer");
}
