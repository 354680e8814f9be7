//! cpppo's simulator as a process of its own.

use std::io::Write as _;
use std::process::Stdio;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value as Json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

use crate::rig::PATIENCE;

const PYTHON: &str = "MAINSTEM_PYTHON";
const SERVER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../../tests/interop/ethernetip_server.py"
);

pub(crate) struct Foreign {
    pub(crate) port: u16,
    /// The tags with their types and values.
    pub(crate) entries: Vec<Json>,
    /// What it said about writes.
    pub(crate) writes: Arc<Mutex<Vec<Json>>>,
    _reader: JoinSet<()>,
    _child: Child,
}

/// Says that nothing is tested, past the capture of the test runner, which shows nothing of a test
/// that passes; and where `tests/run` reads it.
fn left_out() {
    let text = format!("EtherNet/IP against cpppo: {PYTHON} names no Python that has it\n");
    std::io::stderr()
        .write_all(format!("\n*** LEFT OUT: {text}").as_bytes())
        .unwrap();
    #[allow(
        clippy::disallowed_methods,
        reason = "a test is told by its environment"
    )]
    if let Some(path) = std::env::var_os("MAINSTEM_SKIPPED") {
        let file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path);
        file.unwrap().write_all(text.as_bytes()).unwrap();
    }
}

impl Foreign {
    /// The simulator, or nothing and a word about it if no Python was named.
    pub(crate) async fn start() -> Option<Self> {
        #[allow(
            clippy::disallowed_methods,
            reason = "a test is told by its environment"
        )]
        let Some(python) = std::env::var_os(PYTHON) else {
            left_out();
            return None;
        };
        let mut child = Command::new(python)
            .arg(SERVER)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        // A Python with many modules takes its time on a busy machine.
        let first = tokio::time::timeout(3 * PATIENCE, output.next_line()).await;
        let first: Json = serde_json::from_str(&first.unwrap().unwrap().unwrap()).unwrap();
        let writes = Arc::new(Mutex::new(Vec::new()));
        let (mut reader, told) = (JoinSet::new(), Arc::clone(&writes));
        reader.spawn(async move {
            while let Ok(Some(line)) = output.next_line().await {
                if let Ok(write) = serde_json::from_str(&line) {
                    told.lock().push(write);
                }
            }
        });
        Some(Self {
            port: u16::try_from(first["port"].as_u64().unwrap()).unwrap(),
            entries: first["entries"].as_array().unwrap().clone(),
            writes,
            _reader: reader,
            _child: child,
        })
    }
}
