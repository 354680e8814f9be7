//! The kind `opcua` against a foreign server (asyncua), which is started, frozen and killed here.
//! Needs the environment variable MAINSTEM_PYTHON: a Python that has asyncua.
#![allow(clippy::unwrap_used)]
#![allow(
    clippy::disallowed_methods,
    reason = "the runtime of each test owns its tasks"
)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use mainstem_adapter::{EndpointSpec, SessionEnd, WriteAnswer};
use mainstem_adapter_opcua::{KIND, server_certificates};
use mainstem_model::{Access, Reason, Value};
use mainstem_opcua_trust::CertificateState;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

#[allow(
    dead_code,
    reason = "shared with the crate's own tests, which use all of it"
)]
#[path = "../../src/adapter/opcua/tests/harness.rs"]
mod harness;
#[path = "opcua/relay.rs"]
mod relay;
#[path = "opcua/security.rs"]
mod security;
#[path = "opcua/sets.rs"]
mod sets;

use harness::{PATIENCE, Session, built, endpoint, subscribed};

const APPLIED: WriteAnswer = WriteAnswer::Applied { verified: true };

/// The foreign server.
struct Device {
    process: Child,
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    url: String,
}

fn python() -> Option<PathBuf> {
    let python = std::env::var_os("MAINSTEM_PYTHON").map(PathBuf::from);
    if python.is_none() {
        // Past the capture of the test runner, which shows nothing of a test that passes.
        let message = "\n*** LEFT OUT: OPC UA against asyncua. Set MAINSTEM_PYTHON to a Python \
                       with tests/interop/requirements.txt installed. ***\n\n";
        std::io::stderr().write_all(message.as_bytes()).unwrap();
        // Where `tests/run` reads what was left out.
        if let Some(path) = std::env::var_os("MAINSTEM_SKIPPED") {
            let file = std::fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(path);
            let line = b"OPC UA against asyncua: MAINSTEM_PYTHON names no Python that has it\n";
            file.unwrap().write_all(line).unwrap();
        }
    }
    python
}

impl Device {
    async fn start(python: &Path, folder: &Path, port: u16) -> Self {
        Self::run(python, "opcua_server.py", folder, port, None).await
    }

    /// A plant with policies, users and namespaces of its own; see its script.
    async fn plant(python: &Path, folder: &Path, port: u16, options: &serde_json::Value) -> Self {
        Self::run(python, "opcua_plant.py", folder, port, Some(options)).await
    }

    async fn run(
        python: &Path,
        script: &str,
        folder: &Path,
        port: u16,
        options: Option<&serde_json::Value>,
    ) -> Self {
        let scripts = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/interop");
        let mut process = Command::new(python)
            .arg(Path::new(scripts).join(script))
            .arg(port.to_string())
            .arg(folder)
            .args(options.map(serde_json::Value::to_string))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let commands = process.stdin.take().unwrap();
        let mut answers = BufReader::new(process.stdout.take().unwrap()).lines();
        let started = line(&mut answers).await;
        let url = started["url"].as_str().unwrap().to_owned();
        Self {
            process,
            commands,
            answers,
            url,
        }
    }

    fn port(&self) -> u16 {
        let authority = self.url.split('/').nth(2).unwrap();
        authority.rsplit(':').next().unwrap().parse().unwrap()
    }

    async fn tell(&mut self, command: serde_json::Value) -> serde_json::Value {
        self.commands
            .write_all(format!("{command}\n").as_bytes())
            .await
            .unwrap();
        line(&mut self.answers).await
    }

    async fn signal(&self, signal: &str) {
        let pid = self.process.id().unwrap().to_string();
        let status = Command::new("kill")
            .args([signal, &pid])
            .status()
            .await
            .unwrap();
        assert!(status.success());
    }

    fn adapter(
        &self,
        folder: &TempDir,
        mut options: serde_json::Value,
        endpoints: Vec<EndpointSpec>,
    ) -> Session {
        options["endpointUrl"] = self.url.as_str().into();
        Session::start(built(&KIND, folder.path(), options, endpoints).adapter)
    }
}

async fn line(answers: &mut Lines<BufReader<ChildStdout>>) -> serde_json::Value {
    let line = tokio::time::timeout(PATIENCE, answers.next_line())
        .await
        .unwrap()
        .unwrap();
    serde_json::from_str(&line.expect("the foreign server has ended")).unwrap()
}

fn node(name: &str) -> String {
    format!("nsu=urn:mainstem:interop;s={name}")
}

/// Name at the server, declared type, first value, and one to write.
fn types() -> Vec<(&'static str, &'static str, Value, Value)> {
    vec![
        ("Boolean", "bool", Value::Bool(true), Value::Bool(false)),
        ("SByte", "i8", Value::Int(-128), Value::Int(127)),
        ("Byte", "u8", Value::UInt(255), Value::UInt(0)),
        ("Int16", "i64", Value::Int(-32_768), Value::Int(32_767)),
        ("UInt16", "u16", Value::UInt(65_535), Value::UInt(1)),
        (
            "Int32",
            "f64",
            Value::F64(-2_147_483_648.0),
            Value::F64(5.0),
        ),
        ("UInt32", "u32", Value::UInt(4_294_967_295), Value::UInt(1)),
        ("Int64", "i64", Value::Int(i64::MIN), Value::Int(i64::MAX)),
        ("UInt64", "u64", Value::UInt(u64::MAX), Value::UInt(1)),
        (
            "Float",
            "f32",
            Value::F32(0.5),
            Value::F32(f32::NEG_INFINITY),
        ),
        ("Double", "f64", Value::F64(21.5), Value::F64(f64::NAN)),
        ("String", "text", Value::text("Öl"), Value::text("")),
        (
            "ByteString",
            "bytes",
            Value::Bytes([0, 255].into()),
            Value::Bytes([1].into()),
        ),
        (
            "LocalizedText",
            "text",
            Value::text("on"),
            Value::text("off"),
        ),
        (
            "Floats",
            "f64[]",
            Value::Array([Value::F64(1.0), Value::F64(2.0)].into()),
            Value::Array([Value::F64(-0.5)].into()),
        ),
    ]
}

#[tokio::test]
async fn every_type_is_read_and_written() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut device = Device::start(&python, folder.path(), 0).await;
    let types = types();
    let endpoints = types
        .iter()
        .map(|(name, declared, ..)| subscribed(name, declared, &node(name)))
        .chain([
            subscribed("structure", "json", &node("Structure")),
            subscribed("missing", "f64", &node("nothing_here")),
        ])
        .collect();
    let session = device.adapter(&folder, json!({}), endpoints);
    for ((_, _, first, _), point) in types.iter().zip(0..) {
        let reading = session.until_value(point, first.clone()).await;
        assert!(
            reading.quality.is_good() && reading.source_time.is_some(),
            "{reading:?}"
        );
    }
    session.until_reason(15, Reason::BadType).await;
    session.until_reason(16, Reason::BadAddress).await;
    for ((name, _, _, second), point) in types.iter().zip(0..) {
        assert_eq!(
            session.write(point, second.clone()).await,
            APPLIED,
            "{name}"
        );
        session.until_value(point, second.clone()).await;
    }
    assert_eq!(device.tell(json!(["get", "Int64"])).await, i64::MAX);
    assert_eq!(device.tell(json!(["get", "ByteString"])).await, "01");

    // BadSensorFailure, without a value.
    device
        .tell(json!(["status", "Double", 0x808C_0000u32]))
        .await;
    session.until_reason(10, Reason::DeviceError).await;
    device.tell(json!(["set", "Double", 4.25])).await;
    session.until_value(10, Value::F64(4.25)).await;
    session.stop().await.1.unwrap();
}

#[tokio::test]
async fn a_foreign_server_is_trusted_and_logs_us_in() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut device = Device::start(&python, folder.path(), 0).await;
    let options = |mode: &str, password: &str| {
        json!({
            "securityPolicy": "Basic256Sha256", "securityMode": mode, "requestTimeout": 30_000,
            "username": "operator", "password": password,
        })
    };
    let double = || vec![subscribed("double", "f64", &node("Double"))];
    let session = device.adapter(&folder, options("Sign", "right"), double());
    let ended = session.end().await.1.unwrap_err();
    assert_eq!(ended.code(), "certificate_untrusted", "{ended}");
    let list = server_certificates(folder.path());
    let waiting = list.list().unwrap();
    assert!(waiting[0].subject.contains("interop"), "{waiting:?}");
    let trusted = CertificateState::Trusted;
    list.decide(&waiting[0].thumbprint, trusted).unwrap();

    for mode in ["Sign", "SignAndEncrypt"] {
        let session = device.adapter(&folder, options(mode, "right"), double());
        session.until_online().await;
        assert_eq!(session.write(0, Value::F64(1.25)).await, APPLIED);
        session.until_value(0, Value::F64(1.25)).await;
        device.tell(json!(["set", "Double", 8])).await;
        session.until_value(0, Value::F64(8.0)).await;
        session.stop().await.1.unwrap();
    }
    let session = device.adapter(&folder, options("SignAndEncrypt", "wrong"), double());
    let ended = session.end().await.1.unwrap_err();
    assert!(matches!(ended, SessionEnd::Refused { .. }), "{ended}");
    assert_eq!(ended.code(), "access_denied", "{ended}");
}

#[tokio::test]
async fn a_frozen_or_killed_server_is_noticed_and_found_again() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut device = Device::start(&python, folder.path(), 0).await;
    let quick = json!({ "requestTimeout": 1_000, "keepAlive": 500 });
    let read = json!({ "nodeId": node("Float"), "interval": 50 });
    let session = device.adapter(
        &folder,
        quick.clone(),
        vec![
            subscribed("double", "f64", &node("Double")),
            endpoint("float", "f64", Access::Read, read.clone()),
        ],
    );
    session.until_value(0, Value::F64(21.5)).await;
    session.until_value(1, Value::F64(0.5)).await;
    assert_eq!(session.write(0, Value::F64(1.0)).await, APPLIED);
    assert_eq!(device.tell(json!(["writes"])).await, 1);

    device.signal("-STOP").await;
    let frozen = Instant::now();
    let late = session
        .write_within(0, Value::F64(2.0), Duration::ZERO)
        .await;
    assert!(matches!(late, WriteAnswer::NotSent { .. }), "{late:?}");
    let (adapter, ended) = session.end().await;
    assert_eq!(ended.unwrap_err().code(), "keep_alive");
    assert!(
        frozen.elapsed() < Duration::from_secs(10),
        "{:?}",
        frozen.elapsed()
    );
    device.signal("-CONT").await;
    assert_eq!(
        device.tell(json!(["writes"])).await,
        1,
        "what was too late was never written"
    );

    let session = Session::start(adapter);
    session.until_value(0, Value::F64(1.0)).await;
    let port = device.port();
    device.process.kill().await.unwrap();
    let (adapter, ended) = session.end().await;
    assert!(matches!(ended, Err(SessionEnd::Lost { .. })), "{ended:?}");

    let device = Device::start(&python, folder.path(), port).await;
    let session = Session::start(adapter);
    session.until_value(0, Value::F64(21.5)).await;
    session.until_value(1, Value::F64(0.5)).await;
    session.stop().await.1.unwrap();
    drop(device);
}
