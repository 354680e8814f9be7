//! One page of an answer: sorted pieces from several parts, merged. Pieces are opened only when
//! their turn comes and dropped when they are read, so memory holds those that overlap.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use rusqlite::Connection;

use super::blocks::{self, Head};
use super::file::{Told, damaged, read_error};
use super::part::Part;
use crate::codec::staged::{self, Segment};
use crate::superseded::Superseded;
use crate::{Logged, Order, QualityFilter, Row, SeriesId, SinkError};

/// What the answer is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Axis {
    Time(Order),
    Number,
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) series: SeriesId,
    pub(super) axis: Axis,
    /// The span of times, both ends included.
    pub(super) times: (i64, i64),
    pub(super) quality: QualityFilter,
}

/// A row's place in the answer: places only grow.
pub(super) type Place = i128;

impl Plan {
    pub(super) fn place(&self, time: i64, number: u64) -> Place {
        let place = i128::from(time) << 64 | i128::from(number);
        match self.axis {
            Axis::Time(Order::Ascending) => place,
            // Bitwise not turns the order round.
            Axis::Time(Order::Descending) => !place,
            Axis::Number => i128::from(number),
        }
    }

    /// Where a piece can begin at the earliest.
    fn start(&self, times: (i64, i64), numbers: (u64, u64)) -> Place {
        match self.axis {
            Axis::Time(Order::Ascending) => self.place(times.0, 0),
            Axis::Time(Order::Descending) => self.place(times.1, u64::MAX),
            Axis::Number => i128::from(numbers.0),
        }
    }

    fn touches(&self, times: (i64, i64)) -> bool {
        times.0 <= self.times.1 && times.1 >= self.times.0
    }

    fn admits(&self, row: &Row) -> bool {
        row.time >= self.times.0 && row.time <= self.times.1 && self.quality.admits(row.quality)
    }
}

/// A part as one page sees it: one transaction, so that what moves from staged to settled
/// meanwhile is seen exactly once.
struct Session {
    part: Arc<Part>,
    connection: Option<Connection>,
}

impl Session {
    fn begin(part: Arc<Part>) -> Told<Self> {
        let connection = part.borrow()?;
        connection
            .execute_batch("BEGIN")
            .map_err(read_error(&part.path))?;
        Ok(Self {
            part,
            connection: Some(connection),
        })
    }

    fn connection(&self) -> Told<&Connection> {
        self.connection.as_ref().ok_or(SinkError::Stopped)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take()
            && connection.execute_batch("COMMIT").is_ok()
        {
            self.part.give_back(connection);
        }
    }
}

/// A piece whose turn has not come.
enum Pending {
    Part(Arc<Part>),
    Block(Rc<Session>, Head),
    Staged(Rc<Session>, i64, Segment),
}

/// Rows of one piece in the order of the answer.
struct Piece {
    rows: std::vec::IntoIter<Row>,
    next: Place,
}

/// A page being filled.
pub(super) struct Page<'a> {
    plan: &'a Plan,
    pending: BTreeMap<(Place, usize), Pending>,
    open: Vec<Piece>,
    serial: usize,
    after: Option<Place>,
    /// What edits hide; absent where nothing was edited or everything is wanted.
    hidden: Option<Arc<Superseded>>,
    pub(super) rows: Vec<Row>,
}

impl<'a> Page<'a> {
    /// A page behind a place, without what is hidden.
    pub(super) fn new(
        plan: &'a Plan,
        parts: Vec<Arc<Part>>,
        after: Option<Place>,
        hidden: Option<Arc<Superseded>>,
    ) -> Self {
        let mut page = Self {
            plan,
            pending: BTreeMap::new(),
            open: Vec::new(),
            serial: 0,
            after,
            hidden,
            rows: Vec::new(),
        };
        for part in parts {
            let times = part.figures().times();
            if let Some(times) = times.filter(|times| plan.touches(*times)) {
                // Row numbers are not known before a part is opened.
                let start = plan.start(times, (0, 0));
                page.put_off(start, Pending::Part(part));
            }
        }
        page
    }

    fn put_off(&mut self, start: Place, what: Pending) {
        self.pending.insert((start, self.serial), what);
        self.serial += 1;
    }

    /// Fills the page up to so many rows; `false` if there are no more behind them.
    pub(super) fn fill(&mut self, want: usize) -> Told<bool> {
        while self.rows.len() < want {
            self.open_due()?;
            let Some((index, limit)) = self.least() else {
                return Ok(false);
            };
            self.drain(index, limit, want);
        }
        Ok(true)
    }

    /// Opens every pending piece that could come before what is open.
    fn open_due(&mut self) -> Told<()> {
        loop {
            let least = self.open.iter().map(|piece| piece.next).min();
            let Some(first) = self.pending.first_entry() else {
                return Ok(());
            };
            if least.is_some_and(|least| least < first.key().0) {
                return Ok(());
            }
            match first.remove() {
                Pending::Part(part) => self.open_part(part)?,
                Pending::Block(session, head) => {
                    let path = &session.part.path;
                    let rows = blocks::read(path, session.connection()?, &head)?;
                    self.open_piece(rows);
                }
                Pending::Staged(session, batch, segment) => {
                    let path = &session.part.path;
                    let rows = read_staged(path, session.connection()?, batch, &segment)?;
                    self.open_piece(rows);
                }
            }
        }
    }

    fn open_part(&mut self, part: Arc<Part>) -> Told<()> {
        let plan = self.plan;
        let path = part.path.clone();
        let session = match Session::begin(part) {
            // Retention took the file since the list of parts was read.
            Err(_) if !path.exists() => return Ok(()),
            begun => Rc::new(begun?),
        };
        let connection = session.connection()?;
        let found = staged_segments(&path, connection, plan)?;
        for (batch, segment) in found {
            let low = segment.numbers.first().map_or(0, |range| range.0);
            let high = segment.numbers.last().map_or(u64::MAX, |range| range.1);
            let start = plan.start(segment.times, (low, high));
            if plan.axis != Axis::Number || self.after.is_none_or(|after| i128::from(high) > after)
            {
                self.put_off(start, Pending::Staged(Rc::clone(&session), batch, segment));
            }
        }
        let heads = blocks::heads(connection, plan.series, self.span());
        for head in heads.map_err(read_error(&path))? {
            let high = i128::from(head.numbers.1);
            if plan.axis != Axis::Number || self.after.is_none_or(|after| high > after) {
                let start = plan.start(head.times, head.numbers);
                self.put_off(start, Pending::Block(Rc::clone(&session), head));
            }
        }
        Ok(())
    }

    /// The span of times that is still of interest: a page behind the first needs no more.
    fn span(&self) -> (i64, i64) {
        let (mut from, mut to) = self.plan.times;
        if let (Some(after), Axis::Time(order)) = (self.after, self.plan.axis) {
            let time = |place: Place| i64::try_from(place >> 64).unwrap_or_default();
            match order {
                Order::Ascending => from = from.max(time(after)),
                Order::Descending => to = to.min(time(!after)),
            }
        }
        (from, to)
    }

    fn open_piece(&mut self, mut rows: Vec<Row>) {
        let plan = self.plan;
        let after = self.rows.last().map(|row| plan.place(row.time, row.row));
        let after = after.or(self.after);
        // Nearly every block lies whole within what is asked.
        let behind = |row: &Row| after.is_none_or(|after| plan.place(row.time, row.row) > after);
        if !rows.iter().all(|row| plan.admits(row) && behind(row)) {
            rows.retain(|row| plan.admits(row) && behind(row));
        }
        if let Some(hidden) = &self.hidden {
            let is_sample = |row: &Row| !matches!(row.value, Logged::Edit(_));
            rows.retain(|row| is_sample(row) && !hidden.hides(row.time, row.row));
        }
        let in_order = |pair: &[Row]| {
            plan.place(pair[0].time, pair[0].row) < plan.place(pair[1].time, pair[1].row)
        };
        if !rows.windows(2).all(in_order) {
            rows.sort_unstable_by_key(|row| plan.place(row.time, row.row));
        }
        if let Some(first) = rows.first() {
            let next = plan.place(first.time, first.row);
            let rows = rows.into_iter();
            self.open.push(Piece { rows, next });
        }
    }

    /// The piece whose turn it is, and up to where nothing else has one.
    fn least(&self) -> Option<(usize, Place)> {
        let places = self.open.iter().enumerate();
        let (index, _) = places.min_by_key(|(_, piece)| piece.next)?;
        let others = self.open.iter().enumerate();
        let others = others.filter(|(other, _)| *other != index);
        let limit = others.map(|(_, piece)| piece.next).min();
        let pending = self.pending.first_key_value().map(|(key, _)| key.0);
        let limit = limit
            .unwrap_or(Place::MAX)
            .min(pending.unwrap_or(Place::MAX));
        Some((index, limit))
    }

    fn drain(&mut self, index: usize, limit: Place, want: usize) {
        let plan = self.plan;
        let piece = &mut self.open[index];
        let left = piece.rows.as_slice();
        // Whole stretches are moved at once.
        let count = left.partition_point(|row| plan.place(row.time, row.row) < limit);
        let count = count.max(1).min(want - self.rows.len());
        self.rows.extend(piece.rows.by_ref().take(count));
        match piece.rows.as_slice().first() {
            Some(row) => piece.next = plan.place(row.time, row.row),
            None => drop(self.open.swap_remove(index)),
        }
    }
}

/// The staged segments of a series that touch what is asked.
pub(super) fn staged_segments(
    path: &std::path::Path,
    connection: &Connection,
    plan: &Plan,
) -> Told<Vec<(i64, Segment)>> {
    let read = read_error(path);
    let mut statement = connection
        .prepare_cached("SELECT id, directory FROM staging ORDER BY id")
        .map_err(&read)?;
    let mut found = statement.query([]).map_err(&read)?;
    let mut segments = Vec::new();
    while let Some(row) = found.next().map_err(&read)? {
        let id: i64 = row.get(0).map_err(&read)?;
        let bytes = row.get_ref(1).map_err(&read)?.as_blob();
        let bytes = bytes.map_err(|_| damaged(path, "a directory of staged rows is no blob"))?;
        let mine = staged::find_in_directory(bytes, plan.series)
            .map_err(|_| damaged(path, "a directory of staged rows is damaged"))?;
        let mine = mine
            .into_iter()
            .filter(|segment| plan.touches(segment.times));
        segments.extend(mine.map(|segment| (id, segment)));
    }
    Ok(segments)
}

/// Reads the rows of a staged segment back; they are exactly what was written, or an error.
pub(super) fn read_staged(
    path: &std::path::Path,
    connection: &Connection,
    batch: i64,
    segment: &Segment,
) -> Told<Vec<Row>> {
    let read = read_error(path);
    let blob = connection
        .blob_open("main", "staging", "data", batch, true)
        .map_err(&read)?;
    let mut bytes = vec![0; segment.length.min(blob.len())];
    blob.read_at_exact(&mut bytes, segment.offset)
        .map_err(&read)?;
    staged::get_segment(segment, &bytes)
        .map_err(|_| damaged(path, format!("staged rows {batch} have a wrong checksum")))
}
