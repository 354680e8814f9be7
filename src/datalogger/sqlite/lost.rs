//! What damage took, as gap records: which series, from when to when, and which rows, as far as that
//! is known.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use mainstem_telemetry::{Problem, Severity};
use rusqlite::Connection;

use super::blocks;
use super::file::{self, Told, read_error};
use super::merge::read_staged;
use super::part::{self, Part, each_directory};
use super::shared::Shared;
use crate::{Fault, Gap, GapCause, GapQuery, Healing, LogId, SeriesId, SinkError};

/// Gap records of one damaged file.
const RECORDS_MAX: usize = 10_000;

/// A file of which something is lost.
#[derive(Debug)]
pub(super) enum Lost {
    /// The whole part, which was set aside.
    Part(u64, PathBuf),
    /// The end of the newest part: nobody knows what was in it.
    End,
}

/// Between which times and numbers rows of a series lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hull {
    times: (i64, i64),
    numbers: (u64, u64),
}

type Hulls = BTreeMap<SeriesId, Hull>;

/// What a damaged file says of what it held.
struct Survey {
    lost: Hulls,
    /// Whether there can be nothing else.
    is_complete: bool,
}

fn widen(hulls: &mut Hulls, series: SeriesId, times: (i64, i64), numbers: (u64, u64)) {
    match hulls.entry(series) {
        Entry::Vacant(place) => drop(place.insert(Hull { times, numbers })),
        Entry::Occupied(mut place) => {
            let hull = place.get_mut();
            hull.times = (hull.times.0.min(times.0), hull.times.1.max(times.1));
            let (low, high) = hull.numbers;
            hull.numbers = (low.min(numbers.0), high.max(numbers.1));
        }
    }
}

/// Reads a damaged file as far as it can be read. All of its rows are lost, or those only that it
/// does not give back.
fn survey(path: &Path, connection: &Connection, all: bool) -> Survey {
    // Of a file that is not what it says of itself, only what has a right checksum is believed.
    let is_right = part::verify(path, connection).is_ok();
    let mut survey = Survey {
        lost: Hulls::new(),
        is_complete: is_right,
    };
    let listed = blocks::each_head(connection, |head| {
        let is_read = blocks::read(path, connection, &head).is_ok();
        if (is_read && all) || (!is_read && is_right) {
            widen(&mut survey.lost, head.series, head.times, head.numbers);
        }
    });
    let mut staged = Vec::new();
    let directories = each_directory(path, connection, |id, segments, _| {
        staged.extend(segments.iter().map(|segment| (id, segment.clone())));
        Ok(())
    });
    for (id, segment) in staged.iter().filter(|(_, segment)| segment.rows > 0) {
        if (all || read_staged(path, connection, *id, segment).is_err())
            && let Some(numbers) = segment.numbers.first().zip(segment.numbers.last())
        {
            let numbers = (numbers.0.0, numbers.1.1);
            widen(&mut survey.lost, segment.series, segment.times, numbers);
        }
    }
    survey.is_complete &= listed.is_ok() && directories.is_ok();
    survey
}

/// What parts hold of each series. One that cannot be read says nothing.
fn held(parts: &[Arc<Part>], hulls: &mut Hulls) {
    let read = |part: &Arc<Part>, hulls: &mut Hulls| -> Told<()> {
        let connection = part.borrow()?;
        let listed = blocks::each_head(&connection, |head| {
            widen(hulls, head.series, head.times, head.numbers);
        });
        listed.map_err(read_error(&part.path))?;
        each_directory(&part.path, &connection, |_, segments, _| {
            for segment in segments.iter().filter(|segment| segment.rows > 0) {
                if let Some(numbers) = segment.numbers.first().zip(segment.numbers.last()) {
                    let numbers = (numbers.0.0, numbers.1.1);
                    widen(hulls, segment.series, segment.times, numbers);
                }
            }
            Ok(())
        })?;
        part.give_back(connection);
        Ok(())
    };
    for part in parts {
        if let Err(error) = read(part, hulls) {
            tracing::warn!(%error, "a part cannot be asked what is missing beside it");
        }
    }
}

/// When a file was made, in microseconds; 0 where nobody knows.
fn birth(path: &Path) -> i64 {
    let made = std::fs::metadata(path).and_then(|metadata| metadata.created());
    let since = made.ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| {
        i64::try_from(since.as_micros()).unwrap_or_default()
    })
}

impl Shared {
    /// Damage within a part that stays: it is named, and what cannot be read is a gap from now on.
    pub(super) fn damaged(&self, part: &Arc<Part>, fault: Fault) {
        part.set_damage(fault.reason.clone());
        self.report(fault);
        let surveyed = part.borrow().map(|connection| {
            let survey = survey(&part.path, &connection, false);
            part.give_back(connection);
            survey
        });
        let lost = surveyed.map_or_else(|_| Hulls::new(), |survey| survey.lost);
        let known = lost
            .into_iter()
            .map(|(series, hull)| (series, hull.times, Some(hull.numbers)));
        self.record_gaps(known.collect());
    }

    /// What was lost with whole files is a gap from now on.
    /// `log` is the log in which this node recorded until then: of other nodes' rows whose numbers
    /// are lost too, none is missing, for they are asked for again.
    pub(super) fn lost(&self, lost: &[Lost], log: LogId) {
        for one in lost {
            let mut gaps = match one {
                Lost::Part(number, path) => self.gaps_of(*number, path),
                Lost::End => self.gaps_at_the_end(),
            };
            let is_own = |series| self.catalogue.key(series).is_some_and(|key| key.log == log);
            gaps.retain(|(series, _, rows)| rows.is_some() || is_own(*series));
            self.record_gaps(gaps);
        }
    }

    fn gaps_of(&self, number: u64, path: &Path) -> Vec<Found> {
        let opened = file::open_reader(path).ok();
        let survey = opened.map(|connection| survey(path, &connection, true));
        let survey = survey.unwrap_or(Survey {
            lost: Hulls::new(),
            is_complete: false,
        });
        let known = |(series, hull): (SeriesId, Hull)| (series, hull.times, Some(hull.numbers));
        if survey.is_complete {
            return survey.lost.into_iter().map(known).collect();
        }
        // The parts before and behind it say what is missing between them.
        let parts = self.part_list();
        let (mut before, mut behind) = (Hulls::new(), Hulls::new());
        let (earlier, later) = parts.split_at(parts.partition_point(|part| part.number < number));
        held(earlier, &mut before);
        held(later, &mut behind);
        let is_newest = behind.is_empty();
        let birth = birth(path);
        let all = self.catalogue.list().into_iter();
        let between = |series: SeriesId| {
            let ends = (before.get(&series), behind.get(&series));
            let gap = self.between(series, ends, birth, is_newest);
            let read = survey.lost.get(&series).map(|hull| known((series, *hull)));
            gap.or(read)
        };
        all.filter_map(|(series, _)| between(series)).collect()
    }

    /// What is missing of a series between what is held before and behind a lost part.
    fn between(
        &self,
        series: SeriesId,
        ends: (Option<&Hull>, Option<&Hull>),
        birth: i64,
        is_newest: bool,
    ) -> Option<Found> {
        let now = self.clock.now().micros();
        let numbers = self.numbers.read();
        let stored = numbers.get(&series).map(|numbers| numbers.ranges());
        let highest = stored.and_then(<[_]>::last).map_or(0, |range| range.1);
        drop(numbers);
        let low = ends.0.map_or(0, |before| before.numbers.1) + 1;
        let from = ends.0.map_or(birth, |before| before.times.1);
        let (times, rows) = match ends {
            (None, Some(behind)) if behind.numbers.0 > 1 => {
                // Which of them retention had taken before, nobody knows.
                ((from, behind.times.0), None)
            }
            (_, Some(behind)) if behind.numbers.0 > low => {
                ((from, behind.times.0), Some((low, behind.numbers.0 - 1)))
            }
            (_, None) if highest >= low => ((from, now), Some((low, highest))),
            (_, None) if is_newest => ((from, now), None),
            _ => return None,
        };
        Some((series, times, rows))
    }

    /// Whatever was recorded into the newest part may have gone on.
    fn gaps_at_the_end(&self) -> Vec<Found> {
        let now = self.clock.now().micros();
        let parts = self.part_list();
        let mut last = Hulls::new();
        // The newest one was begun just now.
        let with_rows = parts.iter().rev().find(|part| part.figures().rows() > 0);
        held(
            &with_rows.cloned().into_iter().collect::<Vec<_>>(),
            &mut last,
        );
        let gap = |(series, hull): (SeriesId, Hull)| (series, (hull.times.1, now), None);
        last.into_iter().map(gap).collect()
    }

    fn record_gaps(&self, mut found: Vec<Found>) {
        if found.len() > RECORDS_MAX {
            let count = found.len();
            tracing::error!(count, "damage met more series than are recorded as gaps");
            found.truncate(RECORDS_MAX);
        }
        for gap in found {
            if let Err(error) = self.record_damage(gap) {
                return self.gaps_are_lost(&error);
            }
        }
    }

    fn record_damage(&self, (series, times, rows): Found) -> Told<()> {
        // What was healed since, or is known to be gone for good, is not opened anew.
        let known = self.ledger.list(&GapQuery::of(series))?;
        let covers = |gap: &Gap| match (gap.rows, rows) {
            (Some(known), Some(rows)) => known.0 <= rows.0 && known.1 >= rows.1,
            (None, None) => gap.from <= times.0 && gap.to >= times.1,
            _ => false,
        };
        let is_known = |gap: &Gap| gap.cause == GapCause::Damage && covers(gap);
        if known.iter().any(|(_, gap)| is_known(gap)) {
            return Ok(());
        }
        let gap = Gap {
            series,
            from: times.0.min(times.1),
            to: times.1.saturating_add(1),
            rows,
            cause: GapCause::Damage,
            hop: None,
            state: Healing::Open,
            since: self.clock.now().micros(),
        };
        self.ledger.record(&gap).map(drop)
    }

    fn gaps_are_lost(&self, error: &SinkError) {
        tracing::error!(%error, "what damage took could not be recorded");
        self.health.raise(Problem {
            id: self.problem("gaps"),
            severity: Severity::High,
            source: format!("datalogger.{}", self.config.name),
            text: format!(
                "What damage took from the data logger store {} could not be recorded as gaps: \
                 {error}.",
                self.config.folder.display()
            ),
            action: "Check the disk; the damaged files are named in other problems.".to_owned(),
        });
    }
}

/// A series, from when to when it lacks rows, and which ones.
type Found = (SeriesId, (i64, i64), Option<(u64, u64)>);
