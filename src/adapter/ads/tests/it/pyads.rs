//! The adapter against pyads' test server, somebody else's implementation: every data type in both
//! directions, what is refused, and a program that changes.

use mainstem_adapter::WriteAnswer;
use mainstem_model::{Access, Reason, Timestamp, Value};
use serde_json::{Value as Json, json};

use crate::foreign::Foreign;
use crate::rig::{endpoint, read, started};

fn to_json(value: &Value) -> Json {
    match value {
        Value::Bool(on) => json!(on),
        Value::Int(number) => json!(number),
        Value::UInt(number) => json!(number),
        Value::F32(number) => json!(f64::from(*number)),
        Value::F64(number) => json!(number),
        Value::Text(text) => json!(text.as_ref()),
        Value::Time(moment) => json!(moment.micros()),
        Value::Array(items) => items.iter().map(to_json).collect(),
        other => panic!("{other:?}"),
    }
}

fn operation(entry: &Json) -> Json {
    let mut operation = json!({ "symbolName": entry["symbol"], "dataType": entry["type"] });
    if !entry["length"].is_null() {
        operation["length"] = entry["length"].clone();
    }
    operation
}

/// Something else of the same type.
fn other(value: &Value) -> Value {
    match value {
        Value::Bool(on) => Value::Bool(!on),
        Value::Int(number) => Value::Int(-1 - number),
        Value::UInt(number) => Value::UInt(number / 3),
        Value::F32(number) => Value::F32(number - 0.25),
        Value::F64(number) => Value::F64(number * -3.0),
        Value::Text(_) => Value::text("gr\u{fc}n"),
        Value::Time(moment) => Value::Time(Timestamp::from_micros(moment.micros() + 1_000_000)),
        Value::Array(items) => {
            let items: Vec<Value> = items.iter().map(other).collect();
            Value::Array(items.into())
        }
        other => panic!("{other:?}"),
    }
}

fn slow() -> Json {
    json!({ "timeoutDelay": 5000, "connectionTimeout": 5000 })
}

#[tokio::test]
async fn every_data_type_arrives_and_goes_back() {
    let Some(foreign) = Foreign::start().await else {
        return;
    };
    let entries = foreign.entries.clone();
    let endpoints = entries.iter().map(operation);
    let endpoints = endpoints.map(|operation| endpoint(Access::ReadWrite, operation));
    let mut rig = started(foreign.port, &slow(), endpoints.collect());
    let count = u32::try_from(entries.len()).unwrap();
    assert!(count >= 19);
    let seen = rig
        .until("all", |seen| (0..count).all(|point| seen.good(point) > 0))
        .await;
    for (point, entry) in (0..count).zip(&entries) {
        assert_eq!(
            to_json(seen.value(point).unwrap()),
            entry["value"],
            "{}",
            entry["symbol"]
        );
    }
    for (point, entry) in (0..count).zip(&entries) {
        let wanted = other(seen.value(point).unwrap());
        let answer = rig.written(point, wanted.clone()).await;
        assert_eq!(
            answer,
            WriteAnswer::Applied { verified: true },
            "{}",
            entry["symbol"]
        );
        let told = foreign.writes().last().cloned().unwrap();
        assert_eq!(told["symbol"], entry["symbol"]);
    }
    rig.stopped().await;
    // What a client reads that has just come.
    let endpoints = entries.iter().map(|entry| read(operation(entry)));
    let mut again = started(foreign.port, &slow(), endpoints.collect());
    let now = again
        .until("all", |seen| (0..count).all(|point| seen.good(point) > 0))
        .await;
    for point in 0..count {
        assert_eq!(
            now.value(point),
            Some(&other(seen.value(point).unwrap())),
            "{point}"
        );
    }
}

#[tokio::test]
async fn what_is_refused_is_bad_by_itself_and_says_why() {
    let Some(foreign) = Foreign::start().await else {
        return;
    };
    let endpoints = vec![
        read(json!({ "symbolName": "MAIN.fSpeed" })),
        read(json!({ "symbolName": "MAIN.nNowhere" })),
        read(json!({ "symbolName": "MAIN.fSpeed", "dataType": "DINT" })),
        read(json!({ "symbolName": "MAIN.n16", "dataType": "INT", "length": 2 })),
        read(json!({ "indexGroup": 12345, "indexOffset": 1, "dataType": "INT" })),
        read(json!({ "symbolName": "MAIN.n16", "dataType": "int16" })),
        read(json!({ "indexGroup": "0xF008", "indexOffset": 0, "dataType": "uint8" })),
    ];
    let mut rig = started(foreign.port, &slow(), endpoints);
    let seen = rig
        .until("all", |seen| {
            let is_good = [0, 5, 6].iter().all(|point| seen.good(*point) > 1);
            is_good
                && [1, 2, 3, 4]
                    .iter()
                    .all(|point| seen.reason(*point).is_some())
        })
        .await;
    assert_eq!(seen.value(0), Some(&Value::F32(1.5)));
    assert_eq!(seen.value(6), Some(&Value::UInt(1)));
    assert_eq!(seen.reason(1), Some(Reason::BadAddress));
    assert_eq!(seen.reason(2), Some(Reason::BadType));
    assert_eq!(seen.reason(3), Some(Reason::BadType));
    assert_eq!(seen.reason(4), Some(Reason::BadAddress));
    assert_eq!(seen.online, 1);
    rig.stopped().await;
}

#[tokio::test]
async fn a_variable_that_moves_is_followed_and_never_mistaken() {
    let Some(mut foreign) = Foreign::start().await else {
        return;
    };
    let endpoints = ["MAIN.n16", "MAIN.fSpeed"]
        .map(|name| endpoint(Access::ReadWrite, json!({ "symbolName": name, "dataType": if name == "MAIN.n16" { "INT" } else { "REAL" } })));
    let mut rig = started(foreign.port, &slow(), endpoints.into());
    rig.until("both", |seen| seen.good(0) > 1 && seen.good(1) > 1)
        .await;
    foreign.move_variable("MAIN.n16").await;
    let statistics = rig.statistics.clone();
    let seen = rig
        .until("followed", |_| {
            statistics.snapshot().errors.contains_key("symbols_changed")
        })
        .await;
    let good = seen.good(0);
    let seen = rig.until("again", |seen| seen.good(0) > good + 2).await;
    // The stranger in its old place would be 21845.
    assert_eq!(seen.value(0), Some(&Value::Int(-30000)));
    assert_eq!(seen.online, 1);
    let applied = WriteAnswer::Applied { verified: true };
    assert_eq!(rig.written(0, Value::Int(5)).await, applied);
}
