//! The clients of Mosquitto as foreign programs on the bus of a node.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

const PATIENCE: Duration = Duration::from_secs(20);
/// What stands before a message in the output of a listener.
const MARK: &str = "MESSAGE ";

/// A client that may come in.
#[derive(Clone, Copy)]
pub(crate) struct Login<'a> {
    pub(crate) port: u16,
    pub(crate) token: &'a str,
}

/// `mosquitto_sub`, as soon as it is subscribed.
pub(crate) struct Listener {
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Login<'_> {
    fn of(self, command: &mut Command) -> &mut Command {
        let port = self.port.to_string();
        command.args([
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-u",
            "anybody",
            "-P",
            self.token,
        ])
    }

    /// Publishes; false if the broker did not acknowledge it. Nothing without `mosquitto_pub`.
    pub(crate) async fn publish(self, topic: &str, payload: &str, more: &[&str]) -> Option<bool> {
        let mut command = Command::new("mosquitto_pub");
        self.of(&mut command)
            .args(["-q", "1", "-t", topic, "-m", payload])
            .args(more)
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let status = tokio::time::timeout(PATIENCE, command.status()).await;
        Some(status.expect("mosquitto_pub ends in time").ok()?.success())
    }

    /// Listens; nothing without `mosquitto_sub`.
    pub(crate) async fn listen(self, filter: &str) -> Option<Listener> {
        // Its words, and not only its messages, shall come as they are said.
        let mut command = Command::new("stdbuf");
        command.args(["-oL", "mosquitto_sub"]);
        self.of(&mut command)
            .args([
                "-q",
                "1",
                "-d",
                "-F",
                &format!("{MARK}%t %r %p"),
                "-t",
                filter,
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let mut child = command.spawn().ok()?;
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let granted = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if line.starts_with("Subscribed") {
                    return true;
                }
            }
            false
        };
        let granted = tokio::time::timeout(PATIENCE, granted).await;
        granted
            .expect("mosquitto_sub comes in")
            .then_some(Listener {
                _child: child,
                lines,
            })
    }
}

impl Listener {
    /// The next message: its topic, whether it was retained, and its payload.
    pub(crate) async fn next(&mut self) -> (String, bool, String) {
        let read = async {
            loop {
                let line = self.lines.next_line().await.unwrap();
                let line = line.expect("mosquitto_sub goes on");
                if let Some(message) = line.strip_prefix(MARK) {
                    let mut parts = message.splitn(3, ' ').map(str::to_owned);
                    let mut part = || parts.next().unwrap();
                    return (part(), part() == "1", part());
                }
            }
        };
        let read = tokio::time::timeout(PATIENCE, read).await;
        read.expect("a message comes in time")
    }
}
