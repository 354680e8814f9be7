//! Where rows of other nodes come in: the store, the names, and who is told of it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use mainstem_journal::{Checked, read_checked, write_checked};
use mainstem_model::{Clock, Name, NodeId};
use mainstem_wire::LogSeries;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::intake::{Intake, Naming};
use super::names::{LeftOut, Names, Replica, Rule};
use crate::config::{LoggerKind, SampleMode};
use crate::recorder::{Book, Job, LoggerView, RollSetup, is_counted};
use crate::rollup::{Calendar, CounterRule, Rule as RollRule};
use crate::{LogId, Row, SeriesId, SeriesKey, SinkError};

/// What a desk works with.
pub(crate) struct DeskSetup {
    pub(crate) book: Arc<Book>,
    pub(crate) jobs: mpsc::WeakSender<Job>,
    pub(crate) own: NodeId,
    pub(crate) clock: Arc<dyn Clock>,
    /// Where the names are kept.
    pub(crate) path: PathBuf,
    /// How long rows are kept, in microseconds.
    pub(crate) minutes_raw: Option<i64>,
}

/// Where rows of other nodes come in.
pub struct Desk {
    setup: DeskSetup,
    names: Mutex<Names>,
}

/// Series as they are known here, and why others are left out.
pub(super) struct Adopted {
    pub(super) series: HashMap<u32, (SeriesId, u64, String)>,
    pub(super) left_out: Option<(String, &'static str)>,
}

impl Desk {
    pub(crate) fn open(setup: DeskSetup) -> Self {
        let replicas: Vec<Replica> = match read_checked(&setup.path) {
            Ok(Checked::Intact(bytes)) => serde_json::from_slice(&bytes).unwrap_or_default(),
            _ => Vec::new(),
        };
        let desk = Self {
            names: Mutex::new(Names::of(replicas)),
            setup,
        };
        let known: Vec<Replica> = desk.names.lock().all().cloned().collect();
        // What was replicated is shown, and rolled up, whether its node is there or not.
        match desk.register(known.iter().map(|replica| &replica.told)) {
            Ok(numbers) => {
                let opened = desk.show(known.iter().zip(numbers));
                let jobs = desk.setup.jobs.upgrade();
                // The queue is new, so it has room.
                jobs.map(|jobs| jobs.try_send(Job::OpenAll(opened)).ok());
            }
            Err(error) => tracing::error!(%error, "series of other nodes cannot be shown"),
        }
        desk
    }

    /// Begins to take in what a remote has.
    pub fn intake(self: &Arc<Self>, naming: Naming) -> Intake {
        Intake::new(Arc::clone(self), naming)
    }

    /// The series and the store.
    pub fn book(&self) -> &Arc<Book> {
        &self.setup.book
    }

    /// The wall clock.
    pub(super) fn now(&self) -> i64 {
        self.setup.clock.now().micros()
    }

    fn register<'a>(
        &self,
        told: impl Iterator<Item = &'a LogSeries>,
    ) -> Result<Vec<SeriesId>, SinkError> {
        let keys: Vec<SeriesKey> = told.filter_map(series_key).collect();
        self.setup.book.sink().register(&keys)
    }

    /// Makes series known. Blocks: new ones are on disk when this returns.
    pub(super) fn adopt(&self, told: &[LogSeries], naming: &Naming) -> Result<Adopted, SinkError> {
        let rule = Rule {
            remote: &naming.remote,
            prefix: &naming.prefix,
            is_prefixed: naming.is_prefixed,
        };
        let book = &self.setup.book;
        let is_own = |name: &Name| book.get(name.as_str()).is_some();
        let (mut taken, mut left_out) = (Vec::new(), None);
        let (mut changed, mut freed) = (Vec::new(), Vec::new());
        let mut names = self.names.lock();
        for one in told {
            // What comes back to where it was recorded is there already.
            if one.origin == self.setup.own {
                continue;
            }
            if series_key(one).is_none() {
                left_out = Some((one.name.clone(), LeftOut::Name.as_str()));
                continue;
            }
            match names.tell(one, &rule, &is_own, &mut changed, &mut freed) {
                Ok(()) => taken.push(one),
                Err(why) => left_out = Some((one.name.clone(), why.as_str())),
            }
        }
        let numbers = self.register(taken.iter().copied())?;
        if !changed.is_empty() {
            self.save(&names);
        }
        drop(names);
        freed.iter().for_each(|name| book.take_out(name));
        let shown = self.register(changed.iter().map(|replica| &replica.told))?;
        let opened = self.show(changed.iter().zip(shown));
        if let Some(jobs) = self.setup.jobs.upgrade().filter(|_| !opened.is_empty()) {
            // It ends only with the recorder.
            drop(jobs.blocking_send(Job::OpenAll(opened)));
        }
        let series = taken.iter().zip(numbers).map(|(one, number)| {
            let name = one.name.clone();
            (one.id, (number, one.key(), name))
        });
        Ok(Adopted {
            series: series.collect(),
            left_out,
        })
    }

    fn save(&self, names: &Names) {
        let all: Vec<&Replica> = names.all().collect();
        let bytes = serde_json::to_vec(&all).unwrap_or_default();
        if let Err(error) = write_checked(&self.setup.path, &bytes, 0o600) {
            tracing::warn!(%error, "the names of series of other nodes could not be kept");
        }
    }

    /// Shows series, and tells which of them are to be rolled up.
    fn show<'a>(
        &self,
        replicas: impl Iterator<Item = (&'a Replica, SeriesId)>,
    ) -> Vec<(SeriesId, RollSetup)> {
        let mut opened = Vec::new();
        for (replica, series) in replicas {
            if let Some(view) = view(replica, series) {
                if view.value_type.is_some_and(is_counted) {
                    opened.push((series, self.roll_setup(replica)));
                }
                self.setup.book.put(view);
            }
        }
        opened
    }

    fn roll_setup(&self, replica: &Replica) -> RollSetup {
        let rule = match kind(&replica.told) {
            LoggerKind::Range => RollRule::Range,
            LoggerKind::Counter => {
                let modulus = replica.told.modulus;
                RollRule::Counter(CounterRule { modulus }, Vec::new())
            }
        };
        RollSetup {
            rule,
            calendar: Calendar::new(self.setup.book.zone().clone()),
            minutes: replica.told.minutes,
            raw: self.setup.minutes_raw,
        }
    }

    /// Rows are on disk: they are rolled up, and told on if they happened just now.
    pub(super) async fn stored(&self, rows: Vec<Row>, is_live: bool) {
        let rows = Arc::new(rows);
        if is_live {
            self.setup.book.tap().pass(&rows);
        }
        self.job(Job::Rows(rows)).await;
    }

    pub(super) async fn forgone(&self, series: SeriesId, first: u64, last: u64) {
        self.job(Job::Forgone(series, first, last)).await;
    }

    async fn job(&self, job: Job) {
        if let Some(jobs) = self.setup.jobs.upgrade() {
            // It ends only with the recorder.
            drop(jobs.send(job).await);
        }
    }
}

fn kind(told: &LogSeries) -> LoggerKind {
    match told.kind.as_str() {
        "counter" => LoggerKind::Counter,
        _ => LoggerKind::Range,
    }
}

fn series_key(told: &LogSeries) -> Option<SeriesKey> {
    Some(SeriesKey {
        origin: told.origin,
        log: LogId(told.log),
        logger: Name::new(&told.logger).ok()?,
    })
}

fn view(replica: &Replica, series: SeriesId) -> Option<LoggerView> {
    let told = &replica.told;
    let datapoint = format!("{}.{}", replica.prefix, told.datapoint);
    // What is too long to be a name here cannot be read by it; the logger's own name stands for it.
    let datapoint = Name::new(&datapoint).unwrap_or_else(|_| replica.name.clone());
    let group = match replica.name.as_str().strip_suffix(told.name.as_str()) {
        Some(before) => format!("{before}{}", told.group),
        None => replica.name.to_string(),
    };
    Some(LoggerView {
        name: replica.name.clone(),
        logger: group.into(),
        datapoint,
        kind: kind(told),
        samples: match told.samples.as_str() {
            "interval" => SampleMode::Interval,
            "every" => SampleMode::Every,
            _ => SampleMode::OnChange,
        },
        minutes: told.minutes,
        modulus: told.modulus,
        unit: told.unit.as_deref().map(Into::into),
        description: told.description.as_deref().map(Into::into),
        value_type: told
            .value_type
            .as_deref()
            .and_then(|text| text.parse().ok()),
        series,
        recording: told.recording,
    })
}
