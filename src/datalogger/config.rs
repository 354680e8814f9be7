//! The section `loggers:` of the node file.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{GlobSet, Name, quantity};
use mainstem_write::{ConfigFault, Day, TimeOfDay, WindowConfig, Zone};
use serde::Deserialize;

use crate::rollup::{CounterRule, RateRule, Rule};
use crate::{Policy, PostgresConfig, RATES_MAX};

/// Loggers that one node declares.
pub const LOGGERS_MAX: usize = 10_000;

/// What a store leaves free unless it is told otherwise.
pub(crate) const RESERVE_PERCENT: u8 = 5;

const DAY_MICROS: i64 = 86_400_000_000;

/// What a node records, and how long it is kept.
#[derive(Clone, Debug, PartialEq, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LoggersConfig {
    /// Whose hours and days roll-ups are counted by: `node`, which is the machine's, or a zone such
    /// as `Europe/Berlin`.
    #[schemars(with = "String", extend("format" = "time-zone"))]
    pub zone: Zone,
    /// Days that samples are kept; 0 is for ever.
    #[schemars(range(max = 36500))]
    pub raw_days: u32,
    /// Days that roll-ups by minute are kept; 0 is for ever. Wider ones stay.
    #[schemars(range(max = 36500))]
    pub minute_days: u32,
    /// Percent of its disk that the store may take; beyond it the oldest samples go.
    #[schemars(range(min = 1, max = 95))]
    pub disk_percent: u8,
    /// Percent of its disk that the store leaves free for everything else: below them it takes no
    /// samples.
    #[schemars(range(max = 50))]
    pub reserve_percent: u8,
    /// How long samples are gathered for one commit to the disk. Seconds spare a flash disk.
    #[serde(deserialize_with = "quantity::duration")]
    #[schemars(with = "String", extend("duration" = {"min": "1ms", "max": "5 min"}))]
    pub commit: Duration,
    /// How often roll-ups that are still open are stored.
    #[serde(deserialize_with = "quantity::duration")]
    #[schemars(with = "String", extend("duration" = {"min": "1s", "max": "1h"}))]
    pub rollups: Duration,
    /// Memory for samples that wait while the store cannot write.
    #[serde(deserialize_with = "quantity::size")]
    #[schemars(with = "String", extend(
        "type" = ["string", "integer"], "size" = {"min": "1 MiB", "max": "4 GiB"}
    ))]
    pub spool: u64,
    /// Where it is kept: `sqlite`, on this machine, or `postgres`, on a server.
    pub store: StoreConfig,
    /// The loggers, by their ids.
    #[schemars(extend("maxProperties" = LOGGERS_MAX))]
    pub record: BTreeMap<String, LoggerConfig>,
}

impl Default for LoggersConfig {
    fn default() -> Self {
        Self {
            zone: Zone::default(),
            raw_days: 90,
            minute_days: 365,
            disk_percent: 60,
            reserve_percent: RESERVE_PERCENT,
            commit: Duration::from_millis(100),
            rollups: Duration::from_secs(60),
            spool: 64 << 20,
            store: StoreConfig::Sqlite,
            record: BTreeMap::new(),
        }
    }
}

/// Where what is recorded is kept.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StoreConfig {
    /// In files on this machine.
    #[default]
    Sqlite,
    /// On a PostgreSQL server.
    Postgres(Box<PostgresConfig>),
}

/// One logger: a datapoint, or all that fit patterns.
#[derive(Clone, Debug, PartialEq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoggerConfig {
    /// The datapoint. This or `match`.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("format" = "long-name"))]
    pub datapoint: Option<Name>,
    /// Patterns over datapoint names, in order, `!` leaves out. Each datapoint gets a series
    /// `<id>.<datapoint>`.
    #[serde(default, rename = "match")]
    #[schemars(with = "Option<Vec<String>>", extend(
        "items" = {"type": "string", "format": "glob"}
    ))]
    pub matches: Option<GlobSet>,
    /// `range`: minimum, maximum and average. `counter`: how far it went on.
    #[serde(default)]
    pub kind: LoggerKind,
    /// Which samples are kept.
    #[serde(default)]
    pub samples: SampleMode,
    /// With `on_change`: by how much a number has to differ from the one kept last.
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub deadband: f64,
    /// With `interval`: how often the value is kept.
    #[serde(default = "interval", deserialize_with = "quantity::duration")]
    #[schemars(with = "String", extend("duration" = {"min": "100ms", "max": "24h"}))]
    pub interval: Duration,
    /// Whether minutes are rolled up too.
    #[serde(default)]
    pub minutes: bool,
    /// Where a counter begins with 0 again.
    #[serde(default)]
    #[schemars(range(min = 1.0))]
    pub modulus: Option<f64>,
    /// What a counter's units cost, by the time of the day; the first that holds counts.
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub rates: Vec<RateConfig>,
    /// The unit, in place of the datapoint's.
    #[serde(default)]
    #[schemars(length(max = 32))]
    pub unit: Option<String>,
    /// What it is, in place of what the datapoint says.
    #[serde(default)]
    #[schemars(length(max = 512))]
    pub description: Option<String>,
}

fn interval() -> Duration {
    Duration::from_secs(10)
}

/// What is made of the samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LoggerKind {
    /// A value that goes up and down.
    #[default]
    Range,
    /// A value that counts up.
    Counter,
}

impl LoggerKind {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Range => "range",
            Self::Counter => "counter",
        }
    }
}

/// Which samples are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SampleMode {
    /// Those that differ from the one kept last.
    #[default]
    OnChange,
    /// The value at each multiple of the interval.
    Interval,
    /// Every one.
    Every,
}

impl SampleMode {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OnChange => "on_change",
            Self::Interval => "interval",
            Self::Every => "every",
        }
    }
}

/// A price, and when it holds.
#[derive(Clone, Debug, PartialEq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateConfig {
    /// What it is called.
    #[schemars(length(min = 1, max = 64))]
    pub name: String,
    /// What one unit costs.
    pub price: f64,
    /// The days of the week: `mon` to `sun`; every day by default.
    #[serde(default = "every_day")]
    #[schemars(length(min = 1, max = 7))]
    pub days: Vec<Day>,
    /// When it begins, in hours and minutes of the loggers' zone.
    #[serde(default)]
    #[schemars(with = "String", extend("format" = "time-of-day"))]
    pub from: TimeOfDay,
    /// When it ends; this minute is outside already.
    #[serde(default = "midnight")]
    #[schemars(with = "String", extend("format" = "time-of-day"))]
    pub to: TimeOfDay,
}

fn every_day() -> Vec<Day> {
    use Day::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
    vec![Mon, Tue, Wed, Thu, Fri, Sat, Sun]
}

fn midnight() -> TimeOfDay {
    TimeOfDay::END
}

impl LoggersConfig {
    /// How long what is kept.
    pub fn policy(&self) -> Policy {
        let days = |days: u32| (days > 0).then_some(i64::from(days) * DAY_MICROS);
        Policy {
            raw: days(self.raw_days),
            minutes: days(self.minute_days),
            disk_percent: Some(self.disk_percent),
            ..Policy::default()
        }
    }
}

impl LoggerConfig {
    /// What it contradicts itself in.
    pub fn faults(&self) -> Vec<ConfigFault> {
        let mut faults = Vec::new();
        let mut fault = |is_wrong: bool, pointer, message, expected| {
            if is_wrong {
                faults.push(ConfigFault {
                    pointer,
                    message,
                    expected,
                });
            }
        };
        let both = self.datapoint.is_some() == self.matches.is_some();
        let expected = "`datapoint` with one name, or `match` with patterns";
        fault(
            both,
            "",
            "a logger has either a datapoint or patterns",
            expected,
        );
        let is_counter = self.kind == LoggerKind::Counter;
        let expected = "`kind: counter` beside it, or leave it out";
        let counts = !is_counter && self.modulus.is_some();
        fault(counts, "/modulus", "only a counter has a modulus", expected);
        let costs = !is_counter && !self.rates.is_empty();
        fault(costs, "/rates", "only a counter has rates", expected);
        let mut names: Vec<&str> = self.rates.iter().map(|rate| rate.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let twice = names.len() < self.rates.len();
        fault(
            twice,
            "/rates",
            "two rates have the same name",
            "a name of its own for each",
        );
        let many = self.rates.len() > RATES_MAX;
        fault(many, "/rates", "there are too many rates", "at most 16");
        let unused = self.deadband > 0.0 && self.samples != SampleMode::OnChange;
        let expected = "`samples: on_change`, or leave it out";
        fault(
            unused,
            "/deadband",
            "a deadband counts only on change",
            expected,
        );
        faults
    }

    /// What is counted of its samples.
    pub(crate) fn rule(&self) -> Rule {
        let rate = |rate: &RateConfig| RateRule {
            name: Arc::from(rate.name.as_str()),
            price: rate.price,
            window: Some(WindowConfig {
                days: rate.days.clone(),
                from: rate.from,
                to: rate.to,
                zone: Zone::default(),
            }),
        };
        match self.kind {
            LoggerKind::Range => Rule::Range,
            LoggerKind::Counter => Rule::Counter(
                CounterRule {
                    modulus: self.modulus,
                },
                self.rates.iter().map(rate).collect(),
            ),
        }
    }

    /// The patterns over names that it means.
    pub(crate) fn patterns(&self) -> GlobSet {
        match (&self.datapoint, &self.matches) {
            (Some(name), _) => GlobSet::new(&[name.as_str()]).unwrap_or_default(),
            (None, Some(patterns)) => patterns.clone(),
            (None, None) => GlobSet::default(),
        }
    }
}
