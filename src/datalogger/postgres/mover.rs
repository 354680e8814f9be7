//! The thread that moves rows from the spool to the server, in their order.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use super::layout::Unfit;
use super::moving::{Load, load};
use super::session::Session;
use super::shared::Shared;
use crate::SeriesId;
use crate::numbers::Numbers;
use crate::sqlite::Place;

/// Rows of one transaction, and what it shrinks to when the server is too slow for so many.
const ROWS: (usize, usize) = (1_000, 128 << 10);
/// How often the server is asked whether it is there, and the spool is weighed.
const TICK: Duration = Duration::from_secs(1);
/// Between two tries to connect; doubled from the first to the last.
const RETRY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));

/// A load on its way.
struct Underway {
    answer: Receiver<Result<(), String>>,
    load: Arc<Load>,
}

/// The thread's own.
pub(super) struct Mover {
    pub(super) shared: Arc<Shared>,
    pub(super) session: Option<Arc<Session>>,
    /// The numbers of the rows that the server has.
    pub(super) stored: HashMap<SeriesId, Numbers>,
    /// Up to where loads were made; what is stored follows.
    read: Place,
    rows: usize,
    retry: Duration,
    looked: Instant,
    gathered: Option<Instant>,
    /// Whether it was compared what was acknowledged and what the server has.
    pub(super) is_compared: bool,
}

impl Mover {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            session: None,
            stored: HashMap::new(),
            read: (0, 0),
            rows: ROWS.1,
            retry: RETRY.0,
            looked: Instant::now(),
            gathered: None,
            is_compared: false,
        }
    }

    /// Works until the store is closed.
    pub(super) fn run(mut self) {
        while !self.shared.state.lock().stopping {
            if self.session.is_none() {
                match self.connect() {
                    Ok(()) => {}
                    Err(Unfit::Now(reason) | Unfit::Newer(reason)) => self.lose(reason),
                }
            } else if let Err(reason) = self.work() {
                self.lose(reason);
            }
            if self.looked.elapsed() >= TICK {
                self.look();
            }
        }
    }

    /// The server is away: waits a while.
    fn lose(&mut self, reason: String) {
        self.session = None;
        self.shared.tell(Some(reason));
        let mut state = self.shared.state.lock();
        let until = Instant::now() + self.retry;
        while !state.stopping && Instant::now() < until {
            self.shared.news.wait_until(&mut state, until);
        }
        drop(state);
        self.retry = (self.retry * 2).min(RETRY.1);
    }

    /// Connects, and learns what the server has.
    pub(super) fn connect(&mut self) -> Result<(), Unfit> {
        let config = self.shared.config.clone();
        let opened = self
            .shared
            .link
            .begin(async move { Session::open(&config, "mover").await });
        let stopped = || Unfit::Now("the store is being closed".to_owned());
        let (session, found) = opened.recv().map_err(|_| stopped())??;
        self.recognise(&session.schema.store)?;
        self.adopt(&found)
            .map_err(|error| Unfit::Now(error.to_string()))?;
        self.session = Some(session);
        self.read = self.shared.state.lock().moved;
        self.is_compared = false;
        self.retry = RETRY.0;
        self.shared.tell(None);
        self.shared.refresh();
        Ok(())
    }

    /// Moves what is due, or rests.
    fn work(&mut self) -> Result<(), String> {
        if !self.is_due() {
            return self.rest();
        }
        self.gathered = None;
        let mut underway: Option<Underway> = None;
        loop {
            // The next load is made while the server stores the one before.
            let next = self.next()?;
            if let Some(before) = underway.take() {
                self.land(&before)?;
            }
            let Some(load) = next else { break };
            if self.shared.state.lock().stopping {
                return Ok(());
            }
            underway = self.send(load);
            if underway.is_none() {
                return Err("the session ended".to_owned());
            }
            if self.looked.elapsed() >= TICK {
                self.shared.weigh();
            }
        }
        self.describe()?;
        self.compare();
        Ok(())
    }

    fn is_due(&mut self) -> bool {
        let head = self.shared.spool.head();
        let (moved, wanted) = {
            let state = self.shared.state.lock();
            (state.moved, state.wanted)
        };
        if moved >= head {
            self.gathered = None;
            return !self.is_compared || !self.shared.about.lock().is_empty();
        }
        let since = *self.gathered.get_or_insert_with(Instant::now);
        // A whole part behind, somebody waits, or it is time.
        let behind = head.0 > moved.0 || head.1 - moved.1 >= 16;
        behind || wanted > moved || since.elapsed() >= self.shared.config.gather
    }

    /// Waits for something to do; asks the server now and then whether it is there.
    fn rest(&mut self) -> Result<(), String> {
        let mut state = self.shared.state.lock();
        if !state.stopping && state.wanted <= state.moved {
            let nap = self
                .shared
                .config
                .gather
                .min(TICK)
                .min(Duration::from_millis(100));
            self.shared.news.wait_for(&mut state, nap);
        }
        drop(state);
        Ok(())
    }

    /// The next load; nothing if all is read.
    fn next(&mut self) -> Result<Option<Load>, String> {
        let drained = self.shared.spool.drain(self.read, self.rows);
        let drained = drained.map_err(|error| error.to_string())?;
        if drained.upto == self.read {
            return Ok(None);
        }
        self.read = drained.upto;
        let fresh = self.shared.unknown(drained.numbers.keys().copied());
        if let Some(session) = self.session.clone()
            && !fresh.is_empty()
        {
            let config = self.shared.config.clone();
            let asked = self
                .shared
                .link
                .begin(async move { session.find(&config, &fresh).await });
            let found = asked.recv().map_err(|_| "the store is being closed")??;
            self.shared.ids.write().extend(found);
        }
        let ids = self.shared.ids.read();
        Ok(Some(load(drained, &ids, &mut self.stored)))
    }

    fn send(&self, load: Load) -> Option<Underway> {
        let session = self.session.clone()?;
        let load = Arc::new(load);
        let (config, sent) = (self.shared.config.clone(), Arc::clone(&load));
        let now = self.shared.clock.now().micros();
        let answer = self.shared.link.begin(async move {
            // Nothing but a place in the spool: there is nothing to store.
            match sent.series.is_empty() {
                true => Ok(()),
                false => session.store(&config, &sent, now).await,
            }
        });
        Some(Underway { answer, load })
    }

    /// Waits until a load is stored.
    fn land(&mut self, underway: &Underway) -> Result<(), String> {
        let told = underway
            .answer
            .recv()
            .map_err(|_| "the store is being closed")?;
        if let Err(reason) = told {
            // Perhaps it was too much at once for a slow server.
            self.rows = (self.rows / 4).max(ROWS.0);
            return Err(reason);
        }
        self.rows = (self.rows * 2).min(ROWS.1);
        let (shared, load) = (&self.shared, &underway.load);
        shared.moved_rows.fetch_add(load.count, Ordering::Relaxed);
        shared.moves.fetch_add(1, Ordering::Relaxed);
        shared.held.lock().rows += load.count;
        shared.lasts.note(load.lasts.iter());
        let before = {
            let mut state = shared.state.lock();
            std::mem::replace(&mut state.moved, load.upto)
        };
        shared.news.notify_all();
        if before.0 < load.upto.0 {
            self.forget(load.upto);
        }
        Ok(())
    }

    /// Gives the spool's room back.
    fn forget(&self, place: Place) {
        let saved = self.shared.lasts.save();
        let told = saved.map_err(|error| error.to_string());
        let told = told.and_then(|()| {
            let dropped = self.shared.spool.drop_before(place);
            dropped.map_err(|error| error.to_string())
        });
        if let Err(error) = told {
            tracing::warn!(error, "stored parts of the spool stay for now");
        }
    }

    fn look(&mut self) {
        self.looked = Instant::now();
        self.shared.weigh();
        let Some(session) = self.session.clone() else {
            return;
        };
        let config = self.shared.config.clone();
        let closed = session.is_closed();
        let asked = self
            .shared
            .link
            .begin(async move { session.beat(&config).await });
        let told = asked
            .recv()
            .unwrap_or_else(|_| Err("the store is being closed".to_owned()));
        match told {
            Ok(()) if !closed => {}
            Ok(()) => self.lose("the connection was closed".to_owned()),
            Err(reason) => self.lose(reason),
        }
    }
}
