//! What is remembered of one datapoint, and what of a reading is news.

use mainstem_model::{Monotonic, Quality, Reason, Sample, Status, Timestamp, Value};

use crate::convert::from_device;
use crate::rule::Rule;
use crate::{Reading, TimePolicy};

/// How far a device's stamp may be ahead of this node's clock.
const AHEAD_MAX_MICROS: i64 = 60_000_000;

/// What was last said about a datapoint.
#[derive(Clone, Default)]
pub(crate) struct Slot {
    value: Option<Value>,
    pub(crate) quality: Quality,
    source_time: Timestamp,
    /// When the device last vouched for it.
    pub(crate) confirmed: Monotonic,
    /// When the value last became another one.
    pub(crate) changed: Monotonic,
    pub(crate) is_known: bool,
    /// Since when a reading is awaited, while it is.
    pub(crate) awaited_since: Monotonic,
    pub(crate) word: Word,
    /// Its quality before it was marked stale for want of a confirmation.
    lapsed: Option<Quality>,
}

/// Whether the device has spoken of a datapoint since the session began, or since the sub-source
/// that it hangs on came back. What was said before the cut is not vouched for any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Word {
    /// It has, or nothing is expected of a datapoint that is only written.
    #[default]
    Given,
    /// It has still time to.
    Awaited,
    /// It has not within its time, and the datapoint says so itself.
    Overdue,
}

/// Both clocks at the moment of receipt.
pub(crate) struct Moment {
    pub(crate) wall: Timestamp,
    pub(crate) monotonic: Monotonic,
}

impl Slot {
    /// From now on only a new reading vouches for it.
    pub(crate) fn expect(&mut self, now: Monotonic) {
        self.word = Word::Awaited;
        self.awaited_since = now;
    }

    /// Nobody has spoken of it in time. A sample comes out unless its own quality is bad already.
    pub(crate) fn overdue(&mut self) -> Option<Sample> {
        self.word = Word::Overdue;
        if !self.is_known || self.value.is_none() && self.quality.status < Status::Bad {
            return Some(self.mark(Quality::of(Reason::Waiting)));
        }
        let is_said = self.quality.status == Status::Bad || self.quality.reason == Reason::Stale;
        (!is_said).then(|| self.mark(Quality::of(Reason::Stale)))
    }

    /// Its device has not confirmed it for too long. A sample comes out unless that was said.
    pub(crate) fn lapse(&mut self) -> Option<Sample> {
        let is_news = self.is_known
            && self.quality.status < Status::Bad
            && self.quality.reason != Reason::Stale;
        is_news.then(|| {
            self.lapsed = (self.word == Word::Given).then_some(self.quality);
            self.mark(Quality::of(Reason::Stale))
        })
    }

    /// The device vouches for what it said last. A sample comes out if that was marked stale.
    pub(crate) fn confirm(&mut self, now: Monotonic) -> Option<Sample> {
        self.confirmed = now;
        self.quality = self.lapsed.take()?;
        Some(Sample {
            value: self.value.clone(),
            quality: self.quality,
            source_time: Some(self.source_time),
        })
    }

    fn mark(&mut self, quality: Quality) -> Sample {
        (self.quality, self.is_known) = (quality, true);
        Sample::without_value(quality, None)
    }

    /// Takes a reading in; a sample comes out unless everything is as it was. The first reading
    /// of a session is always news: it says how old the value is.
    pub(crate) fn take(
        &mut self,
        reading: Reading,
        rule: &Rule,
        moment: &Moment,
    ) -> Option<Sample> {
        let is_first = std::mem::take(&mut self.word) != Word::Given;
        self.lapsed = None;
        let Reading {
            value,
            mut quality,
            source_time,
            ..
        } = reading;
        let value = match value.map(|raw| from_device(raw, rule.scaling, rule.value_type)) {
            None => None,
            Some(Ok(value)) => Some(value),
            Some(Err(_)) => {
                quality = Quality::of(Reason::BadType);
                None
            }
        };
        if value.is_some() {
            self.confirmed = moment.monotonic;
        }
        let stamp = match (rule.time, source_time) {
            (Some(TimePolicy::Node), _) | (_, None) => None,
            (_, Some(stamp)) => Some(stamp),
        };
        if stamp.is_some_and(|stamp| !stamp.is_plausible(moment.wall, AHEAD_MAX_MICROS)) {
            quality = quality.worse(Quality::of(Reason::BadSourceTime));
        }
        let is_new_value = value.is_some() && value != self.value;
        let is_as_before = self.is_known && !is_first && !is_new_value && quality == self.quality;
        // Without a stamp of its own, a repeated value keeps the time at which it was first seen.
        if is_as_before && stamp.is_none_or(|stamp| stamp == self.source_time) {
            return None;
        }
        if is_new_value {
            self.changed = moment.monotonic;
            self.value.clone_from(&value);
        }
        (self.quality, self.is_known) = (quality, true);
        self.source_time = stamp.unwrap_or(moment.wall);
        Some(Sample {
            value,
            quality,
            source_time: Some(self.source_time),
        })
    }
}
