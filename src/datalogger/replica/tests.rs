//! Nodes with real stores and no network between them, driven by a seed: lines and answers are cut,
//! come in another order or not at all, nodes crash, and retention overtakes whoever was away.
//! A line, two plants that both replicate it, and a top that replicates both plants.
#![allow(
    clippy::disallowed_methods,
    reason = "the tests take their seeds from the environment"
)]

mod held_up;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;
use mainstem_model::{GlobSet, ManualClock, Name, NodeId, Timestamp};
use mainstem_telemetry::Health;
use mainstem_wire::LogLine;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use tempfile::TempDir;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::*;
use crate::config::{LoggerKind, SampleMode};
use crate::recorder::{Book, LoggerView};
use crate::{
    GapCause, GapQuery, Logged, Policy, Row, RowQuery, SeriesId, SeriesKey, Sink, SqliteConfig,
    SqliteSink, Synchronous,
};

/// Seeds without anybody asking.
const SEEDS: u64 = 12;
const STEPS: u32 = 120;

struct Node {
    id: NodeId,
    folder: PathBuf,
    sink: Arc<SqliteSink>,
    desk: Arc<Desk>,
    /// By the place of the node below.
    intakes: Vec<(usize, Arc<Intake>, Watch)>,
    below: Vec<(usize, &'static str)>,
}

impl Node {
    fn open(id: NodeId, folder: PathBuf, below: Vec<(usize, &'static str)>) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_000_000_000)));
        let config = SqliteConfig {
            synchronous: Synchronous::Normal,
            check_at_start: false,
            reserve_percent: 0,
            ..SqliteConfig::new(&folder)
        };
        let health = Health::new(Arc::clone(&clock) as Arc<_>);
        let sink = Arc::new(SqliteSink::open(config, health, clock.clone()).unwrap());
        let book = Arc::new(Book::new(Arc::clone(&sink) as Arc<dyn Sink>, TimeZone::UTC));
        let desk = Arc::new(Desk::open(DeskSetup {
            book,
            // Nobody rolls up here.
            jobs: mpsc::channel(1).0.downgrade(),
            own: id,
            clock,
            path: folder.join("replicas"),
            minutes_raw: None,
        }));
        let mut node = Self {
            id,
            folder,
            sink,
            desk,
            intakes: Vec::new(),
            below,
        };
        node.connect();
        node
    }

    /// Every link begins anew.
    fn connect(&mut self) {
        let intakes = self.below.iter().map(|&(place, name)| {
            let naming = Naming {
                remote: name.to_owned(),
                prefix: Name::new(name).unwrap(),
                is_prefixed: true,
            };
            let intake = Arc::new(self.desk.intake(naming));
            (place, intake, Watch::default())
        });
        self.intakes = intakes.collect();
    }

    fn crash(self) -> Self {
        self.sink.close();
        let Self {
            id, folder, below, ..
        } = self;
        Self::open(id, folder, below)
    }

    fn series(&self) -> Option<SeriesId> {
        self.sink.list().first().map(|(series, _)| *series)
    }

    fn rows(&self) -> Vec<Row> {
        let Some(series) = self.series() else {
            return Vec::new();
        };
        let query = RowQuery {
            series,
            after: 0,
            limit: u64::MAX,
        };
        let rows = self.sink.rows(&query).unwrap();
        rows.map(Result::unwrap).collect()
    }
}

fn row(series: SeriesId, number: u64) -> Row {
    let at = number.cast_signed() * 1000;
    Row {
        series,
        row: number,
        // Some come late.
        time: if number.is_multiple_of(7) {
            at - 20_000
        } else {
            at
        },
        received: number.is_multiple_of(5).then_some(at),
        value: match number % 4 {
            0 => Logged::Text(format!("text {number}").into()),
            1 => Logged::Integer(number.cast_signed()),
            _ => Logged::Number(f64::from(u32::try_from(number).unwrap()) / 8.0),
        },
        quality: 0,
    }
}

struct World {
    random: StdRng,
    nodes: Vec<Option<Node>>,
    recorded: u64,
    runtime: tokio::runtime::Runtime,
    retained: bool,
    _folder: TempDir,
}

impl World {
    fn new(seed: u64) -> Self {
        let folder = TempDir::new().unwrap();
        let below: [Vec<(usize, &'static str)>; 4] = [
            vec![],
            vec![(0, "line")],
            vec![(0, "line")],
            vec![(1, "left"), (2, "right")],
        ];
        let nodes = (0_u128..).zip(below).map(|(place, below)| {
            let id = NodeId(Uuid::from_u128(place + 1));
            Some(Node::open(id, folder.path().join(place.to_string()), below))
        });
        let nodes: Vec<_> = nodes.collect();
        let mut world = Self {
            random: StdRng::seed_from_u64(seed),
            nodes,
            recorded: 0,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()
                .unwrap(),
            retained: false,
            _folder: folder,
        };
        world.show_line();
        world
    }

    fn node(&self, place: usize) -> &Node {
        self.nodes[place].as_ref().unwrap()
    }

    /// What a recorder does at its start.
    fn show_line(&mut self) {
        let line = self.node(0);
        let name = Name::new("boiler").unwrap();
        let key = SeriesKey {
            origin: line.id,
            log: line.sink.log_id(),
            logger: name.clone(),
        };
        let series = line.sink.series(&key).unwrap();
        line.desk.book().put(LoggerView {
            name,
            logger: "boiler".into(),
            datapoint: Name::new("plc.boiler").unwrap(),
            kind: LoggerKind::Range,
            samples: SampleMode::Every,
            minutes: false,
            modulus: None,
            unit: None,
            description: None,
            value_type: None,
            series,
            recording: true,
        });
    }

    fn record(&mut self) {
        let count = self.random.random_range(1..60);
        let line = self.node(0);
        let series = line.series().unwrap();
        let rows: Vec<Row> = (self.recorded + 1..=self.recorded + count)
            .map(|number| row(series, number))
            .collect();
        line.sink.append(rows.clone()).wait().unwrap();
        line.desk.book().tap().pass(&Arc::new(rows.clone()));
        self.recorded += count;
        // Whoever follows is told at once, or is not.
        for place in [1, 2] {
            if self.random.random_bool(0.5) {
                let Some(reader) = self.nodes[place].as_mut() else {
                    continue;
                };
                for (_, intake, watch) in &mut reader.intakes {
                    for line in watch.live(&rows) {
                        self.runtime.block_on(intake.line(carried(&line))).unwrap();
                    }
                }
            }
        }
    }

    /// One look of the watch and one request, each of which may be cut.
    fn exchange(&mut self, upper: usize, link: usize, is_whole: bool) {
        let lower = self.node(upper).intakes[link].0;
        let served = Arc::clone(self.node(lower).desk.book());
        let own = self.node(lower).id;
        let (intake, mut lines) = {
            let (_, intake, watch) = &mut self.nodes[upper].as_mut().unwrap().intakes[link];
            let series = catalogue(&served, &GlobSet::everything(), &|_| true);
            let mut lines = watch.describe(series);
            let sink = Arc::clone(served.sink());
            lines.extend(watch.ranges(&|series| sink.held(series)).unwrap());
            (Arc::clone(intake), lines)
        };
        if !is_whole && self.random.random_bool(0.1) {
            // The connection breaks: a watch is never gone on with.
            lines.truncate(1);
            self.nodes[upper].as_mut().unwrap().connect();
        }
        for line in lines {
            self.runtime.block_on(intake.line(carried(&line))).unwrap();
        }
        let bytes = if is_whole {
            1 << 20
        } else {
            self.random.random_range(1..3000)
        };
        let Some(wants) = intake.wants(bytes) else {
            return;
        };
        let as_columns = self.random.random_bool(0.5);
        let mut parts = Vec::new();
        let mut send = |part: Part| {
            parts.push(part);
            true
        };
        let store = (&**served.sink(), own);
        answer_rows(store, &wants, as_columns, &|_| true, &mut send).unwrap();
        if !is_whole {
            parts.shuffle(&mut self.random);
            let kept = self.random.random_range(0..=parts.len());
            parts.truncate(kept);
        }
        for part in parts {
            if as_columns {
                self.runtime.block_on(intake.frame(&part)).unwrap();
            } else {
                let line: LogLine = serde_json::from_slice(&part).unwrap();
                self.runtime.block_on(intake.answered(line)).unwrap();
            }
        }
    }

    fn step(&mut self) {
        match self.random.random_range(0..20) {
            0..6 => self.record(),
            6 => {
                let place = self.random.random_range(0..self.nodes.len());
                let node = self.nodes[place].take().unwrap();
                self.nodes[place] = Some(node.crash());
                if place == 0 {
                    self.show_line();
                }
                // Whoever read it has to ask anew.
                self.nodes.iter_mut().flatten().for_each(Node::connect);
            }
            7 if self.random.random_bool(0.3) => self.retain(),
            _ => {
                let upper = self.random.random_range(1..4);
                let link = self.random.random_range(0..self.node(upper).intakes.len());
                self.exchange(upper, link, false);
            }
        }
    }

    fn retain(&mut self) {
        let place = self.random.random_range(0..2);
        let sink = &self.node(place).sink;
        sink.rotate().unwrap();
        let policy = Policy {
            raw: None,
            minutes: None,
            bytes: Some(0),
            disk_percent: None,
        };
        self.retained |= sink.retain(&policy).unwrap().rows > 0;
    }

    fn settle(&mut self) {
        for _ in 0..6 {
            for (upper, link) in [(1, 0), (2, 0), (3, 0), (3, 1)] {
                self.exchange(upper, link, true);
                self.exchange(upper, link, true);
            }
        }
    }

    /// Every number is accounted for once: it is held, or was, or a gap says why it never will be.
    fn check(&self, seed: u64) {
        for place in 1..4 {
            let node = self.node(place);
            let series = node.series().unwrap();
            let mark = node.sink.watermark(series).unwrap();
            assert_eq!(
                mark, self.recorded,
                "seed {seed}: node {place} has everything"
            );
            let rows = node.rows();
            let numbers: BTreeSet<u64> = rows.iter().map(|row| row.row).collect();
            assert_eq!(
                numbers.len(),
                rows.len(),
                "seed {seed}: a row is there twice"
            );
            for stored in &rows {
                assert_eq!(
                    *stored,
                    row(series, stored.row),
                    "seed {seed}: node {place}"
                );
            }
            let gaps = node.sink.gaps(&GapQuery::of(series)).unwrap();
            let known: Vec<(u64, u64)> = gaps.iter().filter_map(|(_, gap)| gap.rows).collect();
            for (_, gap) in &gaps {
                assert_eq!(gap.cause, GapCause::Retention, "seed {seed}: node {place}");
                let hop = gap.hop.unwrap();
                assert!(hop == self.node(0).id || hop == self.node(1).id, "{gap:?}");
            }
            // Only these two deleted anything, and node 1 only what it had.
            if place > 1 {
                let is_told =
                    |number: u64| known.iter().any(|gap| gap.0 <= number && number <= gap.1);
                for number in (1..=mark).filter(|number| !numbers.contains(number)) {
                    assert!(
                        is_told(number),
                        "seed {seed}: node {place}, row {number}: {gaps:?}"
                    );
                }
            }
        }
    }
}

/// As it is after the wire.
fn carried(line: &LogLine) -> LogLine {
    serde_json::from_slice(&serde_json::to_vec(line).unwrap()).unwrap()
}

#[test]
fn every_row_arrives_once_or_is_told_as_gone() {
    let seeds = std::env::var("MAINSTEM_SEEDS").ok();
    let seeds = seeds.and_then(|text| text.parse().ok()).unwrap_or(SEEDS);
    let mut retained = 0;
    for seed in 0..seeds {
        let mut world = World::new(seed);
        world.record();
        for _ in 0..STEPS {
            world.step();
        }
        world.settle();
        world.check(seed);
        retained += u32::from(world.retained);
    }
    assert!(retained > 0 || seeds < SEEDS, "retention overtook somebody");
}
