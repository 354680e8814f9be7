//! What is written is what a foreign client reads.

use mainstem_adapter::WriteAnswer;
use mainstem_adapter::conformance::Rig;
use mainstem_adapter_kafka::KIND;
use mainstem_model::{Access, Value};
use serde_json::{Value as Json, json};

use crate::peer::{PATIENCE, Peer, endpoint};

#[tokio::test]
async fn messages_have_their_key_headers_value_and_partition() {
    let Some(peer) = Peer::start(&["out", "chosen"]) else {
        return;
    };
    let write = |name: &str, kind: &str, operation: Json| {
        endpoint(name, Access::Write, Some(kind), operation)
    };
    let headers = json!({ "source": "line1", "unit": "bar" });
    let spec = peer.spec(vec![
        write(
            "json",
            "f64",
            json!({ "topic": "out", "key": "press", "headers": headers }),
        ),
        write(
            "packed",
            "text",
            json!({ "topic": "out", "compression": "gzip", "partition": 2 }),
        ),
        write(
            "raw",
            "text",
            json!({ "topic": "out", "format": "raw", "partition": 3 }),
        ),
        write("nowhere", "text", json!({ "topic": "nowhere" })),
        write(
            "outside",
            "text",
            json!({ "topic": "chosen", "partition": 99 }),
        ),
    ]);
    let rig = Rig::start(KIND, spec);
    rig.witness
        .until_state(mainstem_adapter::AdapterState::Online, PATIENCE)
        .await;
    let applied = WriteAnswer::Applied { verified: false };
    for (name, value) in [
        ("json", Value::F64(4.5)),
        ("packed", Value::text("long")),
        ("raw", Value::text("grün")),
    ] {
        assert_eq!(rig.write(name, value, PATIENCE).await, applied, "{name}");
    }
    for (name, code) in [
        ("nowhere", "unknown_topic"),
        ("outside", "unknown_partition"),
    ] {
        let answer = rig.write(name, Value::text("x"), PATIENCE).await;
        let is_refused = matches!(&answer, WriteAnswer::Refused { code: said, .. } if said == code);
        assert!(is_refused, "{name}: {answer:?}");
    }
    let read = peer.command(&json!({ "op": "read", "topic": "out", "count": 3 }));
    let read = read.as_array().unwrap();
    let with_value = |value: &str| {
        read.iter()
            .find(|message| message["value"] == value)
            .unwrap()
    };
    let number = with_value("4.5");
    assert_eq!(
        (&number["key"], &number["headers"]),
        (&"press".into(), &headers)
    );
    assert_eq!(with_value("\"long\"")["partition"], 2);
    assert_eq!(with_value("grün")["partition"], 3);
    assert!(number["millis"].as_i64() > Some(1_700_000_000_000));
    rig.runner.stop().await;
}

#[tokio::test]
async fn a_key_goes_to_the_partition_to_which_others_bring_it() {
    let Some(peer) = Peer::start(&["out"]) else {
        return;
    };
    let keys = ["press", "line1", "a", "a-little-bit-longer-string", "21"];
    let endpoints = keys.iter().enumerate().map(|(index, key)| {
        let operation = json!({ "topic": "out", "key": key, "format": "raw" });
        endpoint(&format!("k{index}"), Access::Write, Some("text"), operation)
    });
    let rig = Rig::start(KIND, peer.spec(endpoints.collect()));
    rig.witness
        .until_state(mainstem_adapter::AdapterState::Online, PATIENCE)
        .await;
    for (index, key) in keys.iter().enumerate() {
        let written = rig
            .write(&format!("k{index}"), Value::text(key), PATIENCE)
            .await;
        assert_eq!(written, WriteAnswer::Applied { verified: false });
    }
    let read = peer.command(&json!({ "op": "read", "topic": "out", "count": keys.len() }));
    for message in read.as_array().unwrap() {
        let key = message["key"].as_str().unwrap();
        let theirs = json!({ "op": "produce", "topic": "out", "key": key, "value": "x" });
        let theirs = peer.command(&theirs);
        assert_eq!(message["partition"], theirs["partition"], "{key}");
    }
    rig.runner.stop().await;
}
