//! The adapter against python-snap7's server, somebody else's implementation.

use mainstem_adapter::WriteAnswer;
use mainstem_adapter::conformance::Program;
use mainstem_model::{Access, Reason, Value};
use serde_json::{Value as Json, json};

use crate::rig::{endpoint, read, started};

pub(crate) struct Foreign {
    pub(crate) port: u16,
    pub(crate) entries: Vec<Json>,
    program: Program,
}

impl Foreign {
    /// The server, or nothing and a word about it if no Python was named.
    pub(crate) async fn start() -> Option<Self> {
        let program = Program::start("S7 against python-snap7", "s7_server.py", &[]).await?;
        Some(Self {
            port: program.port(),
            entries: program.list("entries"),
            program,
        })
    }

    async fn command(&mut self, command: &str) -> Json {
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
        Value::Time(moment) => json!(moment.micros()),
        other => panic!("{other:?}"),
    }
}

fn operation(entry: &Json) -> Json {
    let (at, data_type) = (&entry["at"], entry["dataType"].as_str().unwrap());
    if data_type == "bool" {
        return json!({ "address": format!("DB1.DBX{at}.0") });
    }
    let mut operation = json!({ "address": format!("DB1.DBB{at}"), "dataType": data_type });
    if !entry["length"].is_null() {
        operation["length"] = entry["length"].clone();
    }
    operation
}

#[tokio::test]
async fn every_data_type_arrives_and_goes_back() {
    let Some(mut foreign) = Foreign::start().await else {
        return;
    };
    let entries = foreign.entries.clone();
    assert!(entries.len() >= 27);
    let endpoints = entries.iter().map(operation);
    let endpoints = endpoints.map(|operation| endpoint(Access::ReadWrite, operation));
    let mut rig = started(foreign.port, &json!({}), endpoints.collect());
    let count = u32::try_from(entries.len()).unwrap();
    let seen = rig
        .until("all", |seen| (0..count).all(|point| seen.good(point) > 0))
        .await;
    for (point, entry) in (0..count).zip(&entries) {
        let value = seen.value(point).unwrap();
        assert_eq!(to_json(value), entry["value"], "{}", entry["dataType"]);
    }
    // Clear the bytes behind the adapter's back, write the values, and compare what is there and
    // what the server's own reader makes of it.
    for (point, entry) in (0..count).zip(&entries) {
        let (at, size) = (
            entry["at"].as_u64().unwrap(),
            entry["size"].as_u64().unwrap(),
        );
        let data_type = entry["dataType"].as_str().unwrap();
        // The first part of a string's header is not the writer's.
        let kept = match data_type {
            "string" => 1,
            "wstring" => 2,
            _ => 0,
        };
        let zeros = vec!["0"; usize::try_from(size - kept).unwrap()].join(" ");
        foreign.command(&format!("set {} {zeros}", at + kept)).await;
        let value = seen.value(point).unwrap().clone();
        let answer = rig.written(point, value).await;
        assert_eq!(
            answer,
            WriteAnswer::Applied { verified: true },
            "{data_type}"
        );
        let read = foreign.command(&format!("get {at} {size}")).await;
        assert_eq!(read["bytes"], entry["bytes"], "{data_type}");
        let read = foreign.command(&format!("value {data_type} {at}")).await;
        assert_eq!(read["value"], entry["value"], "{data_type}");
    }
    rig.stopped().await;
}

#[tokio::test]
async fn every_area_is_read_and_what_is_missing_is_bad() {
    let Some(mut foreign) = Foreign::start().await else {
        return;
    };
    let addresses = [
        "MB7",
        "M7.2",
        "EB0",
        "I0.5",
        "AW0",
        "QD4",
        "T0",
        "T1",
        "C0",
        "Z1",
        "DB1,INT990.5",
        "DB1.DBB1000",
        "DB2.DBW0",
        "MB64",
    ];
    let endpoints = addresses.map(|address| read(json!({ "address": address })));
    let mut rig = started(foreign.port, &json!({}), endpoints.into());
    let seen = rig
        .until("all", |seen| {
            let bad = |point| seen.reason(point) == Some(Reason::BadAddress);
            (0..11).all(|point| seen.good(point) > 2) && (11..14).all(bad)
        })
        .await;
    let expected = [
        json!(7),
        json!(true),
        json!(0xA5),
        json!(true),
        json!(0),
        json!(0),
        json!(123_000),
        json!(50),
        json!(42),
        json!(999),
    ];
    for (point, value) in (0..).zip(&expected) {
        assert_eq!(&to_json(seen.value(point).unwrap()), value, "{point}");
    }
    foreign.command("set 990 0 1 255 255 0 0 0 0 1 0").await;
    let wanted = [1, -1, 0, 0, 256].map(Value::Int);
    rig.until("the array", |seen| {
        seen.value(10) == Some(&Value::Array(wanted.clone().into()))
    })
    .await;
    assert_eq!(seen.online, 1);
    rig.stopped().await;
}
