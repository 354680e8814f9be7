//! A foreign program that a test talks to by lines of JSON: somebody else's implementation.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value as Json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::PATIENCE;

const PYTHON: &str = "MAINSTEM_PYTHON";

/// Says that nothing is tested, past the capture of the test runner, which shows nothing of a test
/// that passes; and where `tests/run` reads it.
pub fn left_out(what: &str, why: &str) {
    let text = format!("{what}: {why}\n");
    let said = std::io::stderr().write_all(format!("\n*** LEFT OUT: {text}").as_bytes());
    said.expect("standard error takes it");
    #[expect(
        clippy::disallowed_methods,
        reason = "a test is told by its environment"
    )]
    if let Some(path) = std::env::var_os("MAINSTEM_SKIPPED") {
        let file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path);
        let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
        written.expect("what is left out is noted");
    }
}

/// The Python with the packages of the tests; nothing, and a word about it, if there is none.
pub fn python(what: &str) -> Option<PathBuf> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test is told by its environment"
    )]
    let python = std::env::var_os(PYTHON);
    if python.is_none() {
        left_out(what, &format!("{PYTHON} names no Python that has it"));
    }
    python.map(PathBuf::from)
}

/// A program that says one line of JSON when it is ready, and answers each command by one.
#[derive(Debug)]
pub struct Program {
    /// What it said first: its port, and what it has.
    pub first: Json,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    // It ends with this.
    _child: Child,
}

impl Program {
    /// A script of `tests/interop`; nothing, and a word about it, where there is no Python.
    pub async fn start(what: &str, script: &str, arguments: &[&str]) -> Option<Self> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/interop");
        let mut child = Command::new(python(what)?)
            .arg(format!("{folder}/{script}"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let input = child.stdin.take().expect("its input is piped");
        let output = child.stdout.take().expect("its output is piped");
        let mut program = Self {
            first: Json::Null,
            input,
            output: BufReader::new(output).lines(),
            _child: child,
        };
        program.first = program.next().await;
        Some(program)
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        let port = self.first["port"].as_u64();
        let port = port.and_then(|port| u16::try_from(port).ok());
        port.unwrap_or_else(|| panic!("no port: {}", self.first))
    }

    /// A list of what it said first.
    pub fn list(&self, member: &str) -> Vec<Json> {
        let list = self.first[member].as_array();
        list.unwrap_or_else(|| panic!("no {member}: {}", self.first))
            .clone()
    }

    /// The next line that it says by itself.
    pub async fn next(&mut self) -> Json {
        // A Python with many modules takes its time to start on a busy machine.
        let line = tokio::time::timeout(3 * PATIENCE, self.output.next_line()).await;
        let line = line
            .expect("it says something in time")
            .expect("its output");
        let line = line.expect("the program has ended");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    /// Gives a command and takes the answer, which has to be `"ok": true`.
    pub async fn command(&mut self, command: &str) -> Json {
        let line = format!("{command}\n");
        let given = self.input.write_all(line.as_bytes()).await;
        given.expect("it takes commands");
        let answer = self.next().await;
        assert_eq!(answer["ok"], true, "{command}: {answer}");
        answer
    }
}
