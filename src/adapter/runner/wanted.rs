//! What people want of an adapter.

use tokio::sync::watch;

/// What people want of the adapter. Only the latest wish counts, so there is no queue.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wanted {
    pub(super) mode: Mode,
    // Makes a repeated `resume` a change, so that it ends a wait.
    nudges: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mode {
    #[default]
    Run,
    Pause,
    Stop,
}

impl Wanted {
    pub(super) fn pause(&mut self) {
        if self.mode == Mode::Run {
            self.mode = Mode::Pause;
        }
    }

    pub(super) fn resume(&mut self) {
        if self.mode != Mode::Stop {
            self.mode = Mode::Run;
            self.nudges += 1;
        }
    }
}

/// Resolves when a wish has changed. The last one is always a stop, from the runner's `Drop` at
/// the latest; after that there is none to wait for.
pub(super) async fn changed(wanted: &mut watch::Receiver<Wanted>) {
    if wanted.changed().await.is_err() {
        debug_assert_eq!(
            wanted.borrow().mode,
            Mode::Stop,
            "a runner stops what it runs"
        );
    }
}
