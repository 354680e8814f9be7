//! `mainstem demo`, as somebody at a terminal and a program that reads `--json` see it.

use std::collections::HashSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::{Instant, sleep, timeout};

/// The longest that something may take that has to happen, on a machine that builds meanwhile.
const PATIENCE: Duration = Duration::from_secs(120);
const PROGRAM: &str = env!("CARGO_BIN_EXE_mainstem");
const SETPOINT: &str = "plant1.line1.plc.temperature_setpoint";

/// A running demo. Its standard input is what keeps it running.
struct Demo {
    child: Child,
    input: Option<ChildStdin>,
    nodes: Vec<Value>,
    folder: TempDir,
}

impl Demo {
    async fn start(more: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let mut child = Command::new(PROGRAM)
            .args(["demo", "--json", "--dir"])
            .arg(folder.path())
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap();
        let document: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let nodes = document["nodes"].as_array().unwrap().clone();
        let names: Vec<_> = nodes.iter().map(|node| node["name"].clone()).collect();
        assert_eq!(names, ["line1", "line2", "plant1", "enterprise"]);
        let input = child.stdin.take();
        Self {
            child,
            input,
            nodes,
            folder,
        }
    }

    /// The end as a program brings it about: it closes the demo's standard input.
    async fn stop(mut self) {
        drop(self.input.take());
        let status = timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{status}");
        for node in &self.nodes {
            let address = node["url"].as_str().unwrap().trim_start_matches("https://");
            let there = TcpStream::connect(address);
            assert!(there.is_err(), "{node} still listens");
        }
    }

    fn file(&self, node: &str) -> PathBuf {
        self.folder.path().join(node).join("node.yaml")
    }

    /// Runs the command line against the enterprise: its exit code, and its document.
    async fn enterprise(&self, arguments: &[&str]) -> (i32, Value) {
        let node = &self.nodes[3];
        let text = |key: &str| node[key].as_str().unwrap();
        let output = Command::new(PROGRAM)
            .args(arguments)
            .args([
                "--json",
                "--url",
                text("url"),
                "--token",
                text("token"),
                "--ca",
                text("ca"),
            ])
            .output()
            .await
            .unwrap();
        let document = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| {
            Value::String(String::from_utf8_lossy(&output.stderr).into_owned())
        });
        (output.status.code().unwrap(), document)
    }

    /// Writes what changes at the enterprise to a file.
    fn watch(&self, glob: &str, file: &Path) -> Child {
        let node = &self.nodes[3];
        let text = |key: &str| node[key].as_str().unwrap();
        Command::new(PROGRAM)
            .args(["points", "watch", glob, "--json"])
            .args([
                "--url",
                text("url"),
                "--token",
                text("token"),
                "--ca",
                text("ca"),
            ])
            .stdout(fs::File::create(file).unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    async fn point(&self, name: &str) -> Value {
        let (exit, point) = self.enterprise(&["points", "get", name]).await;
        assert_eq!(exit, 0, "{point}");
        point
    }

    /// Waits until a datapoint has a quality there.
    async fn until(&self, name: &str, is: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let point = self.point(name).await;
            if is(&point) {
                return point;
            }
            assert!(begun.elapsed() < PATIENCE, "{name} stays so: {point}");
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// The register behind the setpoint, asked of the simulated PLC itself.
    fn register(&self) -> u16 {
        let text = fs::read_to_string(self.file("line1")).unwrap();
        let line = text
            .lines()
            .find(|line| line.contains("host: 127.0.0.1"))
            .unwrap();
        let port = line.split("port: ").nth(1).unwrap().trim_end_matches(" }");
        holding_register(SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap())), 0)
    }
}

/// One holding register of unit 1 (function code 3), without any Modbus library of ours.
fn holding_register(device: SocketAddr, address: u16) -> u16 {
    let [high, low] = address.to_be_bytes();
    let mut stream = TcpStream::connect(device).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
        .write_all(&[0, 1, 0, 0, 0, 6, 1, 3, high, low, 0, 1])
        .unwrap();
    let mut answer = [0; 11];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(answer[7..9], [3, 2], "{answer:?}");
    u16::from_be_bytes([answer[9], answer[10]])
}

fn quality(point: &Value) -> (&str, &str) {
    let word = |key: &str| point["quality"][key].as_str().unwrap_or_default();
    (word("status"), word("hop"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_at_the_enterprise_changes_the_register() {
    let demo = Demo::start(&[]).await;
    let begun = demo.point("plant1.line1.plc.counter").await;
    let moved = |point: &Value| point["value"] != begun["value"];
    demo.until("plant1.line1.plc.counter", moved).await;
    assert_eq!(demo.register(), 600);

    let (exit, write) = demo.enterprise(&["points", "set", SETPOINT, "72.5"]).await;
    assert_eq!(
        (exit, &write["state"]),
        (0, &Value::from("applied")),
        "{write}"
    );
    let hops = write["hops"].as_array().unwrap();
    let hops: Vec<_> = hops
        .iter()
        .map(|hop| hop["node"].as_str().unwrap())
        .collect();
    assert_eq!(hops, ["enterprise", "plant1", "line1"]);
    assert_eq!(demo.register(), 725);
    demo.until(SETPOINT, |point| point["value"] == 72.5).await;

    // The drive's own limit: the refusal is the device's, in its words, and says where.
    for (device, word) in [("plc", "IllegalDataValue"), ("opc", "BadOutOfRange")] {
        let hop = format!("plant1.line1.{device}");
        let speed = format!("{hop}.speed_setpoint");
        let (exit, write) = demo.enterprise(&["points", "set", &speed, "9999"]).await;
        assert_eq!(
            (exit, &write["state"]),
            (4, &Value::from("rejected")),
            "{write}"
        );
        assert_eq!(
            (&write["hop"], &write["reason"]),
            (&hop.into(), &word.into()),
            "{write}"
        );
    }
    let (exit, error) = demo.enterprise(&["points", "set", SETPOINT, "warm"]).await;
    assert_eq!(exit, 2, "{error}");
    let (exit, error) = demo.enterprise(&["points", "get", "plant1.line9.x"]).await;
    assert_eq!(exit, 3, "{error}");
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_killed_turns_bad_and_comes_back() {
    let demo = Demo::start(&["--processes"]).await;
    let mine = "plant1.line1.plc.temperature";
    let pid = demo.nodes[0]["pid"].as_u64().unwrap().to_string();
    let pids: HashSet<_> = demo.nodes.iter().map(|node| node["pid"].as_u64()).collect();
    assert_eq!(pids.len(), 4, "each has a process of its own");
    let watched = demo.folder.path().join("line2.ndjson");
    let mut watch = demo.watch("plant1.line2.plc.**", &watched);

    let killed = Command::new("kill")
        .args(["-9", &pid])
        .status()
        .await
        .unwrap();
    assert!(killed.success());
    let at_fault =
        |status: &'static str| move |point: &Value| quality(point) == (status, "plant1.line1");
    demo.until(mine, at_fault("uncertain")).await;
    demo.until(mine, at_fault("bad")).await;
    let late = ["points", "set", SETPOINT, "80", "--wait", "1s"];
    let (exit, error) = demo.enterprise(&late).await;
    assert!([4, 6].contains(&exit), "{exit}: {error}");

    let mut again = start_node(&demo.file("line1"));
    demo.until(mine, |point| quality(point).0 == "good").await;
    assert_eq!(demo.register(), 600, "nothing late was carried out");
    watch.kill().await.unwrap();
    assert_always_good(&watched);
    drop(again.stdin.take());
    let status = timeout(PATIENCE, again.wait()).await.unwrap().unwrap();
    assert!(status.success(), "{status}");
    demo.stop().await;
}

/// Nothing of what was watched was ever anything but good.
fn assert_always_good(watched: &Path) {
    let text = fs::read_to_string(watched).unwrap();
    // The last line may be cut where the watch was ended.
    let whole = text.lines().filter(|line| line.ends_with('}'));
    let changes: Vec<Value> = whole
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(changes.len() > 100, "only {} changes", changes.len());
    for change in changes {
        assert_eq!(quality(&change).0, "good", "{change}");
    }
}

/// Starts a node of the demo again, as the demo's own words tell to.
fn start_node(file: &Path) -> Child {
    Command::new(PROGRAM)
        .args(["run", "--until-stdin-closes", "-c"])
        .arg(file)
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn children_end_with_a_demo_that_is_killed() {
    let mut demo = Demo::start(&["--processes"]).await;
    demo.child.kill().await.unwrap();
    let begun = Instant::now();
    for node in &demo.nodes {
        let address = node["url"].as_str().unwrap().trim_start_matches("https://");
        while TcpStream::connect(address).is_ok() {
            assert!(begun.elapsed() < PATIENCE, "{node} still listens");
            sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test]
async fn a_folder_of_somebody_else_is_refused() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("mine"), "mine").unwrap();
    let output = Command::new(PROGRAM)
        .args(["demo", "--json", "--dir"])
        .arg(folder.path())
        .stdin(Stdio::piped())
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("not the demo's"), "{said}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
