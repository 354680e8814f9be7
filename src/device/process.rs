//! A foreign server's process: as another user where this is root, and ended with whoever started it.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take to begin.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);
/// Whom it runs as where this is root.
const USER: &str = "nobody";
const GROUP: &str = "nogroup";

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|found| found.uid() == 0)
}

/// What a program printed as its error.
pub(crate) fn said(output: &Output) -> io::Error {
    io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A program, as the user that servers run as.
pub(crate) fn command(program: &Path) -> Command {
    let mut command = match is_root() {
        false => Command::new(program),
        true => {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", USER, "--regid", GROUP, "--clear-groups"]);
            // It must not outlive a test that is killed.
            command.args(["--pdeathsig", "KILL"]).arg(program);
            command
        }
    };
    command
        .current_dir("/")
        .env("LC_ALL", "C")
        .env("HOME", "/nonexistent");
    command
}

/// Gives a path to the user that servers run as.
pub(crate) fn hand_over(path: &Path) -> io::Result<()> {
    if !is_root() {
        return Ok(());
    }
    let owned = Command::new("chown")
        .arg(format!("{USER}:{GROUP}"))
        .arg(path)
        .output()?;
    match owned.status.success() {
        true => Ok(()),
        false => Err(said(&owned)),
    }
}

/// Puts a file that only the server's user may read into a folder, and returns its path.
pub(crate) fn place(folder: &Path, name: &str, text: &str) -> io::Result<PathBuf> {
    let path = folder.join(name);
    fs::write(&path, text)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    hand_over(&path)?;
    Ok(path)
}

/// A process that is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    pub(crate) fn start(command: &mut Command, log: PathBuf) -> io::Result<Self> {
        let file = fs::File::create(&log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()?;
        Ok(Self { child, log })
    }

    /// Waits until it is ready; what it logged is the error where it ends before.
    #[expect(
        clippy::disallowed_methods,
        reason = "it waits on its caller's thread, for a process"
    )]
    pub(crate) fn until(&mut self, is_ready: impl Fn() -> bool) -> io::Result<()> {
        let until = Instant::now() + PATIENCE;
        while !is_ready() {
            if self.child.try_wait()?.is_some() || Instant::now() > until {
                return Err(io::Error::other(fs::read_to_string(&self.log)?));
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        drop(Command::new("kill").args([name, &id]).output());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
