//! A datapoint that nobody confirms does not stay good, and a device that stands still is found.

use std::time::Duration;

use mainstem_model::{Monotonic, Quality, Reason, Sample, Status, Timestamp};

use crate::PointId;
use crate::intake::Intake;

/// Two checks are never closer together, however many deadlines there are.
const CHECK_SPACING_MIN: Duration = Duration::from_millis(50);

impl Intake {
    /// Marks what has become stale or frozen, and says when to look again; `None` while there is
    /// no session (the source itself is not good then) or nothing to supervise.
    pub(crate) fn supervise(&self, wall: Timestamp, now: Monotonic) -> Option<Monotonic> {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        if !state.is_online || self.supervised.is_empty() {
            return None;
        }
        let mut next: Option<Monotonic> = None;
        let mut frozen = Vec::new();
        let mut look_at = |moment: Monotonic| {
            next = Some(next.map_or(moment, |earlier| earlier.min(moment)));
        };
        for &index in &self.supervised {
            let (rule, slot) = (
                &self.rules[index as usize],
                &mut state.slots[index as usize],
            );
            if let Some(limit) = rule.stale_after {
                let due = slot.confirmed.after(limit);
                // What is stale already cannot be so anew before the limit has passed once more.
                look_at(if now < due { due } else { now.after(limit) });
                if now >= due
                    && slot.is_known
                    && slot.quality.status < Status::Bad
                    && slot.quality.reason != Reason::Stale
                {
                    slot.quality = Quality::of(Reason::Stale);
                    let sample = Sample::without_value(slot.quality, Some(wall));
                    state.batch.push((PointId(index), sample));
                }
            }
            if let Some(limit) = rule.life {
                let due = slot.changed.after(limit);
                if now < due {
                    look_at(due);
                } else {
                    frozen.push(rule.device);
                    // Nobody else notices when it moves again.
                    look_at(now.after(limit.min(THAW_CHECK)));
                }
            }
        }
        if !state.batch.is_empty() {
            self.site.apply(&mut state.batch);
            state.batch.clear();
        }
        state.trust.freeze(&*self.site, &frozen);
        let earliest = now.after(CHECK_SPACING_MIN);
        next.map(|moment| moment.max(earliest))
    }
}

/// How soon a device that lives again is trusted again.
const THAW_CHECK: Duration = Duration::from_secs(1);
