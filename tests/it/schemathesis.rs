//! The description of the API against a running node: schemathesis sends what the description
//! allows and what it does not, and looks at every answer.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::Command;

use crate::events::Listener;
use crate::skipped::skipped;
use crate::support::TestNode;

/// The longest that it may take.
const PATIENCE: Duration = Duration::from_secs(150);
const WHAT: &str = "the OpenAPI document against schemathesis";
/// What streams without end is tested elsewhere.
const ENDLESS: [&str; 8] = [
    "/api/v1/adapters/{name}/connector",
    "/api/v1/adapters/{name}/connector/{session}",
    "/api/v1/adapters/{name}/log/follow",
    "/api/v1/adapters/{name}/trace",
    "/api/v1/bus/messages",
    "/api/v1/changes",
    "/api/v1/link/loggers",
    "/api/v1/samples",
];
/// The device that the requests of tests/interop/schemathesis.toml find.
const DEVICE: &str = "  sim: { type: Connection, properties: { protocol: simulator } }
  setpoint: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, subscribe: { signal: setpoint, initial: 20 }, access: rw } }
";

/// The program beside the Python of the interop tests, if it is there.
fn program() -> Option<PathBuf> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test has no configuration but this"
    )]
    let Some(python) = std::env::var_os("MAINSTEM_PYTHON") else {
        skipped(WHAT, "MAINSTEM_PYTHON is not set");
        return None;
    };
    let program = Path::new(&python).with_file_name("schemathesis");
    if program.is_file() {
        return Some(program);
    }
    let why = "MAINSTEM_PYTHON has no schemathesis (tests/interop/requirements.txt)";
    skipped(WHAT, why);
    None
}

async fn run(program: &Path, node: &TestNode) -> Output {
    let facts = node.node().facts();
    let interop = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop");
    // What it keeps for another run stays out of the repository.
    let folder = TempDir::new().unwrap();
    let token = std::fs::read_to_string(&facts.admin_token_file).unwrap();
    let url = format!("https://{}", node.address());
    let mut command = Command::new(program);
    command
        .current_dir(folder.path())
        .env("SCHEMATHESIS_HOOKS", interop.join("schemathesis_hooks.py"))
        .arg("--config-file")
        .arg(interop.join("schemathesis.toml"))
        .args(["run", &format!("{url}/api/v1/openapi.json"), "--url", &url])
        .args(["-H", &format!("Authorization: Bearer {}", token.trim())])
        .arg("--tls-verify")
        .arg(&facts.ca_file)
        // The same requests each time: a failure comes back. Bad tokens would lock us out.
        .args(["--max-examples", "25", "--generation-deterministic"])
        .args(["--request-timeout", "8", "--exclude-checks", "ignored_auth"])
        .args(["--no-color", "--warnings", "off"])
        .args(ENDLESS.iter().flat_map(|path| ["--exclude-path", path]))
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let ended = tokio::time::timeout(PATIENCE, command.output()).await;
    ended.expect("schemathesis takes too long").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_keeps_what_its_description_says() {
    let Some(program) = program() else {
        return;
    };
    let mut node = TestNode::start("described", DEVICE).await;
    node.wait_good("sim.setpoint").await;
    // An event that nobody answers is a 504 by right: somebody does.
    let listener = Listener::open(&node).await;
    let output = tokio::select! {
        output = run(&program, &node) => output,
        _ = listener.answer_all(&node) => unreachable!("it answers without end"),
    };
    let said = String::from_utf8_lossy(&output.stdout);
    let wrong = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{wrong}");
    // It ended well because it tested, not because there was nothing to test.
    let tested = said
        .lines()
        .find_map(|line| line.trim().strip_prefix("Tested:"));
    let tested: usize = tested.unwrap().trim().parse().unwrap();
    assert!(tested >= 50, "{said}");
    node.down().await;
}
