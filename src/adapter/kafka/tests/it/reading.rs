//! Values that a foreign client has produced, of each type and in each way.

use mainstem_adapter::conformance::{Observed, Rig};
use mainstem_adapter_kafka::KIND;
use mainstem_model::{Access, Reason, Timestamp, Value};
use serde_json::json;

use crate::peer::{PATIENCE, Peer, endpoint, reads};

async fn shows(rig: &Rig, name: &str, wanted: &Value) {
    let is_it = |seen: &Observed| (seen.value(name).as_ref() == Some(wanted)).then_some(());
    rig.witness.until(name, PATIENCE, is_it).await;
}

#[tokio::test]
async fn every_type_is_read_as_it_was_produced() {
    let Some(peer) = Peer::start(&["all", "raw"]) else {
        return;
    };
    let document = json!({
        "flag": true, "small": -5, "large": u64::MAX, "float": 0.1, "text": "grün",
        "list": [1, 2, 3], "deep": [{ "a/b": 7 }], "bytes": "AQID", "object": { "x": null },
    });
    let message = json!({
        "op": "produce", "topic": "all", "value": document.to_string(), "key": "k",
        "timestamp": 1_790_000_000_123_i64, "partition": 0,
    });
    peer.command(&message);
    peer.command(&json!({ "op": "produce", "topic": "raw", "base64": "AAH/", "partition": 0 }));
    let raw = json!({ "topic": "raw", "from": "earliest", "format": "raw" });
    let spec = peer.spec(vec![
        reads("flag", "bool", "all", "/flag"),
        reads("small", "i16", "all", "/small"),
        reads("large", "u64", "all", "/large"),
        reads("float", "f64", "all", "/float"),
        reads("text", "text", "all", "/text"),
        reads("list", "i32[]", "all", "/list"),
        reads("deep", "u8", "all", "/deep/0/a~1b"),
        reads("bytes", "bytes", "all", "/bytes"),
        reads("object", "json", "all", "/object"),
        reads("missing", "f64", "all", "/missing"),
        reads("wrong", "f64", "all", "/text"),
        endpoint("raw", Access::Read, Some("bytes"), raw),
    ]);
    let rig = Rig::start(KIND, spec);
    let list = [1, 2, 3].map(Value::Int).to_vec();
    for (name, wanted) in [
        ("flag", Value::Bool(true)),
        ("small", Value::Int(-5)),
        ("large", Value::UInt(u64::MAX)),
        ("float", Value::F64(0.1)),
        ("text", Value::text("grün")),
        ("list", Value::Array(list.into())),
        ("deep", Value::UInt(7)),
        ("bytes", Value::Bytes([1, 2, 3].into())),
        ("object", Value::Json(r#"{"x":null}"#.into())),
        ("raw", Value::Bytes([0, 1, 255].into())),
    ] {
        shows(&rig, name, &wanted).await;
    }
    let seen = rig.witness.observed();
    for name in ["missing", "wrong"] {
        let quality = seen.quality(seen.find(name).unwrap()).unwrap();
        assert_eq!(quality.reason, Reason::BadType, "{name}");
    }
    let sample = &seen.latest[&seen.find("flag").unwrap()];
    let produced = Timestamp::from_micros(1_790_000_000_123_000);
    assert_eq!(sample.source_time, Some(produced));
    rig.runner.stop().await;
}

#[tokio::test]
async fn every_compression_is_opened_and_every_message_comes_in_its_order() {
    const EACH: u64 = 300;
    let Some(peer) = Peer::start(&["packed"]) else {
        return;
    };
    let operation = json!({ "topic": "packed", "from": "earliest", "format": "raw" });
    let spec = peer.spec(vec![endpoint("all", Access::Read, Some("text"), operation)]);
    let rig = Rig::start(KIND, spec);
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        for number in 0..3 {
            let value = format!(
                "{codec} {number} {}",
                "long enough to be compressed ".repeat(20)
            );
            let message = json!({
                "op": "produce", "topic": "packed", "value": value, "codec": codec,
                "partition": 0, "times": EACH / 3,
            });
            peer.command(&message);
            let last = |seen: &Observed| (seen.value("all")? == Value::text(&value)).then_some(());
            rig.witness.until(&value[..12], PATIENCE, last).await;
        }
    }
    let delivered = rig.runner.view().statistics.samples;
    assert_eq!(delivered, EACH * 5, "each message is a sample");
    rig.runner.stop().await;
}

#[tokio::test]
async fn keys_partitions_and_messages_without_a_value_are_told_apart() {
    let Some(peer) = Peer::start(&["keys"]) else {
        return;
    };
    for (key, partition, value) in [("a", 0, "1"), ("b", 1, "2"), ("c", 2, "3")] {
        let message = json!({
            "op": "produce", "topic": "keys", "key": key, "value": value, "partition": partition,
        });
        peer.command(&message);
    }
    let read = |name: &str, more: serde_json::Value| {
        let mut operation = json!({ "topic": "keys", "from": "earliest" });
        let fields = operation.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        endpoint(name, Access::Read, Some("f64"), operation)
    };
    let rig = Rig::start(
        KIND,
        peer.spec(vec![
            read("a", json!({ "key": "a" })),
            read("second", json!({ "partitions": [1] })),
            read("third", json!({ "partitions": [2, 3] })),
            read("none", json!({ "key": "nobody" })),
        ]),
    );
    shows(&rig, "a", &Value::F64(1.0)).await;
    shows(&rig, "second", &Value::F64(2.0)).await;
    shows(&rig, "third", &Value::F64(3.0)).await;
    let seen = rig.witness.observed();
    assert_eq!(seen.value("none"), None);
    peer.command(&json!({ "op": "produce", "topic": "keys", "key": "a", "partition": 0 }));
    let is_gone = |seen: &Observed| {
        let quality = seen.quality(seen.find("a")?)?;
        (quality.reason == Reason::BadSource).then_some(())
    };
    rig.witness.until("the tombstone", PATIENCE, is_gone).await;
    rig.runner.stop().await;
}
