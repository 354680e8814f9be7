//! Which samples of a datapoint are kept. Pure: it is told what came and when.

use mainstem_model::{Quality, Reason, Status, Value};

use crate::Logged;
use crate::config::SampleMode;
use crate::recorder::value::logged;

/// A row to be, without its series and number.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kept {
    pub(crate) time: i64,
    pub(crate) value: Logged,
    pub(crate) quality: Quality,
}

/// A sample as the feed tells it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told<'a> {
    pub(crate) time: i64,
    pub(crate) value: Option<&'a Value>,
    pub(crate) quality: Quality,
}

/// What one datapoint's logger knows.
#[derive(Debug)]
pub(crate) struct Sampler {
    mode: SampleMode,
    deadband: f64,
    /// The last row.
    last: Option<Kept>,
    /// What came last, for those kept by interval.
    current: Option<Kept>,
    /// Whether the last row says that a value holds.
    known: bool,
}

/// Whether a quality stands for a value of now: not bad, and not kept from before a restart.
pub(crate) fn is_known(quality: Quality) -> bool {
    quality.status != Status::Bad && quality.reason != Reason::Restarted
}

impl Sampler {
    /// Goes on behind the last row that is stored.
    pub(crate) fn new(mode: SampleMode, deadband: f64, last: Option<Kept>) -> Self {
        Self {
            mode,
            deadband,
            known: last.as_ref().is_some_and(|row| is_known(row.quality)),
            last,
            current: None,
        }
    }

    /// A sample that is a change.
    pub(crate) fn sample(&mut self, told: Told<'_>) -> Option<Kept> {
        let kept = kept(told);
        if self.last.as_ref() == Some(&kept) {
            // A snapshot told it already.
            return None;
        }
        if self.mode == SampleMode::Interval && is_known(kept.quality) {
            let begins = !self.known;
            self.current = Some(kept.clone());
            return begins.then(|| self.keep(kept));
        }
        let is_kept = match self.mode {
            SampleMode::Every => true,
            SampleMode::OnChange | SampleMode::Interval => self.differs(&kept),
        };
        is_kept.then(|| self.keep(kept))
    }

    /// What is so now, told again: after a start, a gap, or a change of what the datapoint hangs on.
    /// It is no change; but what is not known must not seem so, and what is known again begins anew.
    pub(crate) fn now(&mut self, told: Told<'_>, now: i64) -> Option<Kept> {
        if !is_known(told.quality) {
            return self.end(told.quality, now);
        }
        let mut kept = kept(told);
        let last = self.last.as_ref().map(|row| row.time);
        let is_newer = last.is_none_or(|last| kept.time > last);
        if self.known {
            // It came while nobody looked, perhaps: then it is a sample like others.
            return is_newer.then(|| self.sample(told)).flatten();
        }
        if !is_newer {
            kept.time = behind(now, last);
        }
        self.current = Some(kept.clone());
        Some(self.keep(kept))
    }

    /// From here on nothing is known.
    pub(crate) fn end(&mut self, quality: Quality, at: i64) -> Option<Kept> {
        self.current = None;
        if !self.known {
            return None;
        }
        let time = behind(at, self.last.as_ref().map(|row| row.time));
        Some(self.keep(Kept {
            time,
            value: Logged::None,
            quality,
        }))
    }

    /// The value at a multiple of the interval.
    pub(crate) fn tick(&mut self, at: i64) -> Option<Kept> {
        let mut kept = self.current.clone()?;
        if self.last.as_ref().is_some_and(|last| last.time >= at) {
            return None;
        }
        kept.time = at;
        Some(self.keep(kept))
    }

    fn keep(&mut self, kept: Kept) -> Kept {
        self.known = is_known(kept.quality);
        // A late sample is kept, and is not what later ones are compared with.
        if self.last.as_ref().is_none_or(|last| kept.time >= last.time) {
            self.last = Some(kept.clone());
        }
        kept
    }

    fn differs(&self, kept: &Kept) -> bool {
        let Some(last) = &self.last else { return true };
        if kept.quality != last.quality || kept.time < last.time {
            return true;
        }
        match (last.value.as_f64(), kept.value.as_f64()) {
            (Some(before), Some(now)) if self.deadband > 0.0 => {
                // What is no number differs from all that is one.
                (now - before).abs() > self.deadband || now.is_nan() != before.is_nan()
            }
            _ => last.value != kept.value,
        }
    }
}

fn kept(told: Told<'_>) -> Kept {
    Kept {
        time: told.time,
        value: told.value.map_or(Logged::None, logged),
        quality: told.quality,
    }
}

/// A moment, but behind the last row.
fn behind(at: i64, last: Option<i64>) -> i64 {
    last.map_or(at, |last| at.max(last.saturating_add(1)))
}
