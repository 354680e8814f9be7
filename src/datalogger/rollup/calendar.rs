//! Where minutes, hours, days and months begin by the clock on a wall.
//!
//! The slots of one step follow each other without a hole and without an overlap, whatever a zone
//! does: a day has 23 or 25 hours where summer time begins or ends, the hour that is lived twice is
//! two slots, an hour in which a zone moves by half of one is cut there, a day that a zone leaves
//! out has no slot, and a day whose midnight comes twice begins with the first of them. Hours lie
//! within days and days within months, so that a larger slot is made of smaller ones.

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};

use crate::Step;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// The first and the last moment that has a slot: 1900 and 2300, well inside what the calendar
/// can do. What claims to be outside is put into the slot at the edge.
const FIRST: i64 = -2_208_988_800 * SECOND;
const LAST: i64 = 10_413_792_000 * SECOND;

/// One slot: from this microsecond until before that one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    /// When it begins.
    pub from: i64,
    /// When the next one begins.
    pub to: i64,
}

impl Slot {
    /// Whether a moment lies in it.
    pub fn contains(self, at: i64) -> bool {
        self.from <= at && at < self.to
    }
}

/// The slots of a time zone.
#[derive(Clone, Debug, PartialEq)]
pub struct Calendar {
    zone: TimeZone,
}

impl Calendar {
    /// The calendar of a zone.
    pub fn new(zone: TimeZone) -> Self {
        Self { zone }
    }

    /// The calendar without summer time.
    pub fn utc() -> Self {
        Self::new(TimeZone::UTC)
    }

    /// The zone.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The slot that a moment lies in.
    pub fn slot(&self, step: Step, at: i64) -> Slot {
        let at = at.clamp(FIRST, LAST);
        match step {
            Step::Minute => self.even(MINUTE, at),
            Step::Hour => self.even(HOUR, at),
            Step::Day => self.civil(at, first_of_day, |date| date.tomorrow()),
            Step::Month => self.civil(at, Date::first_of_month, |date| {
                date.last_of_month().tomorrow()
            }),
        }
    }

    /// The slot behind one.
    pub fn next(&self, step: Step, slot: Slot) -> Slot {
        self.slot(step, slot.to)
    }

    /// The slot before one.
    pub fn previous(&self, step: Step, slot: Slot) -> Slot {
        self.slot(step, slot.from - 1)
    }

    /// A slot of equal minutes or hours, cut where the zone's distance from UTC changes.
    fn even(&self, length: i64, at: i64) -> Slot {
        let offset = self.offset(at);
        let local = at + offset;
        let from = local - local.rem_euclid(length) - offset;
        let to = from + length;
        Slot {
            from: if self.offset(from) == offset {
                from
            } else {
                self.changed_before(at).max(from)
            },
            // The last microsecond says whether the zone moved inside the slot.
            to: if self.offset(to - 1) == offset {
                to
            } else {
                self.changes_after(at).min(to)
            },
        }
    }

    fn offset(&self, at: i64) -> i64 {
        micros(self.zone.to_offset(moment(at)))
    }

    fn changed_before(&self, at: i64) -> i64 {
        // `preceding` leaves out the moment itself.
        let mut before = self.zone.preceding(moment(at + 1));
        before
            .next()
            .map_or(FIRST, |change| change.timestamp().as_microsecond())
    }

    fn changes_after(&self, at: i64) -> i64 {
        let mut after = self.zone.following(moment(at));
        after
            .next()
            .map_or(LAST, |change| change.timestamp().as_microsecond())
    }

    fn civil(
        &self,
        at: i64,
        first: impl Fn(Date) -> Date,
        after: impl Fn(Date) -> Result<Date, jiff::Error>,
    ) -> Slot {
        let date = first(self.zone.to_datetime(moment(at)).date());
        let from = self.midnight(date);
        let Ok(next) = after(date) else {
            return Slot { from, to: LAST };
        };
        let to = self.midnight(next);
        if at < to {
            return Slot { from, to };
        }
        // The wall shows the day before again; what has begun goes on.
        let end = after(next).map_or(LAST, |end| self.midnight(end));
        Slot { from: to, to: end }
    }

    /// When a day begins: its first midnight, or what the zone has in place of it.
    fn midnight(&self, date: Date) -> i64 {
        let start = date.to_zoned(self.zone.clone());
        start.map_or(LAST, |start| start.timestamp().as_microsecond())
    }
}

fn first_of_day(date: Date) -> Date {
    date
}

fn moment(at: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(at.clamp(FIRST, LAST)).unwrap_or_default()
}

fn micros(offset: Offset) -> i64 {
    i64::from(offset.seconds()) * SECOND
}
