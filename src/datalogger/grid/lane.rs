//! One series of a grid.

use mainstem_model::Quality;

use super::GridQuery;
use crate::rollup::{Reading, Tally};
use crate::{
    Order, QualityFilter, Rollup, RollupQuery, Rollups, Row, SampleQuery, Samples, SeriesId, Sink,
    SinkError, Step,
};

/// Rows of a series that are in memory at once.
const PAGE_ROWS: u64 = 8192;

/// Where the slots of a series come from.
pub(super) enum Lane<'a> {
    Rows(Rows<'a>),
    Hours(Hours),
}

impl<'a> Lane<'a> {
    pub(super) fn new(
        sink: &'a dyn Sink,
        series: SeriesId,
        query: &GridQuery,
        is_hourly: bool,
    ) -> Result<Self, SinkError> {
        if is_hourly {
            let mut hours = Hours {
                rollups: sink.rollups(&RollupQuery {
                    series,
                    step: Step::Hour,
                    from: query.from,
                    to: query.to.saturating_add(query.step),
                    order: Order::Ascending,
                    limit: u64::MAX,
                })?,
                next: None,
            };
            hours.turn()?;
            // Truth values have no roll-ups, and neither has what was never rolled up.
            if hours.next.is_some() {
                return Ok(Self::Hours(hours));
            }
        }
        Rows::new(sink, series, query).map(Self::Rows)
    }

    /// What is known of the next slot. Slots follow each other.
    pub(super) fn slot(&mut self, slot: (i64, i64), now: i64) -> Result<Tally, SinkError> {
        match self {
            Self::Rows(rows) => rows.slot(slot, now),
            Self::Hours(hours) => hours.slot(slot),
        }
    }
}

/// A series read from its rows.
pub(super) struct Rows<'a> {
    sink: &'a dyn Sink,
    query: SampleQuery,
    page: Samples,
    left: u64,
    next: Option<Row>,
    held: Option<f64>,
    only_good: bool,
}

impl<'a> Rows<'a> {
    fn new(sink: &'a dyn Sink, series: SeriesId, asked: &GridQuery) -> Result<Self, SinkError> {
        let mut before = SampleQuery::new(series, i64::MIN, asked.from);
        before.order = Order::Descending;
        before.limit = 1;
        let before = sink.samples(&before)?.next().transpose()?;
        let end = asked.to.saturating_add(asked.step);
        let mut rows = Self {
            sink,
            query: SampleQuery {
                limit: PAGE_ROWS,
                ..SampleQuery::new(series, asked.from, end)
            },
            page: Box::new(std::iter::empty()),
            left: 0,
            next: None,
            held: None,
            only_good: asked.only_good,
        };
        rows.held = before.and_then(|row| rows.usable(&row));
        rows.open()?;
        rows.turn()?;
        Ok(rows)
    }

    fn usable(&self, row: &Row) -> Option<f64> {
        let reading = Reading {
            at: row.time,
            value: row.value.as_f64(),
            quality: Quality::from_code(row.quality),
        };
        let counts = !self.only_good || QualityFilter::Good.admits(row.quality);
        reading.usable().filter(|_| counts)
    }

    fn open(&mut self) -> Result<(), SinkError> {
        self.page = self.sink.samples(&self.query)?;
        self.left = PAGE_ROWS;
        Ok(())
    }

    /// The next row into its place; the next page where this one is read.
    fn turn(&mut self) -> Result<(), SinkError> {
        if self.left == 0 {
            self.open()?;
        }
        self.next = self.page.next().transpose()?;
        self.left -= 1;
        if let Some(row) = &self.next {
            self.query.after = Some((row.time, row.row));
        }
        Ok(())
    }

    fn slot(&mut self, (from, to): (i64, i64), now: i64) -> Result<Tally, SinkError> {
        let (mut tally, mut until) = (Tally::default(), from);
        while let Some(row) = self.next.take_if(|row| row.time < to) {
            self.hold(&mut tally, &mut until, row.time);
            self.held = self.usable(&row);
            match self.held {
                Some(value) => tally.read(value, !QualityFilter::Good.admits(row.quality)),
                None => tally.bad += 1,
            }
            self.turn()?;
        }
        // Of the future nothing is known.
        self.hold(&mut tally, &mut until, to.min(now));
        Ok(tally)
    }

    fn hold(&self, tally: &mut Tally, until: &mut i64, at: i64) {
        if at <= *until {
            return;
        }
        if let Some(value) = self.held {
            tally.hold(value, at - *until);
        }
        *until = at;
    }
}

/// A series read from its hours: they outlive its rows.
pub(super) struct Hours {
    rollups: Rollups,
    next: Option<Rollup>,
}

impl Hours {
    fn turn(&mut self) -> Result<(), SinkError> {
        self.next = self.rollups.next().transpose()?;
        Ok(())
    }

    /// An hour belongs to the slot that it begins in.
    fn slot(&mut self, (_, to): (i64, i64)) -> Result<Tally, SinkError> {
        let mut tally = Tally::default();
        while let Some(hour) = self.next.take_if(|hour| hour.start < to) {
            tally.append(&Tally::from(&hour));
            self.turn()?;
        }
        Ok(tally)
    }
}
