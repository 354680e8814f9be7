//! Rows of the neighbour, in our numbers.

use mainstem_model::{Quality, Reason};
use mainstem_store::MirrorRow;
use mainstem_wire::{Cursor, Line, decode_row, parse_value};

use super::Mirror;

impl Mirror {
    pub(super) fn rows(&mut self, line: &Line<'_>) {
        // Rows of one source stand together, so its epoch is looked up once.
        let mut known: Option<(u32, (u32, u32))> = None;
        for (row, time, origin) in decode_row(line) {
            self.counters.rows += 1;
            let Some(Some(point)) = self.points.get(row.id as usize).copied() else {
                continue;
            };
            let told = match known {
                Some((source, epoch)) if source == point.source => epoch,
                _ => {
                    let Some(mapped) = self.sources.get(&point.source) else {
                        continue;
                    };
                    let told = (mapped.epoch, mapped.lifted_from);
                    known = Some((point.source, told));
                    told
                }
            };
            let mut quality = Quality::from_code(row.quality);
            let value = match row.value.get() {
                "null" => None,
                _ => match parse_value(row.value, point.value_type) {
                    Ok(value) => Some(value),
                    Err(_) => {
                        self.counters.bad_values += 1;
                        quality = Quality::of(Reason::BadType);
                        None
                    }
                },
            };
            let epoch = row.epoch.map_or(told.0, |epoch| lifted(epoch, told));
            self.pending.push(MirrorRow {
                point: point.id,
                quality,
                epoch,
                origin,
                time,
                value,
            });
        }
    }

    /// Applies the rows that wait, together with the cursor that covers them.
    pub(super) fn apply_pending(&mut self) -> usize {
        let cursor = self.place.and_then(|sequence| self.cursor_at(sequence));
        if self.pending.is_empty() && cursor.is_none() {
            return 0;
        }
        let catchup = self.pending_catchup && !self.startup_events;
        let changes = self
            .store
            .apply_mirror(self.link, &mut self.pending, catchup, cursor);
        self.counters.changes += changes as u64;
        changes
    }

    /// During a snapshot there is no place to go on from: what is incomplete has to begin again.
    fn cursor_at(&self, sequence: u64) -> Option<Cursor> {
        let hello = self.hello.as_ref()?;
        if self.seen.is_some() {
            return None;
        }
        Some(Cursor {
            epoch: hello.epoch,
            sequence,
            filter: hello.filter,
        })
    }
}

/// A row's own epoch counter: lifted as that of its source is, if it is not of an earlier life.
pub(super) fn lifted(epoch: u32, (here, told): (u32, u32)) -> u32 {
    if epoch < told {
        return epoch;
    }
    epoch.saturating_add(here - told)
}
