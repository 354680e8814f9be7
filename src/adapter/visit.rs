//! A program on another machine that comes to an adapter, in place of the adapter going to it: the
//! API lets it in, and the adapter's session talks with it in lines.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use rand::Rng;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Lines of the program that may wait for the session; the next one waits where it comes from.
const LINES_WAITING_MAX: usize = 8;
/// Orders that may wait for the program.
const ORDERS_WAITING_MAX: usize = 256;
/// Bytes of orders that may wait, unless it is one order alone.
const ORDER_BYTES_WAITING_MAX: usize = 1024 * 1024;

/// Somebody is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("another program is connected already, and it is not silent yet")]
pub struct Taken;

/// Where programs come in. One at a time: the first is not disturbed by a second.
#[derive(Debug, Default)]
pub struct Door {
    place: Mutex<Place>,
    came: Notify,
}

#[derive(Debug, Default)]
struct Place {
    /// Who came and was not taken up by a session yet.
    waiting: Option<Visit>,
    now: Option<Present>,
}

#[derive(Debug)]
struct Present {
    key: String,
    lines: mpsc::Sender<Bytes>,
    ends: Ends,
}

/// How either side learns that the other is gone.
#[derive(Clone, Debug, Default)]
struct Ends {
    left: CancellationToken,
    dismissed: CancellationToken,
}

impl Ends {
    fn is_over(&self) -> bool {
        self.left.is_cancelled() || self.dismissed.is_cancelled()
    }

    async fn over(&self) {
        tokio::select! {
            () = self.left.cancelled() => {}
            () = self.dismissed.cancelled() => {}
        }
    }
}

/// The adapter's end of a visit. Dropping it dismisses the program.
#[derive(Debug)]
pub struct Visit {
    lines: mpsc::Receiver<Bytes>,
    orders: mpsc::Sender<Bytes>,
    queued: Arc<AtomicUsize>,
    left: CancellationToken,
    _dismissed: DropGuard,
}

/// The program's end of a visit, with what is told to it. Dropping it ends the visit.
#[derive(Debug)]
pub struct Visitor {
    /// What the program names when it says something.
    pub key: String,
    orders: mpsc::Receiver<Bytes>,
    queued: Arc<AtomicUsize>,
    _left: DropGuard,
}

/// The program's voice.
#[derive(Clone, Debug)]
pub struct Speaker {
    lines: mpsc::Sender<Bytes>,
    ends: Ends,
}

impl Door {
    /// Lets a program in, with its first line.
    pub fn enter(&self, hello: Bytes) -> Result<Visitor, Taken> {
        let mut place = self.place.lock();
        if place.now.as_ref().is_some_and(|now| !now.ends.is_over()) {
            return Err(Taken);
        }
        let (say, lines) = mpsc::channel(LINES_WAITING_MAX);
        let (tell, orders) = mpsc::channel(ORDERS_WAITING_MAX);
        // The channel is new, so that there is room.
        let _sent = say.try_send(hello);
        let (ends, queued) = (Ends::default(), Arc::new(AtomicUsize::new(0)));
        let key = format!("{:016x}", rand::rng().random::<u64>());
        place.waiting = Some(Visit {
            lines,
            orders: tell,
            queued: Arc::clone(&queued),
            left: ends.left.clone(),
            _dismissed: ends.dismissed.clone().drop_guard(),
        });
        let visitor = Visitor {
            key: key.clone(),
            orders,
            queued,
            _left: ends.left.clone().drop_guard(),
        };
        place.now = Some(Present {
            key,
            lines: say,
            ends,
        });
        drop(place);
        self.came.notify_one();
        Ok(visitor)
    }

    /// The voice of the program with a key, if it is the one that is here.
    pub fn speaker(&self, key: &str) -> Option<Speaker> {
        let place = self.place.lock();
        let now = place.now.as_ref().filter(|now| now.key == key)?;
        (!now.ends.is_over()).then(|| Speaker {
            lines: now.lines.clone(),
            ends: now.ends.clone(),
        })
    }

    /// Takes up who waits, unless that program has left again.
    pub fn take(&self) -> Option<Visit> {
        let visit = self.place.lock().waiting.take();
        visit.filter(|visit| !visit.has_left())
    }

    /// Resolves when somebody waits to be taken up. Cancel safe.
    pub async fn knock(&self) {
        while self.place.lock().waiting.is_none() {
            self.came.notified().await;
        }
    }
}

impl Visit {
    /// Whether the program is gone.
    pub fn has_left(&self) -> bool {
        self.left.is_cancelled()
    }

    /// The next line of the program; nothing when it has left. Cancel safe.
    pub async fn line(&mut self) -> Option<Bytes> {
        tokio::select! {
            biased;
            line = self.lines.recv() => line,
            () = self.left.cancelled() => None,
        }
    }

    /// Tells the program a line. False if it reads so slowly that too much waits.
    #[must_use]
    pub fn tell(&self, line: Bytes) -> bool {
        let (length, before) = (line.len(), self.queued.load(Ordering::Relaxed));
        if before > 0 && before + length > ORDER_BYTES_WAITING_MAX {
            return false;
        }
        self.queued.fetch_add(length, Ordering::Relaxed);
        self.orders.try_send(line).is_ok()
    }
}

impl Visitor {
    /// What is told next; nothing when the adapter has dismissed the program. Cancel safe.
    pub async fn told(&mut self) -> Option<Bytes> {
        let line = self.orders.recv().await?;
        self.queued.fetch_sub(line.len(), Ordering::Relaxed);
        Some(line)
    }
}

impl Speaker {
    /// Hands a line to the session, as soon as it takes it. False when the visit is over.
    pub async fn say(&self, line: Bytes) -> bool {
        tokio::select! {
            biased;
            () = self.ends.over() => false,
            sent = self.lines.send(line) => sent.is_ok(),
        }
    }

    /// Resolves when the visit is over. Cancel safe.
    pub async fn over(&self) {
        self.ends.over().await;
    }
}

#[cfg(test)]
mod tests;
