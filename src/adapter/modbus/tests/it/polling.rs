//! Reading: blocks, refusals, intervals.

use std::time::Duration;

use mainstem_model::{Reason, Value};
use serde_json::json;

use crate::device::{Device, Plc};
use crate::rig::{read, started};

#[tokio::test]
async fn neighbours_are_read_in_one_request() {
    let device = Device::with(0..40).await;
    let endpoints = [0, 1, 5, 12, 30].map(|at| read(json!({ "fc": 3, "address": at })));
    let mut rig = started(device.port, &json!({}), endpoints.to_vec());
    let seen = rig
        .until("three cycles", |seen| {
            (0..5).all(|point| seen.good(point) > 2)
        })
        .await;
    assert_eq!(seen.online, 1);
    assert_eq!(seen.value(3), Some(&Value::UInt(1012)));
    assert_eq!(seen.value(4), Some(&Value::UInt(1030)));
    // 12 and 30 are further apart than the gap that may be read.
    assert!(
        device
            .reads(1)
            .chunks_exact(2)
            .all(|pair| pair == [(0, 13), (30, 1)])
    );
    assert!(rig.stopped().await < Duration::from_millis(500));
    assert!(rig.statistics.snapshot().requests >= 6);
}

#[tokio::test]
async fn without_batches_each_is_read_alone() {
    let device = Device::with(0..4).await;
    let endpoints = [0, 1].map(|at| read(json!({ "fc": 4, "address": at })));
    let options = json!({ "batchReadEnabled": false });
    let mut rig = started(device.port, &options, endpoints.to_vec());
    rig.until("a cycle", |seen| seen.good(0) > 1 && seen.good(1) > 1)
        .await;
    assert!(device.reads(1).iter().all(|(_, count)| *count == 1));
}

#[tokio::test]
async fn one_bad_address_makes_one_bad_datapoint_and_is_remembered() {
    // Register 17 does not exist.
    let device = Device::with((0..17).chain(18..40)).await;
    let endpoints: Vec<_> = (0..40)
        .map(|at| read(json!({ "fc": 3, "address": at })))
        .collect();
    let mut rig = started(device.port, &json!({}), endpoints);
    let all_good = |seen: &crate::rig::Seen| {
        (0..40)
            .filter(|point| *point != 17)
            .all(|point| seen.good(point) > 3)
    };
    let seen = rig.until("39 good ones", all_good).await;
    assert_eq!(seen.reason(17), Some(Reason::BadAddress));
    assert_eq!(seen.failed.len(), 1, "{:?}", seen.failed);
    let searching = device.reads(1).len();
    assert!(
        searching < 40,
        "found by halving, not one by one: {searching}"
    );
    assert!(
        device.reads(1).ends_with(&[(0, 17), (18, 22)])
            || device.reads(1).ends_with(&[(18, 22), (0, 17)])
    );

    // The next session of the same adapter knows it, says it and does not ask.
    let begun = rig.seen();
    device.plc.lock().requests.clear();
    rig.stopped().await;
    assert!(begun.reason(17).is_some());
    assert!(
        device
            .reads(1)
            .iter()
            .all(|read| [(0, 17), (18, 22)].contains(read))
    );
}

#[tokio::test]
async fn the_next_session_says_again_what_is_bad_and_does_not_ask() {
    let device = Device::with([0, 2, 3]).await;
    let endpoints: Vec<_> = (0..4)
        .map(|at| read(json!({ "fc": 3, "address": at })))
        .collect();
    let mut rig = started(device.port, &json!({}), endpoints);
    rig.until("learned", |seen| {
        seen.reason(1).is_some() && seen.good(3) > 2
    })
    .await;
    // An answer that belongs to nothing ends the session; simplest is to let the unit fall silent.
    device.plc.lock().silent.insert(1);
    assert_eq!(rig.ended().await.unwrap_err().code(), "timeout");
    device.plc.lock().silent.clear();
    device.forget();
    let before = rig.seen();
    rig.start();
    let seen = rig
        .until("second session", |seen| {
            seen.online == 2 && seen.good(3) > before.good(3) + 2
        })
        .await;
    assert_eq!(seen.reason(1), Some(Reason::BadAddress));
    assert_eq!(seen.failed[&1], before.failed[&1] + 1);
    assert!(
        device
            .reads(1)
            .iter()
            .all(|read| [(0, 1), (2, 2)].contains(read))
    );
}

#[tokio::test]
async fn a_gap_that_does_not_exist_divides_without_harm() {
    let device = Device::with((0..4).chain(8..12)).await;
    let endpoints: Vec<_> = [0, 3, 8, 11]
        .map(|at| read(json!({ "fc": 3, "address": at })))
        .into();
    let mut rig = started(device.port, &json!({}), endpoints);
    let seen = rig
        .until("all", |seen| (0..4).all(|point| seen.good(point) > 3))
        .await;
    assert!(seen.failed.is_empty(), "{:?}", seen.failed);
    let reads = device.reads(1);
    assert_eq!(
        reads.iter().filter(|read| **read == (0, 12)).count(),
        1,
        "refused once: {reads:?}"
    );
}

#[tokio::test]
async fn a_device_that_takes_short_requests_only_is_read_in_short_ones() {
    let registers = (0..100).map(|at| (at, at)).collect();
    let device = Device::new(Plc {
        registers,
        quantity_max: Some(30),
        ..Plc::default()
    })
    .await;
    let endpoints: Vec<_> = (0..100)
        .map(|at| read(json!({ "fc": 3, "address": at })))
        .collect();
    let mut rig = started(device.port, &json!({}), endpoints);
    rig.until("all", |seen| (0..100).all(|point| seen.good(point) > 2))
        .await;
    device.forget();
    let before = rig.seen().good(0);
    let seen = rig.until("later", |seen| seen.good(0) > before + 3).await;
    assert!(seen.failed.is_empty());
    assert!(device.reads(1).iter().all(|(_, count)| *count <= 30));
}

#[tokio::test]
async fn an_address_that_fails_inside_the_device_is_found_after_a_while() {
    let registers = (0..20).map(|at| (at, at)).collect();
    let device = Device::new(Plc {
        registers,
        failing: [7].into(),
        ..Plc::default()
    })
    .await;
    let endpoints: Vec<_> = (0..20)
        .map(|at| read(json!({ "fc": 3, "address": at })))
        .collect();
    let mut rig = started(device.port, &json!({}), endpoints);
    let good = |seen: &crate::rig::Seen| (0..20).all(|point| point == 7 || seen.good(point) > 2);
    let seen = rig.until("19 good ones", good).await;
    assert_eq!(seen.reason(7), Some(Reason::DeviceError));
    assert!(rig.statistics.snapshot().errors["server_device_failure"] >= 3);
}

#[tokio::test]
async fn an_unknown_function_is_no_reason_to_divide() {
    let device = Device::with(0..4).await;
    device
        .plc
        .lock()
        .exceptions
        .insert(1, tokio_modbus::ExceptionCode::IllegalFunction);
    let endpoints = (0..4)
        .map(|at| read(json!({ "fc": 3, "address": at })))
        .collect();
    let mut rig = started(device.port, &json!({}), endpoints);
    let seen = rig
        .until("all bad", |seen| {
            seen.failed.get(&3).is_some_and(|n| *n > 2)
        })
        .await;
    assert_eq!(seen.online, 1, "a device that answers is there");
    assert_eq!(seen.reason(0), Some(Reason::DeviceError));
    assert!(device.reads(1).iter().all(|read| *read == (0, 4)));
    // It comes to its senses.
    device.plc.lock().exceptions.clear();
    rig.until("good", |seen| seen.reason(0) == Some(Reason::Ok))
        .await;
}

#[tokio::test]
async fn intervals_are_kept_apart() {
    let device = Device::with(0..4).await;
    let endpoints = vec![
        read(json!({ "fc": 3, "address": 0, "interval": 20 })),
        read(json!({ "fc": 3, "address": 1, "interval": 86_400_000 })),
    ];
    let mut rig = started(device.port, &json!({}), endpoints);
    let seen = rig.until("ten fast ones", |seen| seen.good(0) > 10).await;
    assert_eq!(seen.good(1), 1, "at the start of the session");
}

#[tokio::test]
async fn coils_and_inputs_are_read_as_bits() {
    let coils = (0..40).map(|at| (at, at % 3 == 0)).collect();
    let device = Device::new(Plc {
        coils,
        ..Plc::default()
    })
    .await;
    let endpoints = vec![
        read(json!({ "fc": 1, "address": 3 })),
        read(json!({ "fc": 2, "address": 4 })),
        read(json!({ "fc": 1, "address": 0, "length": 12 })),
    ];
    let mut rig = started(device.port, &json!({}), endpoints);
    let seen = rig
        .until("all", |seen| (0..3).all(|point| seen.good(point) > 0))
        .await;
    assert_eq!(seen.value(0), Some(&Value::Bool(true)));
    assert_eq!(seen.value(1), Some(&Value::Bool(false)));
    assert_eq!(
        seen.value(2),
        Some(&Value::Bytes([0b0100_1001, 0b0000_0010].into()))
    );
}
