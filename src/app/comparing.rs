//! Compares what was replicated with the level that it came from, hour by hour and slowly: a
//! difference that nobody looks for is found all the same.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use mainstem_datalogger::completeness::{self, Asker, Found, HourFound, VerifyWish};
use mainstem_datalogger::recorder::{Book, LoggerView};
use mainstem_datalogger::{HourSum, SUM_HOUR, SeriesId};
use mainstem_http::Parts;
use mainstem_model::{Name, Timestamp};
use mainstem_store::Store;
use mainstem_telemetry::{Health, Problem, Severity};
use mainstem_wire::api::history::LinkSums;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Between two series: that is how little it takes of links and disks.
const PAUSE: Duration = Duration::from_secs(5);
/// How far the first look at a series goes back; `mainstem loggers verify` looks at everything.
const BACK: i64 = 24 * SUM_HOUR;
/// An hour is compared when it has been over for so long: until then rows are on their way.
const REST: i64 = SUM_HOUR / 6;
/// When a series is compared again that differs, or of which rows are still to come.
const AGAIN: Duration = Duration::from_secs(600);
/// Series that a sentence names.
const NAMED_MAX: usize = 5;
const PROBLEM: &str = "loggers.differ";

/// What was compared so far.
pub(super) struct Comparing {
    parts: Arc<dyn Parts>,
    store: Arc<Store>,
    health: Health,
    /// Up to where a series was found equal, in microseconds.
    done: HashMap<SeriesId, i64>,
    later: HashMap<SeriesId, Instant>,
    /// What differed once: an edit may have been on its way.
    suspects: HashSet<SeriesId>,
    /// What differs, and the first hour that does.
    differing: BTreeMap<Name, i64>,
    /// The hour and the version of the series at which nothing was left to do.
    quiet: Option<(i64, u64)>,
}

impl Comparing {
    pub(super) fn new(parts: Arc<dyn Parts>, store: &Arc<Store>, health: &Health) -> Self {
        Self {
            parts,
            store: Arc::clone(store),
            health: health.clone(),
            done: HashMap::new(),
            later: HashMap::new(),
            suspects: HashSet::new(),
            differing: BTreeMap::new(),
            quiet: None,
        }
    }

    /// Goes on until the node stops.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.rounds() => {}
        }
    }

    async fn rounds(&mut self) {
        loop {
            tokio::time::sleep(PAUSE).await;
            let Some(book) = self.parts.loggers() else {
                continue;
            };
            let upto = HourSum::start_of(self.store.clock().now().micros() - REST);
            let state = (upto, book.version());
            if self.quiet == Some(state) {
                continue;
            }
            let due = self.due(&book, upto);
            let is_quiet = due.is_empty() && self.later.is_empty();
            self.quiet = is_quiet.then_some(state);
            for view in due {
                self.compare(&book, &view, upto).await;
                self.tell();
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// The series of other nodes of which an hour is over that was not compared.
    fn due(&mut self, book: &Book, upto: i64) -> Vec<LoggerView> {
        self.later.retain(|_, until| *until > Instant::now());
        let own = self.store.setup().node;
        let listed = book.sink().list().into_iter();
        let foreign = listed.filter(|(_, key)| key.origin != own);
        let foreign: HashSet<SeriesId> = foreign.map(|(series, _)| series).collect();
        let mut views = book.list(None, usize::MAX);
        self.differing
            .retain(|name, _| views.iter().any(|view| view.name == *name));
        views.retain(|view| {
            let is_done = self.done.get(&view.series).is_some_and(|at| *at >= upto);
            foreign.contains(&view.series) && !is_done && !self.later.contains_key(&view.series)
        });
        views
    }

    async fn compare(&mut self, book: &Book, view: &LoggerView, upto: i64) {
        let series = view.series;
        let from = self.done.get(&series).copied().unwrap_or(upto - BACK);
        let wish = VerifyWish {
            series,
            from,
            to: upto,
            heal: false,
        };
        let Some(found) = self.ask(book, wish).await else {
            // Nobody answers, which is said of the link.
            self.later.insert(series, Instant::now() + AGAIN);
            return;
        };
        let mut hours = found.differing.iter();
        if let Some(hour) = hours.find(|hour| hour.is_wrong()) {
            if !self.suspects.insert(series) {
                self.differs(view, hour);
                self.later.insert(series, Instant::now() + AGAIN);
            }
            return;
        }
        self.suspects.remove(&series);
        self.differing.remove(&view.name);
        if found.more || !found.differing.is_empty() {
            self.later.insert(series, Instant::now() + AGAIN);
        } else {
            self.done.insert(series, upto);
        }
    }

    fn differs(&mut self, view: &LoggerView, hour: &HourFound) {
        let (start, name) = (Timestamp::from_micros(hour.start), &view.name);
        tracing::warn!(%name, %start, ?hour, "a data logger differs from the level below");
        self.differing.insert(name.clone(), hour.start);
    }

    /// Asks the remotes; the one that it came from knows the series.
    async fn ask(&self, book: &Book, wish: VerifyWish) -> Option<Found> {
        for remote in self.parts.remotes() {
            let (parts, name) = (Arc::clone(&self.parts), remote.name.clone());
            let ask = move |ask: LinkSums| {
                let answer = parts.logger_sums(&name, ask);
                answer.unwrap_or_else(|| Box::pin(std::future::ready(Err(String::new()))))
            };
            let ask: Box<Asker> = Box::new(ask);
            match completeness::verify(book, wish, &*ask).await {
                Ok(found) => return Some(found),
                Err(error) => tracing::debug!(%error, remote = %remote.name, "not compared"),
            }
        }
        None
    }

    fn tell(&self) {
        if self.differing.is_empty() {
            return self.health.clear(PROBLEM);
        }
        let mut named = String::new();
        for (name, start) in self.differing.iter().take(NAMED_MAX) {
            let start = Timestamp::from_micros(*start);
            let divide = if named.is_empty() { "" } else { ", " };
            named.push_str(&format!("{divide}{name} (the hour from {start})"));
        }
        if self.differing.len() > NAMED_MAX {
            let more = self.differing.len() - NAMED_MAX;
            named.push_str(&format!(" and {more} more"));
        }
        self.health.raise(Problem {
            id: PROBLEM.to_owned(),
            severity: Severity::High,
            source: "loggers".to_owned(),
            text: format!("Data loggers are not the same as at the level below: {named}."),
            action:
                "`mainstem loggers verify ID` says what differs; with `--heal` it fetches what \
                     is missing."
                    .to_owned(),
        });
    }
}
