//! A Mosquitto of a test's own, ended by its process id.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

const BINARY: &str = "/usr/sbin/mosquitto";

/// Whether Mosquitto is here; says so where somebody reads it if not.
pub(crate) fn is_here() -> bool {
    if Path::new(BINARY).exists() {
        return true;
    }
    let line = "the MQTT adapter against Mosquitto: mosquitto is not installed\n";
    let message = format!("\n*** LEFT OUT: {line}");
    std::io::stderr().write_all(message.as_bytes()).unwrap();
    if let Some(path) = std::env::var_os("MAINSTEM_SKIPPED") {
        let file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path);
        file.unwrap().write_all(line.as_bytes()).unwrap();
    }
    false
}

pub(crate) struct Broker {
    pub(crate) port: u16,
    process: Child,
    _folder: TempDir,
}

impl Broker {
    /// One that lets everybody in.
    pub(crate) fn start() -> Self {
        Self::with("")
    }

    /// The same with more lines for its listener.
    pub(crate) fn with(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let conf = folder.path().join("conf");
        let text = format!("allow_anonymous true\nuser root\nlistener {port} 127.0.0.1\n{more}");
        std::fs::write(&conf, text).unwrap();
        let process = Command::new(BINARY)
            .arg("-c")
            .arg(&conf)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let broker = Self {
            port,
            process,
            _folder: folder,
        };
        let end = std::time::Instant::now() + Duration::from_secs(15);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(std::time::Instant::now() < end, "mosquitto does not answer");
            std::thread::yield_now();
        }
        broker
    }

    /// Publishes by `mosquitto_pub`.
    pub(crate) fn publish(&self, topic: &str, payload: &[u8], more: &[&str]) {
        let mut child = Command::new("mosquitto_pub")
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                &self.port.to_string(),
                "-t",
                topic,
                "-s",
            ])
            .args(more)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(payload).unwrap();
        assert!(child.wait().unwrap().success());
    }

    /// STOP or CONT.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// A topic for what says that everything before it has come.
const MARK: &str = "ear/mark";

/// A `mosquitto_sub` whose lines are in a file.
pub(crate) struct Ear {
    process: Child,
    file: tempfile::NamedTempFile,
}

impl Ear {
    pub(crate) fn start(broker: &Broker, filter: &str) -> Self {
        let file = tempfile::NamedTempFile::new().unwrap();
        let port = broker.port.to_string();
        let process = Command::new("stdbuf")
            .args([
                "-oL",
                "mosquitto_sub",
                "-h",
                "127.0.0.1",
                "-p",
                &port,
                "-t",
                filter,
                "-t",
                MARK,
            ])
            .args(["-q", "1", "-d"])
            .stdout(file.reopen().unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let ear = Self { process, file };
        let end = std::time::Instant::now() + Duration::from_secs(15);
        while !ear.text().contains("SUBACK") {
            assert!(std::time::Instant::now() < end, "no subscription");
            std::thread::yield_now();
        }
        ear
    }

    /// Everything that it has said.
    pub(crate) fn text(&self) -> String {
        std::fs::read_to_string(self.file.path()).unwrap()
    }

    /// How many messages have come.
    pub(crate) fn count(&self) -> usize {
        let text = self.text();
        let heard = text
            .lines()
            .filter(|line| line.contains("received PUBLISH"));
        heard.filter(|line| !line.contains(MARK)).count()
    }

    /// The same, once everything has come that the broker had acknowledged: it tells in order.
    pub(crate) fn settled(&self, broker: &Broker) -> usize {
        let marks = || self.text().matches(MARK).count();
        let before = marks();
        broker.publish(MARK, b"now", &[]);
        let end = std::time::Instant::now() + Duration::from_secs(15);
        while marks() == before {
            assert!(std::time::Instant::now() < end, "the mark does not come");
            std::thread::yield_now();
        }
        self.count()
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
