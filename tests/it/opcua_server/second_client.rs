//! The same server with a second foreign client: node-opcua-client, `tests/interop/node`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use super::held::{NODES, answering};
use super::{LINK_TOKEN, LOGGERS, RESOURCES, TestNode, admit, url};
use crate::skipped::skipped;

const WHAT: &str = "the OPC UA server with node-opcua-client";
const PATIENCE: Duration = Duration::from_secs(120);

/// The folder with the client's packages.
fn packages() -> Option<PathBuf> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test has no configuration but this"
    )]
    let folder = std::env::var_os("MAINSTEM_NODE_MODULES");
    let Some(folder) = folder.map(PathBuf::from) else {
        skipped(WHAT, "MAINSTEM_NODE_MODULES is not set");
        return None;
    };
    assert!(
        folder.join("node-opcua-client").is_dir(),
        "MAINSTEM_NODE_MODULES is {}, and node-opcua-client is not there",
        folder.display()
    );
    Some(folder)
}

async fn run(packages: &Path, key: &TempDir, arguments: &[&str]) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/node/opcua_client.cjs");
    let (url, rest) = arguments.split_first().unwrap();
    let mut command = Command::new("node");
    command.env("NODE_PATH", packages).arg(script).arg(url);
    command.arg(key.path()).args(rest).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await;
    let output = output.expect("the client ends").expect("node can be run");
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    let last = out.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|_| panic!("{rest:?}: {out}\n{err}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn another_program_sees_writes_follows_and_calls() {
    let Some(packages) = packages() else { return };
    let key = TempDir::new().unwrap();
    let resources = format!("{RESOURCES}{NODES}");
    let node = TestNode::start_with("plant1", &resources, LOGGERS).await;
    node.wait_good("sim.level").await;
    let url = url(&node).await;
    let refused = run(&packages, &key, &[&url, "connect", "above", LINK_TOKEN]).await;
    assert_eq!(refused["connect"], "refused", "an unknown client came in");
    admit(&node).await;
    let wrong = run(&packages, &key, &[&url, "connect", "above", "wrong"]).await;
    assert_eq!(wrong["connect"], "refused", "{wrong}");
    let answering = answering(node.node().parts().bus().unwrap());
    let seen = run(&packages, &key, &[&url, "all", "above", LINK_TOKEN, "50"]).await;
    drop(answering);
    assert!(seen["error"].is_null(), "{seen:#}");
    assert_eq!(seen["by_path"], json!(["ns=2;s=sim.level"]), "{seen:#}");
    assert_eq!(
        seen["before"],
        json!({"value": 20, "status": 0}),
        "{seen:#}"
    );
    assert_eq!(
        seen["after"],
        json!({"value": 42.5, "status": 0}),
        "{seen:#}"
    );
    for (what, status) in [
        ("fine", 0_u32),
        ("wrong_type", 0x8074_0000),
        ("beyond_limits", 0x803C_0000),
    ] {
        assert_eq!(seen[what], status, "{what}: {seen:#}");
    }
    let changes: Vec<u64> = serde_json::from_value(seen["seen"].clone()).unwrap();
    assert!(changes.len() >= 20, "{seen:#}");
    assert!(
        changes.windows(2).all(|pair| pair[0] < pair[1]),
        "{changes:?}"
    );
    let history: Vec<u64> = serde_json::from_value(seen["history"].clone()).unwrap();
    assert_eq!(history.len(), 10, "{seen:#}");
    assert_eq!(seen["one"]["status"], 0, "{seen:#}");
    assert_eq!(seen["one"]["outputs"][0], true, "{seen:#}");
    assert_eq!(seen["denied"]["status"], 0x801F_0000_u32, "{seen:#}");
    assert_eq!(seen["held_right"], 50, "{seen:#}");
    assert!(seen["reads"].as_u64() > Some(20), "{seen:#}");
    node.stop().await;
}
