//! The disk of the data loggers of a whole node: full, read-only, missing at the start. Live values
//! and writes go on, an alarm comes, and it is over without a restart.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{LOGGERS, SIM, get};
use crate::skipped::skipped;
use crate::support::TestNode;

/// Within this time a fault of the disk is an alarm.
const TOLD: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(30);
const STORE: &str = "datalogger.store.store";

/// A small disk for the folder of the loggers.
struct Disk(PathBuf);

impl Disk {
    /// Nothing where this user may not mount.
    fn mount(path: &Path) -> Option<Self> {
        fs::create_dir_all(path).unwrap();
        let disk = Self(path.to_owned());
        if disk.run("mount", &["-t", "tmpfs", "-o", "size=24m", "tmpfs"]) {
            return Some(disk);
        }
        skipped(
            "the disk of the data loggers",
            "mounting a tmpfs needs root",
        );
        None
    }

    fn run(&self, program: &str, arguments: &[&str]) -> bool {
        let done = Command::new(program).args(arguments).arg(&self.0).output();
        done.is_ok_and(|done| done.status.success())
    }

    fn fill(&self) {
        let mut size = 24 << 20;
        while size > 0 {
            let mut options = fs::OpenOptions::new();
            let options = options.append(true).create(true);
            let mut ballast = options.open(self.0.join("ballast")).unwrap();
            if ballast.write_all(&vec![1; size]).is_err() {
                size /= 2;
            }
        }
    }

    fn empty(&self) {
        fs::remove_file(self.0.join("ballast")).unwrap();
    }

    fn read_only(&self) {
        assert!(self.run("mount", &["--bind", self.0.to_str().unwrap()]));
        assert!(self.run("mount", &["-o", "remount,ro,bind"]));
    }

    fn writable(&self) {
        assert!(self.run("umount", &["-l"]));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        while self.run("umount", &["-l"]) {}
    }
}

async fn until_alarm(node: &TestNode, id: &str, is_there: bool, patience: Duration) {
    let begun = Instant::now();
    while node.alarm(id).await.is_some() != is_there {
        assert!(
            begun.elapsed() < patience,
            "{id}: not {is_there} within {patience:?}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Values change and writes are applied.
async fn lives(node: &TestNode) {
    let before = node.wait_good("sim.count").await.value;
    node.wait("sim.count", "another value", |view| view.value != before)
        .await;
    let (status, document) = node
        .put("sim.level", json!({ "value": 21 }), "wait=5s")
        .await;
    assert_eq!(status, 200, "{document:#}");
    assert_eq!(document["state"], "applied", "{document:#}");
}

async fn count(node: &TestNode) -> f64 {
    let value = node.wait_good("sim.count").await.value;
    value.and_then(|value| value.as_f64()).unwrap()
}

/// Waits until a reading of the counter is recorded, or a later one: it counts time, and leaves out
/// numbers on a busy machine. Returns all readings.
async fn recorded(node: &TestNode, wanted: f64) -> Vec<f64> {
    let begun = Instant::now();
    loop {
        let answer = node.api(reqwest::Method::GET, "loggers/pieces/samples?limit=100000");
        let answer: Value = answer.send().await.unwrap().json().await.unwrap();
        let rows = answer["items"].as_array().cloned().unwrap_or_default();
        let values: Vec<f64> = rows
            .iter()
            .filter_map(|row| row["value"].as_f64())
            .collect();
        if values.iter().any(|value| *value >= wanted) {
            return values;
        }
        assert!(begun.elapsed() < PATIENCE, "{wanted} in {values:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Writes numbers one after the other; each of them is a sample.
async fn write(node: &TestNode, numbers: std::ops::Range<i32>) {
    for number in numbers {
        let (status, document) = node
            .put("sim.level", json!({ "value": number }), "wait=5s")
            .await;
        assert_eq!(status, 200, "{document:#}");
    }
}

/// Waits until the last of them is recorded: then all are, in their order.
async fn assert_whole(node: &TestNode, numbers: std::ops::Range<i32>) {
    let wanted: Vec<f64> = numbers.map(f64::from).collect();
    let begun = Instant::now();
    loop {
        let answer = get(node, "loggers/all.sim.level/samples?limit=100000").await;
        let rows = answer["items"].as_array().unwrap().iter();
        let values: Vec<f64> = rows.filter_map(|row| row["value"].as_f64()).collect();
        if values.windows(wanted.len()).any(|part| part == wanted) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{wanted:?} in {values:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_and_a_read_only_disk_cost_no_live_value_no_write_and_no_sample() {
    let mut node = TestNode::start_with("line1", SIM, "").await;
    let Some(disk) = Disk::mount(&node.data().join("loggers")) else {
        return node.stop().await;
    };
    node.reload_sections(LOGGERS).await;
    let first = count(&node).await;
    recorded(&node, first + 5.0).await;
    disk.fill();
    until_alarm(&node, STORE, true, TOLD).await;
    lives(&node).await;
    write(&node, 100..130).await;
    disk.empty();
    until_alarm(&node, STORE, false, PATIENCE).await;
    let (_, doctor) = node.ask("GET", "doctor", Value::Null).await;
    assert!(doctor["findings"].is_array(), "{doctor:#}");

    disk.read_only();
    until_alarm(&node, STORE, true, TOLD).await;
    lives(&node).await;
    write(&node, 200..230).await;
    disk.writable();
    until_alarm(&node, STORE, false, PATIENCE).await;
    // What happened meanwhile waited in memory: nothing is missing.
    assert_whole(&node, 100..130).await;
    assert_whole(&node, 200..230).await;
    node.stop().await;
    drop(disk);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_or_read_only_at_the_start_is_waited_for() {
    let mut node = TestNode::start_with("line1", SIM, "").await;
    let Some(disk) = Disk::mount(&node.data().join("loggers")) else {
        return node.stop().await;
    };
    disk.fill();
    let report = node.reload_sections(LOGGERS).await;
    assert_eq!(report.failed.len(), 1, "{report:?}");
    until_alarm(&node, "part.loggers", true, TOLD).await;
    lives(&node).await;
    disk.empty();
    until_alarm(&node, "part.loggers", false, PATIENCE).await;
    let after = count(&node).await;
    let before = recorded(&node, after + 5.0).await;

    // The same at the start of the node, with a store that is there already.
    node.down().await;
    disk.read_only();
    node.up().await;
    until_alarm(&node, "part.loggers", true, TOLD).await;
    lives(&node).await;
    assert_eq!(get(&node, "loggers").await["items"], json!([]));
    disk.writable();
    until_alarm(&node, "part.loggers", false, PATIENCE).await;
    let again = count(&node).await;
    let values = recorded(&node, again + 5.0).await;
    let is_there = before.iter().all(|value| values.contains(value));
    assert!(is_there, "what was acknowledged is still there");
    node.stop().await;
    drop(disk);
}

/// Has strace delay the syncs of the thread that writes samples, in this very process.
fn slow_writer(delay: &str) -> Option<std::process::Child> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let thread = tasks.map(|task| task.unwrap().path()).find(|task| {
        let name = fs::read_to_string(task.join("comm")).unwrap_or_default();
        name.trim() == "datalogger-writ"
    });
    let thread = thread.unwrap().file_name().unwrap().to_owned();
    let inject = format!("inject=fsync,fdatasync:delay_enter={delay}");
    let traced = Command::new("strace")
        .args([
            "-o",
            "/dev/null",
            "-e",
            "trace=fsync,fdatasync",
            "-e",
            &inject,
            "-p",
        ])
        .arg(&thread)
        .stderr(std::process::Stdio::null())
        .spawn();
    let status = PathBuf::from("/proc/self/task").join(thread).join("status");
    let begun = Instant::now();
    while begun.elapsed() < TOLD && traced.is_ok() {
        let text = fs::read_to_string(&status).unwrap();
        if !text.contains("TracerPid:\t0") {
            return traced.ok();
        }
        std::thread::yield_now();
    }
    skipped(
        "a slow disk of the data loggers",
        "strace cannot trace here",
    );
    None
}

/// How long nearly every write takes, from the request to its outcome.
async fn latency(node: &TestNode) -> Duration {
    let mut times = Vec::new();
    for value in 0..100 {
        let begun = Instant::now();
        let (status, _) = node
            .put("sim.level", json!({ "value": value }), "wait=5s")
            .await;
        assert_eq!(status, 200);
        times.push(begun.elapsed());
    }
    times.sort();
    times[98]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_disk_makes_no_live_value_late_and_one_that_hangs_is_told() {
    let node = TestNode::start_with("line1", SIM, LOGGERS).await;
    let first = count(&node).await;
    recorded(&node, first + 5.0).await;
    let usual = latency(&node).await;
    let Some(mut slow) = slow_writer("200ms") else {
        return node.stop().await;
    };
    let late = latency(&node).await;
    // Twice the usual time; what the machine does besides may cost some tens of milliseconds.
    let most = (usual * 2).max(Duration::from_millis(100));
    assert!(late < most, "{late:?}, before {usual:?}");
    assert_whole(&node, 0..100).await;
    slow.kill().unwrap();
    slow.wait().unwrap();

    let mut hung = slow_writer("4s").unwrap();
    until_alarm(&node, "datalogger.store.slow", true, TOLD).await;
    lives(&node).await;
    write(&node, 300..330).await;
    hung.kill().unwrap();
    hung.wait().unwrap();
    until_alarm(&node, "datalogger.store.slow", false, PATIENCE).await;
    assert_whole(&node, 300..330).await;
    node.stop().await;
}
