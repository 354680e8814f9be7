//! Answers, page by page: no transaction stays open while whoever asked is busy elsewhere.

use std::sync::Arc;

use super::merge::{Axis, Page, Place, Plan};
use super::shared::Shared;
use crate::{QualityFilter, Row, RowQuery, SampleQuery, SinkError};

/// Rows of one page: what an answer holds in memory, besides blocks that overlap.
const PAGE_ROWS: usize = 64 << 10;

/// An answer being read.
pub(super) struct Reading {
    shared: Arc<Shared>,
    plan: Plan,
    page: std::vec::IntoIter<Row>,
    after: Option<Place>,
    left: u64,
    error: Option<SinkError>,
    more: bool,
}

impl Reading {
    pub(super) fn samples(shared: &Arc<Shared>, query: &SampleQuery) -> Self {
        // The last moment there is has none behind it, so it is included.
        let last = match query.to {
            i64::MAX => i64::MAX,
            to => to.saturating_sub(1),
        };
        let plan = Plan {
            series: query.series,
            axis: Axis::Time(query.order),
            times: (query.from, last),
            quality: query.quality,
        };
        let after = query.after.map(|(time, number)| plan.place(time, number));
        let empty = query.from > last || query.to == i64::MIN;
        Self::new(shared, plan, after, if empty { 0 } else { query.limit })
    }

    pub(super) fn rows(shared: &Arc<Shared>, query: &RowQuery) -> Self {
        let plan = Plan {
            series: query.series,
            axis: Axis::Number,
            times: (i64::MIN, i64::MAX),
            quality: QualityFilter::Any,
        };
        Self::new(shared, plan, Some(i128::from(query.after)), query.limit)
    }

    fn new(shared: &Arc<Shared>, plan: Plan, after: Option<Place>, left: u64) -> Self {
        Self {
            shared: Arc::clone(shared),
            plan,
            page: Vec::new().into_iter(),
            after,
            left,
            error: None,
            more: true,
        }
    }

    fn turn(&mut self) {
        let want = usize::try_from(self.left)
            .unwrap_or(PAGE_ROWS)
            .min(PAGE_ROWS);
        let _gate = self.shared.edits.reading();
        let hidden = match self.plan.axis {
            Axis::Time(_) => self.shared.edits.of(self.plan.series),
            Axis::Number => None,
        };
        let mut page = Page::new(&self.plan, self.shared.part_list(), self.after, hidden);
        let told = page.fill(want);
        let rows = std::mem::take(&mut page.rows);
        match told {
            Ok(more) => self.more = more,
            Err(error) => {
                self.more = false;
                self.error = Some(error);
            }
        }
        if let Some(last) = rows.last() {
            self.after = Some(self.plan.place(last.time, last.row));
        }
        self.left -= rows.len() as u64;
        self.page = rows.into_iter();
    }
}

impl Iterator for Reading {
    type Item = Result<Row, SinkError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(row) = self.page.next() {
            return Some(Ok(row));
        }
        if self.more && self.left > 0 && self.error.is_none() {
            self.turn();
            if let Some(row) = self.page.next() {
                return Some(Ok(row));
            }
        }
        self.error.take().map(Err)
    }
}
