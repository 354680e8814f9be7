//! Registers what is to be recorded: the series in the sink, and where each of them goes on.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use mainstem_model::{Name, Quality, Reason};
use mainstem_store::{Chunk, Item, PointId};

use super::{Enrolment, Feed};
use crate::config::{LoggerConfig, SampleMode};
use crate::recorder::rolling::RollSetup;
use crate::recorder::rolls::Job;
use crate::recorder::sampler::{Kept, Sampler};
use crate::recorder::track::Track;
use crate::recorder::value::is_counted;
use crate::recorder::{LoggerView, remembered};
use crate::rollup::Calendar;
use crate::{About, Row, SeriesId, SeriesKey, Sink, SinkError};

/// What the sink knows of a series.
struct Known {
    series: SeriesId,
    next: u64,
    last: Option<Row>,
}

impl Feed {
    /// Shows the loggers of one datapoint each, whether it is there or not.
    pub(super) fn list_singles(&mut self) -> Result<(), SinkError> {
        let singles: Vec<(usize, Name)> = self
            .plan
            .singles()
            .map(|(place, name)| (place, name.clone()))
            .collect();
        let mut keys = Vec::new();
        let mut listed = Vec::new();
        for (place, datapoint) in singles {
            let Some(logger) = self.plan.logger(place) else {
                continue;
            };
            let Ok(series) = Name::new(&logger.id) else {
                continue;
            };
            keys.push(self.key(&series));
            listed.push((place, series, datapoint));
        }
        let numbers = self.sink.register(&keys)?;
        for ((place, series, datapoint), number) in listed.into_iter().zip(numbers) {
            if let Some(logger) = self.plan.logger(place) {
                let view = view(&logger.id, &logger.config, series, datapoint, number);
                self.book.put(view);
            }
        }
        Ok(())
    }

    /// Shows series that were recorded before, and whose datapoint or logger is not there now.
    pub(super) fn list_ended(&self, path: &Path, mine: &HashMap<Name, SeriesId>) {
        for one in remembered::read(path) {
            let Ok(name) = Name::new(&one.name) else {
                continue;
            };
            let series = mine
                .get(&name)
                .filter(|_| self.book.get(name.as_str()).is_none());
            let Some(view) = series.and_then(|series| one.view(*series)) else {
                continue;
            };
            self.book.put(view);
            if !self.plan.has(&one.logger) {
                self.book.set_ended(name);
            }
        }
    }

    fn key(&self, series: &Name) -> SeriesKey {
        SeriesKey {
            origin: self.store.setup().node,
            log: self.sink.log_id(),
            logger: series.clone(),
        }
    }

    /// Begins to record what a chunk defines.
    pub(super) async fn enrol(&mut self, chunk: &Chunk) {
        let new = self.enrolments(chunk);
        if new.is_empty() {
            return;
        }
        let keys: Vec<SeriesKey> = new.iter().map(|one| self.key(&one.series)).collect();
        let sink = Arc::clone(&self.sink);
        let asked = tokio::task::spawn_blocking(move || ask(&*sink, &keys)).await;
        match asked {
            Ok(Ok(known)) => {
                for (one, known) in new.into_iter().zip(known) {
                    self.begin(one, known).await;
                }
            }
            Ok(Err(error)) => {
                tracing::error!(%error, series = new.len(), "series cannot be recorded");
            }
            Err(error) => tracing::error!(%error, "series cannot be recorded"),
        }
    }

    fn enrolments(&self, chunk: &Chunk) -> Vec<Enrolment> {
        let mut new = Vec::new();
        for item in &chunk.items {
            let Item::Define(frame) = item else { continue };
            let Ok(name) = Name::new(&frame.name) else {
                continue;
            };
            // A snapshot that was begun anew tells what is recorded already.
            if self.tracks.is_tracked(PointId(frame.id)) {
                continue;
            }
            for (place, series) in self.plan.of(&self.store, &name, &self.known) {
                new.push(Enrolment {
                    point: PointId(frame.id),
                    place,
                    series,
                    frame: frame.clone(),
                });
            }
        }
        new
    }

    async fn begin(&mut self, one: Enrolment, known: Known) {
        let Some(logger) = self.plan.logger(one.place) else {
            return;
        };
        let config = &logger.config;
        let last = known.last.map(|row| Kept {
            time: row.time,
            value: row.value,
            quality: Quality::from_code(row.quality),
        });
        let mut sampler = Sampler::new(config.samples, config.deadband, last);
        // What was recorded last does not hold until now: the node was away in between.
        let stopped = Quality::of(Reason::Stopped);
        let alive = self.alive.map_or(i64::MIN, |alive| alive.micros());
        let end = sampler.end(stopped, alive);
        let (datapoint, frame) = (Name::new(&one.frame.name), &one.frame);
        if let Ok(datapoint) = datapoint {
            let mut view = view(
                &logger.id,
                config,
                one.series.clone(),
                datapoint,
                known.series,
            );
            view.unit = view.unit.or_else(|| frame.unit.clone());
            view.description = view.description.or_else(|| frame.description.clone());
            view.value_type = Some(frame.value_type);
            view.recording = true;
            self.sink.describe(&[(known.series, about(&view))]);
            self.book.put(view);
        }
        let roll = is_counted(frame.value_type).then(|| RollSetup {
            rule: config.rule(),
            calendar: Calendar::new(self.book.zone().clone()),
            minutes: config.minutes,
            raw: self.minutes_raw,
        });
        let interval = (config.samples == SampleMode::Interval)
            .then(|| i64::try_from(config.interval.as_micros()).unwrap_or(i64::MAX));
        // Rows that it had before may still wait for the disk.
        let resting = self.resting.remove(&known.series);
        let mut track = Track {
            name: one.series,
            series: known.series,
            sampler,
            next: known.next.max(resting.unwrap_or_default()),
            interval,
        };
        if let Some(kept) = end {
            let row = track.row(kept, self.store.clock().now().micros());
            self.figures.gaps.inc();
            self.rows.push(row);
        }
        let series = track.series;
        self.tracks.add(one.point, track);
        if let Some(setup) = roll {
            self.job(Job::Open(series, setup)).await;
        }
    }
}

/// Registers series and asks where they go on. Blocks.
fn ask(sink: &dyn Sink, keys: &[SeriesKey]) -> Result<Vec<Known>, SinkError> {
    let numbers = sink.register(keys)?;
    let known = numbers.into_iter().map(|series| {
        Ok(Known {
            series,
            next: sink.watermark(series)? + 1,
            last: sink.last(series)?,
        })
    });
    known.collect()
}

fn about(view: &LoggerView) -> About {
    About {
        name: view.name.to_string(),
        unit: view.unit.as_deref().map(str::to_owned),
        description: view.description.as_deref().map(str::to_owned),
    }
}

fn view(
    id: &Arc<str>,
    config: &LoggerConfig,
    name: Name,
    datapoint: Name,
    series: SeriesId,
) -> LoggerView {
    LoggerView {
        name,
        logger: Arc::clone(id),
        datapoint,
        kind: config.kind,
        samples: config.samples,
        minutes: config.minutes,
        modulus: config.modulus,
        unit: config.unit.as_deref().map(Into::into),
        description: config.description.as_deref().map(Into::into),
        value_type: None,
        series,
        recording: false,
    }
}
