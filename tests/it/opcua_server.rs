//! The OPC UA server of a whole node, with a foreign client (asyncua, `tests/interop`).

mod held;
mod hostile;
mod many;
mod places;
mod second_client;
mod variables;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::skipped::skipped;
use crate::support::{LINK_TOKEN, TestNode};

const RESOURCES: &str = "  sim: { type: Connection, properties: { protocol: simulator } }
  count: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, \
subscribe: { signal: counter, step: 1, interval: 20ms } } }
  level: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, \
access: rw, unit: bar, description: How much there is, limits: { min: 0, max: 100 }, \
subscribe: { signal: setpoint, initial: 20, interval: 20ms } } }
  locked: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, \
access: rw, subscribe: { signal: setpoint } } }
  flag: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, \
subscribe: { signal: constant, value: true } } }
  text: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, \
subscribe: { signal: constant, value: words } } }
  still: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, \
subscribe: { signal: constant, value: 5 } } }\n";
const SERVER: &str = "  ua: { type: Server::Opcua, properties: { port: 0 } }\n";
const LOGGERS: &str = "loggers:
  reserve_percent: 0
  commit: 10ms
  rollups: 1s
  record:
    pieces: { datapoint: sim.count, kind: range, minutes: true }\n";
const WHAT: &str = "the OPC UA server with asyncua";
const PATIENCE: Duration = Duration::from_secs(60);

/// A foreign client with a key of its own.
pub(crate) struct Foreign {
    python: PathBuf,
    folder: TempDir,
}

impl Foreign {
    pub(crate) fn new() -> Option<Self> {
        #[expect(
            clippy::disallowed_methods,
            reason = "a test has no configuration but this"
        )]
        let Some(python) = std::env::var_os("MAINSTEM_PYTHON") else {
            skipped(WHAT, "MAINSTEM_PYTHON is not set");
            return None;
        };
        Some(Self {
            python: python.into(),
            folder: TempDir::new().unwrap(),
        })
    }

    fn command(&self, url: &str, arguments: &[&str]) -> Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/opcua_client.py");
        let mut command = Command::new(&self.python);
        command
            .arg(script)
            .arg(url)
            .arg(self.folder.path())
            .args(arguments);
        command.kill_on_drop(true);
        command
    }

    /// Runs one command of the client, as the user of the node's token.
    pub(crate) async fn run(&self, url: &str, command: &str, number: &str) -> Value {
        self.run_as(url, &[command, "above", LINK_TOKEN, number])
            .await
    }

    async fn run_as(&self, url: &str, arguments: &[&str]) -> Value {
        let output = self.command(url, arguments).output();
        let output = tokio::time::timeout(PATIENCE * 2, output)
            .await
            .unwrap()
            .unwrap();
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        let last = out.lines().last().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|_| panic!("{arguments:?}: {out}\n{err}"))
    }
}

/// The client while it is at work: it says lines, and goes on when it is told one.
struct Talk {
    process: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Talk {
    fn begin(client: &Foreign, url: &str, arguments: &[&str]) -> Self {
        let mut command = client.command(url, arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self {
            stdin: process.stdin.take().unwrap(),
            lines,
            process,
        }
    }

    /// The next line that the client says.
    async fn next(&mut self) -> Value {
        let line = tokio::time::timeout(PATIENCE * 2, self.lines.next_line()).await;
        let line = line.expect("the client says something").unwrap();
        serde_json::from_str(&line.expect("the client goes on")).unwrap()
    }

    /// Reads lines until one is as wanted.
    async fn until(&mut self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let mut seen = Vec::new();
        loop {
            let line = self.next().await;
            if is(&line) {
                return line;
            }
            seen.push(line.to_string());
            assert!(seen.len() < 1000, "nothing is {what}: {seen:?}");
        }
    }

    /// Has it go on.
    async fn say(&mut self) {
        self.stdin.write_all(b"on\n").await.unwrap();
        self.stdin.flush().await.unwrap();
    }

    /// Ends it without a word, as a crash does.
    async fn kill(mut self) {
        self.process.kill().await.unwrap();
    }
}

async fn start() -> (TestNode, String) {
    let resources = format!("{RESOURCES}{SERVER}");
    let node = TestNode::start_with("plant1", &resources, LOGGERS).await;
    node.wait_good("sim.level").await;
    let url = url(&node).await;
    (node, url)
}

pub(crate) async fn url(node: &TestNode) -> String {
    let (_, state) = node.ask("GET", "opcua-server", Value::Null).await;
    state["urls"][0]
        .as_str()
        .unwrap_or_else(|| panic!("{state}"))
        .to_owned()
}

/// Has the client come once, and trusts it.
pub(crate) async fn trusted(node: &TestNode, url: &str, client: &Foreign) {
    let refused = client.run(url, "connect", "0").await;
    assert_ne!(refused["connect"], "Good", "an unknown client came in");
    admit(node).await;
}

/// Trusts the one client that waits.
async fn admit(node: &TestNode) {
    assert!(node.alarm("opcua_server.certificates").await.is_some());
    let (_, list) = node
        .ask("GET", "opcua-server/certificates", Value::Null)
        .await;
    assert_eq!(list["items"][0]["state"], "waiting", "{list}");
    let thumbprint = list["items"][0]["thumbprint"].as_str().unwrap();
    let path = format!("opcua-server/certificates/{thumbprint}/trust");
    let answer = node.api(reqwest::Method::POST, &path).send().await.unwrap();
    assert_eq!(answer.status(), 204);
    assert!(node.alarm("opcua_server.certificates").await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_client_waits_is_trusted_and_sees_what_it_may() {
    let Some(client) = Foreign::new() else { return };
    let (node, url) = start().await;
    let offered = client.run_as(&url, &["endpoints"]).await;
    let text = offered.to_string();
    for policy in [
        "Basic256Sha256",
        "Aes128_Sha256_RsaOaep",
        "Aes256_Sha256_RsaPss",
    ] {
        assert!(text.contains(policy), "{offered}");
    }
    for deprecated in [
        "Basic128Rsa15",
        "\"Basic256\"",
        "\"None\"",
        "None_",
        "Anonymous",
    ] {
        assert!(!text.contains(deprecated), "{deprecated}: {offered}");
    }
    trusted(&node, &url, &client).await;
    for policy in [
        "Basic256Sha256",
        "Aes128Sha256RsaOaep",
        "Aes256Sha256RsaPss",
    ] {
        let came = client
            .run_as(&url, &["connect", "above", LINK_TOKEN, "0", policy])
            .await;
        assert_eq!(came["connect"], "Good", "{policy}: {came}");
    }
    let plain = client
        .run_as(&url, &["connect", "above", LINK_TOKEN, "0", "None"])
        .await;
    assert_ne!(plain["connect"], "Good", "a session without security");
    for (user, password) in [("above", "wrong"), ("nobody", LINK_TOKEN), ("", "")] {
        let came = client.run_as(&url, &["connect", user, password]).await;
        assert_ne!(came["connect"], "Good", "{user}");
    }
    let audit = std::fs::read_to_string(node.data().join("audit.log")).unwrap();
    assert!(
        audit.contains("opcua-server") && audit.contains("denied"),
        "{audit}"
    );

    let seen = client.run(&url, "browse", "0").await;
    assert_eq!(seen["by_path"], "ns=2;s=sim.level", "{seen:#}");
    assert_eq!(
        (&seen["unit"], &seen["range"]),
        (&"bar".into(), &serde_json::json!([0.0, 100.0]))
    );
    assert_eq!(seen["description"], "How much there is");
    assert_eq!(
        (&seen["data_type"], &seen["parent"]),
        (&11.into(), &"ns=2;s=sim".into())
    );
    let sim = &seen["tree"]["sim"];
    assert_eq!(sim["class"], "Object");
    assert_eq!(sim["children"]["level"]["class"], "Variable");

    let read = client.run(&url, "read", "0").await;
    assert_eq!(
        (&read["sim.level"]["value"], &read["sim.level"]["status"]),
        (&20.0.into(), &0.into())
    );
    assert!(read["sim.level"]["time"].is_string(), "{read:#}");
    assert_eq!(read["sim.text"]["value"], "words");
    assert_eq!(read["nothing.there"]["status"], 0x8034_0000_u32, "{read:#}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_go_through_the_one_write_path() {
    let Some(client) = Foreign::new() else { return };
    let (node, url) = start().await;
    trusted(&node, &url, &client).await;
    let wrote = client.run(&url, "write", "0").await;
    let expected = [
        ("fine", "Good"),
        ("text_to_number", "BadTypeMismatch"),
        ("integer_to_number", "BadTypeMismatch"),
        ("beyond_limits", "BadOutOfRange"),
        ("array", "BadTypeMismatch"),
        ("read_only", "BadNotWritable"),
        ("locked", "BadUserAccessDenied"),
        ("nowhere", "BadNodeIdUnknown"),
    ];
    for (what, status) in expected {
        assert_eq!(wrote[what], status, "{what}: {wrote:#}");
    }
    assert_eq!(wrote["read_back"], 42.5);
    let (_, writes) = node.ask("GET", "writes", Value::Null).await;
    let states: Vec<_> = writes["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| &w["state"])
        .collect();
    assert!(
        states.contains(&&"applied".into()) && states.contains(&&"rejected".into()),
        "{writes:#}"
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_tell_what_changed_as_often_as_asked() {
    let Some(client) = Foreign::new() else { return };
    let (node, url) = start().await;
    trusted(&node, &url, &client).await;
    let told = client.run(&url, "subscribe", "3").await;
    let list = |what: &str| told[what].as_array().unwrap().clone();
    let (fast, slow, follows) = (list("fast"), list("slow"), list("follows"));
    assert!(fast.len() > 60, "of 150 changes {} were told", fast.len());
    // A busy machine takes longer than was asked for, and then there is more to tell.
    let took = told["took"].as_f64().unwrap();
    for (what, told, interval) in [("slow", &slow, 0.5), ("follows", &follows, 0.2)] {
        let most = took / interval + 2.0;
        let count = u32::try_from(told.len()).unwrap();
        assert!(
            count >= 4 && f64::from(count) <= most,
            "{what}: {count} in {took} s"
        );
    }
    for told in [&fast, &slow, &follows] {
        // Source times grow with the values: nobody rewrote them.
        let pairs = told
            .windows(2)
            .filter(|pair| pair[0]["value"].is_u64() && pair[1]["value"].is_u64());
        for pair in pairs {
            assert!(
                pair[0]["value"].as_u64() < pair[1]["value"].as_u64(),
                "{pair:?}"
            );
            assert!(
                pair[0]["time"].as_str() < pair[1]["time"].as_str(),
                "{pair:?}"
            );
        }
    }
    // 20 values a step of 1 apart, with a deadband of 5.
    let levels: Vec<f64> = list("levels")
        .iter()
        .filter_map(|told| told["value"].as_f64())
        .collect();
    assert!((3..=6).contains(&levels.len()), "{levels:?}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_device_is_told_though_its_value_stays() {
    let Some(client) = Foreign::new() else { return };
    let (node, url) = start().await;
    trusted(&node, &url, &client).await;
    let mut talk = Talk::begin(&client, &url, &["states", "above", LINK_TOKEN]);
    let good = |told: &Value| told["status"] == 0 && told["value"] == 5.0;
    talk.until("good", good).await;
    let body = serde_json::json!({"value": 2});
    let (status, answer) = node.put("sim.faults.disconnect", body, "").await;
    assert_eq!(status, 200, "{answer}");
    let is_doubted = |told: &Value| {
        told["status"]
            .as_u64()
            .is_some_and(|status| status >> 30 != 0)
    };
    talk.until("doubted", is_doubted).await;
    talk.until("good again", good).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn history_is_what_the_loggers_recorded() {
    let Some(client) = Foreign::new() else { return };
    let (node, url) = start().await;
    trusted(&node, &url, &client).await;
    let begun = Instant::now();
    let past = loop {
        let past = client.run(&url, "history", "0").await;
        let rows = past["rows"].as_u64().unwrap();
        let counts = past["aggregates"]["count"].as_array().unwrap();
        let has_some = counts
            .iter()
            .any(|slot| slot["value"].as_i64().is_some_and(|count| count > 0));
        if rows > 10 && has_some {
            break past;
        }
        assert!(begun.elapsed() < PATIENCE * 2, "{past:#}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    assert_eq!(
        (&past["ten"], &past["unknown_aggregate"]),
        (&10.into(), &"BadAggregateNotSupported".into()),
        "{past:#}"
    );
    let values = past["values"].as_array().unwrap();
    assert!(
        values
            .windows(2)
            .all(|pair| pair[0]["time"].as_str() <= pair[1]["time"].as_str())
    );
    let back = past["back"].as_array().unwrap();
    assert!(
        back.windows(2)
            .all(|pair| pair[0]["time"].as_str() >= pair[1]["time"].as_str())
    );
    assert_eq!(past["not_recorded"], "BadHistoryOperationUnsupported");
    let of = |what: &str| {
        let slots = past["aggregates"][what].as_array().unwrap();
        slots
            .iter()
            .filter_map(|slot| slot["value"].as_f64())
            .next_back()
            .unwrap()
    };
    assert!(
        of("minimum") <= of("average") && of("average") <= of("maximum"),
        "{past:#}"
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_off_unless_the_file_has_it_and_reloads() {
    let mut node = TestNode::start("plant1", RESOURCES).await;
    let (_, state) = node.ask("GET", "opcua-server", Value::Null).await;
    assert_eq!(state["running"], false, "{state}");
    let report = node.reload(&format!("{RESOURCES}{SERVER}")).await;
    assert!(
        report.started.contains(&"opcua-server".to_owned()),
        "{report:?}"
    );
    let (_, state) = node.ask("GET", "opcua-server", Value::Null).await;
    assert_eq!(state["running"], true, "{state}");
    node.reload(RESOURCES).await;
    let (_, state) = node.ask("GET", "opcua-server", Value::Null).await;
    assert_eq!(state["running"], false, "{state}");
    node.stop().await;
}
