//! Held requests with foreign programs: curl as the client, `mosquitto_sub`, `mosquitto_pub` and Paho as
//! responders, and a Mosquitto that is killed while a request is held.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;

use super::{PATIENCE, node, nothing_held, post};
use crate::skipped::skipped;
use crate::support::TestNode;

const TOPIC: &str = "services/line1/order";
const TOKEN: &str = "the-token-of-the-responder";
const ROLES: &str =
    "  mes: { topics: { publish: [ \"services/#\" ], subscribe: [ \"services/#\" ] } }\n";
/// Answers every request as it should not be done, and then as it should: garbage, another id,
/// twice, and with the last reply later than anybody waits.
const PAHO: &str = r#"
import json, sys
import paho.mqtt.client as mqtt
host, port, token, topic, version = sys.argv[1:6]
protocol = mqtt.MQTTv5 if version == "5" else mqtt.MQTTv311
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="paho", protocol=protocol)
client.username_pw_set("mes", token)
def on_connect(client, userdata, flags, reason, properties):
    client.subscribe(topic + "/treq", qos=1)
def on_subscribe(client, userdata, mid, reasons, properties):
    print("ready", flush=True)
def on_message(client, userdata, message):
    asked = json.loads(message.payload)
    reply = {"id": asked["id"], "timestamp": asked["timestamp"], "value": {"got": asked["value"]}}
    for other in ("{", json.dumps({**reply, "id": "00000000-0000-4000-8000-000000000000"})):
        client.publish(topic + "/tres", other, qos=1)
    for _ in range(2):
        client.publish(topic + "/tres", json.dumps(reply), qos=1)
client.on_connect, client.on_subscribe, client.on_message = on_connect, on_subscribe, on_message
client.connect(host, int(port))
client.loop_forever()
"#;

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A program that is ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn run(command: &mut Command) -> Option<Running> {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    child.ok().map(Running)
}

/// The next line that a program writes.
async fn line(mut out: BufReader<ChildStdout>) -> (String, BufReader<ChildStdout>) {
    let read = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        out.read_line(&mut text).unwrap();
        (text, out)
    });
    tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap()
}

/// A node whose own broker listens, with one transaction node.
async fn line1(port: u16) -> TestNode {
    let sections = format!(
        "  - {{ name: mes, role: mes, token: {TOKEN} }}\nbus: {{ embedded: {{ listen: [ \
         {{ address: \"127.0.0.1:{port}\", tls: false }} ] }} }}\n"
    );
    let resources = node("order", 10_000, "here");
    TestNode::start_roles("[\"**\"]", ROLES, "line1", &resources, &sections).await
}

async fn strays(node: &TestNode) -> Value {
    let (_, page) = node.ask("GET", "flowsync/nodes", Value::Null).await;
    page["items"][0]["strays"].clone()
}

/// Posts an order with curl.
fn curl(node: &TestNode) -> std::io::Result<tokio::process::Child> {
    let ca = node.node().facts().ca_file.display().to_string();
    let url = format!("https://localhost:{}/data/MES/Order", node.address().port());
    let bearer = format!("Authorization: Bearer {}", crate::support::LINK_TOKEN);
    tokio::process::Command::new("curl")
        .args(["-sS", "--cacert", &ca, &url, "-H", &bearer])
        .args([
            "-H",
            "Content-Type: application/json",
            "-d",
            "{\"article\": 17}",
        ])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
}

/// It says nothing when it is there, so it is told something until it says that.
async fn hears(node: &TestNode, out: BufReader<ChildStdout>) -> BufReader<ChildStdout> {
    let began = Instant::now();
    let mut first = Box::pin(line(out));
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    loop {
        tokio::select! {
            (_, rest) = &mut first => return rest,
            _ = tick.tick() => {
                super::say(node, &format!("{TOPIC}/treq"), &json!("there?")).await;
                assert!(began.elapsed() < PATIENCE, "mosquitto_sub hears nothing");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_is_answered_by_the_clients_of_mosquitto() {
    let port = free_port();
    let node = line1(port).await;
    let login = ["-h", "127.0.0.1", "-u", "mes", "-P", TOKEN];
    let port = port.to_string();
    let mut listen = Command::new("mosquitto_sub");
    listen
        .args(login)
        .args(["-p", &port, "-q", "1", "-t", &format!("{TOPIC}/treq")]);
    let Some(mut listener) = run(&mut listen) else {
        skipped(
            "held requests with mosquitto_sub",
            "mosquitto-clients is not installed",
        );
        return;
    };
    let mut out = BufReader::new(listener.0.stdout.take().unwrap());
    out = hears(&node, out).await;
    let asked = curl(&node);
    let Ok(asked) = asked else {
        skipped("held requests with curl", "curl is not installed");
        return;
    };
    let request: Value = loop {
        let (text, rest) = line(out).await;
        out = rest;
        if text.starts_with('{') {
            break serde_json::from_str(&text).unwrap();
        }
    };
    assert_eq!(request["value"], json!({"article": 17}));
    let reply = json!({"id": request["id"], "timestamp": request["timestamp"], "value": {"recipe": "blue"}});
    let told = Command::new("mosquitto_pub")
        .args(login)
        .args([
            "-p",
            &port,
            "-q",
            "1",
            "-t",
            &format!("{TOPIC}/tres"),
            "-m",
            &reply.to_string(),
        ])
        .status();
    assert!(told.unwrap().success());
    let answer = tokio::time::timeout(PATIENCE, asked.wait_with_output())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        String::from_utf8(answer.stdout).unwrap(),
        r#"{"recipe":"blue"}"#
    );
    nothing_held(&node).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paho_answers_in_both_versions_and_its_garbage_answers_nobody() {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test has no configuration but this"
    )]
    let Some(python) = std::env::var_os("MAINSTEM_PYTHON") else {
        skipped("held requests with Paho", "MAINSTEM_PYTHON is not set");
        return;
    };
    let port = free_port();
    let node = line1(port).await;
    for (round, version) in [(1, "3"), (2, "5")] {
        let mut command = Command::new(&python);
        command.args([
            "-c",
            PAHO,
            "127.0.0.1",
            &port.to_string(),
            TOKEN,
            TOPIC,
            version,
        ]);
        let mut paho = run(&mut command).unwrap();
        let (text, _out) = line(BufReader::new(paho.0.stdout.take().unwrap())).await;
        assert_eq!(text, "ready\n", "MAINSTEM_PYTHON has no paho-mqtt");
        let answer = post(&node, "order", json!({"n": round})).await;
        assert_eq!(answer, (200, json!({"got": {"n": round}})));
        let began = Instant::now();
        let expected = json!({"malformed": round, "unknown": round, "doubled": round, "late": 0,
            "foreign": 0, "retained": 0});
        while strays(&node).await != expected {
            assert!(began.elapsed() < PATIENCE, "{}", strays(&node).await);
        }
    }
    nothing_held(&node).await;
}

/// A Mosquitto on a port and in a folder of its own.
async fn mosquitto(folder: &TempDir, port: u16) -> Option<Running> {
    let path = folder.path().join("conf");
    let text = format!("listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n");
    std::fs::write(&path, text).unwrap();
    let binary = Path::new("/usr/sbin/mosquitto");
    let running = binary
        .exists()
        .then(|| run(Command::new(binary).arg("-c").arg(&path)))??;
    let dial = async {
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tick.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, dial).await.unwrap();
    Some(running)
}

async fn ready(node: &TestNode) {
    let began = Instant::now();
    loop {
        let (_, page) = node.ask("GET", "flowsync/nodes", Value::Null).await;
        let (_, bus) = node.ask("GET", "bus", Value::Null).await;
        if page["items"][0]["ready"] == true && bus["state"] == "up" {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{page} {bus}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_dies_while_a_request_is_held_is_told_at_once() {
    let (folder, port) = (TempDir::new().unwrap(), free_port());
    let Some(broker) = mosquitto(&folder, port).await else {
        skipped("held requests over Mosquitto", "mosquitto is not installed");
        return;
    };
    let sections =
        format!("bus: {{ external: {{ host: 127.0.0.1, port: {port}, tls: false }} }}\n");
    let line = TestNode::start_with("line1", &node("order", 30_000, "here"), &sections).await;
    ready(&line).await;
    let began = Instant::now();
    let (answer, ()) = tokio::join!(post(&line, "order", json!(1)), async {
        loop {
            let (_, page) = line.ask("GET", "flowsync/transactions", Value::Null).await;
            if page["open_count"] == 1 {
                break;
            }
            assert!(began.elapsed() < PATIENCE, "{page}");
        }
        drop(broker);
    });
    assert_eq!(
        (answer.0, &answer.1["code"], &answer.1["told"]),
        (503, &json!("no_bus"), &json!(true))
    );
    let began = Instant::now();
    let (status, problem) = post(&line, "order", json!(2)).await;
    assert_eq!(
        (status, &problem["told"]),
        (503, &json!(false)),
        "{problem}"
    );
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "{:?}",
        began.elapsed()
    );
    // The broker is back: the subscription is too, and requests are answered again.
    let _broker = mosquitto(&folder, port).await.unwrap();
    ready(&line).await;
    let mut requests = super::listen(&line, &format!("{TOPIC}/treq")).await;
    let (answer, _) = tokio::join!(
        post(&line, "order", json!(3)),
        super::respond(&line, &mut requests, json!({"value": "again"})),
    );
    assert_eq!(answer, (200, json!("again")));
    nothing_held(&line).await;
}
