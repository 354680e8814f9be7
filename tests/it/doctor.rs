//! Health that cannot lie: what is wrong anywhere in a tree is told at its top, with the way there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mainstem_model::{Clock, Monotonic, Timestamp, Value};
use mainstem_remote::LinkState;
use mainstem_telemetry::SystemClock;
use serde_json::{Value as Json, json};

use crate::support::proxy::Proxy;
use crate::support::{LINK_TOKEN, TestNode, remote};

const DEVICE: &str = "  sim: { type: Connection, properties: { protocol: simulator, connection: { interval_ms: 100 } } }
  count: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, subscribe: { signal: counter, step: 1 } } }
";
const QUICK: &str = "      beat: 100ms\n      uncertain_after: 700ms\n      bad_after: 1s\n";
/// How long a test waits for what has to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A wall clock that is an hour ahead; time passes as everywhere.
#[derive(Debug)]
struct Ahead;

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(SystemClock.now().micros() + 3_600_000_000)
    }

    fn monotonic(&self) -> Monotonic {
        SystemClock.monotonic()
    }
}

/// Asks until the answer is as it should be.
async fn ask_until(node: &TestNode, path: &str, what: &str, is: impl Fn(&Json) -> bool) -> Json {
    let begun = Instant::now();
    loop {
        let (status, answer) = node.ask("GET", path, json!(null)).await;
        assert_eq!(status, 200, "{answer:#}");
        if is(&answer) {
            return answer;
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "{path} never tells {what}: {answer:#}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn finding<'a>(report: &'a Json, id: &str) -> Option<&'a Json> {
    report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["id"] == id)
}

fn has(report: &Json, id: &str) -> bool {
    finding(report, id).is_some()
}

/// top ← area ← plant, and three lines below the plant: one behind a proxy, one that does not know
/// the token, one whose clock is an hour ahead.
struct Tree {
    top: TestNode,
    area: TestNode,
    plant: TestNode,
    _lines: [TestNode; 3],
    proxy: Proxy,
}

async fn tree() -> Tree {
    let dead = TestNode::start("line1", DEVICE).await;
    let strict = TestNode::start("line2", DEVICE).await;
    let ahead = TestNode::start_by("line3", DEVICE, Arc::new(Ahead)).await;
    let proxy = Proxy::start(dead.address()).await;
    let entries = [
        remote("line1", &dead.pin(), proxy.address(), QUICK),
        remote("line2", &strict.pin(), strict.address(), QUICK).replace(LINK_TOKEN, "ms_wrong"),
        remote("line3", &ahead.pin(), ahead.address(), QUICK),
    ];
    let plant = TestNode::start("plant", &entries.concat()).await;
    let entry = remote("plant", &plant.pin(), plant.address(), QUICK);
    let area = TestNode::start("area", &entry).await;
    let entry = remote("area", &area.pin(), area.address(), QUICK);
    let top = TestNode::start("top", &entry).await;
    top.wait_good("area.plant.line1.sim.count").await;
    top.wait_good("area.plant.line3.sim.count").await;
    Tree {
        top,
        area,
        plant,
        _lines: [dead, strict, ahead],
        proxy,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_at_the_top_names_what_is_wrong_four_levels_down() {
    let tree = Box::pin(tree()).await;
    tree.proxy.silence();
    let report = ask_until(&tree.top, "doctor", "all three", |report| {
        let ids = ["link.line1", "link.line2", "link.line3.clock"];
        ids.iter().all(|id| has(report, id))
    })
    .await;
    assert_eq!(report["healthy"], false);
    for (id, words, action) in [
        ("link.line1", "No communication with line1", "by itself"),
        ("link.line2", "does not know the token", "renew the token"),
        ("link.line3.clock", "3600.0 s ahead", "NTP"),
    ] {
        let found = finding(&report, id).unwrap();
        assert_eq!(found["hop"], "area.plant", "{found:#}");
        assert_eq!(found["node"], "plant", "{found:#}");
        assert!(found["text"].as_str().unwrap().contains(words), "{found:#}");
        assert!(
            found["action"].as_str().unwrap().contains(action),
            "{found:#}"
        );
    }
    let state = |hop: &str| {
        let nodes = report["nodes"].as_array().unwrap();
        let node = nodes.iter().find(|node| node["hop"] == hop);
        node.map(|node| node["state"].clone())
    };
    assert_eq!(state("area.plant.line3"), Some("answered".into()));
    assert_eq!(state("area.plant.line1"), Some("no_link".into()));
    assert_eq!(state("area.plant.line2"), Some("no_link".into()));
    let (_, here) = tree.top.ask("GET", "doctor?below=false", json!(null)).await;
    assert!(
        !has(&here, "link.line1") && here["nodes"].as_array().unwrap().len() == 1,
        "{here:#}"
    );
    // What is healed is no longer found, and the rest still is.
    tree.proxy.heal();
    let healed = |report: &Json| !has(report, "link.line1") && has(report, "link.line2");
    ask_until(&tree.top, "doctor", "that line1 is back", healed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_level_sees_the_canary_of_every_node_below() {
    let tree = Box::pin(tree()).await;
    let path = ask_until(&tree.top, "remotes/area", "the whole way down", |remote| {
        let path = remote["path"].as_array();
        let live = path
            .into_iter()
            .flatten()
            .filter(|hop| hop["state"] == "live");
        live.filter(|hop| hop["canary"]["late"] == false).count() == 4
    })
    .await;
    let hops = path["path"].as_array().unwrap();
    let prefixes: Vec<_> = hops
        .iter()
        .map(|hop| hop["prefix"].as_str().unwrap())
        .collect();
    let all = [
        "area",
        "area.plant",
        "area.plant.line1",
        "area.plant.line2",
        "area.plant.line3",
    ];
    assert_eq!(prefixes, all);
    assert_eq!(hops[1]["name"], "plant");
    assert_eq!(hops[1]["id"], tree.plant.node().facts().id.to_string());
    // An hour between the clocks is nothing to an age.
    assert!(
        hops[4]["canary"]["age"].as_f64().unwrap() < 10.0,
        "{path:#}"
    );
    let first = tree.top.wait_good("area.plant.line1.canary").await.value;
    let changed = |view: &mainstem_store::PointView| view.value != first;
    tree.top
        .wait("area.plant.line1.canary", "changed", changed)
        .await;
    let zero = |view: &mainstem_store::PointView| view.value == Some(Value::F64(0.0));
    tree.top
        .wait("area.canary.age", "told as fresh", zero)
        .await;
    // Behind a dead link its age grows, at the node that sees it and above.
    tree.proxy.silence();
    let old = |view: &mainstem_store::PointView| {
        view.value
            .as_ref()
            .and_then(Value::as_f64)
            .is_some_and(|age| age >= 5.0)
    };
    tree.plant
        .wait("line1.canary.age", "five seconds old", old)
        .await;
    let above = tree
        .top
        .wait("area.plant.line1.canary.age", "told up here", old)
        .await;
    assert!(
        above.quality.is_good(),
        "the plant is sure of that: {above:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_tells_what_comes_next_and_how_far_it_is_behind() {
    let tree = Box::pin(tree()).await;
    tree.plant.wait_link("line2", LinkState::Refused).await;
    let (_, refused) = tree.plant.ask("GET", "remotes/line2", json!(null)).await;
    assert!(
        refused["action"]
            .as_str()
            .unwrap()
            .contains("renew the token"),
        "{refused:#}"
    );
    assert!(
        !refused["next_try"].is_null() && refused["lag"].is_null(),
        "{refused:#}"
    );
    let live = ask_until(&tree.plant, "remotes/line3", "rows a second", |remote| {
        remote["state"] == "live" && remote["mirror"]["row_rate"].as_f64().unwrap() > 1.0
    })
    .await;
    assert!(live["action"].is_null(), "{live:#}");
    assert!(
        live["lag_seconds"].is_number() && live["lag_bytes"].is_number(),
        "{live:#}"
    );
    assert!(live["mirror"]["bytes"].as_u64().unwrap() > 1000, "{live:#}");
    let topology = ask_until(&tree.top, "topology", "a dead link far below", |topology| {
        let links = topology["links"].as_array().unwrap();
        links
            .iter()
            .any(|link| link["prefix"] == "area.plant.line2" && link["state"] == "waiting")
    })
    .await;
    let links = topology["links"].as_array().unwrap();
    let far = links
        .iter()
        .find(|link| link["prefix"] == "area.plant.line2")
        .unwrap();
    assert!(
        far["action"].as_str().unwrap().contains("area.plant"),
        "{far:#}"
    );
    let metrics = tree.plant.metrics().await;
    for row in [
        "mainstem_remote_up{remote=\"line3\"} 1.0",
        "mainstem_remote_state{remote=\"line2\",state=\"refused\"} 1.0",
        "mainstem_remote_clock_offset_seconds{remote=\"line3\"} 3",
        "mainstem_remote_canary_age_seconds{remote=\"line1\"} ",
        "mainstem_remote_bytes_total{remote=\"line1\"} ",
    ] {
        assert!(
            metrics.lines().any(|line| line.starts_with(row)),
            "{row} is not in\n{metrics}"
        );
    }
    assert!(
        !metrics.contains("mainstem_remote_lag_seconds{remote=\"line2\"}"),
        "{metrics}"
    );
    assert_eq!(tree.area.link("plant").state, LinkState::Live);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_can_be_switched_off_and_then_there_is_none() {
    let mut line = TestNode::start("line1", DEVICE).await;
    line.wait_good("canary").await;
    line.down().await;
    line.set_node(", canary: 0");
    line.up().await;
    assert!(
        line.get("canary").is_none(),
        "the one of the checkpoint is gone"
    );
    let entry = remote("line1", &line.pin(), line.address(), QUICK);
    let plant = TestNode::start("plant", &entry).await;
    plant.wait_link("line1", LinkState::Live).await;
    plant.wait_good("line1.sim.count").await;
    let (_, shown) = plant.ask("GET", "remotes/line1", json!(null)).await;
    assert!(shown["canary"].is_null(), "{shown:#}");
    assert!(plant.get("line1.canary.age").is_none());
}
