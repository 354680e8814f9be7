//! cpppo's simulator as a process of its own.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use mainstem_adapter::conformance::Program;
use serde_json::Value as Json;

/// Peers of this process, for the names of their files.
static PEERS: AtomicUsize = AtomicUsize::new(0);

pub(crate) struct Foreign {
    pub(crate) port: u16,
    /// What it has, with the values that a client must read.
    pub(crate) entries: Vec<Json>,
    log: PathBuf,
    // It ends with this.
    _program: Program,
}

impl Foreign {
    /// The peer, or nothing and a word about it if no Python was named.
    pub(crate) async fn start() -> Option<Self> {
        let number = PEERS.fetch_add(1, Ordering::Relaxed);
        let name = format!("ethernetip-{}-{number}.log", std::process::id());
        let log = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let arguments = ["0", log.to_str().unwrap()];
        let program = Program::start(
            "EtherNet/IP against cpppo",
            "ethernetip_server.py",
            &arguments,
        )
        .await?;
        Some(Self {
            port: program.port(),
            entries: program.list("entries"),
            log,
            _program: program,
        })
    }

    /// The writes that it has carried out: each is on disk before it is answered.
    pub(crate) fn writes(&self) -> Vec<Json> {
        let lines = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines = lines.lines().map(serde_json::from_str);
        lines.collect::<Result<_, _>>().unwrap()
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.log));
    }
}
