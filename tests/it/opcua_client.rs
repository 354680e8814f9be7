//! Trust in an OPC UA server, from a running node and by the commands that a person types.

use std::path::Path;
use std::process::Stdio;

use mainstem_device::{OpcuaDevice, OpcuaOptions, SharedPlant};
use serde_json::{Value as Json, json};
use tokio::process::Command;

use crate::support::TestNode;

/// How long a test waits for what has to come.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

async fn typed(node: &TestNode, words: &[&str]) -> (bool, Json) {
    let output = Command::new(env!("CARGO_BIN_EXE_mainstem"))
        .args(words)
        .args(["--json", "-c"])
        .arg(node.file())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let said = serde_json::from_slice(&output.stdout).unwrap_or(Json::Null);
    (output.status.success(), said)
}

async fn until_code(node: &TestNode, code: Option<&str>) -> Json {
    let begun = std::time::Instant::now();
    loop {
        let (_, adapter) = node.ask("GET", "adapters/opc", json!(null)).await;
        let is_online = adapter["state"] == "online";
        if code.map_or(is_online, |code| adapter["cause"]["code"] == code) {
            return adapter;
        }
        assert!(begun.elapsed() < PATIENCE, "{code:?}: {adapter:#}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

fn exported(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_compared_trusted_and_rejected_and_our_certificate_exported() {
    let folder = tempfile::tempdir().unwrap();
    let address = "127.0.0.1:0".parse().unwrap();
    let options = OpcuaOptions::new(address, folder.path().join("device"));
    let device = OpcuaDevice::start(options, SharedPlant::new(1))
        .await
        .unwrap();
    let resources = format!(
        "  opc: {{ type: Connection, properties: {{ protocol: Opcua, connection: {{ endpointUrl: {:?}, \
         username: operator, password: operator, requestTimeout: 30000 }} }} }}\n",
        device.endpoint_url()
    );
    let node = TestNode::start("line1", &resources).await;
    let adapter = until_code(&node, Some("certificate_untrusted")).await;
    let message = adapter["cause"]["message"].as_str().unwrap();

    let (_, listed) = typed(&node, &["adapters", "certificates", "list", "opc"]).await;
    assert_eq!(listed["items"][0]["state"], "waiting", "{listed:#}");
    let thumbprint = listed["items"][0]["thumbprint"].as_str().unwrap();
    let command = format!("mainstem adapters certificates trust opc {thumbprint}");
    assert!(message.contains(&command), "{message}");

    // As the message says, but for the name of the program.
    let words: Vec<_> = command.split(' ').skip(1).collect();
    assert!(typed(&node, &words).await.0);
    assert!(typed(&node, &["adapters", "resume", "opc"]).await.0);
    until_code(&node, None).await;

    let (der, pem) = (folder.path().join("own.der"), folder.path().join("own.pem"));
    for path in [&der, &pem] {
        let out = path.to_str().unwrap();
        let words = ["adapters", "certificates", "export", "opc", "--out", out];
        let (done, own) = typed(&node, &words).await;
        assert!(done);
        assert_eq!(own["application_uri"], "urn:mainstem:opc");
    }
    let own = exported(&der);
    assert_eq!(mainstem_opcua_trust::pem(&own).into_bytes(), exported(&pem));
    // The server has seen the very same.
    let seen = std::fs::read_dir(folder.path().join("device/trusted")).unwrap();
    let mut seen = seen.map(|file| exported(&file.unwrap().path()));
    assert!(seen.any(|seen| seen == own));

    let words = ["adapters", "certificates", "reject", "opc", thumbprint];
    assert!(typed(&node, &words).await.0);
    for verb in ["pause", "resume"] {
        assert!(typed(&node, &["adapters", verb, "opc"]).await.0);
    }
    until_code(&node, Some("certificate_rejected")).await;
    let unknown = "0".repeat(64);
    let words = ["adapters", "certificates", "trust", "opc", &unknown];
    assert!(!typed(&node, &words).await.0);
    node.stop().await;
    device.stop().await;
}
