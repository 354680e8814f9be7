//! Somebody else's server of HSYCO's Remote API: `tests/interop/hsyco_server.py`.

use std::process::Stdio;

use mainstem_model::Timestamp;
use mainstem_security::Identity;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::skipped::skipped;

const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/hsyco_server.py");
/// Its password.
pub(crate) const PASSWORD: &str = "its own password";

pub(crate) struct HsycoServer {
    port: u16,
    pin: String,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    _child: Child,
    _folder: TempDir,
}

impl HsycoServer {
    /// The server, or nothing and a word about it where there is no Python.
    pub(crate) async fn start(hold: &str) -> Option<Self> {
        #[expect(
            clippy::disallowed_methods,
            reason = "a test is told by its environment"
        )]
        let python = std::env::var_os("MAINSTEM_PYTHON").unwrap_or_else(|| "python3".into());
        let folder = TempDir::new().unwrap();
        let names = ["127.0.0.1".to_owned()];
        let now = Timestamp::from_millis(1_790_000_000_000);
        let identity = Identity::load_or_create(folder.path(), "site1", &names, now).unwrap();
        // Its password stands in the query as it would in an address: percent-encoded.
        let started = Command::new(&python)
            .arg(SERVER)
            .args([folder.path().join("cert.pem"), identity.key_file()])
            .args([PASSWORD.replace(' ', "%20").as_str(), hold])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let Ok(mut child) = started else {
            skipped("a foreign HSYCO server", "there is no Python");
            return None;
        };
        let input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = output
            .next_line()
            .await
            .unwrap()
            .expect("the server starts");
        let first: Value = serde_json::from_str(&first).unwrap();
        Some(Self {
            port: u16::try_from(first["port"].as_u64().unwrap()).unwrap(),
            pin: identity.pin().to_string(),
            input,
            output,
            _child: child,
            _folder: folder,
        })
    }

    pub(crate) async fn tell(&mut self, command: &str) -> Value {
        let line = format!("{command}\n");
        self.input.write_all(line.as_bytes()).await.unwrap();
        let answer = self.output.next_line().await.unwrap().unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    /// The remote entry for it.
    pub(crate) fn entry(&self, more: &str) -> String {
        entry(&self.pin, self.port, PASSWORD, more)
    }
}

/// A remote entry `site1` of kind `hsyco`.
pub(crate) fn entry(pin: &str, port: u16, password: &str, more: &str) -> String {
    format!(
        "  site1:\n    type: Remote\n    properties:\n      kind: hsyco\n      \
         address: https://127.0.0.1:{port}\n      token: \"{password}\"\n      pin: \"{pin}\"\n\
         {more}"
    )
}
