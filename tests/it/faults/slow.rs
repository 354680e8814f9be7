//! A node above that stops and goes on.

use std::process::Stdio;

use tokio::process::{Child, Command};

use super::{QUICK, is_long};
use crate::support::{TestNode, eventually, remote};

/// Bytes of the log, so that it is full soon.
const FEED: &str = "feed: { log_bytes: 1 MiB }\n";
/// What the line may grow by while nobody reads, beside its log: buffers of sockets and streams.
const GROWTH_MAX_KIB: u64 = 24 * 1024;

/// Fifty counters that rise fifty times a second.
fn device() -> String {
    let mut text = String::from(
        "  sim: { type: Connection, properties: { protocol: simulator, connection: { interval_ms: 20 } } }\n",
    );
    for point in 0..50 {
        text += &format!(
            "  n{point}: {{ type: Endpoint, properties: {{ protocol: simulator, connection: !ref sim, \
             subscribe: {{ signal: counter, step: 1 }} }} }}\n"
        );
    }
    text
}

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

async fn signal(process: &Child, signal: &str) {
    let id = process.id().unwrap().to_string();
    let sent = Command::new("kill").args([signal, &id]).status().await;
    assert!(sent.unwrap().success());
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// F27.
#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_node_above_costs_the_line_no_memory_and_goes_on() {
    let line = TestNode::start_with("line1", &device(), FEED).await;
    line.wait_good("sim.n0").await;
    let entry = remote("line1", &line.pin(), line.address(), QUICK);
    // Once in this process, for its key and its port.
    let mut plant = TestNode::start("plant", &entry).await;
    plant.wait_good("line1.sim.n0").await;
    plant.down().await;
    let process = start_process(&plant);
    until_good(&plant).await;
    let evicted = || line.node().store().statistics().evicted;
    let begun = evicted();
    eventually("the log is full", || (evicted() > begun).then_some(())).await;
    let before = resident_kib();
    signal(&process, "-STOP").await;
    let entries = if is_long() { 500_000 } else { 20_000 };
    let (head, mut highest) = (line.node().store().statistics().head, before);
    while line.node().store().statistics().head < head + entries {
        let next = line.node().store().statistics().head;
        eventually("the line goes on", || {
            highest = highest.max(resident_kib());
            (line.node().store().statistics().head > next + 500).then_some(())
        })
        .await;
    }
    signal(&process, "-CONT").await;
    until_good(&plant).await;
    let grown = highest.saturating_sub(before);
    assert!(grown < GROWTH_MAX_KIB, "{before} KiB, then {highest} KiB");
}

/// Waits until the process above shows the line's values as good, and new.
async fn until_good(plant: &TestNode) {
    let file = plant.file();
    let mut first = None;
    for _ in 0..200 {
        let answer = Command::new(env!("CARGO_BIN_EXE_mainstem"))
            .args(["points", "get", "line1.sim.n0", "--json", "-c"])
            .arg(&file)
            .output()
            .await
            .unwrap();
        let Ok(point) = serde_json::from_slice::<serde_json::Value>(&answer.stdout) else {
            continue;
        };
        let value = point["value"].as_f64();
        if point["quality"]["status"] == "good" && *first.get_or_insert(value) != value {
            return;
        }
    }
    panic!("the node above does not show good values that go on");
}
