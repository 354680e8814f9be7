//! Which loggers a datapoint has.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use mainstem_model::{GlobSet, Name};
use mainstem_store::Store;

use crate::config::{LoggerConfig, LoggersConfig};

/// One declared logger.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) id: Arc<str>,
    pub(crate) config: LoggerConfig,
}

/// All declared loggers.
#[derive(Debug)]
pub(crate) struct Plan {
    loggers: Vec<Planned>,
    by_name: HashMap<Name, Vec<usize>>,
    by_pattern: Vec<(GlobSet, usize)>,
}

impl Plan {
    pub(crate) fn new(config: &LoggersConfig) -> Self {
        let mut plan = Self {
            loggers: Vec::new(),
            by_name: HashMap::new(),
            by_pattern: Vec::new(),
        };
        for (place, (id, config)) in config.record.iter().enumerate() {
            match &config.datapoint {
                Some(name) => plan.by_name.entry(name.clone()).or_default().push(place),
                None => plan.by_pattern.push((config.patterns(), place)),
            }
            plan.loggers.push(Planned {
                id: id.as_str().into(),
                config: config.clone(),
            });
        }
        plan
    }

    pub(crate) fn logger(&self, place: usize) -> Option<&Planned> {
        self.loggers.get(place)
    }

    /// The logger with an id.
    pub(crate) fn called(&self, id: &str) -> Option<&Planned> {
        self.loggers.iter().find(|logger| &*logger.id == id)
    }

    /// Whether a logger is declared.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.loggers.iter().any(|logger| &*logger.id == id)
    }

    /// Loggers of one datapoint each, which are there whether it is or not.
    pub(crate) fn singles(&self) -> impl Iterator<Item = (usize, &Name)> {
        let all = self.by_name.iter();
        all.flat_map(|(name, places)| places.iter().map(move |place| (*place, name)))
    }

    /// Whether anything is recorded.
    pub(crate) fn is_empty(&self) -> bool {
        self.loggers.is_empty()
    }

    /// What the feed is asked for.
    pub(crate) fn wanted(&self) -> GlobSet {
        // One pattern set cannot hold the denials of several; each datapoint is asked once more.
        if self.by_pattern.is_empty() {
            let names: Vec<&str> = self.by_name.keys().map(Name::as_str).collect();
            return GlobSet::new(&names).unwrap_or_default();
        }
        GlobSet::everything()
    }

    /// The loggers of a datapoint, with the names of their series. What a datapoint was called
    /// before counts as well, and a series that it had then goes on.
    pub(crate) fn of(
        &self,
        store: &Store,
        name: &Name,
        known: &HashSet<Name>,
    ) -> Vec<(usize, Name)> {
        let former = store.former_names(name);
        let mut found = Vec::new();
        let names = || std::iter::once(name).chain(&former);
        for called in names() {
            for place in self.by_name.get(called).into_iter().flatten() {
                let id = self.loggers.get(*place).map(|logger| &logger.id);
                let series = id.and_then(|id| Name::new(id).ok());
                found.extend(series.map(|series| (*place, series)));
            }
        }
        for (patterns, place) in &self.by_pattern {
            if !patterns.decide(names().map(Name::as_str)).allowed {
                continue;
            }
            let Some(logger) = self.loggers.get(*place) else {
                continue;
            };
            let series = |called: &Name| called.below(&logger.id).ok();
            let before = former
                .iter()
                .filter_map(series)
                .find(|old| known.contains(old));
            found.extend(
                before
                    .or_else(|| series(name))
                    .map(|series| (*place, series)),
            );
        }
        found
    }
}
