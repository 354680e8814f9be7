//! What topics and payloads become, and what writes become, with Mosquitto in between.

use mainstem_adapter::{AdapterSpec, WriteAnswer};
use mainstem_model::{Access, Reason, Value};
use serde_json::json;

use crate::broker::{Broker, Ear, is_here};
use crate::rig::{self, PATIENCE, start};

fn spec(port: u16, version: &str) -> AdapterSpec {
    let read = |name, kind, operation| rig::endpoint(name, Access::Read, kind, operation);
    let state = json!({"topic": "hall/state", "pointer": "/a/0", "timePointer": "/at"});
    let rw = json!({"topic": "hall/echo", "writeTopic": "hall/echo", "qos": 2, "retain": true});
    let template = json!({"topic": "hall/set", "template": "{\"v\": {value}, \"x\": {}}"});
    let fleeting = json!({"topic": "hall/fleeting", "qos": 0, "format": "raw"});
    let endpoints = vec![
        read("plain", "f64", json!({"topic": "hall/plain"})),
        read("state", "i32", state),
        read(
            "wild",
            "text",
            json!({"topic": "hall/+/alarm", "format": "raw"}),
        ),
        read(
            "raw",
            "bytes",
            json!({"topic": "hall/raw", "format": "raw"}),
        ),
        read("json", "json", json!({"topic": "hall/json"})),
        rig::endpoint("echo", Access::ReadWrite, "i64", rw),
        rig::endpoint("set", Access::Write, "f64", template),
        rig::endpoint("fleeting", Access::Write, "text", fleeting),
    ];
    rig::spec(port, &json!({"version": version}), endpoints)
}

async fn messages_become_values(version: &str) {
    if !is_here() {
        return;
    }
    let broker = Broker::start();
    let rig = start(spec(broker.port, version));
    rig.online().await;
    // Subscribed when something that is kept arrives.
    broker.publish("hall/plain", b"1", &["-r"]);
    rig.value("plain", &Value::F64(1.0)).await;
    broker.publish(
        "hall/plain",
        br#"{"timestamp":1700000000000,"value":2.5}"#,
        &[],
    );
    rig.value("plain", &Value::F64(2.5)).await;
    let bad = br#"{"timestamp":1700000000000,"value":null,"quality":"bad","reason":"link_down"}"#;
    broker.publish("hall/plain", bad, &[]);
    rig.reason("plain", Reason::LinkDown).await;
    broker.publish(
        "hall/state",
        br#"{"a":[7],"at":"2026-01-01T00:00:00Z"}"#,
        &[],
    );
    rig.value("state", &Value::Int(7)).await;
    broker.publish("hall/press/alarm", b"on fire", &[]);
    rig.value("wild", &Value::text("on fire")).await;
    broker.publish("hall/oven/alarm", b"cold", &[]);
    rig.value("wild", &Value::text("cold")).await;
    broker.publish("hall/raw", b"\x00\xff", &[]);
    rig.value("raw", &Value::Bytes([0, 255].into())).await;
    broker.publish("hall/json", br#"{"b":1,"a":[]}"#, &[]);
    rig.value("json", &Value::Json(r#"{"b":1,"a":[]}"#.into()))
        .await;
    for garbage in [
        b"{".as_slice(),
        b"\xff\xfe",
        b"{\"a\":[\"seven\"]}",
        b"{\"a\":[1e99]}",
    ] {
        broker.publish("hall/state", br#"{"a":[8]}"#, &[]);
        rig.value("state", &Value::Int(8)).await;
        broker.publish("hall/state", garbage, &[]);
        rig.reason("state", Reason::BadType).await;
    }
    let ear = Ear::start(&broker, "hall/+");
    let applied = WriteAnswer::Applied { verified: false };
    assert_eq!(rig.write("echo", Value::Int(-3), PATIENCE).await, applied);
    rig.value("echo", &Value::Int(-3)).await;
    assert_eq!(rig.write("set", Value::F64(0.5), PATIENCE).await, applied);
    assert_eq!(
        rig.write("fleeting", Value::text("{value}"), PATIENCE)
            .await,
        applied
    );
    rig.until(|_| {
        let text = ear.text();
        text.contains(r#"{"v": 0.5, "x": {}}"#) && text.lines().any(|line| line == "{value}")
    })
    .await;
    rig.runner.stop().await;
}

#[tokio::test]
async fn with_3_1_1() {
    messages_become_values("3.1.1").await;
}

#[tokio::test]
async fn with_5() {
    messages_become_values("5").await;
}

/// A session that is kept hands over what was said meanwhile.
#[tokio::test]
async fn a_kept_session_misses_nothing() {
    if !is_here() {
        return;
    }
    let broker = Broker::start();
    let mut kept = spec(broker.port, "5");
    kept.connection["clean"] = false.into();
    kept.connection["clientId"] = "hall-of-the-test".into();
    let rig = start(kept.clone());
    broker.publish("hall/plain", b"1", &["-r"]);
    rig.value("plain", &Value::F64(1.0)).await;
    rig.runner.stop().await;
    broker.publish("hall/state", br#"{"a":[99]}"#, &["-q", "1"]);
    let rig = start(kept);
    rig.value("state", &Value::Int(99)).await;
    rig.runner.stop().await;
}
