//! Applies samples: slots, numbers and the log in one go.

use mainstem_model::{Reason, Sample, Timestamp};

use crate::catalogue::Slot;
use crate::log::{Entry, SampleEntry};
use crate::mirror::MirrorRow;
use crate::state::{Moment, State};
use crate::{PointId, SourceId};

pub(crate) fn entry_of(point: PointId, slot: &Slot, catchup: bool) -> SampleEntry {
    SampleEntry {
        point,
        quality: slot.quality,
        catchup,
        origin_epoch: slot.origin_epoch,
        origin: slot.origin,
        source_time: slot.source_time.micros(),
        value: slot.value.clone(),
    }
}

impl State {
    /// Samples that arise at this node. Returns how many were changes. What repeats a datapoint's
    /// sample makes no entry; it only confirms its source.
    pub(crate) fn apply_local(
        &mut self,
        source: SourceId,
        batch: &mut Vec<(PointId, Sample)>,
        at: Moment,
    ) -> usize {
        self.confirm(source, at);
        let before = self.log.head();
        for (id, sample) in batch.drain(..) {
            let next = self.log.next();
            let epoch = self.epoch.counter;
            let Some(point) = self.catalogue.get_mut(id).filter(|p| p.source == source) else {
                continue;
            };
            if !update(&mut point.slot, sample, epoch, next, at.wall) {
                continue;
            }
            let entry = entry_of(id, &point.slot, false);
            self.log.push(Entry::Sample(entry));
        }
        usize::try_from(self.log.head() - before).unwrap_or(usize::MAX)
    }

    /// Rows from a neighbour. What is not newer than the slot by the origin's numbers is dropped,
    /// so nothing is repeated and nothing goes back, whichever way it came. Only the trust in what
    /// is here already can change with it.
    pub(crate) fn apply_rows(
        &mut self,
        rows: &mut Vec<MirrorRow>,
        catchup: bool,
        at: Moment,
    ) -> usize {
        let before = self.log.head();
        for row in rows.drain(..) {
            let next = self.log.next();
            let Some(point) = self.catalogue.get_mut(row.point) else {
                continue;
            };
            let slot = &mut point.slot;
            let newer = (row.epoch, row.origin) > (slot.origin_epoch, slot.origin);
            if !newer && slot.sequence > 0 {
                if takes_back(slot, &row) {
                    slot.quality = row.quality;
                    slot.since = at.wall;
                    slot.sequence = next;
                    let entry = entry_of(row.point, slot, catchup);
                    self.log.push(Entry::Sample(entry));
                }
                continue;
            }
            let is_same = row.quality == slot.quality;
            *slot = Slot {
                since: if is_same { slot.since } else { at.wall },
                value: row.value,
                source_time: Timestamp::from_micros(row.time),
                received: at.wall,
                sequence: next,
                origin: row.origin,
                origin_epoch: row.epoch,
                quality: row.quality,
            };
            let entry = entry_of(row.point, slot, catchup);
            self.log.push(Entry::Sample(entry));
        }
        usize::try_from(self.log.head() - before).unwrap_or(usize::MAX)
    }

    pub(crate) fn confirm(&mut self, source: SourceId, at: Moment) {
        if let Some(source) = self.sources.get_mut(source) {
            source.confirmed = at.monotonic;
        }
    }
}

/// Whether a row that is not newer says that the value here is to be trusted otherwise: its node
/// told the same sample with another quality, or was restarted and no longer vouches for what it
/// said in its life before. After a crash it may remember less of that life than is known here.
fn takes_back(slot: &Slot, row: &MirrorRow) -> bool {
    let is_of_this_life = row.epoch == slot.origin_epoch;
    let says_so = row.origin == slot.origin || row.quality.reason == Reason::Restarted;
    is_of_this_life && says_so && row.quality != slot.quality
}

fn update(slot: &mut Slot, sample: Sample, epoch: u32, next: u64, now: Timestamp) -> bool {
    let same_time = sample
        .source_time
        .is_none_or(|time| time == slot.source_time);
    let same_value = sample.value.is_none() || sample.value == slot.value;
    let vouched = slot.origin_epoch == epoch && slot.sequence > 0;
    if vouched && same_value && same_time && sample.quality == slot.quality {
        return false;
    }
    // The time belongs to the value: a quality without a value leaves it, so that its age shows.
    let is_new = !same_value || sample.source_time.is_some() || !vouched;
    if (sample.value.is_some() && is_new) || slot.value.is_none() {
        slot.source_time = sample.source_time.unwrap_or(now);
    }
    if sample.value.is_some() {
        slot.value = sample.value;
    }
    if slot.quality != sample.quality {
        slot.quality = sample.quality;
        slot.since = now;
    }
    slot.received = now;
    slot.sequence = next;
    slot.origin = next;
    slot.origin_epoch = epoch;
    true
}
