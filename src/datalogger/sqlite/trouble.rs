//! A store that cannot write: said at once, told to every caller, and over by itself.

use std::sync::atomic::Ordering;

use mainstem_telemetry::{Problem, Severity};
use rustix::fs::{StatVfsMountFlags, statvfs};

use super::file::Told;
use super::queue::Append;
use super::shared::Shared;
use crate::{Fault, Refused, SinkError};

/// Damage that is remembered; the board of problems has all of it.
const FAULTS_MAX: usize = 1000;

impl Shared {
    /// Why nothing is taken now, as an error.
    pub(super) fn trouble_error(&self) -> Option<SinkError> {
        let reason = self.trouble.lock().clone()?;
        Some(SinkError::Failed {
            path: self.config.folder.clone(),
            reason,
        })
    }

    /// Marks the store as failed.
    pub(super) fn set_trouble(&self, reason: &str) {
        let mut trouble = self.trouble.lock();
        if trouble.as_deref() == Some(reason) {
            return;
        }
        *trouble = Some(reason.to_owned());
        drop(trouble);
        tracing::error!(store = %self.config.name, reason, "the data logger store cannot write");
        self.health.raise(Problem {
            id: self.problem("store"),
            severity: Severity::Critical,
            source: format!("datalogger.{}", self.config.name),
            text: format!(
                "The data logger store {} cannot write: {reason}.",
                self.config.folder.display()
            ),
            action: "Check the disk and its free space; the store goes on by itself.".to_owned(),
        });
    }

    /// Marks it as working again.
    pub(super) fn clear_trouble(&self) {
        if self.trouble.lock().take().is_some() {
            tracing::info!(store = %self.config.name, "the data logger store writes again");
            self.health.clear(&self.problem("store"));
        }
    }

    pub(super) fn problem(&self, what: &str) -> String {
        format!("datalogger.{}.{what}", self.config.name)
    }

    /// Names damage on the board of problems.
    pub(super) fn report(&self, fault: Fault) {
        let name = fault.file.file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        tracing::error!(file = %fault.file.display(), reason = %fault.reason, "damaged file");
        self.health.raise(Problem {
            id: self.problem(&format!("damaged.{name}")),
            severity: Severity::Critical,
            source: format!("datalogger.{}", self.config.name),
            text: format!(
                "The data logger file {} is damaged: {}. What it held is missing here.",
                fault.file.display(),
                fault.reason
            ),
            action: "Keep the file for whoever investigates; check the disk.".to_owned(),
        });
        let mut faults = self.faults.lock();
        if faults.len() < FAULTS_MAX && !faults.contains(&fault) {
            faults.push(fault);
        }
    }

    /// Whether the disk can take more, and is to.
    pub(super) fn check_disk(&self) -> Result<(), String> {
        let found = statvfs(&self.config.folder)
            .map_err(|error| format!("its folder cannot be reached ({error})"))?;
        if found.f_flag.contains(StatVfsMountFlags::RDONLY) {
            return Err("its disk is mounted read-only".to_owned());
        }
        let percent = u64::from(self.config.reserve_percent);
        if found.f_bavail < found.f_blocks / 100 * percent {
            return Err(format!("less than {percent} % of its disk is free"));
        }
        Ok(())
    }

    /// Gives rows back to whoever handed them over.
    pub(super) fn refuse(&self, appends: impl IntoIterator<Item = Append>, error: &SinkError) {
        for append in appends {
            let rows = append.rows;
            let count = rows.len() as u64;
            self.counters.refused.fetch_add(count, Ordering::Relaxed);
            let error = error.clone();
            drop(append.fate.send(Err(Refused { error, rows })));
        }
    }

    /// Acknowledges rows. They are on disk.
    pub(super) fn acknowledge(&self, appends: Vec<Append>) {
        for append in appends {
            let count = append.rows.len() as u64;
            self.counters
                .acknowledged
                .fetch_add(count, Ordering::Relaxed);
            drop(append.fate.send(Ok(())));
        }
    }
}

/// The reason within an error, for the board of problems.
pub(super) fn reason_of(error: &SinkError) -> String {
    match error {
        SinkError::Failed { reason, .. }
        | SinkError::Read { reason, .. }
        | SinkError::Damaged { reason, .. }
        | SinkError::Open { reason, .. } => reason.clone(),
        other => other.to_string(),
    }
}

/// Whether an error says that a file is damaged.
pub(super) fn is_damaged<T>(told: &Told<T>) -> bool {
    matches!(told, Err(SinkError::Damaged { .. }))
}
