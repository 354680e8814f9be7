//! Writes: what reaches the PLC, and what is said about it.

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
async fn values_are_written_by_name_and_by_index_and_handles_are_given_back() {
    let device = Device::start().await;
    let endpoints = vec![
        endpoint(
            Access::ReadWrite,
            json!({ "symbolName": "MAIN.nSetpoint", "dataType": "INT" }),
        ),
        endpoint(
            Access::ReadWrite,
            json!({ "symbolName": "MAIN.sName", "dataType": "STRING" }),
        ),
        endpoint(
            Access::ReadWrite,
            json!({ "indexGroup": "0x4040", "indexOffset": 0, "dataType": "REAL" }),
        ),
    ];
    let rig = started(device.port(), &json!({}), endpoints);
    assert_eq!(rig.written(0, Value::Int(-7)).await, VERIFIED);
    assert_eq!(rig.written(1, Value::text("grün")).await, VERIFIED);
    assert_eq!(rig.written(2, Value::F32(2.5)).await, VERIFIED);
    assert_eq!(code(rig.written(1, Value::text("sechs!")).await), "TooLong");
    assert_eq!(code(rig.written(0, Value::Int(70_000)).await), "BadType");
    // The next answer comes when the handle of the last write is given back.
    assert_eq!(rig.written(0, Value::Int(-8)).await, VERIFIED);
    assert_eq!(rig.written(2, Value::F32(3.5)).await, VERIFIED);
    let memory = device.memory.lock();
    assert_eq!(memory.symbols["MAIN.nSetpoint"].bytes, [0xF8, 0xFF]);
    assert_eq!(memory.symbols["MAIN.sName"].bytes, b"gr\xfcn\0\0");
    assert_eq!(memory.symbols["MAIN.fSpeed"].bytes, 3.5f32.to_le_bytes());
    assert_eq!((memory.writes, memory.handles.len()), (5, 0));
}

#[tokio::test]
async fn refusals_are_the_plcs_own_and_explained() {
    let device = Device::start().await;
    let write = |operation| endpoint(Access::Write, operation);
    let endpoints = vec![
        write(json!({ "symbolName": "MAIN.nNowhere", "dataType": "INT" })),
        write(json!({ "symbolName": "MAIN.nSetpoint", "dataType": "REAL" })),
        write(json!({ "indexGroup": 0x4040, "indexOffset": 4, "dataType": "INT" })),
        write(json!({ "indexGroup": 0x4040, "indexOffset": 0, "dataType": "INT" })),
    ];
    device.memory.lock().errors.insert((0x4040, 4), 0x704);
    let rig = started(device.port(), &json!({}), endpoints);
    assert_eq!(
        code(rig.written(0, Value::Int(1)).await),
        "symbol_not_found"
    );
    assert_eq!(
        code(rig.written(1, Value::F32(1.0)).await),
        "symbol_not_found"
    );
    assert_eq!(code(rig.written(2, Value::Int(1)).await), "access_denied");
    assert_eq!(code(rig.written(3, Value::Int(1)).await), "wrong_size");
}

#[tokio::test]
async fn a_write_without_an_answer_is_unknown_and_never_repeated() {
    let device = Device::start().await;
    let operation = json!({ "indexGroup": 0x4040, "indexOffset": 4, "dataType": "INT" });
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
