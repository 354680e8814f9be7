//! The epoch of a start: a counter that never goes back, and chance in case it does.

use std::fmt;
use std::path::Path;

use mainstem_journal::{Checked, read_checked, write_checked};
use mainstem_model::Timestamp;

use super::IdentityError;

/// Counts are of starts, or of seconds since 1970 where the file was lost.
const COUNTER_MAX: u64 = 1 << 31;
const EPOCH_FILE: &str = "epoch";

/// Tells the numbers of one start's feed from those of every other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FeedEpoch {
    /// Counts the starts of the node.
    pub counter: u64,
    /// Drawn anew at each start, for a folder that was copied or restored.
    pub random: u64,
}

impl FeedEpoch {
    /// Has the next start be beyond one that somebody else knows of: this node was put back to an
    /// earlier state. What is beyond every count of starts is not believed.
    pub fn pass(folder: &Path, known: u32) -> std::io::Result<()> {
        let path = folder.join(EPOCH_FILE);
        let known = u64::from(known);
        if let Checked::Intact(bytes) = read_checked(&path)?
            && let Ok(bytes) = bytes.try_into()
            && u64::from_le_bytes(bytes) <= known
            && known < COUNTER_MAX
        {
            // Who reads this node may have lifted the present start above the known one.
            let next = known + 1;
            write_checked(&path, &next.to_le_bytes(), 0o600)?;
        }
        Ok(())
    }

    /// Begins a new epoch and makes it last before it is used.
    pub(super) fn begin(
        folder: &Path,
        now: Timestamp,
        notices: &mut Vec<String>,
    ) -> Result<Self, IdentityError> {
        let path = folder.join(EPOCH_FILE);
        let found = read_checked(&path).map_err(|source| IdentityError::Read {
            path: path.clone(),
            source,
        })?;
        let lost = |what: String, notices: &mut Vec<String>| {
            notices.push(format!(
                "{what}; the count of starts goes on from the clock."
            ));
            // Seconds since 1970 exceed any count of starts, so the counter does not go back.
            u64::try_from(now.micros() / 1_000_000).unwrap_or(0)
        };
        let last = match found {
            Checked::Absent => 0,
            Checked::Intact(bytes) => match bytes.try_into() {
                Ok(bytes) => u64::from_le_bytes(bytes),
                Err(_) => lost(format!("{} has an unknown form", path.display()), notices),
            },
            Checked::Broken { moved_to, reason } => {
                let moved = moved_to.display();
                let text = format!("{} was damaged ({reason}), see {moved}", path.display());
                lost(text, notices)
            }
        };
        let epoch = Self {
            counter: last.saturating_add(1),
            random: rand::random(),
        };
        write_checked(&path, &epoch.counter.to_le_bytes(), 0o600)
            .map_err(|source| IdentityError::Write { path, source })?;
        Ok(epoch)
    }
}

impl fmt::Display for FeedEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:016x}", self.counter, self.random)
    }
}
