//! Writes the store to disk now and then and at a clean stop, and reads it back before serving.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mainstem_journal::{Checked, read_checked, write_checked};
use mainstem_store::Store;
use mainstem_telemetry::{Health, Problem, Severity};
use tokio_util::sync::CancellationToken;

const PROBLEM: &str = "checkpoint";

pub(super) struct Checkpoint {
    pub(super) path: PathBuf,
    pub(super) store: Arc<Store>,
    pub(super) health: Health,
}

impl Checkpoint {
    /// Fills the store. A damaged checkpoint is set aside and named in health; the node starts
    /// without it, since its sources tell everything again.
    pub(super) fn restore(&self) {
        let trouble = match read_checked(&self.path) {
            Ok(Checked::Absent) => return,
            Ok(Checked::Intact(bytes)) => match self.store.restore(&bytes) {
                Ok(()) => return,
                Err(error) => error.to_string(),
            },
            Ok(Checked::Broken { .. }) => "its checksum is wrong; the file was set aside".into(),
            Err(error) => error.to_string(),
        };
        tracing::error!(path = %self.path.display(), trouble, "the checkpoint cannot be used");
        self.raise(
            Severity::Warning,
            format!("The checkpoint could not be used: {trouble}."),
        );
    }

    /// Saves until told to stop, and once more then.
    pub(super) async fn keep(self, every: Duration, stop: CancellationToken) {
        let checkpoint = Arc::new(self);
        let mut saved = None;
        loop {
            let is_last = tokio::select! {
                () = stop.cancelled() => true,
                () = tokio::time::sleep(every) => false,
            };
            let head = checkpoint.store.statistics().head;
            if saved != Some(head) {
                let writer = Arc::clone(&checkpoint);
                // A disk that hangs holds a thread for it, never this node's tasks.
                let written = tokio::task::spawn_blocking(move || writer.save()).await;
                saved = matches!(written, Ok(true)).then_some(head);
            }
            if is_last {
                return;
            }
        }
    }

    fn save(&self) -> bool {
        let bytes = self.store.checkpoint();
        match write_checked(&self.path, &bytes, 0o600) {
            Ok(()) => {
                self.health.clear(PROBLEM);
                true
            }
            Err(error) => {
                tracing::error!(path = %self.path.display(), %error, "no checkpoint was written");
                let text = format!("No checkpoint could be written: {error}.");
                self.raise(Severity::High, text);
                false
            }
        }
    }

    fn raise(&self, severity: Severity, text: String) {
        self.health.raise(Problem {
            id: PROBLEM.into(),
            severity,
            source: "checkpoint".into(),
            text,
            action: format!(
                "See that the disk of {} has room and is writable. Without a checkpoint a restart \
                 shows values only when their sources told them again.",
                self.path.display()
            ),
        });
    }
}
