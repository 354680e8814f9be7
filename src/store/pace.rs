//! What a reader that asked to be spared is told, and when: a deadband, a shortest and a longest
//! interval for each datapoint. Pure; costs nothing for readers that did not ask, since they have
//! none. It keeps one entry for each datapoint of its reader and no more.
//!
//! A sample within the deadband of what was told counts as told: a cursor covers it. One that waits
//! for its interval to end does not: [`Pacer::covered`] stays before it, so that a reader which
//! comes again with that cursor is told it then.

mod sift;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use mainstem_model::{Monotonic, Pacing, Value};
use mainstem_wire::RowOut;

/// A sample as far as pacing looks at it.
pub trait Paced: Clone {
    /// The value.
    fn value(&self) -> Option<&Value>;
    /// Grade and reason as one number.
    fn quality(&self) -> u16;
}

impl Paced for RowOut {
    fn value(&self) -> Option<&Value> {
        self.value.as_ref()
    }

    fn quality(&self) -> u16 {
        self.quality
    }
}

/// A sample whose time has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Due<T> {
    /// The datapoint's number.
    pub id: u32,
    /// The newest sample.
    pub sample: T,
    /// Whether it is no change: a repetition, or held back from a catch-up.
    pub catchup: bool,
}

/// What one reader was told, and what is held back from it.
#[derive(Debug)]
pub struct Pacer<T> {
    pacing: Pacing,
    points: HashMap<u32, Told<T>>,
    due: BTreeSet<(Monotonic, u32)>,
    /// The places that cursors have to stay at, and how many samples wait behind each.
    waiting: BTreeMap<u64, usize>,
    conflated: u64,
}

#[derive(Debug)]
struct Told<T> {
    /// The value that was told, where a deadband looks at it.
    value: Option<Value>,
    quality: u16,
    at: Monotonic,
    due: Option<Monotonic>,
    /// The newest sample, where it may have to be told later.
    latest: Option<T>,
    untold: Untold,
    catchup: bool,
}

/// What of a datapoint the reader does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Untold {
    Nothing,
    /// A sample within the deadband.
    Within,
    /// A sample that waits for the end of its interval; a cursor has to stay at this place.
    Waiting(u64),
}

impl<T: Paced> Pacer<T> {
    /// Nothing was told yet.
    pub fn new(pacing: Pacing) -> Self {
        Self {
            pacing,
            points: HashMap::new(),
            due: BTreeSet::new(),
            waiting: BTreeMap::new(),
            conflated: 0,
        }
    }

    /// Whether a reader that comes again has to be given what it may know already
    /// ([`Pacer::know`]), so that it can be told again.
    pub fn repeats(&self) -> bool {
        self.pacing.max_interval.is_some()
    }

    /// Samples that will not be told, since newer ones took their place.
    pub fn conflated(&self) -> u64 {
        self.conflated
    }

    /// The place up to which everything is told, when the feed was read up to `place`.
    pub fn covered(&self, place: u64) -> u64 {
        let first = self.waiting.first_key_value();
        first.map_or(place, |(held, _)| (*held).min(place))
    }

    /// When [`Pacer::due`] has something to tell.
    pub fn next_due(&self) -> Option<Monotonic> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Takes a sample in and says whether it is to be told now. `place` is what a cursor may cover
    /// without it.
    pub fn take(&mut self, id: u32, sample: &T, catchup: bool, place: u64, now: Monotonic) -> bool {
        let Some(told) = self.points.get(&id) else {
            self.told(id, sample, now);
            return true;
        };
        let is_overtaken = told.untold != Untold::Nothing;
        let is_within = told.is_near(&self.pacing, sample);
        let passes = sample.quality() != told.quality || (!is_within && self.is_time(told.at, now));
        self.conflated += u64::from(is_overtaken);
        if passes {
            self.told(id, sample, now);
            return true;
        }
        let untold = match is_within {
            true => Untold::Within,
            false => Untold::Waiting(place),
        };
        self.hold(id, sample, catchup, untold);
        false
    }

    /// Samples whose time has come, some at a time.
    pub fn due(&mut self, now: Monotonic, most: usize) -> Vec<Due<T>> {
        let mut found = Vec::new();
        while let Some(&(at, id)) = self.due.first()
            && at <= now
            && found.len() < most
        {
            self.due.remove(&(at, id));
            let Some(told) = self.points.get_mut(&id) else {
                continue;
            };
            told.due = None;
            let Some(sample) = told.latest.clone() else {
                continue;
            };
            let catchup = told.catchup || told.untold == Untold::Nothing;
            self.told(id, &sample, now);
            found.push(Due {
                id,
                sample,
                catchup,
            });
        }
        found
    }

    /// What was told of a datapoint beside what was asked here.
    pub fn told(&mut self, id: u32, sample: &T, now: Monotonic) {
        self.forget(id);
        let due = self.pacing.max_interval.map(|interval| now.after(interval));
        self.due.extend(due.map(|at| (at, id)));
        let told = Told {
            value: self.pacing.deadband.and(sample.value().cloned()),
            quality: sample.quality(),
            at: now,
            due,
            latest: due.map(|_| sample.clone()),
            untold: Untold::Nothing,
            catchup: false,
        };
        self.points.insert(id, told);
    }

    /// What a reader that came again may have been told before; nobody knows how near it is to the
    /// last told value, so its next sample passes the deadband.
    pub fn know(&mut self, id: u32, sample: &T, now: Monotonic) {
        if self.points.contains_key(&id) {
            return;
        }
        self.told(id, sample, now);
        if let Some(told) = self.points.get_mut(&id) {
            told.value = None;
        }
    }

    /// A datapoint is no more, or another one.
    pub fn forget(&mut self, id: u32) {
        let Some(told) = self.points.remove(&id) else {
            return;
        };
        if let Some(due) = told.due {
            self.due.remove(&(due, id));
        }
        self.release(told.untold);
    }

    fn hold(&mut self, id: u32, sample: &T, catchup: bool, untold: Untold) {
        let Some(told) = self.points.get_mut(&id) else {
            return;
        };
        let before = std::mem::replace(&mut told.untold, untold);
        told.latest = Some(sample.clone());
        told.catchup = catchup;
        let interval = match untold {
            Untold::Waiting(place) => {
                *self.waiting.entry(place).or_default() += 1;
                self.pacing.min_interval
            }
            _ => self.pacing.max_interval,
        };
        let due = interval.map(|interval| told.at.after(interval));
        let old = std::mem::replace(&mut told.due, due);
        if old != due {
            self.due.extend(due.map(|at| (at, id)));
            if let Some(old) = old {
                self.due.remove(&(old, id));
            }
        }
        self.release(before);
    }

    fn release(&mut self, untold: Untold) {
        let Untold::Waiting(place) = untold else {
            return;
        };
        if let Some(count) = self.waiting.get_mut(&place) {
            *count -= 1;
            if *count == 0 {
                self.waiting.remove(&place);
            }
        }
    }

    fn is_time(&self, told: Monotonic, now: Monotonic) -> bool {
        let interval = self.pacing.min_interval;
        interval.is_none_or(|interval| now.since(told) >= interval)
    }
}

impl<T: Paced> Told<T> {
    fn is_near(&self, pacing: &Pacing, sample: &T) -> bool {
        let (Some(band), Some(told), Some(value)) = (pacing.deadband, &self.value, sample.value())
        else {
            return false;
        };
        band.holds(told, value)
    }
}
