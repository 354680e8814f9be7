//! Devices that are broken, slow, or mean harm: a refusal and a count, and never somebody else's
//! time.

use std::time::{Duration, Instant};

use mainstem_adapter::{SessionEnd, WriteAnswer};
use mainstem_model::{Access, Reason, Value};
use serde_json::{Value as Json, json};
use tokio::net::UdpSocket;

use crate::rig::{Rig, endpoint, read, started};
use crate::scripted::{Asked, Scripted, wrap};

fn analog() -> Json {
    json!({ "objectType": "analog-input", "objectInstance": 1 })
}

/// One property a request, no flags, so that a script is short.
fn plain() -> Json {
    json!({ "maxBatch": 1, "statusFlags": false, "timeout": 200, "retries": 1 })
}

fn count(rig: &Rig, code: &str) -> u64 {
    let errors = rig.statistics.snapshot().errors;
    errors.get(code).copied().unwrap_or_default()
}

/// A session against a script, until the value has come some times.
async fn reads_well(script: impl Fn(&Asked) -> Vec<Vec<u8>> + Send + Sync + 'static) -> Rig {
    let device = Scripted::start(script).await;
    let mut rig = started(device.port, &plain(), vec![read(analog())]);
    let seen = rig.until("values", |seen| seen.good(0) > 5).await;
    assert_eq!(seen.value(0), Some(&Value::F32(20.5)));
    assert_eq!(seen.online, 1);
    rig.stopped().await;
    rig
}

/// A session against a script that ends by itself; how it ended, and what was counted.
async fn is_lost(script: impl Fn(&Asked) -> Vec<Vec<u8>> + Send + Sync + 'static) -> Rig {
    let device = Scripted::start(script).await;
    let mut rig = started(device.port, &plain(), vec![read(analog())]);
    let end = rig.ended().await.unwrap_err();
    assert_eq!(end.code(), "timeout", "{end:?}");
    rig
}

#[tokio::test]
async fn a_device_that_never_answers_is_given_up() {
    let rig = is_lost(|_| Vec::new()).await;
    assert_eq!(count(&rig, "no_answer"), 2);
}

#[tokio::test]
async fn an_answer_that_was_lost_is_asked_for_again() {
    let rig = reads_well(|asked| match asked.number % 2 {
        0 => Vec::new(),
        _ => asked.well(),
    })
    .await;
    assert!(count(&rig, "no_answer") > 5);
}

#[tokio::test]
async fn answers_to_other_questions_are_counted_and_not_believed() {
    let rig = reads_well(|asked| {
        let mut wrong = asked.clone();
        wrong.invoke = asked.invoke.wrapping_sub(1);
        let mut all = vec![wrong.real(666.0)];
        all.extend(asked.well());
        all
    })
    .await;
    assert!(count(&rig, "late_answer") > 5);
}

#[tokio::test]
async fn an_answer_of_another_service_or_object_is_nonsense() {
    let device = Scripted::start(|asked| match asked.is_first() {
        true => asked.well(),
        // The right number and another service; then another object.
        false if asked.number % 2 == 0 => vec![wrap(&[0x20, asked.invoke, 15])],
        false => {
            let mut other = asked.clone();
            other.body[4] ^= 1;
            vec![other.real(666.0)]
        }
    })
    .await;
    let mut rig = started(device.port, &plain(), vec![read(analog())]);
    let bad = |seen: &crate::rig::Seen| seen.failed.get(&0).copied().unwrap_or_default() > 4;
    let seen = rig.until("refusals", bad).await;
    assert_eq!(seen.reason(0), Some(Reason::DeviceError));
    assert_eq!((seen.good(0), seen.online), (0, 1));
    assert!(count(&rig, "foreign_answer") > 0 && count(&rig, "invalid_answer") > 0);
    rig.stopped().await;
}

#[tokio::test]
async fn every_part_of_an_answer_is_no_answer() {
    // Each answer is cut at another place, and whole only in the end.
    let rig = is_lost(|asked| match asked.is_first() {
        true => asked.well(),
        false => {
            let whole = asked.real(20.5);
            (0..whole.len()).map(|end| whole[..end].to_vec()).collect()
        }
    })
    .await;
    assert!(count(&rig, "malformed") > 30);
}

#[tokio::test]
async fn shortened_messages_in_sound_headers_are_refused() {
    let device = Scripted::start(|asked| match asked.is_first() {
        true => asked.well(),
        false => {
            let whole = asked.real(20.5);
            let apdu = &whole[6..];
            let end = 3 + asked.number % (apdu.len() - 3);
            vec![wrap(&apdu[..end])]
        }
    })
    .await;
    let mut rig = started(device.port, &plain(), vec![read(analog())]);
    let bad = |seen: &crate::rig::Seen| seen.failed.get(&0).copied().unwrap_or_default() > 30;
    let seen = rig.until("refusals", bad).await;
    assert_eq!((seen.good(0), seen.online), (0, 1));
    rig.stopped().await;
}

#[tokio::test]
async fn datagrams_that_are_too_long_are_dropped() {
    let rig = reads_well(|asked| {
        let mut long = vec![0x30, asked.invoke, asked.service];
        long.resize(9_000, 0);
        let mut all = vec![wrap(&long), vec![0x81; 60_000]];
        all.extend(asked.well());
        all
    })
    .await;
    assert!(count(&rig, "malformed") > 10);
}

#[tokio::test]
async fn what_nobody_asked_for_does_no_harm() {
    let rig = reads_well(|asked| {
        let mut all = Vec::new();
        for _ in 0..20 {
            // Changes that nobody has subscribed to, with and without a wish for a receipt, an
            // I-Am, a question, a piece of nothing, and a receipt for a piece.
            all.push(wrap(&[0x10, 2, 9, 1]));
            all.push(wrap(&[0x00, 5, 77, 1, 9, 1]));
            all.push(wrap(&[0x10, 0, 0xC4, 2, 0, 0, 1]));
            all.push(wrap(&[0x00, 5, 78, 12]));
            all.push(wrap(&[0x3C, 200, 0, 4, 12, 1, 2, 3]));
            all.push(wrap(&[0x40, 200, 0, 4]));
        }
        all.extend(asked.well());
        all
    })
    .await;
    assert!(count(&rig, "malformed") > 0);
}

#[tokio::test]
async fn a_device_that_never_stops_talking_is_given_up_in_time() {
    let rig = is_lost(|asked| match asked.is_first() {
        true => asked.well(),
        false => (0..500).map(|_| wrap(&[0x10, 2, 9, 1])).collect(),
    })
    .await;
    assert!(count(&rig, "malformed") > 0);
}

#[tokio::test]
async fn pieces_without_end_are_given_up() {
    // The first 64 pieces are taken, the next is one too many.
    let device = Scripted::start(|asked| match asked.is_first() {
        true => asked.well(),
        false => {
            let piece = |number: u8| wrap(&[0x3C, asked.invoke, number, 127, asked.service, 0, 0]);
            (0..80).map(piece).collect()
        }
    })
    .await;
    let options = json!({ "maxBatch": 1, "statusFlags": false, "timeout": 5000, "retries": 0 });
    let mut rig = started(device.port, &options, vec![read(analog())]);
    let seen = rig
        .until("a refusal", |seen| {
            seen.reason(0) == Some(Reason::DeviceError)
        })
        .await;
    assert_eq!((seen.good(0), seen.online), (0, 1));
    rig.stopped().await;
}

#[tokio::test]
async fn pieces_out_of_turn_are_asked_for_again() {
    let rig = reads_well(|asked| {
        if asked.is_first() {
            return asked.well();
        }
        let inner = asked.inner(&[0x44, 0x41, 0xA4, 0, 0]);
        let (head, tail) = inner.split_at(8);
        let piece = |number: u8, more: bool, body: &[u8]| {
            let flags = 0x38 | if more { 4 } else { 0 };
            let mut apdu = vec![flags, asked.invoke, number, 4, asked.service];
            apdu.extend(body);
            wrap(&apdu)
        };
        // The second before the first, and the first twice.
        vec![
            piece(1, false, tail),
            piece(0, true, head),
            piece(0, true, head),
            piece(1, false, tail),
        ]
    })
    .await;
    assert!(count(&rig, "segment_again") > 0);
}

#[tokio::test]
async fn a_stranger_is_not_taken_for_the_device() {
    let device = Scripted::start(Asked::well).await;
    let mut rig = started(device.port, &plain(), vec![read(analog())]);
    rig.until("values", |seen| seen.good(0) > 2).await;
    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    // Answers with every number there is.
    let body = device.asked().last().unwrap().clone();
    while count(&rig, "foreign_datagram") < 300 {
        for invoke in 0..=255 {
            let answer = Asked {
                invoke,
                ..body.clone()
            };
            stranger
                .send_to(&answer.real(666.0), device.adapter())
                .await
                .unwrap();
        }
        tokio::task::yield_now().await;
    }
    let before = rig.seen().good(0);
    let seen = rig.until("more", |seen| seen.good(0) > before + 3).await;
    assert_eq!(seen.value(0), Some(&Value::F32(20.5)));
    rig.stopped().await;
}

#[tokio::test]
async fn a_write_without_an_answer_is_sent_once_and_its_outcome_is_unknown() {
    let device = Scripted::start(|asked| match asked.service {
        15 => Vec::new(),
        _ => asked.well(),
    })
    .await;
    let operation = json!({ "objectType": "analog-value", "objectInstance": 1 });
    let endpoints = vec![endpoint(Access::ReadWrite, operation)];
    let mut rig = started(device.port, &plain(), endpoints);
    rig.until("values", |seen| seen.good(0) > 0).await;
    let answer = rig.written(0, Value::F64(1.0)).await;
    assert!(matches!(answer, WriteAnswer::Unknown { .. }), "{answer:?}");
    assert_eq!(rig.ended().await.unwrap_err().code(), "timeout");
    let writes = device
        .asked()
        .iter()
        .filter(|asked| asked.service == 15)
        .count();
    assert_eq!(writes, 1);
}

#[tokio::test]
async fn a_device_that_reads_one_by_one_is_read_one_by_one() {
    // It rejects read-property-multiple, which it is not asked for again.
    let device = Scripted::start(Asked::well).await;
    let options = json!({ "statusFlags": false, "timeout": 500 });
    let endpoints = vec![read(analog()), read(analog()), read(analog())];
    let mut rig = started(device.port, &options, endpoints);
    rig.until("values", |seen| (0..3).all(|point| seen.good(point) > 3))
        .await;
    let several = device
        .asked()
        .iter()
        .filter(|asked| asked.service == 14)
        .count();
    assert_eq!(several, 1);
    rig.stopped().await;
}

#[tokio::test]
async fn a_dead_device_does_not_delay_another_at_the_same_port() {
    let (well, dead) = (
        Scripted::start(Asked::well).await,
        Scripted::start(|_| Vec::new()).await,
    );
    let free = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let shared = |timeout: u64| {
        json!({
            "maxBatch": 1, "statusFlags": false, "timeout": timeout, "retries": 0,
            "localPort": port, "localInterface": "127.0.0.1",
        })
    };
    let mut silent = started(dead.port, &shared(5_000), vec![read(analog())]);
    let begun = Instant::now();
    let mut rig = started(well.port, &shared(2_000), vec![read(analog())]);
    rig.until("values", |seen| seen.good(0) > 10).await;
    assert_eq!(silent.seen().online, 0);
    assert_eq!(
        well.adapter(),
        dead_adapter(&dead).await,
        "they share the port"
    );
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "the dead one is still waited for"
    );
    // A second connection to the same device could not tell answers apart.
    let mut second = started(well.port, &shared(2_000), vec![read(analog())]);
    let end = second.ended().await.unwrap_err();
    assert!(matches!(end, SessionEnd::Misconfigured { .. }), "{end:?}");
    rig.stopped().await;
    silent.stopped().await;
}

async fn dead_adapter(device: &Scripted) -> std::net::SocketAddr {
    while device.asked().is_empty() {
        tokio::task::yield_now().await;
    }
    device.adapter()
}
