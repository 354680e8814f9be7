//! Rows on their way to the sink. While the sink takes none they wait here, up to a bound; beyond it
//! nothing is read from the feed any more, whose log is a second spool. What the log forgets in the
//! end is a gap, and is recorded as one.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::{Durable, Logged, Refused, Row, Sink};

/// Rows handed over as one batch.
const BATCH_ROWS_MAX: usize = 16_384;
/// Between two tries after a refusal; doubled from the first to the last.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// The rows that wait.
pub(crate) struct Spool {
    sink: Arc<dyn Sink>,
    waiting: VecDeque<Row>,
    bytes: usize,
    bytes_max: usize,
    /// How long rows are gathered.
    linger: Duration,
    /// When the next batch goes.
    due: Option<Instant>,
    under_way: Option<(Durable, Vec<Row>)>,
    /// When that was handed over.
    began: Instant,
    retry: Duration,
    /// Rows stored since the beginning.
    stored: u64,
    /// Rows that go in one batch, as places since the beginning: from the first to before the last.
    whole: VecDeque<(u64, u64)>,
}

/// What became of a batch.
pub(crate) enum Sent {
    /// It is on disk, after so long.
    Stored(Vec<Row>, Duration),
    /// It was given back and waits again; how many, and why.
    Refused(u64, String),
}

impl Spool {
    pub(crate) fn new(sink: Arc<dyn Sink>, bytes_max: u64, linger: Duration) -> Self {
        Self {
            sink,
            waiting: VecDeque::new(),
            bytes: 0,
            bytes_max: usize::try_from(bytes_max).unwrap_or(usize::MAX),
            linger,
            due: None,
            under_way: None,
            began: Instant::now(),
            retry: RETRY.0,
            stored: 0,
            whole: VecDeque::new(),
        }
    }

    /// Rows that wait, those under way included.
    pub(crate) fn len(&self) -> usize {
        let under_way = self.under_way.as_ref().map_or(0, |(_, rows)| rows.len());
        self.waiting.len() + under_way
    }

    /// Memory of the rows that wait.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether more than half of the room is taken.
    pub(crate) fn is_filling(&self) -> bool {
        self.bytes > self.bytes_max / 2
    }

    /// Whether nothing more is to be read from the feed.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes >= self.bytes_max
    }

    /// Takes rows in.
    pub(crate) fn push(&mut self, rows: &mut Vec<Row>) {
        if rows.is_empty() {
            return;
        }
        self.bytes += rows.iter().map(weight).sum::<usize>();
        self.waiting.extend(rows.drain(..));
        self.due.get_or_insert_with(|| Instant::now() + self.linger);
    }

    /// Takes rows in that are stored together or not at all.
    pub(crate) fn push_whole(&mut self, mut rows: Vec<Row>) {
        let from = self.stored + self.len() as u64;
        self.whole.push_back((from, from + rows.len() as u64));
        self.push(&mut rows);
    }

    /// How many of the waiting rows make the next batch.
    fn next_batch(&self) -> usize {
        let count = self.waiting.len().min(BATCH_ROWS_MAX);
        let end = self.stored + count as u64;
        let cut = self
            .whole
            .iter()
            .find(|(from, to)| *from < end && end < *to);
        let end = match cut {
            Some((from, _)) if *from > self.stored => *from,
            Some((_, to)) => *to,
            None => end,
        };
        usize::try_from(end - self.stored).unwrap_or(count)
    }

    /// When [`Spool::send`] has something to do.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
            .filter(|_| self.under_way.is_none() && !self.waiting.is_empty())
    }

    /// Hands the next batch over, if it is time and none is under way.
    pub(crate) fn send(&mut self, at_once: bool) {
        let is_due = at_once
            || self.waiting.len() >= BATCH_ROWS_MAX
            || self.due.is_some_and(|due| due <= Instant::now());
        if self.under_way.is_some() || self.waiting.is_empty() || !is_due {
            return;
        }
        let rows: Vec<Row> = self.waiting.drain(..self.next_batch()).collect();
        self.due = (!self.waiting.is_empty()).then(Instant::now);
        self.began = Instant::now();
        self.under_way = Some((self.sink.append(rows.clone()), rows));
    }

    /// Waits for the batch under way; for ever if there is none.
    pub(crate) async fn sent(&mut self) -> Sent {
        let Some((durable, _)) = &mut self.under_way else {
            return std::future::pending().await;
        };
        let fate = durable.await;
        let rows = self
            .under_way
            .take()
            .map(|(_, rows)| rows)
            .unwrap_or_default();
        match fate {
            Ok(()) => {
                self.bytes -= rows.iter().map(weight).sum::<usize>().min(self.bytes);
                self.retry = RETRY.0;
                self.stored += rows.len() as u64;
                let stored = self.stored;
                self.whole.retain(|(_, to)| *to > stored);
                Sent::Stored(rows, self.began.elapsed())
            }
            Err(Refused { error, .. }) => {
                let count = rows.len() as u64;
                for row in rows.into_iter().rev() {
                    self.waiting.push_front(row);
                }
                self.due = Some(Instant::now() + self.retry);
                self.retry = (self.retry * 2).min(RETRY.1);
                Sent::Refused(count, error.to_string())
            }
        }
    }
}

fn weight(row: &Row) -> usize {
    let text = match &row.value {
        Logged::Text(text) => text.len(),
        Logged::Edit(edit) => edit.note.len(),
        _ => 0,
    };
    size_of::<Row>() + text
}
