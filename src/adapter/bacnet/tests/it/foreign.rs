//! bacpypes3, somebody else's implementation, as a program of its own.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value as Json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::rig::PATIENCE;

const PYTHON: &str = "MAINSTEM_PYTHON";
const DEVICE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../../tests/interop/bacnet_device.py"
);

pub(crate) struct Foreign {
    pub(crate) port: u16,
    pub(crate) entries: Vec<Json>,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

/// Says that nothing is tested, past the capture of the test runner, which shows nothing of a test
/// that passes; and where `tests/run` reads it.
fn left_out() {
    let text = format!("BACnet against bacpypes3: {PYTHON} names no Python that has it\n");
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

/// The Python that has bacpypes3, or nothing and a word about it.
pub(crate) fn python() -> Option<std::ffi::OsString> {
    #[allow(
        clippy::disallowed_methods,
        reason = "a test is told by its environment"
    )]
    let python = std::env::var_os(PYTHON);
    if python.is_none() {
        left_out();
    }
    python
}

impl Foreign {
    /// A device, or nothing and a word about it if no Python was named.
    pub(crate) async fn start(options: &[&str]) -> Option<Self> {
        let mut child = Command::new(python()?)
            .arg(DEVICE)
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = next_line(&mut output).await;
        Some(Self {
            port: u16::try_from(first["port"].as_u64().unwrap()).unwrap(),
            entries: first["entries"].as_array().unwrap().clone(),
            input,
            output,
            _child: child,
        })
    }

    pub(crate) async fn command(&mut self, command: &str) -> Json {
        let line = format!("{command}\n");
        self.input.write_all(line.as_bytes()).await.unwrap();
        let answer = next_line(&mut self.output).await;
        assert_eq!(answer["ok"], true, "{command}: {answer}");
        answer
    }
}

async fn next_line(output: &mut Lines<BufReader<ChildStdout>>) -> Json {
    let line = tokio::time::timeout(PATIENCE, output.next_line()).await;
    serde_json::from_str(&line.unwrap().unwrap().expect("the device has ended")).unwrap()
}
