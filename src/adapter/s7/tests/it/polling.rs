//! What is asked for in how many requests, and what refusals do.

use mainstem_adapter::SessionEnd;
use mainstem_model::{Reason, Value};
use serde_json::json;

use crate::device::{DB, Device};
use crate::rig::{endpoint, read, started};

#[tokio::test]
async fn neighbours_share_an_item_and_items_a_request() {
    let device = Device::start().await;
    let mut endpoints: Vec<_> = (0..40)
        .map(|at| read(json!({ "address": format!("DB1.DBB{at}"), "interval": 600_000 })))
        .collect();
    for address in ["T0", "T1", "C0", "Z1", "I0.0", "E0.1", "M5.0", "DB1.DBD180"] {
        endpoints.push(read(json!({ "address": address, "interval": 600_000 })));
    }
    let mut rig = started(device.port(), &json!({}), endpoints);
    let seen = rig
        .until("all", |seen| (0..48).all(|point| seen.good(point) == 1))
        .await;
    let expected = [
        (7, Value::UInt(7)),
        (40, Value::UInt(123_000)),
        (41, Value::UInt(50)),
        (42, Value::UInt(42)),
        (43, Value::UInt(999)),
        (44, Value::Bool(true)),
        (45, Value::Bool(false)),
        (47, Value::UInt(0xB4B5_B6B7)),
    ];
    for (point, value) in expected {
        assert_eq!(seen.value(point), Some(&value), "{point}");
    }
    let memory = device.memory.lock();
    assert_eq!((memory.reads, memory.items), (1, 6));
}

#[tokio::test]
async fn what_does_not_fit_a_pdu_is_read_in_several() {
    let device = Device::start().await;
    device
        .memory
        .lock()
        .areas
        .insert((DB, 2), (0..600u16).map(|at| (at % 251) as u8).collect());
    device.memory.lock().fragment = Some(50);
    let mut endpoints: Vec<_> = (0..30)
        .map(|at| read(json!({ "address": format!("DB2.DBB{}", at * 20), "interval": 600_000 })))
        .collect();
    let long =
        json!({ "address": "DB2.DBB1", "dataType": "raw", "length": 599, "interval": 600_000 });
    endpoints.push(read(long));
    let mut rig = started(device.port(), &json!({ "maxGap": 0 }), endpoints);
    let seen = rig
        .until("all", |seen| (0..31).all(|point| seen.good(point) == 1))
        .await;
    assert_eq!(seen.value(29), Some(&Value::UInt(580 % 251)));
    let expected: Vec<u8> = (1..600u16).map(|at| (at % 251) as u8).collect();
    assert_eq!(seen.value(30), Some(&Value::Bytes(expected.into())));
}

#[tokio::test]
async fn bad_addresses_stand_alone_and_come_back() {
    let device = Device::start().await;
    device.memory.lock().codes.insert(7, 0x03);
    let mut rig = started(
        device.port(),
        &json!({}),
        vec![
            read(json!({ "address": "DB1.DBW196" })),
            read(json!({ "address": "DB1.DBW198" })),
            read(json!({ "address": "DB1.DBW200" })),
            read(json!({ "address": "DB9.DBW0" })),
            read(json!({ "address": "DB7.DBW0" })),
        ],
    );
    let seen = rig.until("settled", |seen| {
        let bad = |point| seen.reason(point) == Some(Reason::BadAddress);
        seen.good(0) > 3 && seen.good(1) > 3 && bad(2) && bad(3) && seen.reason(4).is_some()
    });
    let seen = seen.await;
    assert_eq!(seen.reason(4), Some(Reason::DeviceError));
    assert_eq!(seen.failed[&2], 1, "not asked for again and again");
    let errors = rig.statistics.snapshot().errors;
    assert_eq!(errors["address_out_of_range"], 1);
    assert_eq!(errors["no_such_object"], 1);
    assert_eq!(errors["access_denied"], 1);
    // After a reconnect everything is asked for again, also what was refused.
    device.memory.lock().areas.insert((DB, 9), vec![0; 4]);
    device.memory.lock().frozen = true;
    assert_eq!(rig.ended().await.unwrap_err().code(), "timeout");
    device.memory.lock().frozen = false;
    rig.start();
    rig.until("the new block", |seen| seen.good(3) > 2).await;
}

#[tokio::test]
async fn a_cpu_that_lets_nobody_in_is_explained() {
    let device = Device::start().await;
    device.memory.lock().refusal = Some((0x81, 0x04));
    let endpoints = vec![read(json!({ "address": "DB1.DBW0" }))];
    let mut rig = started(device.port(), &json!({}), endpoints);
    let Err(SessionEnd::Refused { code, message, .. }) = rig.ended().await else {
        panic!("it was let in");
    };
    assert_eq!(code, "access_denied");
    assert!(
        message.contains("Permit access with PUT/GET communication"),
        "{message}"
    );
    assert_eq!(rig.seen().online, 0);
    // Any other refusal of a whole request is one of its addresses.
    device.memory.lock().refusal = Some((0x85, 0x00));
    rig.start();
    let seen = rig.until("told", |seen| seen.reason(0).is_some()).await;
    assert_eq!(seen.reason(0), Some(Reason::DeviceError));
}

#[tokio::test]
async fn a_wrong_slot_is_explained() {
    let device = Device::start().await;
    device.memory.lock().slot = Some(1);
    let endpoints = || vec![read(json!({ "address": "DB1.DBW0" }))];
    let mut rig = started(device.port(), &json!({}), endpoints());
    let end = rig.ended().await.unwrap_err();
    assert_eq!(end.code(), "s7_connection_refused");
    assert!(end.to_string().contains("slot"), "{end}");
    let mut rig = started(device.port(), &json!({ "slot": 1 }), endpoints());
    rig.until("in", |seen| seen.good(0) > 1).await;
}

#[tokio::test]
async fn a_cpu_of_which_nothing_is_polled_has_to_give_signs_of_life() {
    let device = Device::start().await;
    let operation = json!({ "address": "DB1.DBW0" });
    let endpoints = vec![endpoint(mainstem_model::Access::Write, operation)];
    let mut rig = started(device.port(), &json!({}), endpoints);
    rig.until("up", |seen| seen.online == 1).await;
    device.memory.lock().frozen = true;
    assert_eq!(rig.ended().await.unwrap_err().code(), "timeout");
}
