//! cpppo's simulator as a process of its own.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value as Json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

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
    log: PathBuf,
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
        static PEERS: AtomicUsize = AtomicUsize::new(0);
        let number = PEERS.fetch_add(1, Ordering::Relaxed);
        let name = format!("ethernetip-{}-{number}.log", std::process::id());
        let log = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let mut child = Command::new(python)
            .args([SERVER, "0"])
            .arg(&log)
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
        Some(Self {
            port: u16::try_from(first["port"].as_u64().unwrap()).unwrap(),
            entries: first["entries"].as_array().unwrap().clone(),
            log,
            _child: child,
        })
    }

    /// The writes that it has carried out: each is on disk before it is answered.
    pub(crate) fn writes(&self) -> Vec<Json> {
        let lines = std::fs::read_to_string(&self.log).unwrap_or_default();
        lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.log));
    }
}
