//! Takes in the rows of one remote: knows what it has, asks for what is not here, stores what comes.

mod keep;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mainstem_model::Name;
use mainstem_wire::{LOG_WANT_ROWS_MAX, LOG_WANTS_MAX, LogLine, LogWant, LogWants};
use parking_lot::Mutex;

use super::desk::Desk;
use super::frame::{self, Frame};
use super::json;
use super::plan::{count, missing};
use crate::numbers::Numbers;
use crate::{SeriesId, Sink};

/// Missing ranges of one series that are asked for at once.
const RANGES_A_SERIES: usize = 4;
/// Bytes of a row as columns, about: by it a request is kept to its size.
const ROW_BYTES: u64 = 3;
/// Between two tries of a store that takes no rows; doubled from the first to the last.
const RETRY: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(5));
/// Series that a remote may have.
const SERIES_MAX: usize = 100_000;

/// How the series of a remote are called here.
#[derive(Clone, Debug)]
pub struct Naming {
    /// The remote's name here.
    pub remote: String,
    /// What stands before its names here.
    pub prefix: Name,
    /// Whether it stands before names of loggers too.
    pub is_prefixed: bool,
}

/// Why nothing more is taken in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// The store was closed: there may be another one in a moment.
    #[error("the data logger store is closed")]
    Closed,
    /// The remote tells what cannot be.
    #[error("the remote tells what cannot be: {0}")]
    Nonsense(String),
}

/// How one series stands.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesStanding {
    /// Its name at the remote.
    pub name: String,
    /// Up to which row everything is here.
    pub watermark: u64,
    /// The last row that the remote has.
    pub last: u64,
    /// Rows that the remote has and that are not here.
    pub lag: u64,
    /// For how long there have been any.
    pub behind: Option<Duration>,
}

/// How the loggers of a remote stand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    /// Each of them, by name.
    pub series: Vec<SeriesStanding>,
    /// Why nothing is stored now.
    pub held_up: Option<String>,
    /// A series that is left out, and why.
    pub left_out: Option<(String, &'static str)>,
    /// Rows that came in, those of them that had just been recorded, and rows that will never come.
    pub rows: (u64, u64, u64),
}

#[derive(Default)]
struct State {
    series: BTreeMap<u32, Known>,
    /// Where the next request begins, so that no series waits for another for ever.
    turn: u32,
    held_up: Option<String>,
    left_out: Option<(String, &'static str)>,
    rows: (u64, u64, u64),
}

struct Known {
    local: SeriesId,
    key: u64,
    name: String,
    /// What the remote has.
    there: Numbers,
    behind: Option<Instant>,
}

/// Takes in the rows of one remote.
pub struct Intake {
    desk: Arc<Desk>,
    naming: Naming,
    state: Mutex<State>,
}

impl Intake {
    pub(super) fn new(desk: Arc<Desk>, naming: Naming) -> Self {
        Self {
            desk,
            naming,
            state: Mutex::default(),
        }
    }

    fn sink(&self) -> &Arc<dyn Sink> {
        self.desk.book().sink()
    }

    /// What a watch tells.
    pub async fn line(self: &Arc<Self>, line: LogLine) -> Result<(), Halt> {
        self.take_line(line, true).await
    }

    async fn take_line(self: &Arc<Self>, line: LogLine, is_live: bool) -> Result<(), Halt> {
        if !line.series.is_empty() {
            self.adopt(line.series).await?;
        }
        {
            let mut state = self.state.lock();
            for id in &line.ended {
                state.series.remove(id);
            }
            for (id, ranges) in &line.have {
                if let Some(known) = state.series.get_mut(id) {
                    let is_right = |range: &(u64, u64)| range.0 > 0 && range.0 <= range.1;
                    if !ranges.iter().all(is_right) {
                        return Err(Halt::Nonsense("ranges that are none".into()));
                    }
                    known.there.absorb(ranges);
                }
            }
        }
        let mut rows = Vec::new();
        for part in &line.rows {
            let Some(series) = self.local(part.id) else {
                continue;
            };
            let heard = json::heard(series, part);
            rows.extend(heard.ok_or_else(|| Halt::Nonsense("rows that are none".into()))?);
            if is_live {
                self.note_live(part.id, part.r.iter().map(|row| row.0));
            }
        }
        if is_live {
            self.leave_scattered(&mut rows);
        }
        self.store(rows, is_live).await?;
        for gone in line.gone {
            self.gone(gone).await?;
        }
        Ok(())
    }

    /// A frame of an answer.
    pub async fn frame(self: &Arc<Self>, bytes: &[u8]) -> Result<(), Halt> {
        let damaged = || Halt::Nonsense("a damaged frame".into());
        match frame::get(bytes).ok_or_else(damaged)? {
            Frame::Rows(id, mut rows) => {
                let Some(series) = self.local(id) else {
                    return Ok(());
                };
                rows.iter_mut().for_each(|row| row.series = series);
                self.store(rows, false).await
            }
            Frame::Line(line) => {
                let line = serde_json::from_slice(line);
                let line = line.map_err(|error| Halt::Nonsense(error.to_string()))?;
                self.take_line(line, false).await
            }
            Frame::Unknown => Ok(()),
        }
    }

    /// A line of an answer.
    pub async fn answered(self: &Arc<Self>, line: LogLine) -> Result<(), Halt> {
        self.take_line(line, false).await
    }

    async fn adopt(self: &Arc<Self>, told: Vec<mainstem_wire::LogSeries>) -> Result<(), Halt> {
        let mut retry = RETRY.0;
        let told = Arc::new(told);
        let adopted = loop {
            let (desk, naming) = (Arc::clone(&self.desk), self.naming.clone());
            let series = Arc::clone(&told);
            let asked = tokio::task::spawn_blocking(move || desk.adopt(&series, &naming)).await;
            match asked {
                Ok(Ok(adopted)) => break adopted,
                Ok(Err(error)) => self.wait(&error, &mut retry).await?,
                Err(error) => return Err(Halt::Nonsense(error.to_string())),
            }
        };
        let mut state = self.state.lock();
        state.held_up = None;
        state.left_out = adopted.left_out.or_else(|| state.left_out.take());
        for (id, (local, key, name)) in adopted.series {
            if state.series.len() >= SERIES_MAX && !state.series.contains_key(&id) {
                state.left_out = Some((name, "the remote has too many series"));
                continue;
            }
            let there = match state.series.remove(&id) {
                Some(known) if known.key == key => known.there,
                _ => Numbers::default(),
            };
            let known = Known {
                local,
                key,
                name,
                there,
                behind: None,
            };
            state.series.insert(id, known);
        }
        Ok(())
    }

    fn local(&self, id: u32) -> Option<SeriesId> {
        let state = self.state.lock();
        state.series.get(&id).map(|known| known.local)
    }

    fn note_live(&self, id: u32, rows: impl Iterator<Item = u64>) {
        let mut state = self.state.lock();
        if let Some(known) = state.series.get_mut(&id) {
            rows.filter(|row| *row > 0)
                .for_each(|row| known.there.insert(row, row));
        }
    }

    /// What is to be asked for next, if anything is missing. Reads the store.
    pub fn wants(&self, bytes: u64) -> Option<LogWants> {
        let mut state = self.state.lock();
        let mut left = (bytes / ROW_BYTES).max(1);
        let turn = state.turn;
        let mut want = Vec::new();
        let ids: Vec<u32> = state.series.keys().copied().collect();
        let (before, behind) = ids.split_at(ids.partition_point(|id| *id < turn));
        for id in behind.iter().chain(before) {
            if left == 0 || want.len() + RANGES_A_SERIES > LOG_WANTS_MAX {
                state.turn = *id;
                break;
            }
            if let Some(known) = state.series.get(id) {
                self.wants_of(*id, known, &mut left, &mut want);
            }
        }
        (!want.is_empty()).then_some(LogWants { want, bytes })
    }

    fn wants_of(&self, id: u32, known: &Known, left: &mut u64, want: &mut Vec<LogWant>) {
        let held = self.sink().held(known.local).unwrap_or_default();
        let mut rows = LOG_WANT_ROWS_MAX;
        for (from, to) in missing(known.there.ranges(), &held, RANGES_A_SERIES) {
            let to = to.min(from.saturating_add(rows.min(*left).max(1) - 1));
            let count = to - from + 1;
            *left = left.saturating_sub(count);
            rows = rows.saturating_sub(count);
            let key = known.key;
            want.push(LogWant { id, key, from, to });
            if rows == 0 || *left == 0 {
                break;
            }
        }
    }

    /// How everything stands. Reads the store.
    pub fn standing(&self) -> Standing {
        let mut state = self.state.lock();
        let now = Instant::now();
        let mut series: Vec<SeriesStanding> = Vec::with_capacity(state.series.len());
        for known in state.series.values_mut() {
            let held = self.sink().held(known.local).unwrap_or_default();
            let lag = count(known.there.ranges(), &held);
            match lag {
                0 => known.behind = None,
                _ => drop(known.behind.get_or_insert(now)),
            }
            series.push(SeriesStanding {
                name: known.name.clone(),
                watermark: held.first().filter(|range| range.0 == 1).map_or(0, |r| r.1),
                last: known.there.ranges().last().map_or(0, |range| range.1),
                lag,
                behind: known.behind.map(|since| now.duration_since(since)),
            });
        }
        series.sort_by(|left, right| left.name.cmp(&right.name));
        Standing {
            series,
            held_up: state.held_up.clone(),
            left_out: state.left_out.clone(),
            rows: state.rows,
        }
    }
}
