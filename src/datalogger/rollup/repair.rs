//! Makes roll-ups right again where rows came late or were edited: the hours concerned anew from
//! their rows, the days and months above them from what they are made of. It asks nobody: whoever
//! drives it brings, in this order, the carry, the rows, the stored hours and the stored days.

use std::collections::{BTreeMap, BTreeSet};

use super::calendar::{Calendar, Slot};
use super::fold::{Carry, Fold, Rule};
use super::reading::Reading;
use super::stored::is_within;
use super::tally::{Rolled, Tally};
use crate::Step;

/// A repair under way, of hours that lie in one month.
#[derive(Debug)]
pub struct Repair {
    rule: Rule,
    calendar: Calendar,
    /// The hours that are counted anew.
    span: Slot,
    days: Slot,
    months: Slot,
    /// Before it, rows may have been deleted.
    horizon: i64,
    hour: Fold,
    minute: Option<Fold>,
    minutes: Vec<Rolled>,
    /// The beginnings of the minutes that were stored, where rows may have gone.
    minutes_before: Vec<i64>,
    /// The hours of the days concerned, by their beginnings.
    hours: BTreeMap<i64, (Slot, Tally)>,
    /// The days of the months concerned.
    all_days: BTreeMap<i64, (Slot, Tally)>,
    /// The hours concerned as they were stored.
    before: Vec<(Slot, Tally)>,
    /// Hours left as they were, since rows of them are no longer there.
    left: u64,
}

impl Repair {
    /// For rows at or behind `from`, of which the last concerns nothing behind `until`: that is the
    /// next row that counts. Only the month of `from` is repaired; [`Repair::rest`] tells where to go
    /// on. Rows before the horizon may have been deleted.
    pub fn new(
        rule: Rule,
        calendar: Calendar,
        minutes: bool,
        (from, until): (i64, i64),
        horizon: i64,
    ) -> Self {
        let month = calendar.slot(Step::Month, from);
        let first = calendar.slot(Step::Hour, from);
        let last = calendar.slot(Step::Hour, until.clamp(from, month.to - 1));
        let span = Slot {
            from: first.from,
            to: last.to,
        };
        let days = Slot {
            from: calendar.slot(Step::Day, span.from).from,
            to: calendar.slot(Step::Day, span.to - 1).to,
        };
        Self {
            hour: Fold::new(Step::Hour, Carry::default()),
            minute: minutes.then(|| Fold::new(Step::Minute, Carry::default())),
            rule,
            calendar,
            span,
            days,
            months: month,
            horizon,
            minutes: Vec::new(),
            minutes_before: Vec::new(),
            hours: BTreeMap::new(),
            all_days: BTreeMap::new(),
            before: Vec::new(),
            left: 0,
        }
    }

    /// The time of which all rows are wanted.
    pub fn rows_wanted(&self) -> Slot {
        self.span
    }

    /// The time of which all stored hours are wanted.
    pub fn hours_wanted(&self) -> Slot {
        self.days
    }

    /// The time of which all stored days are wanted.
    pub fn days_wanted(&self) -> Slot {
        self.months
    }

    /// Where a repair that goes on beyond this month begins.
    pub fn rest(&self, until: i64) -> Option<i64> {
        (until >= self.months.to).then_some(self.months.to)
    }

    /// Hours that were left as they were, since rows of them are no longer there.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// What the rows before the wanted ones leave.
    pub fn carry(&mut self, carry: Carry) {
        let folds = [Some(&mut self.hour), self.minute.as_mut()];
        for fold in folds.into_iter().flatten() {
            fold.carry = carry;
            fold.begin(&self.calendar, self.span.from);
        }
    }

    /// The next of the wanted rows, in order.
    pub fn row(&mut self, reading: &Reading) {
        let (rule, calendar) = (&self.rule, &self.calendar);
        let hours = &mut self.hours;
        self.hour.push(rule, calendar, reading, &mut |slot, tally| {
            hours.insert(slot.from, (slot, tally));
        });
        if let Some(minute) = &mut self.minute {
            let minutes = &mut self.minutes;
            minute.push(rule, calendar, reading, &mut |slot, tally| {
                minutes.push(rolled(Step::Minute, slot, tally));
            });
        }
    }

    /// There are no more of them. `open` is the hour that is open in the roller of the series; where
    /// none is, everything before `settled` has ended.
    pub fn rows_end(&mut self, open: Option<Slot>, settled: i64) {
        let calendar = &self.calendar;
        let to = match open {
            Some(open) => self.span.to.min(open.from),
            None => self.span.to.min(calendar.slot(Step::Hour, settled).from),
        };
        let hours = &mut self.hours;
        self.hour.advance(calendar, to, &mut |slot, tally| {
            hours.insert(slot.from, (slot, tally));
        });
        if let Some(minute) = &mut self.minute {
            let minutes = &mut self.minutes;
            minute.advance(calendar, to, &mut |slot, tally| {
                minutes.push(rolled(Step::Minute, slot, tally));
            });
        }
    }

    /// A stored minute of the wanted rows, where some of them were superseded.
    pub fn stored_minute(&mut self, start: i64) {
        self.minutes_before.push(start);
    }

    /// A stored hour.
    pub fn stored_hour(&mut self, tally: Tally, start: i64) {
        let slot = self.calendar.slot(Step::Hour, start);
        if is_within(slot, self.span.from, self.span.to) {
            self.before.push((slot, tally));
        } else {
            self.hours.insert(slot.from, (slot, tally));
        }
    }

    /// A stored day.
    pub fn stored_day(&mut self, tally: Tally, start: i64) {
        let slot = self.calendar.slot(Step::Day, start);
        if !is_within(slot, self.days.from, self.days.to) {
            self.all_days.insert(slot.from, (slot, tally));
        }
    }

    /// What has to be stored. Slots that are still open come out of the roller, which takes this
    /// repair over afterwards.
    pub fn finish(&mut self, open: Option<Slot>) -> Vec<Rolled> {
        let still_open = self.reaches(open).then(|| self.hour.slot()).flatten();
        let mut out = std::mem::take(&mut self.minutes);
        self.empty_minutes(&mut out);
        self.settle_hours(still_open, &mut out);
        let fresh = self.hours.range(self.span.from..self.span.to);
        out.extend(fresh.map(|(_, (slot, tally))| rolled(Step::Hour, *slot, tally.clone())));
        let mut at = self.days.from;
        while at < self.days.to {
            let day = self.calendar.slot(Step::Day, at);
            let tally = sum(&self.hours, day.from, day.to);
            // Of the open ones this is what has ended; the roller tells the rest, if there is any.
            out.push(rolled(Step::Day, day, tally.clone()));
            self.all_days.insert(day.from, (day, tally));
            at = day.to;
        }
        let tally = sum(&self.all_days, self.months.from, self.months.to);
        out.push(rolled(Step::Month, self.months, tally));
        out
    }

    /// Minutes whose rows are all superseded say so.
    fn empty_minutes(&mut self, out: &mut Vec<Rolled>) {
        let fresh: BTreeSet<i64> = out.iter().map(|minute| minute.slot.from).collect();
        for start in std::mem::take(&mut self.minutes_before) {
            let slot = self.calendar.slot(Step::Minute, start);
            if !fresh.contains(&start) && slot.to > self.horizon {
                out.push(rolled(Step::Minute, slot, Tally::default()));
            }
        }
    }

    /// Compares what was counted anew with what was there.
    fn settle_hours(&mut self, still_open: Option<Slot>, out: &mut Vec<Rolled>) {
        for (slot, stored) in std::mem::take(&mut self.before) {
            if still_open.is_some_and(|open| open.from == slot.from) {
                out.push(rolled(Step::Hour, slot, Tally::default()));
                continue;
            }
            let fresh = self.hours.get(&slot.from).map(|(_, tally)| tally);
            let rows = fresh.map_or(0, Tally::rows);
            let known = fresh.map_or(0, |tally| tally.known);
            let is_past = slot.to <= self.horizon;
            // Rows are only ever added, so fewer of them mean that some were deleted meanwhile.
            if is_past && (stored.rows() > rows || (rows == 0 && stored.known > known)) {
                self.left += 1;
                self.hours.insert(slot.from, (slot, stored));
            } else if fresh.is_none() {
                out.push(rolled(Step::Hour, slot, Tally::default()));
            }
        }
    }

    /// Whether the hour that is open in the roller is among those counted anew.
    pub(super) fn reaches(&self, open: Option<Slot>) -> bool {
        open.is_none_or(|open| self.span.to > open.from)
    }

    pub(super) fn folds(&self) -> (Fold, Option<Fold>) {
        (self.hour.clone(), self.minute.clone())
    }

    /// The sum of the hours of a day up to a moment, if they are all known here.
    pub(super) fn hours_between(&self, day: Slot, until: i64) -> Option<Tally> {
        let is_here = is_within(day, self.days.from, self.days.to);
        is_here.then(|| sum(&self.hours, day.from, until))
    }

    /// The sum of the days of a month up to a moment, if they are all known here.
    pub(super) fn days_between(&self, month: Slot, until: i64) -> Option<Tally> {
        (month == self.months).then(|| sum(&self.all_days, month.from, until))
    }
}

fn sum(parts: &BTreeMap<i64, (Slot, Tally)>, from: i64, to: i64) -> Tally {
    let mut tally = Tally::default();
    for (_, part) in parts.range(from..to.max(from)).map(|(_, part)| part) {
        tally.append(part);
    }
    tally
}

fn rolled(step: Step, slot: Slot, tally: Tally) -> Rolled {
    Rolled { step, slot, tally }
}
