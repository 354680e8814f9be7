//! A real PostgreSQL server for tests and benches, on a port and in a folder of its own.
//!
//! It is taken from where Debian's packages put it, runs as another user where this is root (it
//! refuses to be root), and ends with whoever started it.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take to begin and to end.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);
/// Whom it runs as where this is root.
const USER: &str = "nobody";
const GROUP: &str = "nogroup";

/// What a server promises of its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speed {
    /// Commits are synced.
    Durable,
    /// They are not: a killed server still has them, a machine without power would not.
    Fast,
}

/// A server that runs. Dropping it ends it and deletes its folder.
#[derive(Debug)]
pub struct PostgresServer {
    folder: tempfile::TempDir,
    programs: PathBuf,
    port: u16,
    speed: Speed,
    child: Option<Child>,
    extra: Vec<String>,
}

/// The folder of the newest server that is installed.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let folders = versions.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    folders
        .filter(|folder| folder.join("initdb").exists())
        .max()
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|found| found.uid() == 0)
}

fn said(output: &Output) -> io::Error {
    io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned())
}

impl PostgresServer {
    /// Whether a server is installed.
    pub fn is_installed() -> bool {
        programs().is_some()
    }

    /// Makes a database cluster and starts a server on it. The role `mainstem` owns the database
    /// `mainstem` and may do anything; everybody on this machine may be it.
    pub fn start(speed: Speed) -> io::Result<Self> {
        let programs = programs().ok_or_else(|| io::Error::other("no PostgreSQL is installed"))?;
        let folder = tempfile::Builder::new().prefix("pg-").tempdir_in("/tmp")?;
        let mut server = Self {
            folder,
            programs,
            port: TcpListener::bind("127.0.0.1:0")?.local_addr()?.port(),
            speed,
            child: None,
            extra: Vec::new(),
        };
        if is_root() {
            let owner = format!("{USER}:{GROUP}");
            let owned = Command::new("chown")
                .arg(owner)
                .arg(server.folder.path())
                .output()?;
            if !owned.status.success() {
                return Err(said(&owned));
            }
        }
        let made = server
            .command("initdb")
            .args([
                "-U",
                "mainstem",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C",
                "--no-sync",
                "-D",
            ])
            .arg(server.data())
            .output()?;
        if !made.status.success() {
            return Err(said(&made));
        }
        server.up()?;
        server.sql("postgres", "CREATE DATABASE mainstem")?;
        Ok(server)
    }

    /// One of the server's programs, as the user that it runs as.
    fn command(&self, program: &str) -> Command {
        let path = self.programs.join(program);
        let mut command = match is_root() {
            false => Command::new(path),
            true => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid", USER, "--regid", GROUP, "--clear-groups"]);
                // It must not outlive a test that is killed.
                command.args(["--pdeathsig", "KILL"]).arg(path);
                command
            }
        };
        command.current_dir("/").env("LC_ALL", "C");
        command
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The folder of its Unix socket.
    pub fn socket(&self) -> &Path {
        self.folder.path()
    }

    /// Its port, on 127.0.0.1 and for the name of the socket.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts it again, and waits until it answers.
    #[expect(
        clippy::disallowed_methods,
        reason = "it waits on its caller's thread, for a process"
    )]
    pub fn up(&mut self) -> io::Result<()> {
        let mut command = self.command("postgres");
        command
            .arg("-D")
            .arg(self.data())
            .arg("-k")
            .arg(self.socket());
        let mut settings = vec![
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={}", self.port),
            "max_connections=40".to_owned(),
            "shared_buffers=64MB".to_owned(),
            "max_wal_size=2GB".to_owned(),
            "logging_collector=off".to_owned(),
        ];
        if self.speed == Speed::Fast {
            settings.push("fsync=off".to_owned());
            settings.push("full_page_writes=off".to_owned());
        }
        settings.extend(self.extra.iter().cloned());
        for setting in settings {
            command.arg("-c").arg(setting);
        }
        let log = fs::File::create(self.folder.path().join("log"))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        self.child = Some(child);
        let until = Instant::now() + PATIENCE;
        while self.sql("postgres", "SELECT 1").is_err() {
            let ended = match &mut self.child {
                Some(child) => child.try_wait()?.is_some(),
                None => true,
            };
            if ended || Instant::now() > until {
                let log = fs::read_to_string(self.folder.path().join("log"))?;
                return Err(io::Error::other(log));
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Runs statements by `psql` and returns what they print, bare.
    pub fn sql(&self, database: &str, statements: &str) -> io::Result<String> {
        let output = self
            .psql(database)
            .args(["-c", statements])
            .stdin(Stdio::null())
            .output()?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
            false => Err(said(&output)),
        }
    }

    /// `psql`, connected.
    pub fn psql(&self, database: &str) -> Command {
        let mut command = Command::new(self.programs.join("psql"));
        command
            .args([
                "-X",
                "-q",
                "-A",
                "-t",
                "-v",
                "ON_ERROR_STOP=1",
                "-U",
                "mainstem",
                "-h",
            ])
            .arg(self.socket())
            .args(["-p", &self.port.to_string(), "-d", database]);
        command
    }

    /// The server and all its processes.
    fn processes(&self) -> Vec<u32> {
        let Some(child) = &self.child else {
            return Vec::new();
        };
        let first = child.id();
        let path = format!("/proc/{first}/task/{first}/children");
        let below = fs::read_to_string(path).unwrap_or_default();
        let below = below.split_whitespace().filter_map(|id| id.parse().ok());
        std::iter::once(first).chain(below).collect()
    }

    fn signal(&self, name: &str) {
        for process in self.processes() {
            let signalled = Command::new("kill")
                .args([name, &process.to_string()])
                .output();
            drop(signalled);
        }
    }

    /// Puts a file that only the server's user may read into its folder, and returns its path.
    pub fn place(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let path = self.folder.path().join(name);
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        if is_root() {
            let owner = format!("{USER}:{GROUP}");
            Command::new("chown").arg(owner).arg(&path).output()?;
        }
        Ok(path)
    }

    /// Further settings, each `name=value`, from the next start on.
    pub fn set(&mut self, settings: &[String]) {
        self.extra.extend(settings.iter().cloned());
    }

    /// Every process of it stands still, with its connections open.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// And goes on.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    /// Ends it at once, all processes by `SIGKILL`; its port is closed then.
    pub fn kill(&mut self) {
        self.signal("-KILL");
        if let Some(mut child) = self.child.take() {
            drop(child.wait());
        }
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.kill();
    }
}
