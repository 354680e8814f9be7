//! Connectors that come to a whole node over its API: the example of the documentation as it stands,
//! what it says, and who must not be one.

use std::process::Stdio;
use std::time::Duration;

use mainstem_model::Value as Number;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::support::{TestNode, eventually};

const PROGRAM: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/examples/connectors/remote_tank.py"
);
const TANK: &str = "the-token-of-the-tank";
const OTHER: &str = "the-token-of-another";
const ROLES: &str = "  tank: { provide: tank }\n  other: { provide: tanks }\n";
const TOKENS: &str = "  - { name: tank, role: tank, token: the-token-of-the-tank }
  - { name: other, role: other, token: the-token-of-another }\n";
const RESOURCES: &str = "  tank: { type: Connection, properties: { protocol: connector, \
connection: { remote: true, config: { litres: 500 }, intervalMs: 50, silenceMs: 1000 } } }
  level: { type: Endpoint, properties: { connection: !ref tank, \
subscribe: { address: { signal: level } } } }
  inflow: { type: Endpoint, properties: { connection: !ref tank, access: rw, \
subscribe: { address: { signal: inflow } } } }
  sim: { type: Connection, properties: { protocol: simulator } }\n";
const LINES: &str = "application/x-ndjson";
const HELLO: &str = "{\"hello\":{\"protocol\":1,\"program\":\"by hand\"}}\n";

async fn start() -> TestNode {
    TestNode::start_roles("[\"**\"]", ROLES, "line1", RESOURCES, TOKENS).await
}

/// The program of the documentation.
fn program(node: &TestNode) -> Child {
    Command::new("python3")
        .args([PROGRAM, &format!("https://{}", node.address()), "tank"])
        .arg(&node.node().facts().ca_file)
        .env("MAINSTEM_TOKEN", TANK)
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

async fn post(node: &TestNode, token: &str, path: &str, body: &'static str) -> (u16, Value) {
    let request = node.api_as(token, Method::POST, path);
    let request = request.header("content-type", LINES).body(body);
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

async fn switch(node: &TestNode, verb: &str) {
    let request = node.api(Method::POST, &format!("adapters/tank/{verb}"));
    assert_eq!(request.send().await.unwrap().status(), 204);
}

async fn log(node: &TestNode) -> Value {
    node.ask("GET", "adapters/tank/log", Value::Null).await.1
}

#[tokio::test]
async fn a_program_on_another_machine_is_an_adapter() {
    let node = start().await;
    let mut tank = program(&node);
    node.wait_good("tank.level").await;
    node.wait_good("tank.inflow").await;
    let (status, outcome) = node
        .put("tank.inflow", json!({ "value": 7.5 }), "wait=10s")
        .await;
    assert_eq!(status, 200, "{outcome}");
    assert_eq!(
        (&outcome["state"], &outcome["verified"]),
        (&"applied".into(), &true.into())
    );
    node.wait("tank.inflow", "7.5", |view| {
        view.value == Some(Number::F64(7.5))
    })
    .await;
    let said = log(&node).await;
    let texts = said["items"].as_array().unwrap().iter();
    let texts: Vec<&str> = texts.filter_map(|line| line["text"].as_str()).collect();
    let pid = tank.id().unwrap();
    let own = format!("the tank runs as process {pid}");
    assert!(
        texts.contains(&own.as_str()) && texts.contains(&"online"),
        "{said}"
    );
    // Every kind is counted alike, by the runner.
    let metrics = node.metrics().await;
    let has = |row: &str| metrics.lines().any(|line| line.contains(row));
    for row in [
        "adapter_connects_total{adapter=\"tank\"} 1",
        "adapter_writes_total{adapter=\"tank\"} 1",
        "adapter_errors_by_code{adapter=\"tank\",code=\"no_program\"}",
        "adapter_round_trip_seconds_bucket{adapter=\"tank\",le=\"+Inf\"}",
        "adapter_round_trip_seconds_bucket{adapter=\"tank\",le=\"0.0005\"}",
    ] {
        assert!(has(row), "{row} is not in\n{metrics}");
    }
    // A second one does not disturb the first.
    let (status, refused) = post(&node, TANK, "adapters/tank/connector", HELLO).await;
    assert_eq!((status, &refused["code"]), (409, &"conflict".into()));
    tank.kill().await.unwrap();
    node.wait("tank.level", "not good", |view| !view.quality.is_good())
        .await;
    let _tank = program(&node);
    node.wait_good("tank.level").await;
    node.stop().await;
}

#[tokio::test]
async fn a_paused_adapter_tells_its_program_and_takes_it_again_later() {
    let node = start().await;
    let _tank = program(&node);
    node.wait_good("tank.level").await;
    let state = || node.node().parts().adapter("tank").unwrap().state.as_str();
    switch(&node, "pause").await;
    eventually("it is paused", || (state() == "paused").then_some(())).await;
    let (status, refused) = post(&node, TANK, "adapters/tank/connector", HELLO).await;
    assert_eq!((status, &refused["code"]), (409, &"conflict".into()));
    switch(&node, "resume").await;
    node.wait_good("tank.level").await;
    node.stop().await;
}

#[tokio::test]
async fn only_who_provides_it_is_its_program() {
    let node = start().await;
    let at = "adapters/tank/connector";
    let (status, refused) = post(&node, OTHER, at, HELLO).await;
    assert_eq!((status, &refused["code"]), (403, &"forbidden".into()));
    let (status, refused) = post(&node, TANK, "adapters/sim/connector", HELLO).await;
    assert_eq!((status, &refused["code"]), (403, &"forbidden".into()));
    let (status, _) = post(
        &node,
        TANK,
        "adapters/tank/connector/0000000000000000",
        "{}",
    )
    .await;
    assert_eq!(status, 410);
    for body in ["", "{}\n{}\n"] {
        let (status, refused) = post(&node, TANK, at, body).await;
        assert_eq!((status, &refused["code"]), (400, &"bad_json".into()));
    }
    // The values of an adapter are not to be had by the way of providers either.
    let (status, refused) = post(&node, TANK, "samples", "\n").await;
    assert_eq!((status, &refused["code"]), (409, &"conflict".into()));
    let request = node.api_as(TANK, Method::GET, "adapters/tank/log");
    assert_eq!(request.send().await.unwrap().status(), 403);
    node.stop().await;
}

#[tokio::test]
async fn a_program_that_falls_silent_or_talks_nonsense_is_dismissed() {
    let node = start().await;
    for (word, code) in [("", "silent"), ("{\"connected\": 5}\n", "invalid_line")] {
        let request = node.api_as(TANK, Method::POST, "adapters/tank/connector");
        let request = request.header("content-type", LINES).body(HELLO);
        let mut orders = request.send().await.unwrap();
        let first = orders.chunk().await.unwrap().unwrap();
        let first = String::from_utf8_lossy(&first).into_owned();
        let first: Value = serde_json::from_str(first.lines().next().unwrap()).unwrap();
        let session = first["session"].as_str().unwrap();
        let at = format!("adapters/tank/connector/{session}");
        if code == "silent" {
            let (status, _) = post(&node, TANK, &at, "{\"connected\":true}\n").await;
            assert_eq!(status, 204);
        } else {
            let (status, _) = post(&node, TANK, &at, word).await;
            assert_eq!(status, 204);
        }
        // The node ends the orders.
        let rest = async { while let Ok(Some(_)) = orders.chunk().await {} };
        tokio::time::timeout(Duration::from_secs(30), rest)
            .await
            .expect("the orders end");
        let (status, _) = post(&node, TANK, &at, "{}").await;
        assert_eq!(status, 410);
        let told = || {
            let view = node.node().parts().adapter("tank")?;
            view.statistics.errors.contains_key(code).then_some(())
        };
        eventually(&format!("it is told as {code}"), told).await;
    }
    node.stop().await;
}

#[tokio::test]
async fn a_line_without_end_is_refused_and_a_revoked_token_ends_the_session() {
    let mut node = start().await;
    let _tank = program(&node);
    node.wait_good("tank.level").await;
    let long = "x".repeat((1 << 20) + 100_000);
    let request = node.api_as(TANK, Method::POST, "adapters/tank/connector");
    let request = request.header("content-type", LINES).body(long);
    assert_eq!(request.send().await.unwrap().status(), 413);
    assert!(node.get("tank.level").unwrap().quality.is_good());
    node.reload_sections("").await;
    node.wait("tank.level", "not good", |view| !view.quality.is_good())
        .await;
    node.stop().await;
}
