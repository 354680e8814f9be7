//! The embedded broker with foreign clients: the cases of the Paho suite, Mosquitto's command line
//! clients, and Paho over TLS and WebSocket.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use mainstem_bus::embedded::{
    EmbeddedBus, EmbeddedSetup, Gate, Guest, Inlet, Limits, Login, NotAdmitted, Refused, Transport,
};
use mainstem_bus::{Bus, Qos, TopicRights, TopicSet};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use uuid::Uuid;

use super::{PATIENCE, filters, left_out, message, next};

struct Table(HashMap<&'static str, Arc<TopicRights>>);

impl Gate for Table {
    fn admit(&self, login: &Login<'_>) -> Result<Guest, NotAdmitted> {
        let name = std::str::from_utf8(login.password.unwrap_or_default()).unwrap_or_default();
        let rights = self.rights(name).ok_or(NotAdmitted::Unknown)?;
        let name = name.into();
        Ok(Guest { name, rights })
    }

    fn rights(&self, principal: &str) -> Option<Arc<TopicRights>> {
        self.0.get(principal).cloned()
    }

    fn refused(&self, _refused: &Refused, _more: u64) {}
}

async fn broker() -> (EmbeddedBus, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let few = TopicRights {
        publish: TopicSet::default(),
        subscribe: TopicSet::new(filters(&["few/#"])),
    };
    let table = HashMap::from([
        ("all", Arc::new(TopicRights::everything())),
        ("few", Arc::new(few)),
    ]);
    let setup = EmbeddedSetup {
        folder: folder.path().join("bus"),
        node: Uuid::from_u128(7),
        limits: Limits::default(),
        gate: Arc::new(Table(table)),
    };
    let bus = EmbeddedBus::start(setup).await.unwrap();
    (bus, folder)
}

fn inlet(transport: Transport, tls: Option<Arc<rustls::ServerConfig>>) -> Inlet {
    Inlet {
        address: ([127, 0, 0, 1], 0).into(),
        transport,
        path: "/mqtt".to_owned(),
        tls,
    }
}

fn python() -> Option<PathBuf> {
    let python = std::env::var_os("MAINSTEM_PYTHON").map(PathBuf::from);
    if python.is_none() {
        let why = "MAINSTEM_PYTHON names no Python that has paho-mqtt";
        left_out("MQTT against Paho", why);
    }
    python
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/interop")
        .join(name)
}

#[tokio::test]
async fn the_cases_of_the_paho_suite_pass() {
    let Some(python) = python() else { return };
    let (bus, _folder) = broker().await;
    assert!(bus.listen(&[inlet(Transport::Tcp, None)]).await.is_empty());
    let port = bus.address(Transport::Tcp).unwrap().port().to_string();
    let mut suite = Command::new(python)
        .arg(script("mqtt_suite.py"))
        .args(["127.0.0.1", &port, "all", "few"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(suite.stdout.take().unwrap()).lines();
    let (mut failed, mut cases) = (Vec::new(), 0);
    while let Some(line) = tokio::time::timeout(PATIENCE * 2, lines.next_line())
        .await
        .expect("a case takes less")
        .unwrap()
    {
        println!("{line}");
        let case: Value = serde_json::from_str(&line).unwrap();
        cases += 1;
        if !case["failed"].is_null() {
            failed.push(line);
        }
    }
    assert_eq!(cases, 10 + 27);
    assert!(failed.is_empty(), "{failed:#?}");
}

#[tokio::test]
async fn the_command_line_clients_of_mosquitto_come_and_go() {
    if !Path::new("/usr/bin/mosquitto_sub").exists() {
        left_out(
            "MQTT clients of Mosquitto",
            "the package mosquitto-clients is not installed",
        );
        return;
    }
    let (bus, _folder) = broker().await;
    assert!(bus.listen(&[inlet(Transport::Tcp, None)]).await.is_empty());
    let port = bus.address(Transport::Tcp).unwrap().port().to_string();
    for version in ["311", "5"] {
        let client = |program: &str| {
            let mut client = Command::new(program);
            client.args([
                "-h",
                "127.0.0.1",
                "-p",
                &port,
                "-u",
                "x",
                "-P",
                "all",
                "-V",
                version,
            ]);
            client.stdout(Stdio::piped()).kill_on_drop(true);
            client
        };
        let mut sub = client("/usr/bin/mosquitto_sub");
        sub.args(["-t", "m/#", "-q", "1", "-C", "3", "-v"]);
        let sub = sub.spawn().unwrap();
        let mut heard = bus.subscribe(&filters(&["p/+"]), 10).await.unwrap();
        let subscribed = async {
            while bus.counts().await.filters < 2 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, subscribed).await.unwrap();
        for qos in [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce] {
            let text = format!("{qos:?}");
            bus.publish(message("m/a", &text, qos)).await.unwrap();
        }
        let output = tokio::time::timeout(PATIENCE, sub.wait_with_output()).await;
        let output = output.unwrap().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        assert_eq!(
            lines,
            ["m/a AtLeastOnce", "m/a AtMostOnce", "m/a ExactlyOnce"]
        );
        for qos in ["0", "1", "2"] {
            let mut publish = client("/usr/bin/mosquitto_pub");
            publish.args(["-t", "p/x", "-m", "hello", "-q", qos]);
            assert!(publish.status().await.unwrap().success());
            let message = next(&mut heard).await;
            assert_eq!(&message.payload[..], b"hello");
            assert_eq!(message.publisher.as_deref(), Some("all"));
        }
    }
}

/// Publishes and hears itself over WebSocket, TLS and both.
const CARRIED: &str = r#"
import sys, queue
import paho.mqtt.client as mqtt
kind, port, tls, ca = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "tls", sys.argv[4]
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, transport=kind, protocol=mqtt.MQTTv5)
if kind == "websockets":
    client.ws_set_options(path="/mqtt")
if tls:
    client.tls_set(ca_certs=ca)
client.username_pw_set("x", "all")
got, ready = queue.Queue(), queue.Queue()
client.on_message = lambda c, u, m: got.put(m.payload)
client.on_subscribe = lambda *a: ready.put(1)
client.connect("localhost", port)
client.loop_start()
client.subscribe("c/+", 2)
ready.get(timeout=10)
for size in (0, 1, 200, 200000):
    for qos in (0, 1, 2):
        client.publish("c/a", b"x" * size, qos).wait_for_publish(10)
        assert got.get(timeout=10) == b"x" * size
client.disconnect()
print("fine")
"#;

#[tokio::test]
async fn paho_comes_over_websocket_and_tls() {
    let Some(python) = python() else { return };
    let (bus, folder) = broker().await;
    let (config, ca) = certificate(folder.path());
    let ways = [
        (Transport::WebSocket, None),
        (Transport::Tcp, Some(Arc::clone(&config))),
        (Transport::WebSocket, Some(config)),
    ];
    for (transport, tls) in ways {
        let word = if tls.is_some() { "tls" } else { "plain" };
        assert!(bus.listen(&[inlet(transport, tls)]).await.is_empty());
        let port = bus.address(transport).unwrap().port().to_string();
        let kind = match transport {
            Transport::Tcp => "tcp",
            Transport::WebSocket => "websockets",
        };
        let client = Command::new(&python)
            .args(["-c", CARRIED, kind, &port, word])
            .arg(&ca)
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(PATIENCE, client)
            .await
            .unwrap()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.stdout, b"fine\n", "{kind} {word}: {error}");
    }
}

fn certificate(folder: &Path) -> (Arc<rustls::ServerConfig>, PathBuf) {
    let signed = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let ca = folder.join("ca.pem");
    std::fs::write(&ca, signed.cert.pem()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![signed.cert.der().clone()],
            rustls::pki_types::PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap(),
        )
        .unwrap();
    (Arc::new(config), ca)
}
