//! The last lines that an adapter said: the words of a connector's program, and what became of
//! its sessions. For whoever looks for a cause without access to the node's own log.

use std::collections::VecDeque;

use mainstem_model::Timestamp;
use parking_lot::Mutex;
use tokio::sync::watch;

/// Lines that are kept of one adapter.
pub const LOG_LINES_KEPT: usize = 500;
/// Bytes of text that are kept of one adapter.
pub const LOG_BYTES_KEPT: usize = 128 * 1024;
/// The longest line; what is longer is cut.
pub const LOG_LINE_BYTES_MAX: usize = 2048;

/// Who said a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogSource {
    /// The node, of a session.
    Node,
    /// A program, in a line of its protocol that is meant for the log.
    Program,
    /// A program, on its standard error.
    Errors,
}

impl LogSource {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Program => "log",
            Self::Errors => "stderr",
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Its number: 1 for the first since the adapter was started, and then one more each.
    pub number: u64,
    /// When it was said.
    pub time: Timestamp,
    /// By whom.
    pub source: LogSource,
    /// What was said.
    pub text: String,
}

/// The lines beyond a number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPage {
    /// Those that are still there.
    pub lines: Vec<LogLine>,
    /// How many beyond the number are not there any more.
    pub dropped: u64,
    /// The number of the last line that was said; 0 before the first.
    pub last: u64,
}

/// The lines of one adapter.
#[derive(Debug)]
pub struct LogLines {
    kept: Mutex<Kept>,
    last: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<LogLine>,
    bytes: usize,
    last: u64,
}

impl Default for LogLines {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            last: watch::Sender::new(0),
        }
    }
}

impl LogLines {
    /// Keeps a line, and forgets the oldest where there are too many.
    pub fn say(&self, time: Timestamp, source: LogSource, text: &str) {
        let text = cut(text).to_owned();
        let mut kept = self.kept.lock();
        kept.last += 1;
        kept.bytes += text.len();
        let number = kept.last;
        kept.lines.push_back(LogLine {
            number,
            time,
            source,
            text,
        });
        while (kept.lines.len() > LOG_LINES_KEPT || kept.bytes > LOG_BYTES_KEPT)
            && let Some(oldest) = kept.lines.pop_front()
        {
            kept.bytes -= oldest.text.len();
        }
        drop(kept);
        self.last.send_replace(number);
    }

    /// The lines beyond a number; beyond 0 are all.
    pub fn beyond(&self, number: u64) -> LogPage {
        let kept = self.kept.lock();
        let lines: Vec<LogLine> = kept
            .lines
            .iter()
            .filter(|line| line.number > number)
            .cloned()
            .collect();
        let unseen = kept.last.saturating_sub(number);
        LogPage {
            dropped: unseen.saturating_sub(lines.len() as u64),
            last: kept.last,
            lines,
        }
    }

    /// Resolves when there is a line beyond a number. Cancel safe.
    pub async fn more(&self, number: u64) {
        let mut last = self.last.subscribe();
        // The sender lives as long as `self`.
        drop(last.wait_for(|last| *last > number).await);
    }
}

/// At most so many bytes, whole characters.
fn cut(text: &str) -> &str {
    match text.len() > LOG_LINE_BYTES_MAX {
        true => &text[..text.floor_char_boundary(LOG_LINE_BYTES_MAX)],
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use mainstem_model::Timestamp;

    use super::*;

    fn said(log: &LogLines, text: &str) {
        log.say(Timestamp::from_micros(1), LogSource::Program, text);
    }

    #[test]
    fn lines_and_bytes_are_bounded_and_what_is_gone_is_counted() {
        let log = LogLines::default();
        for number in 0..LOG_LINES_KEPT + 7 {
            said(&log, &number.to_string());
        }
        let page = log.beyond(0);
        assert_eq!((page.lines.len(), page.dropped), (LOG_LINES_KEPT, 7));
        assert_eq!(
            (page.lines[0].number, page.lines[0].text.as_str()),
            (8, "7")
        );
        let page = log.beyond(page.last - 2);
        assert_eq!((page.lines.len(), page.dropped), (2, 0));
        for _ in 0..200 {
            said(&log, &"é".repeat(LOG_LINE_BYTES_MAX));
        }
        let page = log.beyond(0);
        let bytes: usize = page.lines.iter().map(|line| line.text.len()).sum();
        assert!(
            bytes <= LOG_BYTES_KEPT && bytes > LOG_BYTES_KEPT / 2,
            "{bytes}"
        );
        assert!(
            page.lines
                .iter()
                .all(|line| line.text.len() <= LOG_LINE_BYTES_MAX)
        );
        assert_eq!(
            log.beyond(page.last + 9),
            LogPage {
                last: page.last,
                ..LogPage::default()
            }
        );
    }

    #[tokio::test]
    async fn who_waits_is_woken_by_the_next_line() {
        let log = LogLines::default();
        said(&log, "one");
        log.more(0).await;
        let next = async {
            log.more(1).await;
            log.beyond(1).lines.len()
        };
        let (count, ()) = tokio::join!(next, async { said(&log, "two") });
        assert_eq!(count, 1);
    }
}
