//! Peers that are no decent devices: the session ends with a clear word, and nothing panics.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mainstem_adapter::{SessionEnd, WriteAnswer};
use mainstem_model::{Access, Value};
use parking_lot::Mutex;
use serde_json::json;
use tokio::net::TcpListener;

use crate::device::{Device, Peer};
use crate::rig::{endpoint, eventually, read, started};

/// A sound answer to a read of one register that holds 7.
fn sound(request: &[u8]) -> Vec<u8> {
    vec![
        request[0], request[1], 0, 0, 0, 5, request[6], request[7], 2, 0, 7,
    ]
}

async fn end_with(
    reply: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync + 'static,
) -> (&'static str, String) {
    let peer = Peer::new(reply).await;
    let endpoints = vec![read(json!({ "fc": 3, "address": 0 }))];
    let mut rig = started(peer.port, &json!({}), endpoints);
    let end = rig.ended().await.unwrap_err();
    assert!(matches!(end, SessionEnd::Lost { .. }), "{end:?}");
    assert!(
        end.to_string()
            .contains(&format!("127.0.0.1:{}", peer.port)),
        "{end}"
    );
    assert_eq!(rig.seen().good(0), 0);
    (end.code(), end.to_string())
}

async fn invalid(reply: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync + 'static, word: &str) {
    let (code, message) = end_with(reply).await;
    assert_eq!(code, "invalid_answer", "{message}");
    assert!(message.contains(word), "{word:?} is missing: {message}");
}

#[tokio::test]
async fn the_sound_answer_of_these_tests_is_sound() {
    let peer = Peer::new(|request| Some(sound(request))).await;
    let endpoints = vec![read(json!({ "fc": 3, "address": 0 }))];
    let mut rig = started(peer.port, &json!({}), endpoints);
    let seen = rig.until("a value", |seen| seen.good(0) > 1).await;
    assert_eq!(seen.value(0), Some(&Value::UInt(7)));
}

#[tokio::test]
async fn garbage_is_no_answer() {
    invalid(
        |_| Some(b"HTTP/1.1 400 Bad Request\r\n\r\n".repeat(900)),
        "no Modbus TCP frame",
    )
    .await;
    invalid(|_| Some(vec![0; 64]), "no Modbus TCP frame").await;
}

#[tokio::test]
async fn wrong_headers_are_no_answer() {
    let changed = |at: usize| {
        move |request: &[u8]| {
            let mut bytes = sound(request);
            bytes[at] ^= 1;
            Some(bytes)
        }
    };
    invalid(changed(1), "another request").await;
    invalid(changed(3), "no Modbus TCP frame").await;
    invalid(changed(6), "another request").await;
    invalid(changed(7), "another function code").await;
}

#[tokio::test]
async fn wrong_lengths_are_no_answer() {
    let header = |request: &[u8], length: [u8; 2]| {
        vec![
            request[0], request[1], 0, 0, length[0], length[1], request[6],
        ]
    };
    // MBAP length 0, and 1: a unit without a function code.
    invalid(
        move |request| Some(header(request, [0, 0])),
        "no Modbus TCP frame",
    )
    .await;
    invalid(move |request| Some(header(request, [0, 1])), "too short").await;
    // The byte count says more than there is, then less than was asked for.
    let count = move |count: u8, length: u8, data: &'static [u8]| {
        move |request: &[u8]| {
            let mut bytes = header(request, [0, length]);
            bytes.extend([3, count]);
            bytes.extend(data);
            Some(bytes)
        }
    };
    invalid(count(4, 5, &[0, 7]), "too short").await;
    invalid(
        count(4, 7, &[0, 7, 0, 8]),
        "1 registers were asked for, 2 arrived",
    )
    .await;
    invalid(count(0, 3, &[]), "1 registers were asked for, 0 arrived").await;
    invalid(count(1, 4, &[7]), "no Modbus TCP frame").await;
}

#[tokio::test]
async fn a_frame_of_65535_bytes_that_never_comes_ends_by_time() {
    let (code, _) = end_with(|request| {
        Some(vec![
            request[0], request[1], 0, 0, 0xFF, 0xFF, request[6], 3, 2, 0, 7,
        ])
    })
    .await;
    assert_eq!(code, "timeout");
}

#[tokio::test]
async fn half_a_frame_and_silence_or_a_close() {
    let (code, _) = end_with(|request| Some(sound(request)[..8].to_vec())).await;
    assert_eq!(code, "timeout");
    let (code, message) = end_with(|_| None).await;
    assert_eq!(code, "connection_closed");
    assert!(message.contains("closed"), "{message}");
}

#[tokio::test]
async fn a_silent_peer_ends_the_session_in_time_and_never_was_online() {
    let begun = Instant::now();
    let (code, message) = end_with(|_| Some(Vec::new())).await;
    assert_eq!(code, "timeout");
    assert!(
        message.contains("unit 1 does not answer within 300ms"),
        "{message}"
    );
    assert!(begun.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_late_answer_is_never_taken_for_the_next_one() {
    // The first answer of each connection is sound, the second comes one request too late.
    let late = Arc::new(Mutex::new((0, Vec::new())));
    let peer = Peer::new(move |request| {
        let mut late = late.lock();
        late.0 += 1;
        if late.0 == 2 {
            late.1 = sound(request);
            return Some(Vec::new());
        }
        let mut bytes = std::mem::take(&mut late.1);
        bytes.extend(sound(request));
        Some(bytes)
    })
    .await;
    let endpoints = vec![read(json!({ "fc": 3, "address": 0 }))];
    let mut rig = started(peer.port, &json!({}), endpoints);
    // The answer held back goes out with the third request, on a connection that never asked for
    // it: this is seen and ends the session, no value comes of it.
    let end = rig.ended().await.unwrap_err();
    assert_eq!(end.code(), "invalid_answer");
    assert_eq!(rig.seen().good(0), 1);
}

#[tokio::test]
async fn an_answer_that_confirms_another_write_leaves_the_outcome_unknown() {
    // It answers to function code 6 as if another value or address had been meant.
    for at in [9, 11] {
        let peer = Peer::new(move |request| {
            let mut bytes = request.to_vec();
            bytes[at] ^= 1;
            Some(bytes)
        })
        .await;
        let operation = json!({ "fc": 6, "address": 4 });
        let endpoints = vec![endpoint(Access::Write, operation)];
        let mut rig = started(peer.port, &json!({}), endpoints);
        let answer = rig.written(0, Value::UInt(7)).await;
        assert!(matches!(answer, WriteAnswer::Unknown { .. }), "{answer:?}");
        assert_eq!(rig.ended().await.unwrap_err().code(), "invalid_answer");
    }
}

#[tokio::test]
async fn a_connection_closed_while_idle_is_opened_again_unnoticed() {
    // One answer per connection, then it is closed.
    let asked = Mutex::new(0);
    let peer = Peer::new(move |request| {
        let mut asked = asked.lock();
        *asked += 1;
        (*asked % 2 == 1).then(|| sound(request))
    })
    .await;
    let endpoints = vec![read(json!({ "fc": 3, "address": 0 }))];
    let mut rig = started(peer.port, &json!({}), endpoints);
    let seen = rig.until("five values", |seen| seen.good(0) > 4).await;
    assert_eq!(seen.online, 1);
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mut rig = started(port, &json!({}), vec![]);
    let end = rig.ended().await.unwrap_err();
    assert_eq!(end.code(), "connection_refused");
    assert!(end.to_string().contains("check the port"), "{end}");
}

#[tokio::test]
async fn a_name_that_nobody_knows() {
    let options = json!({ "host": "plc.invalid", "socketTimeout": 10_000 });
    let mut rig = started(502, &options, vec![]);
    let end = rig.ended().await.unwrap_err();
    assert_eq!(end.code(), "host_not_found", "{end}");
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_pending_request() {
    let device = Device::with(0..4).await;
    device.plc.lock().silent.insert(1);
    let endpoints = vec![read(json!({ "fc": 3, "address": 0 }))];
    let mut rig = started(device.port, &json!({ "socketTimeout": 60_000 }), endpoints);
    eventually("a request is pending", || !device.reads(1).is_empty()).await;
    assert!(rig.stopped().await < Duration::from_millis(500));
}
