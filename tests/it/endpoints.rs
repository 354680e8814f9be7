//! The topics of endpoints at whole nodes, with the clients of Mosquitto: reads and writes on request,
//! values as they change, and requests that must not have an effect.

use std::time::{Duration, Instant};

use mainstem_model::Value as Number;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::flowsync::foreign::{free_port, mosquitto};
use crate::skipped::skipped;
use crate::support::mosquitto::{Listener, Login};
use crate::support::{TestNode, eventually};

const WHAT: &str = "the topics of endpoints";
const WHY: &str = "mosquitto-clients is not installed";
const MES: &str = "the-token-of-the-mes";
const VISITOR: &str = "the-token-of-the-visitor";
const ROLES: &str = "  mes: { read: [ \"**\" ], write: [ \"sim.level\" ], \
                     topics: { publish: [ \"services/#\" ], subscribe: [ \"services/#\" ] } }\n  \
                     visitor: { read: [ \"**\" ], \
                     topics: { publish: [ \"services/#\" ], subscribe: [ \"services/#\" ] } }\n";
const TOKENS: &str = "  - { name: mes, role: mes, token: the-token-of-the-mes }\n  \
                      - { name: visitor, role: visitor, token: the-token-of-the-visitor }\n";
const LISTEN: &str =
    "bus: { embedded: { listen: [ { address: \"127.0.0.1:0\", tls: false } ] } }\n";
const RESOURCES: &str = "  sim: { type: Connection, properties: { protocol: simulator } }
  level: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, \
access: rw, retain: true, limits: { min: 0, max: 100 }, \
subscribe: { signal: setpoint, initial: 20, interval: 20ms } } }
  locked: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, \
access: rw, subscribe: { signal: setpoint, initial: 1, interval: 20ms } } }
  count: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, \
topic: press/pieces, subscribe: { signal: counter, step: 1, interval: 20ms } } }
  asked: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, \
read: { signal: constant, value: 7 } } }\n";

async fn start() -> TestNode {
    let sections = format!("{TOKENS}{LISTEN}");
    let node = TestNode::start_roles("[\"**\"]", ROLES, "line1", RESOURCES, &sections).await;
    node.wait_good("sim.level").await;
    node.wait_good("sim.asked").await;
    node
}

/// The next answer, without its time, which has to be that of now.
async fn answer(listener: &mut Listener) -> Value {
    let (topic, retained, payload) = listener.next().await;
    assert!(topic.ends_with("/res") && !retained, "{topic} {payload}");
    let mut answer: Value = serde_json::from_str(&payload).unwrap();
    let members = answer.as_object_mut().unwrap();
    let time = members.remove("timestamp").unwrap().as_u64();
    assert!(time > Some(1_700_000_000_000), "{payload}");
    answer
}

/// The records of refused requests on a topic, once there are so many.
async fn refused(node: &TestNode, topic: &str, count: usize) -> Vec<String> {
    let path = node.data().join("audit.log");
    eventually(&format!("{count} refused requests on {topic}"), || {
        let text = std::fs::read_to_string(&path).unwrap();
        let lines = text.lines().map(str::to_owned);
        let found: Vec<String> = lines
            .filter(|line| line.contains("bus.request") && line.contains(topic))
            .collect();
        (found.len() >= count).then_some(found)
    })
    .await
}

/// What came of the requests of the test below stands in the ledger and in the audit trail.
async fn recorded(node: &TestNode) {
    let (_, writes) = node.ask("GET", "writes", Value::Null).await;
    let applied = writes["items"].as_array().unwrap().iter();
    let applied = applied.filter(|write| write["state"] == "applied").count();
    assert_eq!(applied, 2, "{writes:#}");
    let audit = std::fs::read_to_string(node.data().join("audit.log")).unwrap();
    let denied = |line: &&str| line.contains("\"visitor\"") && line.contains("sim.level");
    assert!(audit.lines().any(|line| denied(&line)), "{audit}");
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_and_writes_are_answered_with_the_id_of_the_request() {
    let node = start().await;
    let port = node.bus_port().await;
    let (mes, visitor) = (
        Login { port, token: MES },
        Login {
            port,
            token: VISITOR,
        },
    );
    let Some(mut answers) = mes.listen("services/line1/+/res").await else {
        return skipped(WHAT, WHY);
    };
    for (asked, id) in [
        (r#"{"id": 29194}"#, json!(29194)),
        (
            r#"{"id": "cb75f252-ebd8-4b33-b39d-b74953c6c99c"}"#,
            json!("cb75f252-ebd8-4b33-b39d-b74953c6c99c"),
        ),
    ] {
        mes.publish("services/line1/asked/req", asked, &[]).await;
        assert_eq!(
            answer(&mut answers).await,
            json!({"id": id, "result": {"value": 7}})
        );
    }
    mes.publish("services/line1/asked/req", "now, please", &[])
        .await;
    assert_eq!(answer(&mut answers).await, json!({"result": {"value": 7}}));
    let set = "services/line1/level/set";
    mes.publish(set, r#"{"id": 5, "value": 42.5}"#, &[]).await;
    let expected = json!({"id": 5, "result": {"value": 42.5}});
    assert_eq!(answer(&mut answers).await, expected);
    mes.publish(set, "43", &[]).await;
    assert_eq!(answer(&mut answers).await, json!({"result": {"value": 43}}));
    node.wait("sim.level", "43", |view| {
        view.value == Some(Number::F64(43.0))
    })
    .await;
    // Neither a value, nor a right, nor a limit is overlooked.
    mes.publish(set, "much", &[]).await;
    assert_eq!(answer(&mut answers).await["error"]["code"], "bad_value");
    mes.publish(set, r#"{"id": 6, "value": 1e6}"#, &[]).await;
    let told = answer(&mut answers).await;
    assert_eq!(
        (&told["id"], &told["error"]["code"]),
        (&json!(6), &json!("limits")),
        "{told}"
    );
    visitor.publish(set, r#"{"id": 7, "value": 1}"#, &[]).await;
    let told = answer(&mut answers).await;
    assert!(
        told["id"] == 7 && told["error"]["message"].is_string(),
        "{told}"
    );
    mes.publish("services/line1/locked/set", r#"{"id": 8, "value": 2}"#, &[])
        .await;
    let told = answer(&mut answers).await;
    assert!(
        told["id"] == 8 && told["error"]["message"].is_string(),
        "{told}"
    );
    let value = |name| node.get(name).unwrap().value;
    assert_eq!(
        (value("sim.level"), value("sim.locked")),
        (Some(Number::F64(43.0)), Some(Number::F64(1.0)))
    );
    recorded(&node).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_told_as_they_change() {
    let node = start().await;
    let mes = Login {
        port: node.bus_port().await,
        token: MES,
    };
    let Some(mut pieces) = mes.listen("services/line1/press/pieces").await else {
        return skipped(WHAT, WHY);
    };
    let mut before = None;
    for _ in 0..5 {
        let (_, retained, payload) = pieces.next().await;
        let told: Value = serde_json::from_str(&payload).unwrap();
        assert!(
            !retained && told["timestamp"].as_u64() > Some(1_700_000_000_000),
            "{told}"
        );
        let now = told["value"].as_u64();
        assert!(now.is_some() && now > before, "{told} after {before:?}");
        before = now;
    }
    // What the broker keeps is there at once.
    let mut level = mes.listen("services/line1/level").await.unwrap();
    let (_, retained, payload) = level.next().await;
    let told: Value = serde_json::from_str(&payload).unwrap();
    assert_eq!(
        (retained, told["value"].as_f64()),
        (true, Some(20.0)),
        "{told}"
    );
    mes.publish("services/line1/level/set", "21.5", &[]).await;
    let (_, retained, payload) = level.next().await;
    let told: Value = serde_json::from_str(&payload).unwrap();
    assert_eq!((retained, &told["value"]), (false, &json!(21.5)), "{told}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_broker_kept_writes_nothing() {
    let mut node = start().await;
    let mes = Login {
        port: node.bus_port().await,
        token: MES,
    };
    let set = "services/line1/level/set";
    let Some(mut answers) = mes.listen("services/line1/level/res").await else {
        return skipped(WHAT, WHY);
    };
    // Published now, it is a request like any other; kept, it is none.
    mes.publish(set, "30", &["-r"]).await;
    assert_eq!(answer(&mut answers).await, json!({"result": {"value": 30}}));
    let other = "  other: { type: Endpoint, properties: { protocol: simulator, connection: \
                 !ref sim, subscribe: { signal: constant, value: 1 } } }\n";
    assert_eq!(node.put("sim.level", json!({"value": 50}), "").await.0, 200);
    node.reload(&format!("{RESOURCES}{other}")).await;
    let records = refused(&node, set, 1).await;
    assert!(
        records[0].contains("\"mes\"") && records[0].contains("kept"),
        "{records:?}"
    );
    // Nor after a start.
    node.down().await;
    node.up().await;
    let (_, bus) = node.ask("GET", "bus", Value::Null).await;
    assert_eq!(
        bus["state"],
        "up",
        "{bus:#} {:?}",
        node.ask("GET", "alarms", Value::Null).await
    );
    refused(&node, set, 2).await;
    node.wait_good("sim.level").await;
    let (_, writes) = node.ask("GET", "writes", Value::Null).await;
    let states = writes["items"].as_array().unwrap().iter();
    let states: Vec<&Value> = states.map(|write| &write["name"]).collect();
    assert!(states.len() <= 2, "{writes:#}");
    assert_eq!(
        node.get("sim.level").unwrap().value,
        Some(Number::F64(20.0)),
        "as at each start"
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_broker_cannot_write_since_it_does_not_say_who_asks() {
    let (folder, port) = (TempDir::new().unwrap(), free_port());
    let Some(_broker) = mosquitto(&folder, port).await else {
        return skipped(WHAT, "mosquitto is not installed");
    };
    let sections =
        format!("bus: {{ external: {{ host: 127.0.0.1, port: {port}, tls: false }} }}\n");
    let node = TestNode::start_with("line1", RESOURCES, &sections).await;
    node.wait_good("sim.level").await;
    let anybody = Login {
        port,
        token: "none",
    };
    let Some(mut answers) = anybody.listen("services/line1/+/res").await else {
        return skipped(WHAT, WHY);
    };
    // A read asks for no right but the broker's own.
    let begun = Instant::now();
    let told = loop {
        anybody
            .publish("services/line1/asked/req", r#"{"id": 1}"#, &[])
            .await;
        // The node may not be subscribed yet.
        let told = tokio::time::timeout(Duration::from_millis(500), answer(&mut answers));
        if let Ok(told) = told.await {
            break told;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "no answer");
    };
    assert_eq!(told, json!({"id": 1, "result": {"value": 7}}));
    anybody
        .publish("services/line1/level/set", r#"{"id": 2, "value": 30}"#, &[])
        .await;
    let mut told = answer(&mut answers).await;
    while told["id"] == 1 {
        told = answer(&mut answers).await;
    }
    assert_eq!(
        (&told["id"], &told["error"]["code"]),
        (&json!(2), &json!("denied")),
        "{told}"
    );
    refused(&node, "services/line1/level/set", 1).await;
    assert_eq!(
        node.get("sim.level").unwrap().value,
        Some(Number::F64(20.0))
    );
    node.stop().await;
}
