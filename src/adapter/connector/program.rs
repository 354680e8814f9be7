//! The child process: its lines, its errors, its end.

use std::collections::VecDeque;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use mainstem_adapter::SessionEnd;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

use crate::config::ConnectionConfig;
use crate::peer::Event;

/// The longest line that the program may say, in bytes.
pub(crate) const LINE_BYTES_MAX: usize = 1024 * 1024;
/// What may wait to be read by the program, in bytes.
const OUTBOX_BYTES_MAX: usize = 1024 * 1024;
/// The longest line of its errors, in bytes; what is longer is cut.
const ERROR_BYTES_MAX: usize = 2048;
/// How many of its last words are kept, to be told when it ends.
const LAST_WORDS_KEPT: usize = 8;
/// How much it may say of its errors at its end, in bytes; what is beyond is left out.
const LAST_WORDS_BYTES_MAX: usize = 256 * 1024;
/// How long it may take to end, once it has closed its connection.
const EXIT_TIME: Duration = Duration::from_millis(500);
/// What stands in its environment, beside what the configuration puts there: nothing of this
/// node's own, where secrets may be.
const ENVIRONMENT: [(&str, &str); 2] = [
    (
        "PATH",
        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ),
    ("LANG", "C.UTF-8"),
];

/// A program that runs. Dropping it ends it and everything that it has started.
pub(crate) struct Program {
    child: Child,
    /// Its process group, until that was ended.
    group: Option<Pid>,
    stdin: ChildStdin,
    stdout: ChildStdout,
    stderr: Option<ChildStderr>,
    inbox: BytesMut,
    /// How much of the inbox has no end of line in it.
    scanned: usize,
    errors: BytesMut,
    outbox: BytesMut,
    last_words: VecDeque<String>,
}

impl Program {
    /// Starts it, with its paths relative to a folder.
    pub(crate) fn start(config: &ConnectionConfig, home: &Path) -> Result<Self, SessionEnd> {
        let (word, arguments) = match config.command.as_slice() {
            [word, arguments @ ..] => (word, arguments),
            [] => return Err(misconfigured("`command` is empty: name a program".into())),
        };
        let path = match word.contains('/') {
            true => home.join(word),
            false => word.into(),
        };
        let mut command = Command::new(&path);
        command
            .args(arguments)
            .env_clear()
            .envs(ENVIRONMENT)
            .envs(&config.environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        if home.is_dir() {
            command.current_dir(home);
        }
        let mut child = command.spawn().map_err(|error| {
            misconfigured(format!(
                "the program {} cannot be started: {error}: check `command`; paths are relative \
                 to the folder of the node file, and the file must be executable",
                path.display()
            ))
        })?;
        let group = child
            .id()
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        match (child.stdin.take(), child.stdout.take(), child.stderr.take()) {
            (Some(stdin), Some(stdout), Some(stderr)) => Ok(Self {
                child,
                group,
                stdin,
                stdout,
                stderr: Some(stderr),
                inbox: BytesMut::new(),
                scanned: 0,
                errors: BytesMut::new(),
                outbox: BytesMut::new(),
                last_words: VecDeque::new(),
            }),
            _ => Err(SessionEnd::lost("no_pipes", "the program has no pipes")),
        }
    }

    /// Whether it still runs.
    pub(crate) fn is_alive(&mut self) -> bool {
        let is_alive = matches!(self.child.try_wait(), Ok(None));
        if !is_alive {
            self.end_group();
        }
        is_alive
    }

    /// Puts a line on its way. False if the program reads so slowly that too much waits.
    #[must_use]
    pub(crate) fn tell(&mut self, line: &[u8]) -> bool {
        // One alone may be as long as it has to be.
        let has_room = self.outbox.is_empty() || self.outbox.len() + line.len() <= OUTBOX_BYTES_MAX;
        if has_room {
            self.outbox.extend_from_slice(line);
        }
        has_room
    }

    /// What comes next from the program; orders that wait are written meanwhile. Cancel safe.
    pub(crate) async fn event(&mut self) -> Event {
        loop {
            match self.take_line() {
                Ok(Some(line)) => return Event::Line(line),
                Ok(None) => {}
                Err(why) => return Event::Ended(why),
            }
            if let Some(text) = self.take_error() {
                return Event::Log(text);
            }
            let stderr = async {
                match &mut self.stderr {
                    Some(stderr) => stderr.read_buf(&mut self.errors).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                read = self.stdout.read_buf(&mut self.inbox) => match read {
                    Ok(1..) => {}
                    Ok(0) | Err(_) => return Event::Ended(self.obituary().await),
                },
                read = stderr => {
                    if !matches!(read, Ok(1..)) {
                        self.stderr = None;
                    }
                }
                wrote = self.stdin.write(&self.outbox), if !self.outbox.is_empty() => match wrote {
                    Ok(count @ 1..) => self.outbox.advance(count),
                    Ok(0) | Err(_) => return Event::Ended(self.obituary().await),
                },
            }
        }
    }

    fn take_line(&mut self) -> Result<Option<Bytes>, String> {
        if let Some(end) = memchr::memchr(b'\n', &self.inbox[self.scanned..]) {
            let line = self.inbox.split_to(self.scanned + end).freeze();
            self.inbox.advance(1);
            self.scanned = 0;
            return Ok(Some(line));
        }
        self.scanned = self.inbox.len();
        match self.scanned > LINE_BYTES_MAX {
            true => Err(format!(
                "it said a line of more than {LINE_BYTES_MAX} bytes"
            )),
            false => Ok(None),
        }
    }

    fn take_error(&mut self) -> Option<String> {
        let end = memchr::memchr(b'\n', &self.errors);
        let length = match end {
            None if self.errors.len() < ERROR_BYTES_MAX => return None,
            None => ERROR_BYTES_MAX,
            Some(end) => end,
        };
        let line = self.errors.split_to(length);
        if end.is_some() {
            self.errors.advance(1);
        }
        let shown = line.get(..ERROR_BYTES_MAX).unwrap_or(&line);
        let text = String::from_utf8_lossy(shown).trim_end().to_owned();
        self.remember(&text);
        Some(text)
    }

    fn remember(&mut self, text: &str) {
        if self.last_words.len() >= LAST_WORDS_KEPT {
            self.last_words.pop_front();
        }
        self.last_words.push_back(text.to_owned());
    }

    /// How it ended, and what it said last.
    async fn obituary(&mut self) -> String {
        if let Some(stderr) = &mut self.stderr {
            // Its last words may come after its output has ended: until the end of both.
            let until = tokio::time::Instant::now() + EXIT_TIME;
            let errors = &mut self.errors;
            let mut rest = BytesMut::new();
            while rest.len() < LAST_WORDS_BYTES_MAX {
                let read = tokio::time::timeout_at(until, stderr.read_buf(&mut rest)).await;
                if !matches!(read, Ok(Ok(1..))) {
                    break;
                }
            }
            errors.extend_from_slice(&rest);
            if !errors.is_empty() && !errors.ends_with(b"\n") {
                errors.extend_from_slice(b"\n");
            }
        }
        while self.take_error().is_some() {}
        let ended = tokio::time::timeout(EXIT_TIME, self.child.wait()).await;
        self.end_group();
        let how = match ended {
            Ok(Ok(status)) => format!("the program ended ({status})"),
            Ok(Err(error)) => format!("the program cannot be waited for: {error}"),
            Err(_) => "the program closed its output and runs on".to_owned(),
        };
        let words: Vec<&str> = self.last_words.iter().map(String::as_str).collect();
        match words.is_empty() {
            true => format!("{how} and said nothing about it"),
            false => format!("{how}; it said last: {}", words.join(" | ")),
        }
    }

    /// Ends it, once it has closed its connection.
    pub(crate) async fn end(mut self) {
        drop(self.stdin.shutdown().await);
        if tokio::time::timeout(EXIT_TIME, self.child.wait())
            .await
            .is_err()
        {
            tracing::debug!("a connector did not end by itself");
        }
    }
}

impl Program {
    /// Ends what the program has started, which would go on without it. To be called as soon as
    /// the program itself has ended: its number may be given to somebody else later.
    fn end_group(&mut self) {
        if let Some(group) = self.group.take()
            && let Err(error) = kill_process_group(group, Signal::KILL)
        {
            tracing::debug!(%error, "nothing of a connector was left to be ended");
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.end_group();
    }
}

fn misconfigured(message: String) -> SessionEnd {
    SessionEnd::Misconfigured { message }
}
