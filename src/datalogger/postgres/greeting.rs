//! What the mover and the server tell each other: whose store it is, which rows are there, what
//! people call the series.

use std::collections::HashMap;

use mainstem_journal::{Checked, read_checked, write_checked};
use mainstem_telemetry::{Problem, Severity};

use super::mover::Mover;
use super::session::AtServer;
use super::shared::{LOST, STORE, Shared};
use crate::numbers::Numbers;
use crate::{SeriesId, Sink, SinkError};

impl Mover {
    /// Whether this is the store that the spool belongs to.
    pub(super) fn recognise(&self, store: &str) -> Result<(), String> {
        let path = self.shared.folder().join(STORE);
        match read_checked(&path).map_err(|error| error.to_string())? {
            Checked::Intact(known) if known == store.as_bytes() => Ok(()),
            Checked::Intact(_) => Err(format!(
                "this is another store than the one that the spool belongs to: restore that one, \
                 or stop the node and move {} away to begin anew in this one",
                self.shared.folder().display()
            )),
            _ => write_checked(&path, store.as_bytes(), 0o600).map_err(|error| error.to_string()),
        }
    }

    /// Takes over the series of the server and the numbers of their rows. They are acknowledged
    /// here too, so that nobody sends those rows again.
    pub(super) fn adopt(&mut self, found: &[AtServer]) -> Result<(), SinkError> {
        let keys: Vec<_> = found.iter().map(|series| series.key.clone()).collect();
        let ids = self.shared.spool.register(&keys)?;
        self.stored.clear();
        let mut known = HashMap::with_capacity(ids.len());
        for (id, series) in ids.into_iter().zip(found) {
            let here = self.shared.spool.numbers(id);
            for (first, last) in &series.ranges {
                if !here.holds(*first, *last) {
                    let told = self.shared.spool.forgo(id, *first, *last).wait();
                    told.map_err(|refused| refused.error)?;
                }
            }
            known.insert(id, series.id);
            self.stored.insert(id, series.numbers());
        }
        *self.shared.ids.write() = known;
        self.shared.adopt_edits()
    }

    /// Tells the server what people call the series.
    pub(super) fn describe(&self) -> Result<(), String> {
        let about = std::mem::take(&mut *self.shared.about.lock());
        let Some(session) = self.session.clone().filter(|_| !about.is_empty()) else {
            return Ok(());
        };
        let fresh = self.shared.unknown(about.keys().copied());
        let config = self.shared.config.clone();
        let known = self.shared.ids.read().clone();
        let kept = about.clone();
        let asked = self.shared.link.begin(async move {
            let mut ids = known;
            let found = session.find(&config, &fresh).await?;
            ids.extend(found.clone());
            let mut columns = [Vec::new(), Vec::new(), Vec::new()];
            let mut series = Vec::new();
            for (id, about) in about {
                let Some(id) = ids.get(&id) else { continue };
                series.push(*id);
                columns[0].push(Some(about.name.replace('\0', "")));
                columns[1].push(about.unit.map(|text| text.replace('\0', "")));
                columns[2].push(about.description.map(|text| text.replace('\0', "")));
            }
            session.describe(&config, columns, series).await?;
            Ok::<_, String>(found)
        });
        let told = asked
            .recv()
            .unwrap_or_else(|_| Err("the store is being closed".to_owned()));
        match told {
            Ok(found) => self.shared.ids.write().extend(found),
            Err(reason) => {
                self.shared.about.lock().extend(kept);
                return Err(reason);
            }
        }
        Ok(())
    }

    /// Whether the server has all that it confirmed: a server that was restored from a backup, or
    /// whose successor had not heard of everything, has not.
    pub(super) fn compare(&mut self) {
        if self.is_compared {
            return;
        }
        self.is_compared = true;
        let lacking = |id: &SeriesId| {
            let here = self.shared.spool.numbers(*id);
            let nothing = Numbers::default();
            let there = self.stored.get(id).unwrap_or(&nothing);
            !here
                .ranges()
                .iter()
                .all(|range| there.holds(range.0, range.1))
        };
        let series = self.shared.spool.list().into_iter();
        let lost: Vec<_> = series.filter(|(id, _)| lacking(id)).collect();
        let Some((_, key)) = lost.first() else {
            return self.shared.health.clear(LOST);
        };
        self.shared.health.raise(Problem {
            id: LOST.to_owned(),
            severity: Severity::Critical,
            source: "datalogger.postgres".to_owned(),
            text: format!(
                "The PostgreSQL store lacks rows that it had confirmed, in {} series, {} among \
                 them: was it restored from an older backup, or did a replica take over?",
                lost.len(),
                key.logger
            ),
            action: "Restore a newer backup if there is one. What comes from now on is kept."
                .to_owned(),
        });
    }
}

impl Shared {
    /// The folder of the spool.
    pub(super) fn folder(&self) -> &std::path::Path {
        self.spool.folder()
    }

    /// Makes the folder of a spool ready for its owner alone.
    pub(super) fn make_folder(folder: &std::path::Path) -> std::io::Result<()> {
        std::fs::create_dir_all(folder)
    }
}
