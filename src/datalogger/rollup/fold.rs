//! Rows in order, slot by slot.

use mainstem_model::Status;

use super::calendar::{Calendar, Slot};
use super::counter::{self, CounterRule};
use super::rate::{RateRule, rate_at};
use super::reading::Reading;
use super::tally::Tally;
use crate::Step;

/// What is made of the rows of a series.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// A value that goes up and down.
    Range,
    /// A counter, with prices for what it counts.
    Counter(CounterRule, Vec<RateRule>),
}

/// What a slot has to know of the rows before it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Carry {
    /// The value that holds, if one is known.
    pub held: Option<f64>,
    /// The last reading that counts, however long ago.
    pub read: Option<f64>,
    /// Whether nothing was known for a time since that reading.
    pub gap: bool,
}

impl Carry {
    /// The carry behind a reading.
    pub fn after(self, reading: &Reading) -> Self {
        match reading.usable() {
            Some(value) => Self {
                held: Some(value),
                read: Some(value),
                gap: false,
            },
            None => Self {
                held: None,
                gap: true,
                ..self
            },
        }
    }
}

/// The open slot of one step, and what came before it.
#[derive(Clone, Debug)]
pub(super) struct Fold {
    step: Step,
    /// Whether slots in which a value only held are told.
    tells_held: bool,
    pub(super) carry: Carry,
    /// The slot that is being filled, and until when.
    open: Option<Open>,
}

#[derive(Clone, Debug)]
struct Open {
    slot: Slot,
    tally: Tally,
    /// Until when the held value was counted.
    until: i64,
}

impl Fold {
    pub(super) fn new(step: Step, carry: Carry) -> Self {
        Self {
            step,
            tells_held: step != Step::Minute,
            carry,
            open: None,
        }
    }

    /// The slot that is open.
    pub(super) fn slot(&self) -> Option<Slot> {
        self.open.as_ref().map(|open| open.slot)
    }

    /// Before which nothing can be taken in any more.
    pub(super) fn floor(&self) -> i64 {
        self.open.as_ref().map_or(i64::MIN, |open| open.until)
    }

    /// The open slot as it is at a moment, if there is anything to tell.
    pub(super) fn look(&self, now: i64) -> Option<(Slot, Tally)> {
        let mut open = self.open.clone()?;
        let until = now.min(open.slot.to);
        open.hold(self.carry.held, until);
        self.tells(&open.tally).then_some((open.slot, open.tally))
    }

    fn tells(&self, tally: &Tally) -> bool {
        tally.rows() > 0 || (self.tells_held && tally.known > 0)
    }

    /// Begins at a moment: what the carry holds, holds from there.
    pub(super) fn begin(&mut self, calendar: &Calendar, at: i64) {
        self.open = Some(Open {
            slot: calendar.slot(self.step, at),
            tally: Tally::default(),
            until: at,
        });
    }

    /// Lets time go on until a moment. Slots that end are told.
    pub(super) fn advance(
        &mut self,
        calendar: &Calendar,
        until: i64,
        tell: &mut impl FnMut(Slot, Tally),
    ) {
        let Some(open) = &mut self.open else {
            return;
        };
        while until >= open.slot.to {
            open.hold(self.carry.held, open.slot.to);
            let next = match self.carry.held {
                Some(_) if self.tells_held => calendar.next(self.step, open.slot),
                // Nothing to tell in between.
                _ => calendar.slot(self.step, until),
            };
            let tally = std::mem::take(&mut open.tally);
            if tally.rows() > 0 || (self.tells_held && tally.known > 0) {
                tell(open.slot, tally);
            }
            if next.from <= open.slot.from {
                // The calendar ends here.
                return;
            }
            (open.slot, open.until) = (next, next.from);
        }
        open.hold(self.carry.held, until);
    }

    /// Takes in a row that is not before those taken in already.
    pub(super) fn push(
        &mut self,
        rule: &Rule,
        calendar: &Calendar,
        reading: &Reading,
        tell: &mut impl FnMut(Slot, Tally),
    ) {
        if self.open.is_none() {
            self.begin(calendar, reading.at);
        }
        self.advance(calendar, reading.at, tell);
        let Some(open) = &mut self.open else {
            return;
        };
        match reading.usable() {
            Some(value) => {
                let is_uncertain = reading.quality.status == Status::Uncertain;
                open.tally.read(value, is_uncertain);
                if let (Rule::Counter(counter, rates), Some(before)) = (rule, self.carry.read) {
                    let step = counter.step(before, value);
                    let rate = rate_at(rates, calendar, reading.at);
                    count(&mut open.tally, step, self.carry.gap, rate);
                }
            }
            None => open.tally.bad += 1,
        }
        self.carry = self.carry.after(reading);
    }
}

impl Open {
    fn hold(&mut self, value: Option<f64>, until: i64) {
        if until <= self.until {
            return;
        }
        if let Some(value) = value {
            self.tally.hold(value, until - self.until);
        }
        self.until = until;
    }
}

fn count(tally: &mut Tally, step: counter::Step, gap: bool, rate: Option<&RateRule>) {
    let increment = step.increment();
    tally.increment += increment;
    if gap {
        tally.across_gap += increment;
    }
    match step {
        counter::Step::On(_) => {}
        counter::Step::Over(_) => tally.overflows += 1,
        counter::Step::Reset(_) => tally.resets += 1,
        counter::Step::Back(_) => tally.corrections += 1,
    }
    if let Some(rate) = rate {
        tally.share(&rate.name, increment, increment * rate.price);
    }
}
