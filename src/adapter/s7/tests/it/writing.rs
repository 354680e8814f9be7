//! Writes: what reaches the CPU, and what is said about it.

use mainstem_adapter::WriteAnswer;
use mainstem_model::{Access, Value};
use serde_json::json;

use crate::device::{DB, Device};
use crate::rig::{endpoint, started};

fn code(answer: WriteAnswer) -> String {
    match answer {
        WriteAnswer::Refused { code, .. } => code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_bit_leaves_its_neighbours_alone() {
    let device = Device::start().await;
    device
        .memory
        .lock()
        .areas
        .insert((0x83, 0), vec![0b0101_0101; 2]);
    let endpoints = vec![endpoint(Access::ReadWrite, json!({ "address": "M1.3" }))];
    let rig = started(device.port(), &json!({}), endpoints);
    let applied = WriteAnswer::Applied { verified: true };
    assert_eq!(rig.written(0, Value::Bool(true)).await, applied);
    assert_eq!(
        device.memory.lock().areas[&(0x83, 0)],
        [0b0101_0101, 0b0101_1101]
    );
    assert_eq!(rig.written(0, Value::Bool(false)).await, applied);
    assert_eq!(device.memory.lock().areas[&(0x83, 0)], [0b0101_0101; 2]);
}

#[tokio::test]
async fn a_string_never_grows_over_its_end() {
    let device = Device::start().await;
    device
        .memory
        .lock()
        .areas
        .insert((DB, 3), b"\x05\x02ab\0\0\0NEXT".to_vec());
    // Here it is declared longer than it is there.
    let operation = json!({ "address": "DB3.DBB0", "dataType": "string", "length": 9 });
    let endpoints = vec![endpoint(Access::ReadWrite, operation)];
    let rig = started(device.port(), &json!({}), endpoints);
    let applied = WriteAnswer::Applied { verified: true };
    assert_eq!(rig.written(0, Value::text("fünf!")).await, applied);
    assert_eq!(
        device.memory.lock().areas[&(DB, 3)],
        b"\x05\x05f\xfcnf!NEXT"
    );
    assert_eq!(
        code(rig.written(0, Value::text("sechs!")).await),
        "string_too_long"
    );
    assert_eq!(
        code(rig.written(0, Value::text("10 letters")).await),
        "BadLength"
    );
    assert_eq!(code(rig.written(0, Value::text("€")).await), "BadCharacter");
    assert_eq!(
        device.memory.lock().areas[&(DB, 3)],
        b"\x05\x05f\xfcnf!NEXT"
    );
    assert_eq!(device.memory.lock().writes, 1);
}

#[tokio::test]
async fn refusals_are_the_cpus_own_and_explained() {
    let device = Device::start().await;
    let raw = json!({ "address": "DB1.DBB0", "dataType": "raw", "length": 220 });
    let endpoints = vec![
        endpoint(Access::Write, json!({ "address": "DB8.DBW0" })),
        endpoint(Access::Write, json!({ "address": "DB1.DBW199" })),
        endpoint(Access::Write, raw),
        endpoint(
            Access::Write,
            json!({ "address": "DB1.DBB4", "dataType": "sint" }),
        ),
    ];
    let rig = started(device.port(), &json!({}), endpoints);
    assert_eq!(code(rig.written(0, Value::UInt(1)).await), "no_such_object");
    assert_eq!(
        code(rig.written(1, Value::UInt(1)).await),
        "address_out_of_range"
    );
    assert_eq!(
        code(rig.written(2, Value::Bytes(vec![0; 220].into())).await),
        "TooLong"
    );
    assert_eq!(code(rig.written(3, Value::Int(300)).await), "BadType");
    let written = rig.written(3, Value::Int(-3)).await;
    assert_eq!(written, WriteAnswer::Applied { verified: false });
    assert_eq!(device.memory.lock().areas[&(DB, 1)][3..6], [3, 0xFD, 5]);
    device.memory.lock().refusal = Some((0x83, 0x04));
    let WriteAnswer::Refused { code, message } = rig.written(3, Value::Int(1)).await else {
        panic!("it was let in");
    };
    assert_eq!(code, "access_denied");
    assert!(message.contains("PUT/GET"), "{message}");
}

#[tokio::test]
async fn a_write_without_an_answer_is_unknown_and_never_repeated() {
    let device = Device::start().await;
    let endpoints = vec![endpoint(Access::Write, json!({ "address": "MB0" }))];
    let mut rig = started(device.port(), &json!({}), endpoints);
    rig.until("up", |seen| seen.online == 1).await;
    device.memory.lock().frozen = true;
    let answer = rig.written(0, Value::UInt(1)).await;
    assert!(matches!(answer, WriteAnswer::Unknown { .. }), "{answer:?}");
    assert_eq!(rig.ended().await.unwrap_err().code(), "timeout");
    device.memory.lock().frozen = false;
    rig.start();
    rig.until("up again", |seen| seen.online == 2).await;
    assert_eq!(device.memory.lock().writes, 0);
}
