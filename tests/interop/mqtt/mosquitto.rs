//! A Mosquitto of a test's own: private port and folder, ended by its process id.

use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;
use tokio::net::TcpStream;

use super::{PATIENCE, left_out};

const BINARY: &str = "/usr/sbin/mosquitto";

pub(super) struct Mosquitto {
    process: tokio::process::Child,
    pub(super) port: u16,
    folder: TempDir,
}

impl Mosquitto {
    /// One that lets everybody in; nothing if it is not installed.
    pub(super) async fn start(more: &str) -> Option<Self> {
        if !Path::new(BINARY).exists() {
            left_out(
                "MQTT against Mosquitto",
                "the package mosquitto is not installed",
            );
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let place = folder.path().display();
        let text = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\nuser root\npersistence true\n\
             persistence_location {place}/\nautosave_interval 1\nmax_queued_messages 0\n{more}\n"
        );
        std::fs::write(folder.path().join("conf"), text).unwrap();
        let process = run(folder.path());
        let mosquitto = Self {
            process,
            port,
            folder,
        };
        mosquitto.answers().await;
        Some(mosquitto)
    }

    async fn answers(&self) {
        let mut tick = tokio::time::interval(std::time::Duration::from_millis(20));
        let dial = async {
            while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
                tick.tick().await;
            }
        };
        tokio::time::timeout(PATIENCE, dial).await.unwrap();
    }

    /// Sends it a signal by its id: STOP, CONT, TERM, KILL.
    pub(super) fn signal(&self, name: &str) {
        let id = self.process.id().unwrap().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status();
        assert!(status.unwrap().success());
    }

    /// Ends it by a signal and starts it on what it has left.
    pub(super) async fn restart(&mut self, signal: &str) {
        self.signal(signal);
        self.process.wait().await.unwrap();
        self.process = run(self.folder.path());
        self.answers().await;
    }
}

fn run(folder: &Path) -> tokio::process::Child {
    tokio::process::Command::new(BINARY)
        .arg("-c")
        .arg(folder.join("conf"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

pub(super) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
