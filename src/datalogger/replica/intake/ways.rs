//! Rows that come by several ways: what one of them no longer has is not given up while another
//! has it.

use std::collections::HashMap;

use super::super::plan::{missing, within};
use super::Intake;
use crate::SeriesId;
use crate::numbers::Numbers;

impl Intake {
    /// What the remote has of a series, as far as it did not say that it is gone.
    pub(in crate::replica) fn offered(&self, series: SeriesId) -> Vec<(u64, u64)> {
        let state = self.state.lock();
        let known = state.series.values().find(|known| known.local == series);
        known.map_or_else(Vec::new, |known| {
            missing(known.there.ranges(), known.gone.ranges(), usize::MAX)
        })
    }

    /// The remote said that rows are gone.
    pub(super) fn note_gone(&self, id: u32, (from, to): (u64, u64)) {
        if let Some(known) = self.state.lock().series.get_mut(&id) {
            known.gone.absorb(&[(from, to)]);
        }
    }

    /// By series: what is gone at this remote and to be had by another way. Asking for it here would
    /// only bring the same answer again.
    pub(super) fn left_to_others(&self) -> HashMap<u32, Numbers> {
        let gone: Vec<(u32, SeriesId, Numbers)> = {
            let state = self.state.lock();
            let series = state.series.iter();
            let gone = series.filter(|(_, known)| !known.gone.ranges().is_empty());
            gone.map(|(id, known)| (*id, known.local, known.gone.clone()))
                .collect()
        };
        let is_open = |(_, local, gone): &(u32, SeriesId, Numbers)| {
            let held = self.sink().held(*local).unwrap_or_default();
            !missing(gone.ranges(), &held, 1).is_empty()
        };
        // Without the lock: two ways that look at each other would wait for each other.
        let others = gone.into_iter().filter(is_open).map(|(id, local, gone)| {
            let elsewhere = self.desk.elsewhere(self, local);
            let mut left = Numbers::default();
            for (first, last) in gone.ranges() {
                left.absorb(&within(elsewhere.ranges(), *first, *last));
            }
            (id, left)
        });
        others.collect()
    }
}
