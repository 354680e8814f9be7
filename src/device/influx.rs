//! A real InfluxDB server (1.x) for tests, on a port and in a folder of its own.

use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::process::{self, Process};

/// Where Debian's package puts the server.
const SERVER: &str = "/usr/bin/influxd";
/// And its client.
const CLIENT: &str = "/usr/bin/influx";

/// A server that runs. Dropping it ends it and deletes its folder.
#[derive(Debug)]
pub struct InfluxServer {
    // Ended before its folder goes: fields are dropped in their order.
    process: Option<Process>,
    folder: tempfile::TempDir,
    port: u16,
    extra: String,
}

impl InfluxServer {
    /// Whether a server is installed.
    pub fn is_installed() -> bool {
        Path::new(SERVER).exists() && Path::new(CLIENT).exists()
    }

    /// Starts a server with an empty database `plant`.
    pub fn start() -> io::Result<Self> {
        Self::with("")
    }

    /// The same with further lines for its section `[http]`.
    pub fn with(http: &str) -> io::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("influx-")
            .tempdir_in("/tmp")?;
        process::hand_over(folder.path())?;
        let mut server = Self {
            folder,
            port: TcpListener::bind("127.0.0.1:0")?.local_addr()?.port(),
            process: None,
            extra: http.to_owned(),
        };
        server.up()?;
        if http.is_empty() {
            server.influx("CREATE DATABASE plant")?;
        }
        Ok(server)
    }

    /// Its port, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts it again, and waits until it answers.
    pub fn up(&mut self) -> io::Result<()> {
        let path = self.folder.path().display();
        let text = format!(
            "reporting-disabled = true\nbind-address = \"127.0.0.1:0\"\n\
             [meta]\ndir = \"{path}/meta\"\n\
             [data]\ndir = \"{path}/data\"\nwal-dir = \"{path}/wal\"\nquery-log-enabled = false\n\
             [monitor]\nstore-enabled = false\n\
             [http]\nbind-address = \"127.0.0.1:{}\"\nlog-enabled = false\n\
             max-body-size = 1000000\n{}\n",
            self.port, self.extra
        );
        let config = process::place(self.folder.path(), "influxdb.conf", &text)?;
        let mut command = process::command(Path::new(SERVER));
        command.arg("run").arg("-config").arg(config);
        let started = Process::start(&mut command, self.folder.path().join("log"))?;
        let port = self.port;
        let started = self.process.insert(started);
        started.until(|| std::net::TcpStream::connect(("127.0.0.1", port)).is_ok())
    }

    /// Runs a statement by the server's own client in the database `plant`, and returns what it
    /// prints.
    pub fn influx(&self, statement: &str) -> io::Result<String> {
        let output = self.client().args(["-execute", statement]).output()?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
            false => Err(process::said(&output)),
        }
    }

    /// The server's own client, connected to the database `plant`.
    pub fn client(&self) -> Command {
        let mut command = Command::new(CLIENT);
        command
            .args(["-host", "127.0.0.1", "-port", &self.port.to_string()])
            .args(["-database", "plant", "-precision", "ns", "-format", "csv"])
            .env("HOME", self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// The server's folder.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// It stands still, with its connections open.
    pub fn freeze(&self) {
        if let Some(process) = &self.process {
            process.signal("-STOP");
        }
    }

    /// And goes on.
    pub fn thaw(&self) {
        if let Some(process) = &self.process {
            process.signal("-CONT");
        }
    }

    /// Ends it at once by `SIGKILL`; its port is closed then.
    pub fn kill(&mut self) {
        self.process = None;
    }
}
