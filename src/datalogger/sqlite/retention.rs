//! What is kept how long: whole files go, the oldest first.

use std::sync::Arc;

use rustix::fs::statvfs;

use super::file::{self, Told, open_error};
use super::part::Part;
use super::shared::Shared;
use crate::{Policy, Retained};

/// A part takes at most this share of its disk.
const PARTS_A_DISK: u64 = 32;
/// Smaller parts would be more heads than rows.
const PART_BYTES_MIN: u64 = 1 << 20;

impl Shared {
    /// Deletes what a policy does not keep. The newest part always stays.
    pub(super) fn retain(&self, policy: &Policy) -> Told<Retained> {
        let now = self.clock.now().micros();
        let mut retained = Retained::default();
        if let Some(age) = policy.minutes {
            let minutes = self.rolled.retain(now.saturating_sub(age))?;
            retained.files += minutes.files;
            retained.bytes += minutes.bytes;
        }
        if let Some(age) = policy.raw {
            let before = now.saturating_sub(age);
            let parts = self.part_list();
            for (index, part) in parts.iter().enumerate() {
                let next = parts.get(index + 1).map(|next| next.figures().created);
                if let Some(closed) = next
                    && end_of(part, closed) < before
                {
                    self.delete(part, &mut retained)?;
                }
            }
        }
        if let Some(budget) = self.budget(policy) {
            while self.bytes() > budget {
                let parts = self.part_list();
                let [oldest, _, ..] = parts.as_slice() else {
                    break;
                };
                self.delete(oldest, &mut retained)?;
            }
        }
        Ok(retained)
    }

    /// Bytes of a part at which it is closed: on a small disk a small share, so that there is an
    /// older one to delete when the store has what it may take.
    pub(super) fn part_bytes(&self) -> u64 {
        let disk = statvfs(&self.config.folder).ok();
        let disk = disk.map(|disk| disk.f_blocks.saturating_mul(disk.f_frsize));
        let share = disk.map_or(u64::MAX, |bytes| (bytes / PARTS_A_DISK).max(PART_BYTES_MIN));
        self.config.part_bytes.min(share)
    }

    /// Bytes that the store may take.
    pub(super) fn budget(&self, policy: &Policy) -> Option<u64> {
        let share = policy.disk_percent.and_then(|percent| {
            let disk = statvfs(&self.config.folder).ok()?;
            Some(disk.f_blocks.saturating_mul(disk.f_frsize) / 100 * u64::from(percent))
        });
        match (policy.bytes, share) {
            (Some(bytes), Some(share)) => Some(bytes.min(share)),
            (bytes, share) => bytes.or(share),
        }
    }

    pub(super) fn delete(&self, part: &Arc<Part>, retained: &mut Retained) -> Told<()> {
        self.parts
            .write()
            .retain(|other| other.number != part.number);
        part.close_idle();
        retained.files += 1;
        retained.bytes += file::bytes_of(&part.path);
        retained.rows += part.figures().rows();
        file::delete(&part.path).map_err(|error| open_error(&part.path, error))
    }

    /// Bytes of all files of the store.
    pub(super) fn bytes(&self) -> u64 {
        let parts = self.part_list();
        let samples: u64 = parts.iter().map(|part| file::bytes_of(&part.path)).sum();
        let rolled = self.rolled.files();
        let rolled: u64 = rolled.iter().map(|path| file::bytes_of(path)).sum();
        samples + rolled + file::bytes_of(&self.config.folder.join(super::desk::CATALOGUE))
    }
}

/// The newest time of a part. A device's clock that runs years ahead must not keep it for ever,
/// so what lies behind the moment when the part was closed does not count.
fn end_of(part: &Part, closed: i64) -> i64 {
    part.figures()
        .times()
        .map_or(i64::MIN, |times| times.1.min(closed))
}
