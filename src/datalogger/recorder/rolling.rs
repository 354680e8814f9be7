//! Keeps the roll-ups of one series as its rows say. Blocks: it reads and writes the sink.

use mainstem_model::{Quality, Timestamp};

use crate::numbers::Numbers;
use crate::rollup::{
    Calendar, Carry, GRACE, Pushed, Reading, Repair, Rolled, Roller, Rule, Slot, Tally,
};
use crate::{
    Logged, Order, QualityFilter, RollupBatch, RollupQuery, Row, RowQuery, SampleQuery, SeriesId,
    Sink, SinkError, Step,
};

/// Rows looked at backwards for a reading that counts. Where none of them does, a counter begins
/// anew there.
const LOOK_BACK_MAX: u64 = 1000;

/// An hour that nothing reaches.
const NEVER: Slot = Slot {
    from: i64::MAX,
    to: i64::MAX,
};

/// What roll-ups of a series are made by.
#[derive(Clone, Debug)]
pub(crate) struct RollSetup {
    pub(crate) rule: Rule,
    pub(crate) calendar: Calendar,
    /// Whether minutes are kept.
    pub(crate) minutes: bool,
    /// How long rows are kept, in microseconds.
    pub(crate) raw: Option<i64>,
}

/// The roll-ups of one series.
#[derive(Debug)]
pub(crate) struct Rolling {
    series: SeriesId,
    setup: RollSetup,
    roller: Roller,
    /// The rows that came too late: from the first until the last.
    late: Option<(i64, i64)>,
    /// Whether rows were superseded within that time.
    edited: bool,
    /// Which rows were taken in. Those of another node come ahead of missing ones.
    taken: Numbers,
    /// Hours that late rows could not get into, since others of theirs were deleted already.
    pub(crate) left: u64,
}

/// A row as roll-ups see it.
pub(crate) fn reading(row: &Row) -> Reading {
    Reading {
        at: row.time,
        value: row.value.as_f64(),
        quality: Quality::from_code(row.quality),
    }
}

impl Rolling {
    /// Goes on where the sink says that roll-ups end.
    pub(crate) fn open(
        sink: &dyn Sink,
        series: SeriesId,
        setup: RollSetup,
        now: Timestamp,
    ) -> Result<Self, SinkError> {
        let roller = Roller::new(setup.rule.clone(), setup.calendar.clone(), setup.minutes);
        let mut rolling = Self {
            series,
            setup,
            roller,
            late: None,
            edited: false,
            taken: Numbers::default(),
            left: 0,
        };
        let covered = sink.covered(series)?;
        if covered > 0 {
            rolling.taken.insert(1, covered);
        }
        let Some(last) = sink.last(series)? else {
            return Ok(rolling);
        };
        // The hour that was stored last was open then; behind it are the rows that nobody rolled up.
        rolling.note_late(last.time);
        let newest = RollupQuery {
            order: Order::Descending,
            limit: 1,
            ..rolling.stored_query(Step::Hour, i64::MIN, i64::MAX)
        };
        if let Some(hour) = sink.rollups(&newest)?.next() {
            rolling.note_late(hour?.start);
        }
        let query = RowQuery {
            series,
            after: covered,
            limit: u64::MAX,
        };
        for row in sink.rows(&query)? {
            let row = row?;
            rolling.note_late(row.time);
            rolling.note_edit(&row);
            rolling.taken.insert(row.row, row.row);
        }
        rolling.repair(sink, now, true)?;
        Ok(rolling)
    }

    /// Takes in a row that is on disk.
    pub(crate) fn take(&mut self, row: &Row) {
        if self.taken.contains(row.row) {
            // It was there when this began.
            return;
        }
        if self.note_edit(row) {
            // No reading: what it supersedes is found when the time is repaired.
        } else if self.roller.push(&reading(row)) == Pushed::Late {
            self.note_late(row.time);
        }
        self.taken.insert(row.row, row.row);
    }

    /// Rows will never come: nothing waits for them.
    pub(crate) fn forgo(&mut self, first: u64, last: u64) {
        self.taken.insert(first, last);
    }

    fn note_late(&mut self, at: i64) {
        let (from, until) = self.late.unwrap_or((at, at));
        self.late = Some((from.min(at), until.max(at)));
    }

    /// Notes what a row supersedes, if it does so.
    fn note_edit(&mut self, row: &Row) -> bool {
        let Logged::Edit(edit) = &row.value else {
            return false;
        };
        self.note_late(row.time);
        self.note_late(edit.to.saturating_sub(1));
        self.edited = true;
        true
    }

    /// Whether rows came too late and wait for [`Rolling::repair`].
    pub(crate) fn is_late(&self) -> bool {
        self.late.is_some()
    }

    /// Appends what is to be stored now.
    pub(crate) fn drain(&mut self, now: Timestamp, batch: &mut RollupBatch) {
        self.roller.advance(now.micros());
        if !self.roller.is_changed() {
            return;
        }
        let mut out = Vec::new();
        self.roller.drain(now.micros(), &mut out);
        self.put(&out, batch);
        // Rows that wait for a repair are not rolled up.
        if self.late.is_none() {
            batch.covered.push((self.series, self.taken.watermark()));
        }
    }

    fn put(&self, rolled: &[Rolled], batch: &mut RollupBatch) {
        batch
            .rollups
            .extend(rolled.iter().map(|one| one.stored(self.series)));
    }

    /// Makes right what late rows changed. What [`Rolling::drain`] gave has to be stored before.
    pub(crate) fn repair(
        &mut self,
        sink: &dyn Sink,
        now: Timestamp,
        at_start: bool,
    ) -> Result<(), SinkError> {
        let Some(late) = self.late else {
            return Ok(());
        };
        let (from, last) = match self.edited {
            true => self.within_reach(sink, late, now)?,
            false => late,
        };
        let until = if at_start {
            None
        } else {
            self.next_reading(sink, last)?
        };
        let until = until.unwrap_or(now.micros().max(last));
        let mut at = Some(from);
        let mut batch = RollupBatch::default();
        while let Some(from) = at {
            at = self.repair_month(sink, (from, until), now, &mut batch)?;
            if at.is_some() {
                sink.put_rollups(&std::mem::take(&mut batch))?;
            }
        }
        (self.late, self.edited) = (None, false);
        // With the open slots in the same batch, so that nobody sees them without what is in them.
        self.drain(now, &mut batch);
        sink.put_rollups(&batch)
    }

    /// Repairs one month. Returns where the next one begins, if it is concerned too.
    fn repair_month(
        &mut self,
        sink: &dyn Sink,
        (from, until): (i64, i64),
        now: Timestamp,
        batch: &mut RollupBatch,
    ) -> Result<Option<i64>, SinkError> {
        let setup = &self.setup;
        let horizon = setup
            .raw
            .map_or(i64::MIN, |raw| now.micros().saturating_sub(raw));
        let (rule, calendar) = (setup.rule.clone(), setup.calendar.clone());
        let mut repair = Repair::new(rule, calendar, setup.minutes, (from, until), horizon);
        let span = repair.rows_wanted();
        repair.carry(self.carry_before(sink, span.from)?);
        for row in sink.samples(&SampleQuery::new(self.series, span.from, span.to))? {
            repair.row(&reading(&row?));
        }
        // A month that is not the last one concerned ends, whatever is open.
        let rest = repair.rest(until);
        let open = if rest.is_some() {
            Some(NEVER)
        } else {
            self.roller.open_hour()
        };
        repair.rows_end(open, now.micros().saturating_sub(GRACE));
        if self.edited && setup.minutes {
            for minute in sink.rollups(&self.stored_query(Step::Minute, span.from, span.to))? {
                repair.stored_minute(minute?.start);
            }
        }
        let days = repair.hours_wanted();
        for hour in sink.rollups(&self.stored_query(Step::Hour, days.from, days.to))? {
            let hour = hour?;
            repair.stored_hour(Tally::from(&hour), hour.start);
        }
        let months = repair.days_wanted();
        for day in sink.rollups(&self.stored_query(Step::Day, months.from, months.to))? {
            let day = day?;
            repair.stored_day(Tally::from(&day), day.start);
        }
        self.put(&repair.finish(open), batch);
        self.left += repair.left();
        self.roller.absorb(&repair);
        Ok(rest)
    }

    /// Of a stretch that was edited, the part in which there is or was anything: an edit may reach
    /// from the beginning of time to its end.
    fn within_reach(
        &self,
        sink: &dyn Sink,
        (from, last): (i64, i64),
        now: Timestamp,
    ) -> Result<(i64, i64), SinkError> {
        let mut oldest = SampleQuery::new(self.series, i64::MIN, i64::MAX);
        oldest.limit = 1;
        let oldest = sink.samples(&oldest)?.next().transpose()?;
        let hour = RollupQuery {
            limit: 1,
            ..self.stored_query(Step::Hour, i64::MIN, i64::MAX)
        };
        let hour = sink.rollups(&hour)?.next().transpose()?;
        let begins = [oldest.map(|row| row.time), hour.map(|hour| hour.start)];
        let first = begins.into_iter().flatten().min().unwrap_or(last);
        let newest = sink.last(self.series)?.map_or(i64::MIN, |row| row.time);
        let last = last.min(now.micros().max(newest));
        Ok((from.max(first).min(last), last))
    }

    fn stored_query(&self, step: Step, from: i64, to: i64) -> RollupQuery {
        RollupQuery {
            series: self.series,
            step,
            from,
            to,
            order: Order::Ascending,
            limit: u64::MAX,
        }
    }

    /// What the rows before a moment leave: the value that holds, and the last reading.
    fn carry_before(&self, sink: &dyn Sink, at: i64) -> Result<Carry, SinkError> {
        let mut query = SampleQuery::new(self.series, i64::MIN, at);
        query.order = Order::Descending;
        query.limit = LOOK_BACK_MAX;
        let mut carry = Carry::default();
        for row in sink.samples(&query)? {
            let reading = reading(&row?);
            if let Some(value) = reading.usable() {
                carry.read = Some(value);
                carry.held = (!carry.gap).then_some(value);
                return Ok(carry);
            }
            carry.gap = true;
        }
        Ok(carry)
    }

    /// The first reading that counts behind a moment.
    fn next_reading(&self, sink: &dyn Sink, at: i64) -> Result<Option<i64>, SinkError> {
        let mut query = SampleQuery::new(self.series, at.saturating_add(1), i64::MAX);
        query.quality = QualityFilter::NotBad;
        for row in sink.samples(&query)? {
            let reading = reading(&row?);
            if reading.usable().is_some() {
                return Ok(Some(reading.at));
            }
        }
        Ok(None)
    }
}
