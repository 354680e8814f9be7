//! Data loggers of a whole node: recorded, kept over a restart, rolled up, read over HTTPS.

mod disk;

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::TestNode;

const SIM: &str = "  sim: { type: Connection, properties: { protocol: simulator } }
  count: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, \
subscribe: { signal: counter, step: 1, interval: 20ms } } }
  level: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, \
access: rw, subscribe: { signal: setpoint, initial: 20 } } }\n";
const LOGGERS: &str = "loggers:
  zone: Europe/Berlin
  reserve_percent: 0
  commit: 10ms
  rollups: 1s
  record:
    pieces: { datapoint: sim.count, kind: counter, minutes: true, rates: [ { name: all, price: 2 } ] }
    all: { match: [ sim.* ] }\n";
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn get(node: &TestNode, path: &str) -> Value {
    let answer = node.api(reqwest::Method::GET, path).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.unwrap()
}

async fn text(node: &TestNode, path: &str) -> String {
    let answer = node.api(reqwest::Method::GET, path).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    answer.text().await.unwrap()
}

async fn rows(node: &TestNode, least: usize) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let answer = get(node, "loggers/pieces/samples?limit=100000").await;
        let items = answer["items"].as_array().unwrap().clone();
        if items.len() >= least {
            return items;
        }
        assert!(begun.elapsed() < PATIENCE, "{answer:#}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Tables, lines, pages and charts of the same rows.
async fn forms(node: &TestNode, after: &[Value]) {
    let table = text(node, "loggers/pieces/samples?format=csv").await;
    let mut lines = table.lines();
    assert_eq!(lines.next(), Some("time,value,quality,reason"));
    assert!(lines.next().unwrap().ends_with(",good,ok"), "{table}");
    let lines = text(node, "loggers/pieces/samples?format=ndjson").await;
    assert!(lines.lines().count() > after.len());
    // Two pages are one list.
    let first = get(node, "loggers/pieces/samples?limit=5").await;
    let next = first["next"].as_str().unwrap();
    let second = get(node, &format!("loggers/pieces/samples?limit=5&page={next}")).await;
    assert_eq!(second["items"][0], after[5]);
    let chart = get(node, "loggers/pieces/samples?max_points=10").await;
    assert!(chart["items"].as_array().unwrap().len() < after.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_recorded_outlives_a_restart_and_is_rolled_up() {
    let mut node = TestNode::start_with("line1", SIM, LOGGERS).await;
    node.wait_good("sim.count").await;
    let before = rows(&node, 20).await;
    let list = get(&node, "loggers").await;
    let ids: Vec<&str> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l["id"].as_str().unwrap())
        .collect();
    assert_eq!(
        ids,
        [
            "all.sim.connection",
            "all.sim.count",
            "all.sim.level",
            "pieces"
        ]
    );
    assert_eq!(list["items"][3]["zone"], "Europe/Berlin");
    node.down().await;
    node.up().await;
    let after = rows(&node, before.len() + 20).await;
    assert_eq!(after[..before.len()], before[..], "they are still there");
    let stops = after
        .iter()
        .filter(|row| row["reason"] == "stopped")
        .count();
    assert_eq!(stops, 1, "the time in between is told as unknown");

    // A clean stop stores what is open: then the month says what the rows say.
    node.down().await;
    node.up().await;
    let from = "from=2026-01-01T00:00:00Z&to=2100-01-01T00:00:00Z";
    let months = get(&node, &format!("loggers/pieces/rollups?step=month&{from}")).await;
    let counted: u64 = months["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["count"].as_u64().unwrap())
        .sum();
    assert!(counted >= after.len() as u64, "{months:#}");
    // Hours first: what is open goes on meanwhile.
    let hours = get(&node, &format!("loggers/pieces/rollups?step=hour&{from}")).await;
    let days = get(&node, &format!("loggers/pieces/rollups?step=day&{from}")).await;
    let sum = |part: &Value, member: &str| -> f64 {
        part["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one[member].as_f64().unwrap())
            .sum()
    };
    for member in ["count", "good", "increment", "cost"] {
        assert!(sum(&hours, member) > 0.0, "{member}");
    }
    assert_eq!(sum(&hours, "cost"), 2.0 * sum(&hours, "increment"));
    assert!(sum(&days, "count") >= sum(&hours, "count"));

    forms(&node, &after).await;
    grids(&node).await;
    ended(&mut node).await;
    node.stop().await;
}

/// A logger that leaves the file leaves what it recorded.
async fn ended(node: &mut TestNode) {
    let rest = LOGGERS.replace("pieces:", "others:");
    node.down().await;
    node.set_sections(&rest);
    node.up().await;
    let list = get(node, "loggers").await;
    let items = list["items"].as_array().unwrap();
    let pieces = items
        .iter()
        .find(|logger| logger["id"] == "pieces")
        .unwrap();
    assert_eq!(pieces["ended"], true, "{pieces}");
    assert_eq!(pieces["kind"], "counter");
    assert_eq!(pieces["recording"], false);
    let samples = get(node, "loggers/pieces/samples?limit=5").await;
    assert_eq!(samples["items"].as_array().unwrap().len(), 5);
    node.down().await;
    node.set_sections(LOGGERS);
    node.up().await;
    node.wait_good("sim.count").await;
    let again = get(node, "loggers/pieces").await;
    assert_eq!(again["ended"], Value::Null, "{again}");
}

/// Several series on one grid, in all forms.
async fn grids(node: &TestNode) {
    let asked = "loggers/grid?series=pieces,all.sim.level&step=1h&agg=count";
    let grid = get(
        node,
        &format!("{asked}&from=2026-01-01T00:00:00Z&to=2026-01-01T03:00:00Z"),
    )
    .await;
    assert_eq!(
        grid["series"],
        serde_json::json!(["pieces", "all.sim.level"])
    );
    assert_eq!(grid["items"].as_array().unwrap().len(), 3);
    assert_eq!(grid["items"][0]["values"], serde_json::json!([0.0, 0.0]));
    let last = get(
        node,
        "loggers/grid?series=pieces,all.sim.level&points=50&agg=last",
    )
    .await;
    let lines = last["items"].as_array().unwrap();
    assert_eq!(lines.len(), 50);
    let newest = lines
        .iter()
        .rev()
        .find(|line| !line["values"][0].is_null())
        .unwrap();
    // The counter begins anew with each start.
    assert!(newest["values"][0].as_f64().unwrap() >= 1.0, "{newest}");
    assert_eq!(
        lines[0]["values"],
        serde_json::json!([null, null]),
        "nothing was known"
    );
    let table = text(
        node,
        "loggers/grid?series=pieces,all.sim.level&points=5&format=csv",
    )
    .await;
    assert_eq!(table.lines().next(), Some("time,pieces,all.sim.level"));
    assert_eq!(table.lines().count(), 6);
    let lines = text(node, "loggers/grid?series=pieces&points=5&format=ndjson").await;
    assert_eq!(lines.lines().count(), 5);
    for (wrong, status) in [
        ("series=pieces,none", 404),
        ("series=pieces&step=10s&points=5", 400),
        ("series=pieces&step=1us", 400),
        ("series=pieces&from=2000-01-01T00:00:00Z&step=1s", 400),
        ("series=pieces&agg=wrong", 400),
    ] {
        let answer = node.api(reqwest::Method::GET, &format!("loggers/grid?{wrong}"));
        assert_eq!(answer.send().await.unwrap().status(), status, "{wrong}");
    }
    let metrics = node.metrics().await;
    for name in [
        "logger_bytes",
        "logger_parts",
        "logger_staged",
        "logger_store_seconds_count",
    ] {
        assert!(
            metrics.contains(&format!("mainstem_{name} ")),
            "{name} in {metrics}"
        );
    }
    node.wait_good("system.storage.used").await;
    node.wait_good("system.storage.free").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_read_a_datapoint_does_not_see_its_logger() {
    let sections = LOGGERS.replace("all: { match: [ sim.* ] }", "");
    let node = TestNode::start_file_with("[\"sim.level\"]", "line1", SIM, &sections).await;
    let list = get(&node, "loggers").await;
    assert_eq!(list["items"], serde_json::json!([]));
    let answer = node
        .api(reqwest::Method::GET, "loggers/pieces/samples")
        .send()
        .await;
    assert_eq!(answer.unwrap().status(), 404);
    let answer = node
        .api(reqwest::Method::GET, "loggers/grid?series=pieces")
        .send();
    assert_eq!(answer.await.unwrap().status(), 404);
    node.stop().await;
}
