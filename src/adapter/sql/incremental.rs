//! Only rows that are newer than the last: which those are, and what `@last` is next. Pure.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::cell::Cell;
use crate::config::Incremental;
use crate::param::Param;

/// The parameter that stands for the last row.
pub(crate) const LAST: &str = "last";

/// Where a row stands in its order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Key {
    /// A whole number.
    Number(i64),
    /// A time, as its server writes it: in that form the later one is the greater text.
    Time(String),
}

/// How an endpoint goes on from row to row.
#[derive(Clone, Debug)]
pub(crate) struct IncrementalPlan {
    pub(crate) column: String,
    pub(crate) start: Key,
    lookback: i64,
}

/// How far an endpoint has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// What it began with: with another start it begins anew.
    start: Key,
    last: Key,
    /// The numbers that were told, as far back as it is looked for late ones.
    #[serde(default)]
    told: BTreeSet<i64>,
    /// Whether there was any row.
    #[serde(default)]
    pub(crate) has_begun: bool,
}

/// Why an answer cannot be gone on from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Disorder {
    #[error("the answer has no column `{0}`")]
    NoColumn(String),
    #[error("the column `{0}` is neither a whole number nor a time")]
    NoKey(String),
    #[error("the rows do not grow by `{0}`: ORDER BY it, and let it be unique")]
    NotGrowing(String),
}

impl IncrementalPlan {
    pub(crate) fn new(
        given: &Incremental,
        rows_max: usize,
    ) -> Result<Self, (&'static str, &'static str)> {
        let start = match &given.start {
            Json::Number(number) => number.as_i64().map(Key::Number),
            Json::String(text) => Some(Key::Time(text.clone())),
            _ => None,
        };
        let start = start.ok_or(("start", "a whole number, or a time as a text"))?;
        if given.lookback > 0 && matches!(start, Key::Time(_)) {
            return Err(("lookback", "0: only whole numbers are looked back for"));
        }
        // Otherwise an answer could have nothing but rows that are known.
        if given.lookback as usize >= rows_max {
            return Err(("lookback", "less than `maxRows`"));
        }
        Ok(Self {
            column: given.column.clone(),
            start,
            lookback: i64::from(given.lookback),
        })
    }

    /// The position before the first row, or the one that was kept where it fits.
    pub(crate) fn begin(&self, kept: Option<Position>) -> Position {
        let fits = |kept: &Position| {
            let is_same = std::mem::discriminant(&kept.last) == std::mem::discriminant(&self.start);
            kept.start == self.start && is_same
        };
        kept.filter(fits).unwrap_or_else(|| Position {
            start: self.start.clone(),
            last: self.start.clone(),
            told: BTreeSet::new(),
            has_begun: false,
        })
    }

    /// What `@last` is now.
    pub(crate) fn parameter(&self, position: &Position) -> Param {
        match &position.last {
            Key::Number(last) => Param::Int(last.saturating_sub(self.lookback)),
            Key::Time(last) => Param::Text(last.clone()),
        }
    }

    /// The rows of an answer that are new, and the position behind them.
    pub(crate) fn take(
        &self,
        columns: &[String],
        rows: Vec<Vec<Cell>>,
        before: &Position,
    ) -> Result<(Vec<Vec<Cell>>, Position), Disorder> {
        if rows.is_empty() {
            return Ok((rows, before.clone()));
        }
        let at = columns.iter().position(|name| *name == self.column);
        let at = at.ok_or_else(|| Disorder::NoColumn(self.column.clone()))?;
        let mut position = before.clone();
        let mut fresh = Vec::with_capacity(rows.len());
        let mut previous = None;
        for row in rows {
            let key = row.get(at).and_then(key);
            let key = key.ok_or_else(|| Disorder::NoKey(self.column.clone()))?;
            if previous.as_ref().is_some_and(|previous| key <= *previous) {
                return Err(Disorder::NotGrowing(self.column.clone()));
            }
            if position.admits(&key, before, self.lookback) {
                fresh.push(row);
            }
            previous = Some(key);
        }
        position.forget(self.lookback);
        position.has_begun |= !fresh.is_empty();
        Ok((fresh, position))
    }
}

impl Position {
    /// Whether a row with this key is new; then it counts as told.
    fn admits(&mut self, key: &Key, before: &Self, lookback: i64) -> bool {
        let is_later = *key > before.last;
        let is_new = match key {
            Key::Number(number) if lookback > 0 => {
                // Rows at and before the start were never asked for.
                *key > self.start && (is_later || !before.told.contains(number))
            }
            _ => is_later,
        };
        if let Key::Number(number) = key
            && lookback > 0
            && is_new
        {
            self.told.insert(*number);
        }
        if *key > self.last {
            self.last = key.clone();
        }
        is_new
    }

    fn forget(&mut self, lookback: i64) {
        if let Key::Number(last) = self.last {
            self.told = self.told.split_off(&last.saturating_sub(lookback));
        }
    }
}

fn key(cell: &Cell) -> Option<Key> {
    Some(match cell {
        Cell::Int(number) => Key::Number(*number),
        Cell::UInt(number) => Key::Number(i64::try_from(*number).ok()?),
        // Without the zone, which MariaDB does not read; all sessions are in UTC.
        Cell::Time(moment) => {
            let text = moment.to_string().replace('T', " ");
            Key::Time(text.trim_end_matches('Z').to_owned())
        }
        Cell::Text(text) if cell.moment().is_some() => Key::Time(text.clone()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
