//! Policies and explanations over four levels: what the line refuses is told at the top, with the
//! rule and the hop, and what it resets is seen there.

use std::time::Duration;

use mainstem_model::Value;
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::links::Chain;
use crate::support::TestNode;

/// A device with setpoints that meet one rule each, and an interlock.
const DEVICE: &str = "  sim: { type: Connection, properties: { protocol: simulator, connection: { interval_ms: 100 } } }
  free: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, subscribe: { signal: setpoint, initial: 1 }, access: rw } }
  locked: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, subscribe: { signal: setpoint, initial: 1 }, access: rw } }
  filtered: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, subscribe: { signal: setpoint, initial: 1 }, access: rw } }
  limited: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, subscribe: { signal: setpoint, initial: 1 }, access: rw, limits: { max: 9 } } }
  speed: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, subscribe: { signal: setpoint, initial: 1 }, access: rw } }
  ready: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, subscribe: { signal: setpoint, initial: 1 }, access: rw } }
  button: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, subscribe: { signal: setpoint, initial: 0 }, access: rw } }
";

const POLICIES: &str = "policies:
  - { name: speed, match: [ sim.speed ], range: { max: 100 }, interlock: { datapoint: sim.ready, is: 1 } }
  - { match: [ sim.button ], pulse: 1s }
";

async fn chain() -> Chain {
    let chain = Chain::above(TestNode::start_with("line1", DEVICE, POLICIES).await).await;
    chain.top().wait_good(&at_top("button")).await;
    chain
}

fn at_top(name: &str) -> String {
    format!("area.plant.line1.sim.{name}")
}

async fn explain(node: &TestNode, body: Json) -> Json {
    let answer = node.api(Method::POST, "writes/explain").json(&body);
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_names_rule_and_hop_and_changes_nothing() {
    let mut chain = chain().await;
    let line = Some("area.plant.line1");
    let cases = [
        (
            "filtered",
            json!(2),
            Some(("filter", "policy", Some("area"), "area")),
        ),
        ("locked", json!(2), Some(("role", "policy", line, "line1"))),
        (
            "limited",
            json!(10),
            Some(("limits", "limits", None, "top")),
        ),
        ("free", json!("x"), Some(("type", "type", None, "top"))),
        (
            "speed",
            json!(101),
            Some(("policy", "policy", line, "line1")),
        ),
        ("free", json!(2), None),
    ];
    for (name, value, refused) in cases {
        let body = json!({ "name": at_top(name), "value": value });
        let found = explain(chain.top(), body).await;
        assert_eq!(found["allowed"], json!(refused.is_none()), "{found:#}");
        if let Some((rule, reason, hop, node)) = refused {
            let step = &found["refused"];
            let told = [&step["rule"], &step["reason"], &step["hop"], &step["node"]];
            let wanted = [json!(rule), json!(reason), json!(hop), json!(node)];
            assert_eq!(told, wanted.each_ref(), "{found:#}");
        } else {
            let steps = found["steps"].as_array().unwrap();
            let filters = steps.iter().filter(|step| step["rule"] == "filter").count();
            assert_eq!(filters, 3, "{found:#}");
            assert_eq!(steps.last().unwrap()["node"], "line1");
        }
    }
    let view = chain.nodes[0].get("sim.free").unwrap();
    assert_eq!(view.value, Some(Value::F64(1.0)), "nothing was carried out");
    chain.nodes[0].down().await;
    let cut = |view: &mainstem_store::PointView| !view.quality.is_good();
    chain.top().wait(&at_top("free"), "not good", cut).await;
    let body = json!({ "name": at_top("free"), "value": 2 });
    let found = explain(chain.top(), body).await;
    assert_eq!(found["refused"]["rule"], "communication", "{found:#}");
    assert_eq!(found["refused"]["hop"], "area.plant.line1", "{found:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_the_line_is_told_at_the_top_and_a_reload_changes_it() {
    let mut chain = chain().await;
    let name = at_top("speed");
    let (status, document) = chain.top().put(&name, json!({ "value": 150 }), "").await;
    let outcome = &document["outcome"];
    assert_eq!(
        (status, &outcome["reason"]),
        (403, &json!("policy")),
        "{document:#}"
    );
    assert_eq!(outcome["hop"], "area.plant.line1", "{document:#}");
    let message = outcome["message"].as_str().unwrap();
    assert!(
        message.contains("policy \"speed\" refuses: 150"),
        "{message}"
    );
    // The interlock is looked at live.
    let (status, _) = chain.top().put(&name, json!({ "value": 50 }), "").await;
    assert_eq!(status, 200);
    let ready = at_top("ready");
    assert_eq!(
        chain.top().put(&ready, json!({ "value": 0 }), "").await.0,
        200
    );
    let is_off = |view: &mainstem_store::PointView| view.value == Some(Value::F64(0.0));
    chain.nodes[0].wait("sim.ready", "off", is_off).await;
    let (_, document) = chain.top().put(&name, json!({ "value": 60 }), "").await;
    let message = document["outcome"]["message"].as_str().unwrap();
    assert!(
        message.contains("the interlock sim.ready is 0.0"),
        "{message}"
    );
    let report = chain.nodes[0].reload_sections("").await;
    assert_eq!(report.started, [""; 0], "no session was touched");
    let (status, _) = chain.top().put(&name, json!({ "value": 150 }), "").await;
    assert_eq!(status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pulse_from_the_top_is_reset_in_the_device() {
    let chain = chain().await;
    let name = at_top("button");
    let body = json!({ "value": 1, "pulse": "500ms" });
    let (status, document) = chain.top().put(&name, body, "").await;
    assert_eq!(status, 200, "{document:#}");
    let is =
        |value: f64| move |view: &mainstem_store::PointView| view.value == Some(Value::F64(value));
    chain.top().wait(&name, "pressed", is(1.0)).await;
    chain.nodes[0].wait("sim.button", "released", is(0.0)).await;
    chain.top().wait(&name, "released", is(0.0)).await;
    let alarms = chain.nodes[0].api(Method::GET, "alarms").send().await;
    let alarms: Json = alarms.unwrap().json().await.unwrap();
    assert_eq!(alarms["items"], json!([]));
    for (name, pulse) in [("button", "2s"), ("free", "100ms")] {
        let body = json!({ "value": 1, "pulse": pulse });
        let (status, document) = chain.top().put(&at_top(name), body, "").await;
        assert_eq!(status, 403, "{name} {document:#}");
        assert_eq!(document["outcome"]["hop"], "area.plant.line1");
    }
    let wait = Duration::from_secs(5);
    tokio::time::timeout(
        wait,
        chain.nodes[0].wait("sim.button", "still released", is(0.0)),
    )
    .await
    .unwrap();
}
