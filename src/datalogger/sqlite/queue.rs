//! What waits for the writing thread.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::edits::Edited;
use super::file::Told;
use super::part::Part;
use super::swap::Swap;
use crate::durable::Fate;
use crate::{Logged, Row, SeriesId};

/// Rows that one commit takes.
pub(super) const GROUP_WEIGHT_MAX: usize = 64 << 10;
/// Appended batches that may wait, however small they are.
const APPENDS_MAX: usize = 16 << 10;
/// Orders of the settler and of retention that may wait: each of them waits for its answer.
const ORDERS_MAX: usize = 64;
/// Text bytes that count as much as a row.
const TEXT_BYTES_A_ROW: usize = 64;

/// Rows handed over, or numbers declared as never coming.
pub(super) struct Append {
    pub(super) rows: Vec<Row>,
    /// The edits among the rows.
    pub(super) edits: Vec<Edited>,
    pub(super) forgone: Option<(SeriesId, u64, u64)>,
    /// Whether rows are stored although their numbers are.
    pub(super) again: bool,
    pub(super) fate: Fate,
    pub(super) weight: usize,
}

impl Append {
    pub(super) fn weight_of(rows: &[Row]) -> usize {
        let texts = rows.iter().map(|row| match &row.value {
            Logged::Text(text) => text.len() / TEXT_BYTES_A_ROW,
            _ => 0,
        });
        rows.len() + texts.sum::<usize>()
    }
}

/// The answer to an order.
pub(super) type Answered = SyncSender<Told<()>>;

/// Something for the writing thread besides rows.
pub(super) enum Order {
    /// Replace staged rows and blocks by blocks.
    Swap(Box<Swap>, Answered),
    /// Make a part that is settled one plain file.
    Seal(Arc<Part>, Answered),
    /// Close the newest part and begin the next.
    Rotate(Answered),
    /// Panic, for the test of what happens then.
    #[cfg(test)]
    Defect,
}

/// What the thread does next.
pub(super) enum Work {
    Rows(Vec<Append>),
    Order(Order),
    /// Nothing came for a while.
    Tick,
    /// The store is being closed, and nothing waits any more.
    Stop,
}

#[derive(Default)]
struct Waiting {
    appends: VecDeque<Append>,
    weight: usize,
    oldest: Option<Instant>,
    orders: VecDeque<Order>,
    closed: bool,
}

/// The queue of the writing thread.
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    news: Condvar,
    weight_max: usize,
    interval: Duration,
}

/// Why the queue did not take something.
pub(super) enum Declined {
    Full,
    Closed,
}

impl Queue {
    pub(super) fn new(weight_max: usize, interval: Duration) -> Self {
        Self {
            waiting: Mutex::default(),
            news: Condvar::new(),
            weight_max,
            interval,
        }
    }

    pub(super) fn push(&self, append: Append) -> Result<(), (Declined, Append)> {
        let mut waiting = self.waiting.lock();
        if waiting.closed {
            return Err((Declined::Closed, append));
        }
        // A batch larger than the whole queue is taken when nothing else waits.
        let full = waiting.weight + append.weight > self.weight_max && waiting.weight > 0;
        if full || waiting.appends.len() >= APPENDS_MAX {
            return Err((Declined::Full, append));
        }
        waiting.weight += append.weight;
        waiting.oldest.get_or_insert_with(Instant::now);
        waiting.appends.push_back(append);
        drop(waiting);
        self.news.notify_one();
        Ok(())
    }

    pub(super) fn order(&self, order: Order) -> Result<(), Declined> {
        let mut waiting = self.waiting.lock();
        if waiting.closed {
            return Err(Declined::Closed);
        }
        if waiting.orders.len() >= ORDERS_MAX {
            return Err(Declined::Full);
        }
        waiting.orders.push_back(order);
        drop(waiting);
        self.news.notify_one();
        Ok(())
    }

    /// Rows that wait.
    pub(super) fn weight(&self) -> usize {
        self.waiting.lock().weight
    }

    /// How much longer than they should rows wait.
    pub(super) fn overdue(&self) -> Option<Duration> {
        let oldest = self.waiting.lock().oldest?;
        oldest.elapsed().checked_sub(self.interval)
    }

    pub(super) fn close(&self) {
        self.waiting.lock().closed = true;
        self.news.notify_one();
    }

    /// The next piece of work; a tick after `patience` without any.
    pub(super) fn next(&self, patience: Duration) -> Work {
        let mut waiting = self.waiting.lock();
        let until = Instant::now() + patience;
        loop {
            if let Some(order) = waiting.orders.pop_front() {
                return Work::Order(order);
            }
            let due = waiting.oldest.map(|oldest| oldest + self.interval);
            let ripe = waiting.closed || waiting.weight >= GROUP_WEIGHT_MAX;
            if let Some(due) = due
                && (ripe || Instant::now() >= due)
            {
                return Work::Rows(take_group(&mut waiting));
            }
            if waiting.closed {
                return Work::Stop;
            }
            let wake = due.map_or(until, |due| due.min(until));
            if self.news.wait_until(&mut waiting, wake).timed_out() && Instant::now() >= until {
                return Work::Tick;
            }
        }
    }
}

/// The oldest batches that fit into one commit; at least one.
fn take_group(waiting: &mut Waiting) -> Vec<Append> {
    let mut group = Vec::new();
    let mut weight = 0;
    while let Some(append) = waiting.appends.front() {
        if weight > 0 && weight + append.weight > GROUP_WEIGHT_MAX {
            break;
        }
        weight += append.weight;
        group.extend(waiting.appends.pop_front());
    }
    waiting.weight = waiting.weight.saturating_sub(weight);
    waiting.oldest = (!waiting.appends.is_empty()).then(Instant::now);
    group
}
