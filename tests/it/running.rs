//! `mainstem run` and the commands beside it, as processes: the socket, SIGHUP, a wrong file.

mod commands;

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

const PROGRAM: &str = env!("CARGO_BIN_EXE_mainstem");
const PATIENCE: Duration = Duration::from_secs(60);
const KEPT: &str = "  kept: { type: Connection, properties: { protocol: simulator } }
  count: { type: Endpoint, properties: { protocol: simulator, connection: !ref kept, subscribe: { signal: counter, step: 1 } } }\n";
const CHANGED: &str = "  other: { type: Connection, properties: { protocol: simulator } }
  level: { type: Endpoint, properties: { protocol: simulator, connection: !ref other, subscribe: { signal: setpoint, initial: LEVEL } } }\n";

struct Running {
    folder: TempDir,
    child: Child,
}

impl Running {
    fn start(resources: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("node.yaml");
        fs::write(&file, node_file(resources)).unwrap();
        let child = Command::new(PROGRAM)
            .args(["run", "-c"])
            .arg(&file)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self { folder, child }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("node.yaml")
    }

    /// A command through the node's Unix socket: its exit code, and its document or its error.
    async fn command(&self, arguments: &[&str]) -> (i32, Value) {
        let file = self.file();
        self.command_as(&[arguments, &["-c", file.to_str().unwrap()]].concat())
            .await
    }

    /// A command that reads no node file of its own accord.
    async fn command_as(&self, arguments: &[&str]) -> (i32, Value) {
        let output = Command::new(PROGRAM)
            .args(arguments)
            .arg("--json")
            .output()
            .await
            .unwrap();
        let text = match output.stdout.is_empty() {
            true => output.stderr,
            false => output.stdout,
        };
        let document = serde_json::from_slice(&text)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&text).into_owned()));
        (output.status.code().unwrap(), document)
    }

    async fn until(&self, name: &str, value: f64) {
        let begun = Instant::now();
        loop {
            let (exit, point) = self.command(&["points", "get", name]).await;
            let is_there = exit == 0 && point["value"].as_f64() >= Some(value);
            if is_there && point["quality"]["status"] == "good" {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{name}: {exit} {point:#}");
        }
    }

    async fn adapter(&self, name: &str) -> Value {
        let (exit, adapter) = self.command(&["adapters", "show", name]).await;
        assert_eq!(exit, 0, "{adapter:#}");
        adapter
    }

    async fn signal(&self, signal: &str) {
        let pid = self.child.id().unwrap().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().await;
        assert!(sent.unwrap().success());
    }
}

fn node_file(resources: &str) -> String {
    format!(
        "version: 1\nnode: {{ name: line1, data: ./data }}\nlisten: []\nresources:\n{resources}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn sighup_changes_what_changed_and_a_wrong_file_changes_nothing() {
    let first = format!("{KEPT}{}", CHANGED.replace("LEVEL", "20"));
    let mut node = Running::start(&first);
    node.until("kept.count", 1.0).await;
    node.until("other.level", 20.0).await;
    let before = (node.adapter("kept").await, node.adapter("other").await);
    assert_eq!(before.0["state"], "online", "{:#}", before.0);

    fs::write(node.file(), node_file(&first.replace("20", "30"))).unwrap();
    node.signal("-HUP").await;
    node.until("other.level", 30.0).await;
    let after = (node.adapter("kept").await, node.adapter("other").await);
    assert_eq!(after.0["since"], before.0["since"], "its session goes on");
    assert_ne!(after.1["since"], before.1["since"], "a new session");

    let wrong = node_file(&first.replace("signal: counter", "signal: countr"));
    fs::write(node.file(), &wrong).unwrap();
    node.signal("-HUP").await;
    let (exit, problems) = node.command(&["check"]).await;
    assert_eq!(exit, 7, "{problems:#}");
    let problem = &problems["problems"][0];
    let line = 1 + wrong
        .lines()
        .position(|line| line.contains("countr"))
        .unwrap();
    assert_eq!(problem["line"], line, "{problems:#}");
    assert!(problem["column"].as_u64() > Some(1), "{problem:#}");
    assert!(
        problem["key"].as_str().unwrap().contains("signal"),
        "{problem:#}"
    );
    assert!(
        problem["expected"].as_str().unwrap().contains("counter"),
        "{problem:#}"
    );
    assert_eq!(problem["nearest"], "counter", "{problem:#}");
    let now = node.adapter("kept").await;
    assert_eq!(
        now["since"], before.0["since"],
        "the node goes on as it was"
    );

    node.signal("-TERM").await;
    let ended = tokio::time::timeout(PATIENCE, node.child.wait()).await;
    assert!(ended.unwrap().unwrap().success());
    fs::write(node.file(), node_file(&first)).unwrap();
    let (exit, error) = node.command(&["adapters", "list"]).await;
    assert_eq!(exit, 5, "{error:#}");
}
