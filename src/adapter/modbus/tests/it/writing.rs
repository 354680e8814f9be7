//! Writes: prompt, at most once, and honest about their outcome.

use std::time::Duration;

use mainstem_adapter::{EndpointSpec, WriteAnswer};
use mainstem_model::{Access, Value};
use serde_json::{Value as Json, json};
use tokio_modbus::{ExceptionCode, Request};

use crate::device::{Device, Plc};
use crate::rig::{endpoint, eventually, idle, read, started};

fn writable(operation: Json) -> EndpointSpec {
    endpoint(Access::ReadWrite, operation)
}

fn write_only(operation: Json) -> EndpointSpec {
    endpoint(Access::Write, operation)
}

fn writes(device: &Device) -> Vec<Request<'static>> {
    let plc = device.plc.lock();
    let all = plc.requests.iter().map(|(_, request)| request.clone());
    all.filter(|request| {
        !matches!(
            request,
            Request::ReadHoldingRegisters(..) | Request::ReadCoils(..)
        )
    })
    .collect()
}

#[tokio::test]
async fn each_length_has_its_function_code() {
    let coils = (0..20).map(|at| (at, false)).collect();
    let registers = (0..20).map(|at| (at, 0)).collect();
    let device = Device::new(Plc {
        registers,
        coils,
        ..Plc::default()
    })
    .await;
    let endpoints = vec![
        writable(json!({ "fc": 3, "address": 1, "type": "i16" })),
        writable(json!({ "fc": 3, "address": 2, "type": "f32", "word_order": "little" })),
        writable(json!({ "fc": 1, "address": 3 })),
        writable(json!({ "fc": 1, "address": 4, "length": 9 })),
        write_only(json!({ "fc": 5, "address": 15 })),
        write_only(json!({ "fc": 6, "address": 9 })),
        write_only(json!({ "fc": 15, "address": 16, "type": "bool" })),
        write_only(json!({ "fc": 16, "address": 10 })),
    ];
    let mut rig = started(device.port, &json!({}), endpoints);
    rig.until("up", |seen| seen.good(3) > 0).await;
    let verified = WriteAnswer::Applied { verified: true };
    assert_eq!(rig.written(0, Value::Int(-2)).await, verified);
    assert_eq!(
        rig.seen().value(0),
        Some(&Value::Int(-2)),
        "the new value is there at once"
    );
    assert_eq!(rig.written(1, Value::F32(123.456)).await, verified);
    assert_eq!(rig.written(2, Value::Bool(true)).await, verified);
    assert_eq!(
        rig.written(3, Value::Bytes([0xFF, 0x01].into())).await,
        verified
    );
    let sent = WriteAnswer::Applied { verified: false };
    assert_eq!(rig.written(4, Value::Bool(true)).await, sent);
    assert_eq!(rig.written(5, Value::UInt(7)).await, sent);
    assert_eq!(rig.written(6, Value::Bool(true)).await, sent);
    assert_eq!(rig.written(7, Value::UInt(8)).await, sent);
    let expected = [
        Request::WriteSingleRegister(1, 0xFFFE),
        Request::WriteMultipleRegisters(2, vec![0xE979, 0x42F6].into()),
        Request::WriteSingleCoil(3, true),
        Request::WriteMultipleCoils(4, vec![true; 9].into()),
        Request::WriteSingleCoil(15, true),
        Request::WriteSingleRegister(9, 7),
        Request::WriteMultipleCoils(16, vec![true].into()),
        Request::WriteMultipleRegisters(10, vec![8].into()),
    ];
    assert_eq!(writes(&device), expected);
    assert_eq!(rig.statistics.snapshot().writes, 8);
}

#[tokio::test]
async fn a_bit_leaves_its_neighbours_alone() {
    let device = Device::new(Plc {
        registers: [(5, 0b1010)].into(),
        ..Plc::default()
    })
    .await;
    let endpoints = vec![
        writable(json!({ "fc": 3, "address": 5, "bit": 0 })),
        writable(json!({ "fc": 3, "address": 5, "bit": 3 })),
    ];
    let rig = started(device.port, &json!({}), endpoints);
    let verified = WriteAnswer::Applied { verified: true };
    assert_eq!(rig.written(0, Value::Bool(true)).await, verified);
    assert_eq!(rig.written(1, Value::Bool(false)).await, verified);
    assert_eq!(device.plc.lock().registers[&5], 0b0011);
}

#[tokio::test]
async fn an_exception_refuses_the_write_and_the_session_goes_on() {
    let device = Device::with([0]).await;
    let endpoints = vec![
        read(json!({ "fc": 3, "address": 0 })),
        write_only(json!({ "fc": 6, "address": 99 })),
    ];
    let mut rig = started(device.port, &json!({}), endpoints);
    let answer = rig.written(1, Value::UInt(1)).await;
    let WriteAnswer::Refused { code, message } = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(code, "IllegalDataAddress");
    assert!(message.contains("no such address"), "{message}");
    let before = rig.seen().good(0);
    let seen = rig
        .until("polls go on", |seen| seen.good(0) > before + 2)
        .await;
    assert_eq!(seen.online, 1);
}

#[tokio::test]
async fn what_does_not_fit_never_reaches_the_device() {
    let device = Device::with(0..4).await;
    let endpoints = vec![
        writable(json!({ "fc": 3, "address": 0, "type": "i16" })),
        read(json!({ "fc": 3, "address": 1 })),
    ];
    let rig = started(device.port, &json!({}), endpoints);
    for (point, value, expected) in [
        (0, Value::Int(40_000), "OutOfRange"),
        (0, Value::text("warm"), "TypeMismatch"),
        (1, Value::UInt(1), "NotWritable"),
        (77, Value::UInt(1), "NotWritable"),
    ] {
        let answer = rig.written(point, value).await;
        assert!(
            matches!(&answer, WriteAnswer::Refused { code, .. } if code == expected),
            "{answer:?}"
        );
    }
    assert_eq!(writes(&device), []);
}

#[tokio::test]
async fn a_write_whose_deadline_has_passed_is_not_sent() {
    let device = Device::with(0..4).await;
    let endpoints = vec![writable(json!({ "fc": 3, "address": 0 }))];
    let mut rig = idle(device.port, &json!({}), endpoints);
    let answer = rig.write(0, Value::UInt(1), Duration::ZERO).await;
    rig.start();
    assert!(matches!(answer.await.unwrap(), WriteAnswer::NotSent { .. }));
    assert_eq!(writes(&device), []);
}

#[tokio::test]
async fn without_an_answer_the_outcome_is_unknown() {
    let device = Device::with(0..4).await;
    let endpoints = vec![writable(
        json!({ "fc": 3, "address": 0, "interval": 3_600_000 }),
    )];
    let mut rig = started(device.port, &json!({}), endpoints);
    rig.until("up", |seen| seen.good(0) > 0).await;
    device.plc.lock().silent.insert(1);
    let answer = rig.written(0, Value::UInt(1)).await;
    assert!(matches!(answer, WriteAnswer::Unknown { .. }), "{answer:?}");
    assert_eq!(writes(&device).len(), 1, "sent once, not again");
}

#[tokio::test]
async fn a_gateway_that_heard_nothing_leaves_the_outcome_unknown() {
    let device = Device::with(0..4).await;
    let endpoints = vec![writable(
        json!({ "fc": 3, "address": 0, "interval": 3_600_000 }),
    )];
    let mut rig = started(device.port, &json!({}), endpoints);
    rig.until("up", |seen| seen.good(0) > 0).await;
    device
        .plc
        .lock()
        .exceptions
        .insert(1, ExceptionCode::GatewayTargetDevice);
    let answer = rig.written(0, Value::UInt(1)).await;
    assert!(matches!(answer, WriteAnswer::Unknown { .. }), "{answer:?}");
}

#[tokio::test]
async fn a_stop_during_a_write_is_quick_and_its_outcome_unknown() {
    let device = Device::with(0..4).await;
    let endpoints = vec![writable(
        json!({ "fc": 3, "address": 0, "interval": 3_600_000 }),
    )];
    let mut rig = started(device.port, &json!({ "socketTimeout": 60_000 }), endpoints);
    rig.until("up", |seen| seen.good(0) > 0).await;
    device.plc.lock().silent.insert(1);
    let answer = rig.write(0, Value::UInt(1), Duration::from_secs(60)).await;
    eventually("the write is on its way", || !writes(&device).is_empty()).await;
    assert!(rig.stopped().await < Duration::from_millis(500));
    assert!(matches!(answer.await.unwrap(), WriteAnswer::Unknown { .. }));
}

#[tokio::test]
async fn a_write_does_not_wait_for_a_long_cycle() {
    let device = Device::with(0..1000).await;
    let polled = (0..500).map(|at| read(json!({ "fc": 3, "address": at * 2, "interval": 10 })));
    let mut endpoints = vec![writable(
        json!({ "fc": 3, "address": 999, "interval": 3_600_000 }),
    )];
    endpoints.extend(polled);
    // Each alone: 500 requests a cycle, and the cycle never ends before the next one is due.
    let options = json!({ "batchReadEnabled": false });
    let mut rig = started(device.port, &options, endpoints);
    // In the middle of a cycle: the front of the list is one turn ahead of its end.
    rig.until("a cycle under way", |seen| {
        seen.good(0) > 0 && seen.good(1) > seen.good(400)
    })
    .await;
    device.forget();
    let answer = rig.written(0, Value::UInt(4)).await;
    assert_eq!(answer, WriteAnswer::Applied { verified: true });
    let before = device
        .plc
        .lock()
        .requests
        .iter()
        .position(|(_, request)| matches!(request, Request::WriteSingleRegister(..)));
    assert!(before.unwrap() < 50, "{before:?} requests went ahead of it");
    rig.until("later", |seen| seen.good(1) > 2).await;
    assert!(
        rig.statistics.snapshot().overruns > 0,
        "500 requests do not fit into 10 ms"
    );
}

#[tokio::test]
async fn a_flood_of_writes_does_not_stop_the_polls() {
    let device = Device::with(0..4).await;
    let endpoints = vec![
        write_only(json!({ "fc": 6, "address": 0 })),
        read(json!({ "fc": 3, "address": 1 })),
    ];
    let mut rig = started(device.port, &json!({}), endpoints);
    rig.until("up", |seen| seen.good(1) > 0).await;
    let before = rig.seen().good(1);
    let mut answers = Vec::new();
    while rig.seen().good(1) < before + 3 {
        answers.push(rig.write(0, Value::UInt(1), Duration::from_secs(20)).await);
        assert!(answers.len() < 100_000, "the polls have stopped");
    }
    for answer in answers {
        assert_eq!(
            answer.await.unwrap(),
            WriteAnswer::Applied { verified: false }
        );
    }
}
