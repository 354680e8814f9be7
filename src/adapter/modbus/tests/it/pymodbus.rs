//! The adapter against pymodbus, somebody else's implementation.

use std::time::Duration;

use mainstem_adapter::WriteAnswer;
use mainstem_adapter::conformance::Program;
use mainstem_model::{Access, Reason, Value};
use serde_json::{Value as Json, json};

use crate::rig::{endpoint, read, started};

pub(crate) struct Foreign {
    pub(crate) port: u16,
    pub(crate) registers: Vec<Json>,
    program: Program,
}

impl Foreign {
    /// The server, or nothing and a word about it if no Python was named.
    pub(crate) async fn start() -> Option<Self> {
        Self::serving(&[]).await
    }

    /// The same, by another way than Modbus TCP.
    pub(crate) async fn serving(way: &[&str]) -> Option<Self> {
        let program = Program::start("Modbus against pymodbus", "modbus_server.py", way).await?;
        Some(Self {
            port: program.port(),
            registers: program.list("registers"),
            program,
        })
    }

    pub(crate) async fn command(&mut self, command: &str) -> Json {
        self.program.command(command).await
    }
}

/// The value as the server's Python has it.
pub(crate) fn to_json(value: &Value) -> Json {
    match value {
        Value::Bool(on) => json!(on),
        Value::Int(number) => json!(number),
        Value::UInt(number) => json!(number),
        Value::F32(number) => json!(f64::from(*number)),
        Value::F64(number) => json!(number),
        Value::Text(text) => json!(text.as_ref()),
        Value::Bytes(bytes) => json!(bytes.as_ref()),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn operation(entry: &Json) -> Json {
    let mut operation =
        json!({ "fc": 3, "address": entry["address"], "dataType": entry["dataType"] });
    if ["string", "raw"].contains(&entry["dataType"].as_str().unwrap()) {
        operation["length"] = entry["length"].clone();
    }
    operation
}

#[tokio::test]
async fn every_data_type_arrives_and_goes_back() {
    let Some(mut foreign) = Foreign::start().await else {
        return;
    };
    let entries = foreign.registers.clone();
    assert!(entries.len() >= 30);
    let endpoints: Vec<_> = entries
        .iter()
        .map(|entry| endpoint(Access::ReadWrite, operation(entry)))
        .collect();
    let count = u32::try_from(endpoints.len()).unwrap();
    let mut rig = started(foreign.port, &json!({}), endpoints);
    let seen = rig
        .until("all", |seen| (0..count).all(|point| seen.good(point) > 0))
        .await;
    for (point, entry) in (0..count).zip(&entries) {
        let value = seen.value(point).unwrap();
        assert_eq!(to_json(value), entry["value"], "{}", entry["dataType"]);
    }
    // Clear the registers behind the adapter's back, write the values, and compare registers.
    for (point, entry) in (0..count).zip(&entries) {
        let (at, length) = (&entry["address"], entry["length"].as_u64().unwrap());
        let zeros = vec!["0"; usize::try_from(length).unwrap()].join(" ");
        foreign.command(&format!("set 1 3 {at} {zeros}")).await;
        let value = seen.value(point).unwrap().clone();
        let answer = rig.written(point, value).await;
        assert_eq!(
            answer,
            WriteAnswer::Applied { verified: true },
            "{}",
            entry["dataType"]
        );
        let read = foreign.command(&format!("get 1 3 {at} {length}")).await;
        assert_eq!(read["values"], entry["registers"], "{}", entry["dataType"]);
    }
    rig.stopped().await;
}

#[tokio::test]
async fn a_hole_and_a_dead_unit_are_found() {
    let Some(mut foreign) = Foreign::start().await else {
        return;
    };
    let mut endpoints: Vec<_> = (190..220)
        .map(|at| read(json!({ "fc": 3, "address": at })))
        .collect();
    endpoints.push(read(json!({ "fc": 1, "address": 3 })));
    endpoints.push(read(json!({ "fc": 2, "address": 4, "unitId": 2 })));
    endpoints.push(read(json!({ "fc": 3, "address": 0, "unitId": 9 })));
    let mut rig = started(foreign.port, &json!({}), endpoints);
    let seen = rig
        .until("all but the hole", |seen| {
            (0..10).chain(20..32).all(|point| seen.good(point) > 2)
                && (10..20).all(|point| seen.reason(point) == Some(Reason::BadAddress))
                && seen
                    .devices
                    .get(&2)
                    .is_some_and(|quality| !quality.is_good())
        })
        .await;
    assert_eq!(seen.value(30), Some(&Value::Bool(true)));
    assert_eq!(seen.value(31), Some(&Value::Bool(false)));
    assert_eq!(seen.online, 1);
    foreign.command("set 1 3 190 4711").await;
    rig.until("a new value", |seen| {
        seen.value(0) == Some(&Value::UInt(4711))
    })
    .await;
    rig.stopped().await;
}

#[tokio::test]
async fn a_write_into_the_hole_is_refused_in_the_devices_words() {
    let Some(mut foreign) = Foreign::start().await else {
        return;
    };
    let endpoints = vec![
        read(json!({ "fc": 3, "address": 0 })),
        endpoint(Access::Write, json!({ "fc": 16, "address": 205 })),
        endpoint(Access::Write, json!({ "fc": 5, "address": 1 })),
    ];
    let rig = started(foreign.port, &json!({}), endpoints);
    let answer = rig.written(1, Value::UInt(1)).await;
    let WriteAnswer::Refused { code, .. } = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(code, "IllegalDataAddress");
    let answer = rig.written(2, Value::Bool(true)).await;
    assert_eq!(answer, WriteAnswer::Applied { verified: false });
    let coils = foreign.command("get 1 1 0 3").await;
    assert_eq!(coils["values"], json!([true, true, false]));
}

#[tokio::test]
async fn a_frozen_device_is_lost_and_found() {
    let Some(mut foreign) = Foreign::start().await else {
        return;
    };
    let endpoints = vec![read(json!({ "fc": 3, "address": 0 }))];
    let mut rig = started(foreign.port, &json!({}), endpoints);
    rig.until("up", |seen| seen.good(0) > 2).await;
    foreign.command("freeze").await;
    assert_eq!(rig.ended().await.unwrap_err().code(), "timeout");
    foreign.command("resume").await;
    rig.start();
    let before = rig.seen().good(0);
    rig.until("back", |seen| seen.online == 2 && seen.good(0) > before + 2)
        .await;
    assert!(rig.stopped().await < Duration::from_millis(500));
}
