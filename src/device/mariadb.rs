//! A real MariaDB server for tests, on a port and in a folder of its own.

use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::process::{self, Process};

/// Where Debian's package puts the server.
const SERVER: &str = "/usr/sbin/mariadbd";
/// And what makes the first tables.
const MAKER: &str = "/usr/bin/mariadb-install-db";

/// A server that runs. Dropping it ends it and deletes its folder.
#[derive(Debug)]
pub struct MariadbServer {
    // Ended before its folder goes: fields are dropped in their order.
    process: Option<Process>,
    folder: tempfile::TempDir,
    port: u16,
    extra: Vec<String>,
}

impl MariadbServer {
    /// Whether a server is installed.
    pub fn is_installed() -> bool {
        Path::new(SERVER).exists() && Path::new(MAKER).exists()
    }

    /// Makes a database `mainstem`, of a user `mainstem` with the password `secret`, and starts a
    /// server on it. Nothing is synced to the disk.
    pub fn start() -> io::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("maria-")
            .tempdir_in("/tmp")?;
        process::hand_over(folder.path())?;
        let mut server = Self {
            folder,
            port: TcpListener::bind("127.0.0.1:0")?.local_addr()?.port(),
            process: None,
            extra: Vec::new(),
        };
        let made = process::command(Path::new(MAKER))
            .arg("--no-defaults")
            .arg(format!("--datadir={}", server.data().display()))
            // Servers that share one take each other's temporary tables away.
            .arg(format!("--tmpdir={}", server.folder.path().display()))
            .args(["--auth-root-authentication-method=normal", "--skip-test-db"])
            .args(["--innodb-log-file-size=8M", "--innodb-flush-method=nosync"])
            .stdin(Stdio::null())
            .output()?;
        if !made.status.success() {
            return Err(process::said(&made));
        }
        server.up()?;
        server.sql(
            "CREATE DATABASE mainstem CHARACTER SET utf8mb4; CREATE USER mainstem IDENTIFIED BY 'secret';
             GRANT ALL ON mainstem.* TO mainstem; GRANT PROCESS ON *.* TO mainstem;",
        )?;
        Ok(server)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The path of its Unix socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// Its port, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Further options, each `--name=value`, from the next start on.
    pub fn set(&mut self, options: &[String]) {
        self.extra.extend(options.iter().cloned());
    }

    /// Puts a file that only the server's user may read into its folder, and returns its path.
    pub fn place(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        process::place(self.folder.path(), name, text)
    }

    /// Starts it again, and waits until it answers.
    pub fn up(&mut self) -> io::Result<()> {
        let mut command = process::command(Path::new(SERVER));
        command
            .arg("--no-defaults")
            .arg(format!("--datadir={}", self.data().display()))
            .arg(format!("--tmpdir={}", self.folder.path().display()))
            .arg(format!("--socket={}", self.socket().display()))
            .arg(format!("--port={}", self.port))
            .args([
                "--bind-address=127.0.0.1",
                "--skip-name-resolve",
                "--skip-log-bin",
            ])
            .args([
                "--innodb-buffer-pool-size=32M",
                "--innodb-flush-log-at-trx-commit=0",
            ])
            .args(["--innodb-flush-method=nosync", "--max-connections=60"])
            .args(&self.extra);
        let started = Process::start(&mut command, self.folder.path().join("log"))?;
        let started = self.process.insert(started);
        let socket = self.folder.path().join("socket");
        started.until(|| client(&socket, "SELECT 1").is_ok())
    }

    /// Runs statements in the database by the server's own client, as its administrator, and
    /// returns what it prints, bare.
    pub fn sql(&self, statements: &str) -> io::Result<String> {
        client(&self.socket(), statements)
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

fn client(socket: &Path, statements: &str) -> io::Result<String> {
    let output = Command::new("mariadb")
        .args([
            "--no-defaults",
            "-u",
            "root",
            "-N",
            "-B",
            "--default-character-set=utf8mb4",
        ])
        .arg(format!("--socket={}", socket.display()))
        .args(["-e", statements])
        .stdin(Stdio::null())
        .output()?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned()),
        false => Err(process::said(&output)),
    }
}
