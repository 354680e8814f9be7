//! A disk that takes long, and threads that meet a defect: both are said, neither is waited for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mainstem_telemetry::{Problem, Severity};
use parking_lot::Mutex;

use super::shared::Shared;

/// Samples that wait longer for the disk than they should are told while they wait.
const SLOW: Duration = Duration::from_secs(2);
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// The alarm of a slow disk ends when nothing was slow for so long.
const CALM: Duration = Duration::from_secs(10);

/// What the writing thread is busy with on the disk.
#[derive(Default)]
pub(super) struct Busy {
    since: Mutex<Option<Instant>>,
}

impl Busy {
    /// Does something that waits for the disk.
    pub(super) fn during<T>(&self, act: impl FnOnce() -> T) -> T {
        *self.since.lock() = Some(Instant::now());
        let done = act();
        *self.since.lock() = None;
        done
    }

    fn time(&self) -> Option<Duration> {
        let since = *self.since.lock();
        since.map(|since| since.elapsed())
    }
}

/// Tells what takes long until the store is closed.
pub(super) fn run(shared: &Shared) {
    let mut slow: Option<Instant> = None;
    while !shared.settling.stopping.load(Ordering::Acquire) {
        let time = shared.busy.time().max(shared.queue.overdue());
        match time.filter(|time| *time >= SLOW) {
            Some(time) => {
                if slow.is_none() {
                    shared.tell_slow(time);
                }
                slow = Some(Instant::now());
            }
            None if slow.is_some_and(|at| at.elapsed() >= CALM) => {
                slow = None;
                shared.health.clear(&shared.problem("slow"));
            }
            None => {}
        }
        let mut state = shared.settling.state.lock();
        shared.settling.news.wait_for(&mut state, LOOK);
    }
}

impl Shared {
    fn tell_slow(&self, time: Duration) {
        tracing::warn!(store = %self.config.name, ?time, "the disk of a data logger is slow");
        self.health.raise(Problem {
            id: self.problem("slow"),
            severity: Severity::High,
            source: format!("datalogger.{}", self.config.name),
            text: format!(
                "The disk of the data logger store {} has taken no samples for {} s. They wait in \
                 memory.",
                self.config.folder.display(),
                time.as_secs()
            ),
            action: "Look at the disk: it may be failing, or others keep it busy.".to_owned(),
        });
    }

    /// Does the work of a thread. A panic in it is told, and whoever calls this goes on.
    pub(super) fn guarded<T>(&self, thread: &str, work: impl FnOnce() -> T) -> Option<T> {
        let told = catch_unwind(AssertUnwindSafe(work));
        let panic = match told {
            Ok(done) => return Some(done),
            Err(panic) => panic,
        };
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        let text = text.unwrap_or("it did not say which");
        tracing::error!(store = %self.config.name, thread, text, "a thread met a defect");
        self.health.raise(Problem {
            id: self.problem(&format!("defect.{thread}")),
            severity: Severity::Critical,
            source: format!("datalogger.{}", self.config.name),
            text: format!(
                "The thread {thread} of the data logger store {} met a defect and was begun anew: \
                 {text}.",
                self.config.folder.display()
            ),
            action: "Report it with the node's log; restart the node if it comes again.".to_owned(),
        });
        None
    }
}
