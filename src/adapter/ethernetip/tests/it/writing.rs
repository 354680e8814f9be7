//! Writes: what reaches the controller, and what is said about it.

use mainstem_adapter::WriteAnswer;
use mainstem_model::{Access, Value};
use serde_json::json;

use crate::device::Device;
use crate::rig::{endpoint, started};

fn code(answer: WriteAnswer) -> String {
    match answer {
        WriteAnswer::Refused { code, .. } => code,
        other => panic!("{other:?}"),
    }
}

const VERIFIED: WriteAnswer = WriteAnswer::Applied { verified: true };

#[tokio::test]
async fn a_bit_leaves_its_neighbours_to_the_controller() {
    let device = Device::start().await;
    let endpoints = vec![
        endpoint(Access::ReadWrite, json!({ "tagName": "Status.17" })),
        endpoint(
            Access::ReadWrite,
            json!({ "tagName": "Flags[33]", "packed": true }),
        ),
        endpoint(
            Access::ReadWrite,
            json!({ "tagName": "Flags[0]", "packed": true, "length": 3 }),
        ),
    ];
    let rig = started(device.port(), &json!({}), endpoints);
    assert_eq!(rig.written(0, Value::Bool(true)).await, VERIFIED);
    assert_eq!(device.memory.lock().tags["Status"].bytes, [9, 0, 2, 0x80]);
    assert_eq!(rig.written(0, Value::Bool(false)).await, VERIFIED);
    assert_eq!(device.memory.lock().tags["Status"].bytes, [9, 0, 0, 0x80]);
    assert_eq!(rig.written(1, Value::Bool(true)).await, VERIFIED);
    assert_eq!(
        device.memory.lock().tags["Flags"].bytes,
        [0, 0, 0, 0, 6, 0, 0, 0]
    );
    let three = Value::Array([true, true, true].map(Value::Bool).into());
    assert_eq!(code(rig.written(2, three).await), "NotWritable");
    assert_eq!(device.memory.lock().writes, 3);
}

#[tokio::test]
async fn a_text_is_written_in_the_form_of_the_tag_and_never_over_its_end() {
    let device = Device::start().await;
    let operation = json!({ "tagName": "Name", "tagType": "STRING" });
    let endpoints = vec![endpoint(Access::ReadWrite, operation)];
    let rig = started(device.port(), &json!({}), endpoints);
    assert_eq!(rig.written(0, Value::text("grün")).await, VERIFIED);
    let bytes = device.memory.lock().tags["Name"].bytes.clone();
    assert_eq!(
        (bytes.len(), &bytes[..9]),
        (88, &b"\x04\0\0\0gr\xfcn\0"[..])
    );
    assert_eq!(
        code(rig.written(0, Value::text(&"x".repeat(83))).await),
        "TooLong"
    );
    assert_eq!(code(rig.written(0, Value::text("€")).await), "BadCharacter");
    assert_eq!(device.memory.lock().writes, 1);
}

#[tokio::test]
async fn refusals_are_the_controllers_own_and_explained() {
    let device = Device::start().await;
    let write = |name: &str, word: &str| {
        endpoint(Access::Write, json!({ "tagName": name, "tagType": word }))
    };
    let endpoints = vec![
        write("Nowhere", "INT"),
        write("Setpoint", "DINT"),
        write("Setpoint[4]", "INT"),
        write("Setpoint", "INT"),
    ];
    let rig = started(device.port(), &json!({}), endpoints);
    assert_eq!(code(rig.written(0, Value::Int(1)).await), "tag_not_found");
    assert_eq!(code(rig.written(1, Value::Int(1)).await), "type_mismatch");
    assert_eq!(code(rig.written(2, Value::Int(1)).await), "out_of_range");
    assert_eq!(code(rig.written(3, Value::Int(40_000)).await), "BadType");
    let applied = WriteAnswer::Applied { verified: false };
    assert_eq!(rig.written(3, Value::Int(-2)).await, applied);
    assert_eq!(device.memory.lock().tags["Setpoint"].bytes, [0xFE, 0xFF]);
    device
        .memory
        .lock()
        .statuses
        .insert("Setpoint".into(), (0x0F, None));
    let WriteAnswer::Refused { code, message } = rig.written(3, Value::Int(1)).await else {
        panic!("it was let in");
    };
    assert_eq!(code, "access_denied");
    assert!(message.contains("External Access"), "{message}");
}

#[tokio::test]
async fn a_write_without_an_answer_is_unknown_and_never_repeated() {
    let device = Device::start().await;
    let operation = json!({ "tagName": "Setpoint", "tagType": "INT" });
    let mut rig = started(
        device.port(),
        &json!({}),
        vec![endpoint(Access::Write, operation)],
    );
    rig.until("up", |seen| seen.online == 1).await;
    device.memory.lock().frozen = true;
    let answer = rig.written(0, Value::Int(1)).await;
    assert!(matches!(answer, WriteAnswer::Unknown { .. }), "{answer:?}");
    assert_eq!(rig.ended().await.unwrap_err().code(), "timeout");
    device.memory.lock().frozen = false;
    rig.start();
    rig.until("up again", |seen| seen.online == 2).await;
    assert_eq!(device.memory.lock().writes, 0);
}
