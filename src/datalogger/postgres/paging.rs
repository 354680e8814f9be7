//! Answers, slice by slice: no transaction stays open while whoever asked is busy elsewhere, and
//! memory holds one page, or one slice where that is more.

use std::pin::pin;
use std::sync::Arc;

use futures_util::TryStreamExt;
use tokio_postgres::types::ToSql;

use super::answer::{COLUMNS, rows_of};
use super::connect::{Connected, unread, within};
use super::piece::{NUMBERS, SLICE};
use super::shared::Shared;
use crate::superseded::Superseded;
use crate::{Logged, Order, QualityFilter, Row, RowQuery, SampleQuery, SeriesId, SinkError};

/// Pieces asked for at once, at least and at most.
const PIECES: (u64, u64) = (8, 1024);
/// Rows after which a page is not read further than to the end of its slice.
const PAGE_ROWS: usize = 64 << 10;

/// What the answer is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Axis {
    Time(Order),
    Number,
}

impl Axis {
    fn column(self) -> &'static str {
        match self {
            Self::Time(_) => "first",
            Self::Number => "low",
        }
    }

    fn width(self) -> i64 {
        match self {
            Self::Time(_) => SLICE,
            Self::Number => NUMBERS.cast_signed(),
        }
    }

    fn is_descending(self) -> bool {
        self == Self::Time(Order::Descending)
    }

    fn of(self, row: &Row) -> i64 {
        match self {
            Self::Time(_) => row.time,
            Self::Number => row.row.cast_signed(),
        }
    }
}

/// An answer being read.
pub(super) struct Reading {
    shared: Arc<Shared>,
    series: SeriesId,
    axis: Axis,
    quality: QualityFilter,
    /// What is asked for, both ends included.
    span: (i64, i64),
    /// What is still to be read of it, in whole slices.
    ahead: (i64, i64),
    after: Option<(i64, u64)>,
    left: u64,
    page: std::vec::IntoIter<Row>,
    more: bool,
}

/// Whether nothing was edited in between.
fn same(before: Option<&Arc<Superseded>>, after: Option<&Arc<Superseded>>) -> bool {
    match (before, after) {
        (None, None) => true,
        (Some(before), Some(after)) => Arc::ptr_eq(before, after),
        _ => false,
    }
}

/// A page: rows, and the slice from which on it is not whole.
struct Page {
    rows: Vec<Row>,
    cut: Option<i64>,
}

fn floor(value: i64, width: i64) -> i64 {
    let slice = value.div_euclid(width);
    slice.checked_mul(width).unwrap_or(i64::MIN)
}

fn ceiling(value: i64, width: i64) -> i64 {
    floor(value, width).saturating_add(width - 1)
}

impl Reading {
    pub(super) fn samples(shared: &Arc<Shared>, query: &SampleQuery) -> Self {
        // The last moment there is has none behind it, so it is included.
        let last = match query.to {
            i64::MAX => i64::MAX,
            to => to.saturating_sub(1),
        };
        let empty = query.from > last || query.to == i64::MIN;
        let mut span = (query.from, last);
        match (query.after, query.order) {
            (Some((time, _)), Order::Ascending) => span.0 = span.0.max(time),
            (Some((time, _)), Order::Descending) => span.1 = span.1.min(time),
            (None, _) => {}
        }
        let mut reading = Self::new(shared, query.series, Axis::Time(query.order), span);
        reading.quality = query.quality;
        reading.after = query.after;
        reading.left = if empty { 0 } else { query.limit };
        reading
    }

    pub(super) fn rows(shared: &Arc<Shared>, query: &RowQuery) -> Self {
        let from = query.after.saturating_add(1).min(i64::MAX.cast_unsigned());
        let span = (from.cast_signed(), i64::MAX);
        let mut reading = Self::new(shared, query.series, Axis::Number, span);
        reading.left = query.limit;
        reading
    }

    fn new(shared: &Arc<Shared>, series: SeriesId, axis: Axis, span: (i64, i64)) -> Self {
        let width = axis.width();
        Self {
            shared: Arc::clone(shared),
            series,
            axis,
            quality: QualityFilter::Any,
            span,
            ahead: (floor(span.0, width), ceiling(span.1, width)),
            after: None,
            left: 0,
            page: Vec::new().into_iter(),
            more: span.0 <= span.1,
        }
    }

    /// Reads the next page.
    fn turn(&mut self) -> Result<(), SinkError> {
        let Some(id) = self.shared.ids.read().get(&self.series).copied() else {
            self.more = false;
            return Ok(());
        };
        let before = self.state();
        loop {
            let hidden = self.shared.spool.hidden(self.series);
            // What an edit brought is at the server too then.
            self.shared.settle_up()?;
            self.read_page(id, hidden.as_deref())?;
            // An edit meanwhile: some of what was read is from before it, some from behind it.
            let now = self.shared.spool.hidden(self.series);
            if self.axis == Axis::Number || same(hidden.as_ref(), now.as_ref()) {
                return Ok(());
            }
            (self.ahead, self.left, self.more) = before;
        }
    }

    fn state(&self) -> ((i64, i64), u64, bool) {
        (self.ahead, self.left, self.more)
    }

    fn read_page(&mut self, id: i32, hidden: Option<&Superseded>) -> Result<(), SinkError> {
        let pieces = self.left.clamp(PIECES.0, PIECES.1);
        let mut page = self.ask(id, self.ahead, Some(pieces))?;
        let width = self.axis.width();
        if let Some(cut) = page.cut {
            let whole = |row: &Row| floor(self.axis.of(row), width) != cut;
            page.rows.retain(whole);
            let slice = (cut, ceiling(cut, width));
            if page.rows.is_empty() {
                // One slice is more than a page: then all of it is the page.
                page = self.ask(id, slice, None)?;
                self.advance(slice);
            } else if self.axis.is_descending() {
                self.ahead.1 = slice.1;
            } else {
                self.ahead.0 = slice.0;
            }
        } else {
            self.more = false;
        }
        let mut rows = page.rows;
        rows.retain(|row| self.admits(row));
        if self.axis != Axis::Number {
            // Readers of samples see the newest version, and no edits.
            let shown = |row: &Row| hidden.is_none_or(|hidden| !hidden.hides(row.time, row.row));
            rows.retain(|row| !matches!(row.value, Logged::Edit(_)) && shown(row));
        }
        match self.axis {
            Axis::Time(_) => rows.sort_unstable_by_key(|row| (row.time, row.row)),
            Axis::Number => rows.sort_unstable_by_key(|row| row.row),
        }
        if self.axis.is_descending() {
            rows.reverse();
        }
        rows.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= rows.len() as u64;
        self.page = rows.into_iter();
        Ok(())
    }

    /// What is behind a whole slice is next.
    fn advance(&mut self, slice: (i64, i64)) {
        let next = match self.axis.is_descending() {
            true => slice.0.checked_sub(1),
            false => slice.1.checked_add(1),
        };
        match next {
            Some(next) if self.axis.is_descending() => self.ahead.1 = next,
            Some(next) => self.ahead.0 = next,
            None => self.more = false,
        }
        self.more &= self.ahead.0 <= self.ahead.1;
    }

    fn admits(&self, row: &Row) -> bool {
        let place = self.axis.of(row);
        let after = self.after.is_none_or(|after| match self.axis {
            Axis::Time(Order::Ascending) => (row.time, row.row) > after,
            Axis::Time(Order::Descending) => (row.time, row.row) < after,
            Axis::Number => true,
        });
        after && place >= self.span.0 && place <= self.span.1 && self.quality.admits(row.quality)
    }

    fn ask(&self, id: i32, span: (i64, i64), limit: Option<u64>) -> Result<Page, SinkError> {
        let (shared, series, axis) = (Arc::clone(&self.shared), self.series, self.axis);
        self.shared.link.ask(async move {
            let connected = shared.borrow().await?;
            let page = read(&connected, &shared, (series, id), axis, span, limit).await;
            let page = page.map_err(|reason| unread(&shared.config, reason))?;
            shared.give_back(connected);
            Ok(page)
        })
    }
}

async fn read(
    connected: &Connected,
    shared: &Shared,
    (series, id): (SeriesId, i32),
    axis: Axis,
    span: (i64, i64),
    limit: Option<u64>,
) -> Result<Page, String> {
    let (column, patience) = (axis.column(), shared.config.timeout);
    let direction = if axis.is_descending() { "DESC" } else { "ASC" };
    let asked = format!(
        "SELECT {COLUMNS} FROM piece WHERE series = $1 AND {column} >= $2 AND {column} <= $3
         ORDER BY {column} {direction} LIMIT $4"
    );
    let most = limit.and_then(|limit| i64::try_from(limit).ok());
    let values: [&(dyn ToSql + Sync); 4] = [&id, &span.0, &span.1, &most];
    let found = within(patience, connected.client.query_raw(&asked, values)).await?;
    let mut found = pin!(found);
    let mut page = Page {
        rows: Vec::new(),
        cut: None,
    };
    let mut pieces = 0;
    while let Some(piece) = within(patience, found.try_next()).await? {
        rows_of(series, &piece, &mut page.rows)?;
        let place = if axis == Axis::Number { 1 } else { 0 };
        let last = piece.try_get::<_, i64>(place).ok();
        pieces += 1;
        let full = limit.is_some_and(|limit| pieces >= limit || page.rows.len() >= PAGE_ROWS);
        if full {
            page.cut = last.map(|last| floor(last, axis.width()));
            break;
        }
    }
    Ok(page)
}

impl Iterator for Reading {
    type Item = Result<Row, SinkError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.page.next() {
                return Some(Ok(row));
            }
            if !self.more || self.left == 0 {
                return None;
            }
            if let Err(error) = self.turn() {
                self.more = false;
                return Some(Err(error));
            }
        }
    }
}
