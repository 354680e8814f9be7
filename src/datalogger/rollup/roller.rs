//! The open slots of one series: rows in order go in, roll-ups come out.

use super::calendar::{Calendar, Slot};
use super::fold::{Carry, Fold, Rule};
use super::reading::Reading;
use super::repair::Repair;
use super::tally::{Rolled, Tally};
use crate::Step;

/// How long a slot stays open behind its end, in microseconds, for rows that come a little late.
/// Later ones are repaired, which costs more.
pub const GRACE: i64 = 5_000_000;

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It is in.
    Taken,
    /// It is before what was taken in already: the roll-ups from there on have to be repaired.
    Late,
}

/// The open slots of one series.
#[derive(Clone, Debug)]
pub struct Roller {
    rule: Rule,
    calendar: Calendar,
    minute: Option<Fold>,
    hour: Fold,
    day: Part,
    month: Part,
    /// Slots that ended since the last drain.
    ended: Vec<Rolled>,
    /// Whether anything came since the last drain.
    changed: bool,
}

/// A slot that is made of smaller ones: those of them that have ended.
#[derive(Clone, Debug, Default)]
struct Part {
    slot: Option<Slot>,
    ended: Tally,
}

impl Roller {
    /// For a series without rows.
    pub fn new(rule: Rule, calendar: Calendar, minutes: bool) -> Self {
        Self {
            rule,
            calendar,
            minute: minutes.then(|| Fold::new(Step::Minute, Carry::default())),
            hour: Fold::new(Step::Hour, Carry::default()),
            day: Part::default(),
            month: Part::default(),
            ended: Vec::new(),
            changed: false,
        }
    }

    /// Takes in a row, or says that it comes too late for that.
    pub fn push(&mut self, reading: &Reading) -> Pushed {
        let minute = self.minute.as_ref().map_or(i64::MIN, Fold::floor);
        if reading.at < self.hour.floor().max(minute) {
            return Pushed::Late;
        }
        self.changed = true;
        let mut ended = Vec::new();
        self.hour
            .push(&self.rule, &self.calendar, reading, &mut |slot, tally| {
                ended.push((slot, tally));
            });
        self.hours_ended(ended);
        if let Some(minute) = &mut self.minute {
            let out = &mut self.ended;
            minute.push(&self.rule, &self.calendar, reading, &mut |slot, tally| {
                out.push(rolled(Step::Minute, slot, tally));
            });
        }
        Pushed::Taken
    }

    /// Ends the slots that are over at a moment. Returns whether there were any.
    pub fn advance(&mut self, now: i64) -> bool {
        let over = now.saturating_sub(GRACE);
        let is_over = |fold: &Fold| fold.slot().is_some_and(|slot| slot.to <= over);
        let minute_over = self.minute.as_ref().is_some_and(is_over);
        if !is_over(&self.hour) && !minute_over {
            return false;
        }
        // A slot ends at its end: what a value held within the next one is not settled yet.
        let mut ended = Vec::new();
        let until = self.calendar.slot(Step::Hour, over).from;
        let mut tell = |slot, tally| ended.push((slot, tally));
        self.hour.advance(&self.calendar, until, &mut tell);
        self.hours_ended(ended);
        if let Some(minute) = &mut self.minute {
            let until = self.calendar.slot(Step::Minute, over).from;
            let out = &mut self.ended;
            minute.advance(&self.calendar, until, &mut |slot, tally| {
                out.push(rolled(Step::Minute, slot, tally));
            });
        }
        self.changed = true;
        true
    }

    /// The hour that is open.
    pub fn open_hour(&self) -> Option<Slot> {
        self.hour.slot()
    }

    /// Whether there is anything to store.
    pub fn is_changed(&self) -> bool {
        self.changed
    }

    /// Takes out what changed: ended slots, and open ones as they are at a moment.
    pub fn drain(&mut self, now: i64, out: &mut Vec<Rolled>) {
        out.append(&mut self.ended);
        if !std::mem::take(&mut self.changed) {
            return;
        }
        if let Some((slot, tally)) = self.minute.as_ref().and_then(|minute| minute.look(now)) {
            out.push(rolled(Step::Minute, slot, tally));
        }
        let mut upper = Tally::default();
        if let Some((slot, tally)) = self.hour.look(now) {
            upper = tally.clone();
            out.push(rolled(Step::Hour, slot, tally));
        }
        for (step, part) in [(Step::Day, &self.day), (Step::Month, &self.month)] {
            let Some(slot) = part.slot else { continue };
            let mut tally = part.ended.clone();
            tally.append(&upper);
            if !tally.is_empty() {
                out.push(rolled(step, slot, tally.clone()));
            }
            upper = tally;
        }
    }

    /// Takes over what a repair found. What was open has to be drained and stored before it.
    pub fn absorb(&mut self, repair: &Repair) {
        if repair.reaches(self.hour.slot()) {
            (self.hour, self.minute) = repair.folds();
        }
        let Some(open) = self.hour.slot() else { return };
        let day = self.calendar.slot(Step::Day, open.from);
        let month = self.calendar.slot(Step::Month, open.from);
        if let Some(ended) = repair.hours_between(day, open.from) {
            self.day = Part {
                slot: Some(day),
                ended,
            };
        }
        if let Some(ended) = repair.days_between(month, day.from) {
            self.month = Part {
                slot: Some(month),
                ended,
            };
        }
        self.changed = true;
    }

    /// Takes in hours that ended, and keeps day and month those of the open hour.
    fn hours_ended(&mut self, ended: Vec<(Slot, Tally)>) {
        for (slot, tally) in ended {
            self.align(slot.from);
            self.day.ended.append(&tally);
            self.ended.push(rolled(Step::Hour, slot, tally));
        }
        // An hour in which nothing was known ends without a word.
        if let Some(open) = self.hour.slot() {
            self.align(open.from);
        }
    }

    /// Ends a day and a month that a moment is no longer in.
    fn align(&mut self, at: i64) {
        if self.day.slot.is_some_and(|day| day.contains(at)) {
            return;
        }
        let day = self.calendar.slot(Step::Day, at);
        if let Some((slot, tally)) = self.day.begin(day) {
            self.month.ended.append(&tally);
            self.ended.push(rolled(Step::Day, slot, tally));
        }
        let month = self.calendar.slot(Step::Month, at);
        if let Some((slot, tally)) = self.month.begin(month) {
            self.ended.push(rolled(Step::Month, slot, tally));
        }
    }
}

impl Part {
    /// Begins a slot, if it is another one. Returns the one before.
    fn begin(&mut self, slot: Slot) -> Option<(Slot, Tally)> {
        if self.slot == Some(slot) {
            return None;
        }
        let before = self.slot.replace(slot);
        let ended = std::mem::take(&mut self.ended);
        before.map(|before| (before, ended))
    }
}

fn rolled(step: Step, slot: Slot, tally: Tally) -> Rolled {
    Rolled { step, slot, tally }
}
