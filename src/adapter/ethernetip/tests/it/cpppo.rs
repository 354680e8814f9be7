//! The adapter against cpppo's simulator, somebody else's implementation: every data type in both
//! directions, whole arrays part by part, programs, and what is refused.

use mainstem_adapter::WriteAnswer;
use mainstem_model::{Access, Reason, Value};
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
        Value::Array(items) => items.iter().map(to_json).collect(),
        other => panic!("{other:?}"),
    }
}

fn operation(entry: &Json) -> Json {
    let mut operation = json!({ "tagName": entry["tag"], "tagType": entry["type"] });
    if entry["type"] == "SSTRING" {
        operation["tagType"] = "STRING".into();
    }
    if entry["elements"] != 1 {
        operation["length"] = entry["elements"].clone();
    }
    operation
}

fn expected(entry: &Json) -> &Json {
    match entry["elements"] == 1 {
        true => &entry["value"][0],
        false => &entry["value"],
    }
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
        Value::Array(items) => items.iter().map(other).collect::<Vec<_>>().into_array(),
        other => panic!("{other:?}"),
    }
}

trait IntoArray {
    fn into_array(self) -> Value;
}

impl IntoArray for Vec<Value> {
    fn into_array(self) -> Value {
        Value::Array(self.into())
    }
}

#[tokio::test]
async fn every_data_type_arrives_and_goes_back() {
    let Some(foreign) = Foreign::start().await else {
        return;
    };
    let entries = foreign.entries.clone();
    let endpoints = entries.iter().map(operation);
    let endpoints = endpoints.map(|operation| endpoint(Access::ReadWrite, operation));
    let slow = json!({ "operationTimeout": 5000, "connectionTimeout": 5000 });
    let mut rig = started(foreign.port, &slow, endpoints.collect());
    let count = u32::try_from(entries.len()).unwrap();
    assert!(count >= 17);
    let seen = rig
        .until("all", |seen| (0..count).all(|point| seen.good(point) > 0))
        .await;
    for (point, entry) in (0..count).zip(&entries) {
        assert_eq!(
            &to_json(seen.value(point).unwrap()),
            expected(entry),
            "{}",
            entry["tag"]
        );
    }
    for (point, entry) in (0..count).zip(&entries) {
        let wanted = other(seen.value(point).unwrap());
        let answer = rig.written(point, wanted.clone()).await;
        if entry["tag"] == "Reals" {
            // 2,400 bytes would have to go in several requests.
            assert!(matches!(answer, WriteAnswer::Refused { .. }), "{answer:?}");
            continue;
        }
        assert_eq!(
            answer,
            WriteAnswer::Applied { verified: true },
            "{}",
            entry["tag"]
        );
        let kept = foreign.writes().last().cloned().unwrap();
        assert_eq!(kept["tag"], entry["tag"]);
        let kept = if entry["elements"] == 1 {
            &kept["value"][0]
        } else {
            &kept["value"]
        };
        if entry["type"] == "BOOL" {
            assert!(kept == &json!(false) || kept == &json!(0), "{kept}");
        } else {
            assert_eq!(kept, &to_json(&wanted), "{}", entry["tag"]);
        }
    }
    rig.stopped().await;
}

#[tokio::test]
async fn what_is_refused_is_bad_by_itself_and_says_why() {
    let Some(foreign) = Foreign::start().await else {
        return;
    };
    let endpoints = vec![
        read(json!({ "tagName": "Temperature" })),
        read(json!({ "tagName": "Nowhere" })),
        read(json!({ "tagName": "Level", "programName": "Main", "tagType": "REAL" })),
        read(json!({ "tagName": "Int", "tagType": "DINT" })),
        read(json!({ "tagName": "Ints[2]", "tagType": "INT" })),
        read(json!({ "tagName": "Ints[2]", "tagType": "INT", "length": 9 })),
        read(json!({ "tagName": "Usint.7" })),
        endpoint(
            Access::Write,
            json!({ "tagName": "Int", "tagType": "LREAL" }),
        ),
    ];
    let slow = json!({ "operationTimeout": 5000, "connectionTimeout": 5000 });
    let mut rig = started(foreign.port, &slow, endpoints);
    let seen = rig
        .until("all", |seen| {
            let is_good = [0, 2, 4, 6].iter().all(|point| seen.good(*point) > 1);
            is_good && [1, 3, 5].iter().all(|point| seen.reason(*point).is_some())
        })
        .await;
    assert_eq!(seen.reason(1), Some(Reason::BadAddress));
    assert_eq!(seen.reason(3), Some(Reason::BadType));
    assert_eq!(seen.reason(5), Some(Reason::BadAddress));
    assert_eq!(seen.value(0), Some(&Value::F32(20.5)));
    assert_eq!(seen.value(2), Some(&Value::F32(2.25)));
    assert_eq!(seen.value(4), Some(&Value::Int(3)));
    assert_eq!(seen.value(6), Some(&Value::Bool(true)));
    let answer = rig.written(7, Value::F64(1.0)).await;
    assert!(matches!(answer, WriteAnswer::Refused { .. }), "{answer:?}");
    assert_eq!(rig.seen().online, 1);
    rig.stopped().await;
}
