//! A shell with other programs that a page of the documentation starts, all of which end with the
//! test.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

pub(crate) struct Shell(Child);

impl Shell {
    /// Runs commands of a page in the folder of the repository, with the token of its responder.
    pub(crate) fn run(commands: &str, token: &str) -> Self {
        let mut command = Command::new("sh");
        command
            .args(["-c", commands])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("MES_TOKEN", token)
            .stdin(Stdio::null())
            .process_group(0);
        Self(command.spawn().unwrap())
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // The shell is the first of its group; what it started is in it too.
        let group = format!("-{}", self.0.id());
        Command::new("kill").args(["--", &group]).status().ok();
        self.0.wait().ok();
    }
}
