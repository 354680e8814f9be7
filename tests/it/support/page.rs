//! A page of the documentation that is followed as it stands: its node file, and the commands that
//! it tells to type.

use std::process::Stdio;

use tokio::process::Command;

use crate::skipped::skipped;
use crate::support::{LINK_TOKEN, TestNode};

pub(crate) struct Page(String);

impl Page {
    /// The page `docs/<name>.md`.
    pub(crate) fn read(name: &str) -> Self {
        let path = format!("{}/docs/{name}.md", env!("CARGO_MANIFEST_DIR"));
        Self(std::fs::read_to_string(path).unwrap())
    }

    /// The same page with another text in place of one that it has, such as a port.
    pub(crate) fn with(&self, text: &str, other: &str) -> Self {
        assert!(self.0.contains(text), "{text}: the page does not have it");
        Self(self.0.replace(text, other))
    }

    /// Its blocks of a language, in their order.
    pub(crate) fn blocks(&self, language: &str) -> Vec<&str> {
        let mark = format!("```{language}\n");
        let parts = self.0.split(&mark).skip(1);
        parts
            .map(|part| part.split("```").next().unwrap())
            .collect()
    }

    /// A section of its node file, without its key; nothing if there is none.
    pub(crate) fn section(&self, key: &str) -> String {
        let file = self.blocks("yaml")[0];
        let lines = file.lines().skip_while(|line| *line != format!("{key}:"));
        let own = lines.skip(1).take_while(|line| line.starts_with(' '));
        own.map(|line| format!("{line}\n")).collect()
    }

    /// The commands of its `number`th block.
    pub(crate) fn commands(&self, number: usize) -> String {
        self.blocks("sh")[number].to_owned()
    }
}

/// Types a curl of a page, at this node. Returns the status and what curl shows; nothing if there
/// is no curl here.
pub(crate) async fn curl(node: &TestNode, command: &str) -> Option<(u16, String)> {
    let command = command
        .trim_end()
        .replace("127.0.0.1:8443", &node.address().to_string())
        .replace(
            "data/ca.pem",
            &node.node().facts().ca_file.display().to_string(),
        );
    assert!(command.starts_with("curl "), "{command}");
    let output = Command::new("sh")
        .args([
            "-c",
            &format!("{command} -sS --max-time 15 -w '\\n%{{http_code}}'"),
        ])
        .env("TOKEN", LINK_TOKEN)
        .stdin(Stdio::null())
        .output();
    let output = output.await.unwrap();
    if output.status.code() == Some(127) {
        skipped("flows", "curl is not installed");
        return None;
    }
    let (text, why) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    );
    let (body, status) = text.rsplit_once('\n').unwrap_or_else(|| panic!("{why}"));
    let status = status.parse().unwrap_or_else(|_| panic!("{text} {why}"));
    Some((status, body.to_owned()))
}
