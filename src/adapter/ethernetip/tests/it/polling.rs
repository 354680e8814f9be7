//! What is asked for in how many requests, and what refusals do.

use mainstem_adapter::SessionEnd;
use mainstem_model::{Access, Reason, Value};
use serde_json::json;

use crate::device::{Device, Tag, tag};
use crate::rig::{endpoint, read, started};

const ONCE: u64 = 600_000;

#[tokio::test]
async fn tags_share_a_request_and_long_ones_come_in_parts() {
    let device = Device::start().await;
    let numbers: Vec<u8> = (0..600u16).flat_map(u16::to_le_bytes).collect();
    {
        let mut memory = device.memory.lock();
        for at in 0..30u8 {
            memory.tags.insert(format!("T{at}"), tag(0xC6, 1, &[at]));
        }
        memory.tags.insert("Long".into(), tag(0xC3, 2, &numbers));
        memory
            .tags
            .insert("Middle".into(), tag(0xC3, 2, &numbers[..200]));
        memory.room = 150;
    }
    let mut endpoints: Vec<_> = (0..30)
        .map(|at| read(json!({ "tagName": format!("T{at}"), "interval": ONCE })))
        .collect();
    let array = |name: &str, length: u16| json!({ "tagName": name, "tagType": "INT", "length": length, "interval": ONCE });
    endpoints.push(read(array("Long", 600)));
    // It ought to fit and does not: the device has less room than most.
    endpoints.push(read(array("Middle", 100)));
    let mut rig = started(device.port(), &json!({}), endpoints);
    let seen = rig
        .until("all", |seen| (0..32).all(|point| seen.good(point) == 1))
        .await;
    assert_eq!(seen.value(29), Some(&Value::UInt(29)));
    let Some(Value::Array(items)) = seen.value(30) else {
        panic!("no array");
    };
    assert_eq!((items.len(), &items[599]), (600, &Value::Int(599)));
    let frames = device.memory.lock().frames;
    // 30 tags in 2, 1,200 bytes in 8 parts, and 200 in 2 after the first try.
    assert!(frames <= 14, "{frames} frames");
}

#[tokio::test]
async fn bits_texts_and_packed_bools() {
    let device = Device::start().await;
    let endpoints = vec![
        read(json!({ "tagName": "Status.3" })),
        read(json!({ "tagName": "Status.31" })),
        read(json!({ "tagName": "Status.1" })),
        read(json!({ "tagName": "Flags[34]", "packed": true })),
        read(json!({ "tagName": "Flags[30]", "packed": true, "length": 5 })),
        read(json!({ "tagName": "Name", "tagType": "STRING" })),
        read(json!({ "tagName": "Count", "programName": "Main", "tagType": "DINT" })),
        read(json!({ "tagName": "Name" })),
        read(json!({ "tagName": "Flags[64]", "packed": true })),
        read(json!({ "tagName": "Status.32" })),
    ];
    let mut rig = started(device.port(), &json!({}), endpoints);
    let seen = rig
        .until("all", |seen| {
            (0..7).all(|point| seen.good(point) > 1) && (7..10).all(|at| seen.reason(at).is_some())
        })
        .await;
    let bits = [false, false, false, false, true].map(Value::Bool);
    let expected = [
        Value::Bool(true),
        Value::Bool(true),
        Value::Bool(false),
        Value::Bool(true),
        Value::Array(bits.into()),
        Value::text("Müller"),
        Value::Int(7),
    ];
    for (point, value) in (0..).zip(&expected) {
        assert_eq!(seen.value(point), Some(value), "{point}");
    }
    assert_eq!(seen.reason(7), Some(Reason::BadType));
    assert_eq!(seen.reason(8), Some(Reason::BadAddress));
    assert_eq!(seen.reason(9), Some(Reason::BadType));
}

#[tokio::test]
async fn a_long_text_is_read_and_a_long_structure_is_one_bad_datapoint() {
    let device = Device::start().await;
    {
        let mut memory = device.memory.lock();
        memory.room = 150;
        let structure = |handle, bytes: Vec<u8>| Tag {
            code: 0x02A0,
            handle: Some(handle),
            size: bytes.len(),
            bytes,
        };
        let text = [&[0x2C, 1, 0, 0][..], &[b'x'; 300]].concat();
        memory.tags.insert("Text".into(), structure(0x1234, text));
        let whole = structure(0x4321, vec![7; 2000]);
        memory.tags.insert("Whole".into(), whole);
    }
    let endpoints = vec![
        read(json!({ "tagName": "Text", "tagType": "STRING" })),
        read(json!({ "tagName": "Whole" })),
        read(json!({ "tagName": "Whole", "tagType": "DINT" })),
        read(json!({ "tagName": "Status" })),
    ];
    let mut rig = started(device.port(), &json!({}), endpoints);
    let seen = rig
        .until("all", |seen| {
            let is_good = seen.good(0) > 1 && seen.good(3) > 1;
            is_good && seen.reason(1).is_some() && seen.reason(2).is_some()
        })
        .await;
    assert_eq!(seen.value(0), Some(&Value::text(&"x".repeat(300))));
    assert_eq!(seen.reason(1), Some(Reason::BadType));
    assert_eq!(seen.reason(2), Some(Reason::BadType));
    assert_eq!(seen.online, 1);
}

#[tokio::test]
async fn a_device_that_takes_one_request_at_a_time_is_asked_so() {
    let device = Device::start().await;
    device.memory.lock().single = true;
    let endpoints =
        ["Setpoint", "Temperature", "Status"].map(|name| read(json!({ "tagName": name })));
    let mut rig = started(device.port(), &json!({}), endpoints.into());
    rig.until("all", |seen| (0..3).all(|point| seen.good(point) > 2))
        .await;
    assert_eq!(rig.statistics.snapshot().errors["not_supported"], 1);
}

#[tokio::test]
async fn a_wrong_slot_is_explained_and_a_device_without_a_rack_is_reached_directly() {
    let device = Device::start().await;
    device.memory.lock().slot = 3;
    let endpoints = || vec![read(json!({ "tagName": "Setpoint" }))];
    let mut rig = started(device.port(), &json!({}), endpoints());
    let Err(SessionEnd::Refused { code, message, .. }) = rig.ended().await else {
        panic!("it was let in");
    };
    assert_eq!(code, "no_way");
    assert!(message.contains("`slot`"), "{message}");
    assert_eq!(rig.seen().online, 0);
    for options in [json!({ "slot": 3 }), json!({ "routePath": "direct" })] {
        let mut rig = started(device.port(), &options, endpoints());
        rig.until("in", |seen| seen.good(0) > 1).await;
    }
    // Nobody polls, and still the way is tried before anybody believes in it.
    let write = || {
        vec![endpoint(
            Access::Write,
            json!({ "tagName": "Setpoint", "tagType": "INT" }),
        )]
    };
    let mut rig = started(device.port(), &json!({}), write());
    assert_eq!(rig.ended().await.unwrap_err().code(), "no_way");
    let mut rig = started(device.port(), &json!({ "slot": 3 }), write());
    rig.until("in", |seen| seen.online == 1).await;
    device.memory.lock().frozen = true;
    assert_eq!(rig.ended().await.unwrap_err().code(), "timeout");
}

#[tokio::test]
async fn each_refusal_has_its_reason_and_a_tag_that_comes_back_is_read_again() {
    let device = Device::start().await;
    device
        .memory
        .lock()
        .statuses
        .insert("Setpoint".into(), (0x0F, None));
    let endpoints = vec![
        read(json!({ "tagName": "Setpoint" })),
        read(json!({ "tagName": "Status" })),
    ];
    let mut rig = started(device.port(), &json!({}), endpoints);
    let seen = rig
        .until("one", |seen| seen.good(1) > 3 && seen.reason(0).is_some())
        .await;
    assert_eq!(seen.reason(0), Some(Reason::DeviceError));
    assert_eq!(rig.statistics.snapshot().errors["access_denied"], 1);
    device.memory.lock().statuses.clear();
    // The next session tries at once.
    device.memory.lock().frozen = true;
    assert_eq!(rig.ended().await.unwrap_err().code(), "timeout");
    device.memory.lock().frozen = false;
    rig.start();
    rig.until("again", |seen| seen.good(0) > 0).await;
}
