//! Frames: a snapshot or what is behind a cursor, then change after change as long as the reader
//! stays. Nothing is queued for it: each part is read when the connection has taken the one before.

mod told;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::unfold;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE};
use mainstem_store::{Chunk, Item, Progress, Reader, encode_chunk};
use mainstem_wire::{Cursor, FrameWriter};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::expand::Expansion;
use super::pace::{self, Pace};
use super::request::Wish;
use super::seat::Seat;
use super::squeeze::Squeeze;
use crate::Api;
use crate::auth::Caller;
use crate::grant::Grant;
use crate::problem::Problem;

/// Rows copied out under one lock, and written as one part of about 15 KiB.
const ROWS_MAX: usize = 1024;
/// Bytes of the texts of variables that the state of a source stands for, in one part.
const TEXTS: usize = 64 * 1024;
/// Only a reader that was served so recently gathers: on an idle link a change leaves at once.
const GATHER_WINDOW: Duration = Duration::from_micros(150);
/// Turns of the runtime for which a busy feed is given time to grow.
const GATHER_TURNS: usize = 16;
/// How often an idle reader whose filter leaves out what happens is moved along.
const BOOKMARK_INTERVAL: Duration = Duration::from_secs(5);
/// The same for a link: it takes what it was not told about for a backlog, and what is too old for
/// not good.
const LINK_BOOKMARK_INTERVAL: Duration = Duration::from_millis(200);
/// A buffer that one large part has blown up is given back.
const BUFFER_KEPT_MAX: usize = 256 * 1024;

/// Answers with frames.
pub(super) fn open(
    api: &Arc<Api>,
    wish: &Wish,
    caller: &Caller,
    follow: bool,
) -> Result<Response, Problem> {
    let reader = wish.reader(&api.store)?;
    let mut seat = Seat::take(api, caller, "frames", wish.pacing)?;
    let session = seat.open_session(caller);
    let squeeze = wish.squeeze.then(Squeeze::new).transpose();
    let squeeze = squeeze.map_err(|error| Problem::internal(&error))?;
    let squeezed = squeeze.is_some();
    let mut writer = FrameWriter::default();
    let snapshot = wish.since.is_none();
    writer.hello(&api.store.hello(snapshot, session, wish.filter.hash()));
    let began = if snapshot {
        &api.counters.snapshots
    } else {
        &api.counters.resumes
    };
    began.inc();
    let place = wish.since.map_or(0, |cursor| cursor.sequence);
    let feed = Box::new(Feed {
        head: api.store.changes(),
        stopped: Box::pin(api.stopping.clone().cancelled_owned()),
        api: Arc::clone(api),
        reader,
        chunk: Chunk::default(),
        writer,
        expansion: wish
            .expand
            .then(|| Expansion::new(wish.filter.clone(), wish.since)),
        pace: Pace::new(&api.store, wish.pacing, &wish.filter, wish.since),
        squeeze,
        follow,
        place,
        told: place,
        looked: place,
        conflated: 0,
        missed: 0,
        flushed: Instant::now(),
        ended: false,
        grant: Grant::new(api, caller),
        seat,
    });
    let parts = unfold(feed, |mut feed| async move {
        let part = feed.next().await?;
        Some((part, feed))
    });
    Ok(response(Body::from_stream(parts), squeezed))
}

fn response(body: Body, squeezed: bool) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-ndjson"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if squeezed {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("zstd"));
    }
    response
}

/// One reader's stream.
struct Feed {
    api: Arc<Api>,
    reader: Reader,
    head: watch::Receiver<u64>,
    stopped: Pin<Box<WaitForCancellationFutureOwned>>,
    chunk: Chunk,
    /// What was written and not sent yet; it begins with the hello.
    writer: FrameWriter,
    squeeze: Option<Squeeze>,
    /// For readers that do not follow sources: qualities are those that a client sees.
    expansion: Option<Expansion>,
    /// For readers that asked to be spared.
    pace: Option<Pace>,
    follow: bool,
    /// The entry up to which everything was read, and the one up to which that was told.
    place: u64,
    told: u64,
    /// The entry up to which the reader knows that what it was not told is held back.
    looked: u64,
    missed: u64,
    conflated: u64,
    flushed: Instant,
    ended: bool,
    grant: Grant,
    seat: Seat,
}

impl Feed {
    /// The next part of the answer; `None` at its end.
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        loop {
            if !self.writer.buffer.is_empty() {
                return Some(self.flush());
            }
            if self.ended || !self.grant.holds() {
                return self.end();
            }
            if self.expand() || self.tell_due() {
                continue;
            }
            self.gather().await;
            // Marked as seen before the look, so that what comes after it ends the wait below.
            self.head.borrow_and_update();
            let progress = self.reader.read(&self.api.store, &mut self.chunk, ROWS_MAX);
            self.write();
            match progress {
                Progress::Expired => self.ended = true,
                // What the state of a source stands for comes first.
                Progress::AtHead if self.expansion.as_ref().is_some_and(Expansion::waits) => {}
                Progress::AtHead if !self.follow => self.finish(),
                Progress::AtHead if self.writer.buffer.is_empty() => {
                    self.complete();
                    self.wait().await;
                }
                Progress::AtHead => {}
                // Much may be looked at that the filter leaves out: others get their turn.
                Progress::More => tokio::task::consume_budget().await,
            }
        }
    }

    /// Gives a feed that is growing a few turns to grow, so that a part is worth its cost.
    async fn gather(&self) {
        if self.flushed.elapsed() > GATHER_WINDOW {
            return;
        }
        let mut seen = *self.head.borrow();
        for _ in 0..GATHER_TURNS {
            let waiting = seen.saturating_sub(self.place);
            if waiting == 0 || waiting >= ROWS_MAX as u64 {
                return;
            }
            tokio::task::yield_now().await;
            let now = *self.head.borrow();
            if now == seen {
                return;
            }
            seen = now;
        }
    }

    /// Writes what was read. A bookmark goes with what is sent anyway; alone it waits its time.
    fn write(&mut self) {
        let before = self.place;
        if let Some(place) = self.chunk.bookmark {
            self.place = place;
        }
        if self.chunk.is_empty() {
            return;
        }
        if let Some(expansion) = &mut self.expansion {
            expansion.rewrite(&self.api.store, &mut self.chunk);
        }
        if let Some(pace) = &mut self.pace {
            pace.sift(&mut self.chunk, before);
            if self.chunk.is_empty() {
                return;
            }
        }
        self.encode();
    }

    /// Writes the chunk, and how far that reaches.
    fn encode(&mut self) {
        encode_chunk(&self.chunk, &mut self.writer);
        for item in &self.chunk.items {
            match item {
                Item::End(place) => self.place = *place,
                Item::Gap(_) => {
                    self.api.counters.gaps.inc();
                    self.seat.reading.gap();
                }
                _ => {}
            }
        }
        self.told = self.covered();
        self.tell_held();
        let rows = self.chunk.rows.len() as u64;
        self.api.counters.rows.inc_by(rows);
        self.seat.reading.told(rows);
    }

    /// Writes some of the rows and variables that the state of a source stands for; whether there were any.
    fn expand(&mut self) -> bool {
        let Some(expansion) = &mut self.expansion else {
            return false;
        };
        let mut rows = expansion.some(&self.api.store, ROWS_MAX);
        let has_rows = !rows.is_empty();
        if let Some(pace) = &mut self.pace {
            let told = self.told;
            rows.retain(|row| pace.take(row, told));
        }
        self.writer.rows(&rows, false, None);
        let variables = expansion.some_variables(&self.api.store, TEXTS);
        for variable in &variables {
            self.writer.variables(std::slice::from_ref(variable), false);
        }
        has_rows || !variables.is_empty()
    }

    /// Waits for a change, for the time of a bookmark, or for the end of the node.
    async fn wait(&mut self) {
        if let Some(pace) = &mut self.pace {
            pace.learn().await;
        }
        let is_link = self.seat.has_session();
        let covered = self.covered();
        let idle = covered > self.told || (is_link && self.place > self.looked.max(covered));
        let due = self.pace.as_ref().and_then(Pace::due);
        let interval = if is_link {
            LINK_BOOKMARK_INTERVAL
        } else {
            BOOKMARK_INTERVAL
        };
        let bookmark = self.flushed + interval;
        tokio::select! {
            changed = self.head.changed() => self.ended = changed.is_err(),
            () = &mut self.stopped => self.ended = true,
            () = tokio::time::sleep_until(self.grant.due()) => {}
            () = pace::comes(due) => {}
            () = tokio::time::sleep_until(bookmark), if idle => {
                if covered > self.told {
                    self.writer.bookmark(covered);
                    self.told = covered;
                }
                self.tell_held();
            }
        }
    }

    /// The last lines of an answer that ends at the head: the place, also as a text for clients
    /// that come again with `since`.
    fn finish(&mut self) {
        if self.place > self.told {
            self.writer.bookmark(self.place);
            self.told = self.place;
        }
        let cursor: Cursor = self.reader.cursor(self.api.store.setup().epoch, self.place);
        let line = format!("{{\"cursor\":\"{cursor}\"}}\n");
        self.writer.buffer.extend_from_slice(line.as_bytes());
        self.ended = true;
    }

    fn flush(&mut self) -> io::Result<Bytes> {
        let missed = self.reader.missed();
        self.api.counters.missed.inc_by(missed - self.missed);
        self.missed = missed;
        self.count();
        self.api.counters.flushes.inc();
        let buffer = &mut self.writer.buffer;
        let part = match &mut self.squeeze {
            Some(squeeze) => squeeze.press(buffer),
            None => Ok(Bytes::copy_from_slice(buffer)),
        };
        buffer.clear();
        buffer.shrink_to(BUFFER_KEPT_MAX);
        self.flushed = Instant::now();
        part
    }

    fn end(&mut self) -> Option<io::Result<Bytes>> {
        self.squeeze.take().map(|mut squeeze| squeeze.end())
    }
}
