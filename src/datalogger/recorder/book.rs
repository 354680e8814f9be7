//! The series of a node, as the API shows them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::tz::TimeZone;
use mainstem_model::{Name, ValueType};
use parking_lot::RwLock;

use super::door::Door;
use crate::config::{LoggerKind, SampleMode};
use crate::replica::Tap;
use crate::{SeriesId, Sink};

/// One recorded series.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggerView {
    /// Its name: the id of the logger, or that and the datapoint where the logger has patterns.
    pub name: Name,
    /// The id of the logger.
    pub logger: Arc<str>,
    /// The datapoint that it records.
    pub datapoint: Name,
    /// What is made of it.
    pub kind: LoggerKind,
    /// Which samples are kept.
    pub samples: SampleMode,
    /// Whether minutes are rolled up.
    pub minutes: bool,
    /// Where a counter begins with 0 again.
    pub modulus: Option<f64>,
    /// The unit of its values.
    pub unit: Option<Box<str>>,
    /// What it is.
    pub description: Option<Box<str>>,
    /// The type of the datapoint, as far as it is known.
    pub value_type: Option<ValueType>,
    /// Its number in the sink.
    pub series: SeriesId,
    /// Whether the datapoint is there.
    pub recording: bool,
}

/// All series, and the sink that they are in.
pub struct Book {
    sink: Arc<dyn Sink>,
    zone: TimeZone,
    series: RwLock<BTreeMap<Name, LoggerView>>,
    door: Door,
    /// Counts changes of the series.
    version: AtomicU64,
    tap: Tap,
    /// Series whose logger is not in the node file any more.
    ended: RwLock<BTreeSet<Name>>,
}

impl Book {
    pub(crate) fn new(sink: Arc<dyn Sink>, zone: TimeZone) -> Self {
        Self {
            sink,
            zone,
            series: RwLock::default(),
            door: Door::default(),
            version: AtomicU64::default(),
            tap: Tap::default(),
            ended: RwLock::default(),
        }
    }

    /// Where rows and roll-ups are.
    pub fn sink(&self) -> &Arc<dyn Sink> {
        &self.sink
    }

    /// Where rows are brought: imported ones, and edits.
    pub fn door(&self) -> &Door {
        &self.door
    }

    /// The series with a number in the sink.
    pub fn of_series(&self, series: SeriesId) -> Option<LoggerView> {
        let views = self.series.read();
        views.values().find(|view| view.series == series).cloned()
    }

    /// The zone by which roll-ups are counted.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// What the zone is called.
    pub fn zone_name(&self) -> String {
        self.zone.iana_name().unwrap_or("UTC").to_owned()
    }

    /// The series behind a name, in the order of their names, at most so many.
    pub fn list(&self, after: Option<&Name>, limit: usize) -> Vec<LoggerView> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = after.map_or(Unbounded, Excluded);
        let series = self.series.read();
        let behind = series.range::<Name, _>((from, Unbounded));
        behind.take(limit).map(|(_, view)| view.clone()).collect()
    }

    /// One series.
    pub fn get(&self, name: &str) -> Option<LoggerView> {
        let name = Name::new(name).ok()?;
        self.series.read().get(&name).cloned()
    }

    /// Where rows pass that were stored just now.
    pub fn tap(&self) -> &Tap {
        &self.tap
    }

    /// Another number than before means that series changed.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Whether the logger of a series is not in the node file any more. Its rows can be read.
    pub fn has_ended(&self, name: &Name) -> bool {
        self.ended.read().contains(name)
    }

    pub(crate) fn set_ended(&self, name: Name) {
        self.ended.write().insert(name);
    }

    pub(crate) fn put(&self, view: LoggerView) {
        self.ended.write().remove(&view.name);
        self.series.write().insert(view.name.clone(), view);
        self.version.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn take_out(&self, name: &Name) {
        self.series.write().remove(name);
        self.version.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn set_recording(&self, name: &Name, recording: bool) {
        if let Some(view) = self.series.write().get_mut(name) {
            view.recording = recording;
        }
        self.version.fetch_add(1, Ordering::AcqRel);
    }
}
