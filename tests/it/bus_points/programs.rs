//! Mosquitto and its clients, each ended by its own process id.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout};

const PATIENCE: Duration = Duration::from_secs(20);

/// Where a client goes, and with what.
pub(super) struct Place {
    pub(super) port: u16,
    token: Option<String>,
}

impl Place {
    pub(super) fn new(port: u16, token: Option<&str>) -> Self {
        let token = token.map(str::to_owned);
        Self { port, token }
    }

    fn arguments(&self) -> Vec<String> {
        let mut all = vec![
            "-h".into(),
            "127.0.0.1".into(),
            "-p".into(),
            self.port.to_string(),
        ];
        if let Some(token) = &self.token {
            all.extend(["-u".into(), "x".into(), "-P".into(), token.clone()]);
        }
        all
    }
}

/// Publishes a message by `mosquitto_pub`.
pub(super) fn publish(place: &Place, topic: &str, payload: &str, more: &[&str]) {
    let status = Command::new("mosquitto_pub")
        .args(place.arguments())
        .args(["-t", topic, "-m", payload])
        .args(more)
        .status();
    assert!(status.unwrap().success());
}

/// A `mosquitto_sub` that says what comes.
pub(super) struct Listener {
    _process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// What came while something else was waited for.
    heard: Vec<(String, Value)>,
}

impl Listener {
    /// One that is subscribed when this returns.
    pub(super) async fn start(place: &Place, filter: &str) -> Self {
        let mut arguments = place.arguments();
        arguments.extend(["-t".into(), filter.into(), "-v".into(), "-d".into()]);
        let mut process = tokio::process::Command::new("stdbuf")
            .args(["-oL", "mosquitto_sub"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut listener = Self {
            _process: process,
            lines,
            heard: Vec::new(),
        };
        while !listener.line().await.contains("SUBACK") {}
        listener
    }

    async fn line(&mut self) -> String {
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await;
        let line = line.expect("a message in time");
        line.unwrap().expect("the client goes on")
    }

    /// The next message on a topic.
    pub(super) async fn next(&mut self, topic: &str) -> Value {
        self.until(topic, |_| true).await
    }

    /// The next message on a topic that is as wanted.
    pub(super) async fn until(&mut self, topic: &str, is: impl Fn(&Value) -> bool) -> Value {
        let mut heard = self.heard.iter();
        if let Some(place) = heard.position(|(on, told)| on == topic && is(told)) {
            return self.heard.remove(place).1;
        }
        let wait = async {
            loop {
                let line = self.line().await;
                let Some((on, payload)) = line.split_once(' ') else {
                    continue;
                };
                let Ok(told) = serde_json::from_str(payload) else {
                    continue;
                };
                if on == topic && is(&told) {
                    return told;
                }
                self.heard.push((on.to_owned(), told));
            }
        };
        let waited = tokio::time::timeout(PATIENCE, wait).await;
        waited.unwrap_or_else(|_| panic!("nothing such comes on {topic}"))
    }
}

/// A Mosquitto of the test's own, that lets everybody in.
pub(super) struct Broker {
    process: Child,
    pub(super) port: u16,
    folder: TempDir,
}

impl Broker {
    pub(super) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let text = format!("listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n");
        std::fs::write(folder.path().join("conf"), text).unwrap();
        let process = run(&folder);
        let broker = Self {
            process,
            port,
            folder,
        };
        broker.answers().await;
        broker
    }

    /// Kills it and starts it anew: it has forgotten everything.
    pub(super) async fn restart(&mut self) {
        self.process.kill().await.unwrap();
        self.process = run(&self.folder);
        self.answers().await;
    }

    async fn answers(&self) {
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        let dial = async {
            while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
                tick.tick().await;
            }
        };
        tokio::time::timeout(PATIENCE, dial).await.unwrap();
    }
}

fn run(folder: &TempDir) -> Child {
    tokio::process::Command::new("/usr/sbin/mosquitto")
        .arg("-c")
        .arg(folder.path().join("conf"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}
