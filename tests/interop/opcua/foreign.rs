//! A foreign server as a process: started, told what to do, ended with the test.

use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::harness::PATIENCE;

/// The process and what it says.
pub(crate) struct Foreign {
    _process: Child,
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    /// Its first line.
    pub(crate) started: serde_json::Value,
}

/// A Python with asyncua, or a word that the test was left out.
pub(crate) fn python(what: &str) -> Option<PathBuf> {
    let python = std::env::var_os("MAINSTEM_PYTHON").map(PathBuf::from);
    if python.is_none() {
        // Past the capture of the test runner, which shows nothing of a test that passes.
        let message = format!(
            "\n*** LEFT OUT: {what}. Set MAINSTEM_PYTHON to a Python with \
             tests/interop/requirements.txt installed. ***\n\n"
        );
        std::io::stderr().write_all(message.as_bytes()).unwrap();
        // Where `tests/run` reads what was left out.
        if let Some(path) = std::env::var_os("MAINSTEM_SKIPPED") {
            let mut options = std::fs::OpenOptions::new();
            let mut file = options.create(true).append(true).open(path).unwrap();
            let line = format!("{what}: MAINSTEM_PYTHON names no Python that has it\n");
            file.write_all(line.as_bytes()).unwrap();
        }
    }
    python
}

impl Foreign {
    /// Starts a script of this folder's parent.
    pub(crate) async fn start(python: &PathBuf, script: &str) -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/interop/");
        let mut process = Command::new(python)
            .arg(format!("{folder}{script}"))
            .arg("0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let commands = process.stdin.take().unwrap();
        let mut answers = BufReader::new(process.stdout.take().unwrap()).lines();
        let started = line(&mut answers).await;
        Self {
            _process: process,
            commands,
            answers,
            started,
        }
    }

    /// Gives a command and waits for its answer.
    pub(crate) async fn tell(&mut self, command: serde_json::Value) -> serde_json::Value {
        let command = format!("{command}\n");
        self.commands.write_all(command.as_bytes()).await.unwrap();
        line(&mut self.answers).await
    }

    /// Its URL.
    pub(crate) fn url(&self) -> &str {
        self.started["url"].as_str().unwrap()
    }
}

async fn line(answers: &mut Lines<BufReader<ChildStdout>>) -> serde_json::Value {
    let line = tokio::time::timeout(PATIENCE, answers.next_line())
        .await
        .unwrap()
        .unwrap();
    serde_json::from_str(&line.expect("the foreign server has ended")).unwrap()
}
