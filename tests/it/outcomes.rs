//! What the outcome of a write says is true, whoever fails in the middle of it.

use std::collections::HashMap;
use std::process::Stdio;

use mainstem_remote::LinkState;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::support::plc::Plc;
use crate::support::proxy::Proxy;
use crate::support::{TestNode, eventually, remote};

/// Times short enough for a test, long enough for a busy machine.
const QUICK: &str =
    "      beat: 100ms\n      uncertain_after: 700ms\n      bad_after: 1s\n      write: [\"**\"]\n";
const SETPOINT: &str = "plant.line1.plc.setpoint";
/// A thousand writes, in batches that a device's queue takes.
const BATCHES: u16 = 20;
const WRITES: u16 = 50;
/// Every so many batches the node is killed in the middle of one.
const KILLED: u16 = 4;

/// The node of the middle as a process of its own, so that it can be killed.
fn start_process(node: &TestNode) -> Child {
    Command::new(env!("CARGO_BIN_EXE_mainstem"))
        .args(["run", "-c"])
        .arg(node.file())
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// plc ← line1 ← proxy ← plant, killable ← top
struct Tree {
    plc: Plc,
    _line: TestNode,
    proxy: Proxy,
    plant: TestNode,
    process: Child,
    top: TestNode,
}

impl Tree {
    async fn start() -> Self {
        let plc = Plc::start().await;
        let line = TestNode::start("line1", &plc.resources()).await;
        let proxy = Proxy::start(line.address()).await;
        let entry = remote("line1", &line.pin(), proxy.address(), QUICK);
        // Once in this process, for its key and its port.
        let mut plant = TestNode::start("plant", &entry).await;
        let entry = remote("plant", &plant.pin(), plant.address(), QUICK);
        plant.down().await;
        let process = start_process(&plant);
        let top = TestNode::start("top", &entry).await;
        top.wait_link("plant", LinkState::Live).await;
        top.wait_good(SETPOINT).await;
        Self {
            plc,
            _line: line,
            proxy,
            plant,
            process,
            top,
        }
    }
}

fn body(batch: u16) -> Value {
    let first = batch * WRITES + 1;
    let writes = (first..first + WRITES)
        .map(|value| json!({ "name": SETPOINT, "value": value, "key": format!("key-{value}") }));
    json!({ "writes": writes.collect::<Vec<_>>(), "deadline": "5s" })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_node_in_the_middle_makes_no_outcome_untrue() {
    let mut tree = Box::pin(Tree::start()).await;
    let (plc, top) = (&tree.plc, &tree.top);
    let mut asked = Vec::new();
    for batch in 0..BATCHES {
        top.wait_link("plant", LinkState::Live).await;
        top.wait_good(SETPOINT).await;
        let before = plc.written().len();
        let kills = batch % KILLED == 0;
        let wait = if kills { "1ms" } else { "10s" };
        let path = format!("writes?wait={wait}");
        let (status, answer) = top.ask("POST", &path, body(batch)).await;
        assert_eq!(status, 200, "{answer:#}");
        asked.extend(answer["items"].as_array().unwrap().clone());
        if kills {
            // The first ones are at the device, the last ones are not.
            let some = || Some(()).filter(|()| plc.written().len() > before);
            eventually("the device is written", some).await;
            tree.process.kill().await.unwrap();
            tree.process = start_process(&tree.plant);
        }
    }
    let mut states = HashMap::new();
    for item in asked {
        let id = item["write"]["id"]
            .as_str()
            .or(item["outcome"]["id"].as_str());
        let id = id.unwrap_or_else(|| panic!("{item:#}")).to_owned();
        let ended = final_outcome(top, &id).await;
        *states.entry(judge(plc, &ended)).or_insert(0) += 1;
    }
    eprintln!("{states:?}, {} at the device", plc.written().len());
    assert_eq!(states.values().sum::<u16>(), BATCHES * WRITES);
    assert!(states.contains_key("applied"), "{states:?}");
}

async fn final_outcome(top: &TestNode, id: &str) -> Value {
    loop {
        let path = format!("writes/{id}");
        let (status, document) = top.ask("GET", &path, Value::Null).await;
        assert_eq!(status, 200, "{document:#}");
        if !["accepted", "forwarded"].contains(&document["state"].as_str().unwrap()) {
            return document;
        }
        tokio::task::yield_now().await;
    }
}

/// The state of a write, which the device's own memory has to confirm.
fn judge(plc: &Plc, write: &Value) -> &'static str {
    let key = write["key"].as_str().unwrap();
    let value: u16 = key.trim_start_matches("key-").parse().unwrap();
    let times = plc.written().iter().filter(|&&had| had == value).count();
    assert!(times <= 1, "carried out {times} times: {write:#}");
    match write["state"].as_str().unwrap() {
        "applied" => {
            assert_eq!(times, 1, "{write:#}");
            "applied"
        }
        "unknown" => "unknown",
        refused @ ("rejected" | "expired") => {
            assert_eq!(times, 0, "{refused}, but the device was changed: {write:#}");
            "refused"
        }
        other => panic!("{other}: {write:#}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_the_device_lost_is_unknown_and_stays_one_write() {
    let plc = Plc::start().await;
    let line = TestNode::start("line1", &plc.resources()).await;
    line.wait_good("plc.setpoint").await;
    plc.mute_writes(true);
    let body = json!({ "value": 7, "key": "once", "deadline": "2s" });
    let (status, first) = line.put("plc.setpoint", body.clone(), "wait=10s").await;
    assert_eq!(
        (status, &first["outcome"]["state"]),
        (504, &json!("unknown")),
        "{first:#}"
    );
    plc.mute_writes(false);
    line.wait_good("plc.setpoint").await;
    let (status, again) = line.put("plc.setpoint", body, "wait=10s").await;
    assert_eq!(
        (status, &again["outcome"]["id"]),
        (504, &first["outcome"]["id"]),
        "{again:#}"
    );
    assert_eq!(plc.written(), [7]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_a_link_lost_is_unknown_and_stays_one_write() {
    let plc = Plc::start().await;
    let line = TestNode::start("line1", &plc.resources()).await;
    let proxy = Proxy::start(line.address()).await;
    let entry = remote("line1", &line.pin(), proxy.address(), QUICK);
    let plant = TestNode::start("plant", &entry).await;
    plant.wait_link("line1", LinkState::Live).await;
    plant.wait_good("line1.plc.setpoint").await;
    // The clocks are mapped once a write went through.
    let (status, document) = plant
        .put("line1.plc.setpoint", json!({ "value": 6 }), "wait=10s")
        .await;
    assert_eq!(status, 200, "{document:#}");
    // Requests arrive, answers do not.
    proxy.silence_answers();
    let body = json!({ "value": 7, "key": "once", "deadline": "2s" });
    let (status, first) = plant
        .put("line1.plc.setpoint", body.clone(), "wait=10s")
        .await;
    assert_eq!(
        (status, &first["outcome"]["state"]),
        (504, &json!("unknown")),
        "{first:#}"
    );
    assert_eq!(plc.written(), [6, 7], "the device was reached");
    proxy.heal();
    proxy.reset();
    plant.wait_link("line1", LinkState::Live).await;
    let (_, again) = plant.put("line1.plc.setpoint", body, "wait=10s").await;
    assert_eq!(again["outcome"]["id"], first["outcome"]["id"], "{again:#}");
    assert_eq!(plc.written(), [6, 7]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_forgot_a_write_does_not_say_that_it_was_refused() {
    let mut tree = Box::pin(Tree::start()).await;
    let body = json!({ "value": 6 });
    let (status, document) = tree.top.put(SETPOINT, body, "wait=10s").await;
    assert_eq!(status, 200, "{document:#}");
    tree.proxy.silence_answers();
    let body = json!({ "value": 7, "deadline": "20s" });
    let path = format!("datapoints/{SETPOINT}?wait=1ms");
    let (status, begun) = tree.top.ask("PUT", &path, body).await;
    assert_eq!(status, 202, "{begun:#}");
    eventually("the device is written", || {
        Some(()).filter(|()| tree.plc.written() == [6, 7])
    })
    .await;
    tree.proxy.silence();
    tree.process.kill().await.unwrap();
    tree.process = start_process(&tree.plant);
    // The plant that is asked again knows nothing of it, and cannot ask the line.
    let ended = final_outcome(&tree.top, begun["id"].as_str().unwrap()).await;
    assert_eq!(
        ended["state"], "unknown",
        "the device was changed: {ended:#}"
    );
}
