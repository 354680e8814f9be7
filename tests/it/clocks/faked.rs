//! A node as a process whose wall clock is what a file says.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::skipped::skipped;
use crate::support::TestNode;

const PROGRAM: &str = env!("CARGO_BIN_EXE_mainstem");
/// The bit of the right to set clocks.
const CAP_SYS_TIME: u64 = 1 << 25;
const PATIENCE: Duration = Duration::from_secs(20);

/// Where Debian and its relatives put libfaketime; `None`, and said so, where it is not.
pub(super) fn library() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let folders = folders.map(|folder| folder.path());
    let found = folders
        .chain([PathBuf::from("/usr/lib64")])
        .map(|folder| folder.join("faketime/libfaketime.so.1"))
        .find(|library| library.exists());
    if found.is_none() {
        skipped("clocks that are set", "libfaketime is not installed");
    }
    found
}

pub(super) struct Faked {
    process: Child,
    file: PathBuf,
    folder: TempDir,
}

impl Faked {
    /// Starts a node's file as a process without the right to set clocks.
    pub(super) fn start(library: &std::path::Path, node: &TestNode, offset: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let file = node.file();
        let mut command = match rights("self") & CAP_SYS_TIME {
            0 => Command::new(PROGRAM),
            _ => {
                let mut command = Command::new("setpriv");
                let rights = [
                    "--bounding-set",
                    "-sys_time",
                    "--inh-caps",
                    "-sys_time",
                    "--",
                ];
                command.args(rights).arg(PROGRAM);
                command
            }
        };
        command.args(["run", "-c"]).arg(&file);
        command
            .env("LD_PRELOAD", library)
            .env("FAKETIME_TIMESTAMP_FILE", folder.path().join("offset"))
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("NO_FAKE_STAT", "1");
        set(&folder, offset);
        command.stdin(Stdio::null()).stderr(Stdio::null());
        let process = command.kill_on_drop(true).spawn().unwrap();
        let faked = Self {
            process,
            file,
            folder,
        };
        faked.make_sure();
        faked
    }

    /// The process is the node, and cannot set a clock. Before this nothing may be asked of it.
    fn make_sure(&self) {
        let pid = self.process.id().unwrap().to_string();
        let begun = Instant::now();
        let is_node = || {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap();
            name.trim() == "mainstem"
        };
        while !is_node() {
            assert!(begun.elapsed() < PATIENCE, "it does not start");
            std::thread::yield_now();
        }
        assert_eq!(
            rights(&pid) & CAP_SYS_TIME,
            0,
            "it could set the machine's clock"
        );
    }

    /// Sets its wall clock.
    pub(super) fn step(&self, offset: &str) {
        set(&self.folder, offset);
    }

    /// A command through the node's Unix socket, by a program with the right time.
    pub(super) async fn command(&self, arguments: &[&str]) -> Value {
        let mut command = Command::new(PROGRAM);
        let file = self.file.as_os_str();
        command.args(arguments).arg("-c").arg(file).arg("--json");
        let output = command.output().await.unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {told}");
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    /// What its audit trail says so far.
    pub(super) fn audit(&self) -> String {
        let folder = self.file.parent().unwrap();
        fs::read_to_string(folder.join("data/audit.log")).unwrap()
    }
}

/// Replaced in one step: the process may be reading it.
fn set(folder: &TempDir, offset: &str) {
    let (new, file) = (folder.path().join("new"), folder.path().join("offset"));
    fs::write(&new, offset).unwrap();
    fs::rename(new, file).unwrap();
}

/// What a process may do, and could take for itself.
fn rights(process: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let sets = ["CapPrm:", "CapEff:", "CapInh:", "CapAmb:"];
    let lines = status.lines().filter_map(|line| {
        let set = sets.iter().find_map(|set| line.strip_prefix(set))?;
        u64::from_str_radix(set.trim(), 16).ok()
    });
    lines.fold(0, |all, set| all | set)
}
