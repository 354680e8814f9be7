//! A datapoint that nobody confirms does not stay good, and a device that stands still is found.

use std::time::Duration;

use mainstem_model::Monotonic;

use crate::PointId;
use crate::intake::{Intake, IntakeState};
use crate::slot::Word;

/// Two checks are never closer together, however many deadlines there are.
const CHECK_SPACING_MIN: Duration = Duration::from_millis(50);

impl Intake {
    /// Marks what nobody has spoken of in time, what has become stale and what is frozen, and
    /// says when to look again; `None` while there is no session (the source itself is not good
    /// then) or nothing to supervise.
    pub(crate) fn supervise(&self, now: Monotonic) -> Option<Monotonic> {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        if !state.is_online || (self.supervised.is_empty() && !state.trust.awaits()) {
            return None;
        }
        let mut next: Option<Monotonic> = None;
        let mut frozen = Vec::new();
        let mut look_at = |moment: Monotonic| {
            next = Some(next.map_or(moment, |earlier| earlier.min(moment)));
        };
        if state.trust.awaits() {
            self.call_roll(state, now, &mut look_at);
        }
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
                    && let Some(sample) = slot.lapse()
                {
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
        self.apply(state);
        // Tells whose roll is complete, too.
        state.trust.freeze(&*self.site, &frozen);
        let earliest = now.after(CHECK_SPACING_MIN);
        next.map(|moment| moment.max(earliest))
    }

    /// Whoever was not spoken of in time says so by itself, and its source waits for it no more.
    fn call_roll(
        &self,
        state: &mut IntakeState,
        now: Monotonic,
        look_at: &mut impl FnMut(Monotonic),
    ) {
        for (index, (slot, rule)) in (0..).zip(state.slots.iter_mut().zip(&self.rules)) {
            // A sub-source that is down says enough; its time begins anew when it comes back.
            if slot.word != Word::Awaited || !state.trust.is_reported_good(rule.device) {
                continue;
            }
            let due = slot.awaited_since.after(rule.first_word_within);
            if now < due {
                look_at(due);
                continue;
            }
            state.trust.heard(rule.device);
            if let Some(sample) = slot.overdue() {
                state.batch.push((PointId(index), sample));
            }
        }
    }
}

/// How soon a device that lives again is trusted again.
const THAW_CHECK: Duration = Duration::from_secs(1);
