//! The long poll: one document with what changed behind a cursor.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::unfold;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use mainstem_store::{Chunk, Progress, Reader, Store};
use mainstem_wire::Cursor;
use tokio::sync::watch;
use tokio::time::Instant;

use super::concern::Concern;
use super::request::Wish;
use super::seat::Seat;
use crate::auth::Caller;
use crate::problem::Problem;
use crate::{Api, documents};

/// Datapoints in one document, unless one event concerned more.
const ITEMS_MAX: usize = 1000;
/// Datapoints that are made documents at a time: the answer is written as it is sent.
const PIECE: usize = 256;
/// Bytes of the texts of variables that are made documents at a time.
const TEXTS: usize = 64 * 1024;
const ROWS_MAX: usize = 1024;

/// Answers with a document, at once or when something changes.
pub(super) async fn answer(
    api: &Arc<Api>,
    wish: Wish,
    caller: &Caller,
    wait: Duration,
) -> Result<Response, Problem> {
    let seat = Seat::take(api, caller, "poll", wish.pacing)?;
    let Some(since) = wish.since else {
        // Without a place to begin at: the place to begin at.
        let concern = Concern::new(wish.filter.clone(), Some(api.store.statistics().head));
        return Ok(document(api, &wish, concern, seat));
    };
    let mut reader = wish.reader(&api.store)?;
    api.counters.resumes.inc();
    let mut concern = Concern::new(wish.filter.clone(), Some(since.sequence));
    let until = Instant::now() + wait.min(api.limits.wait_max);
    let mut head = api.store.changes();
    loop {
        head.borrow_and_update();
        collect(&api.store, &mut reader, &mut concern)?;
        seat.reading
            .at(concern.place, concern.is_empty(), api.clock().monotonic());
        if !concern.is_empty() || !more(api, &mut head, until).await {
            break;
        }
    }
    api.counters.missed.inc_by(reader.missed());
    seat.reading.left_out(reader.missed(), 0);
    Ok(document(api, &wish, concern, seat))
}

/// Reads up to the head, or as much as one document holds.
fn collect(store: &Store, reader: &mut Reader, concern: &mut Concern) -> Result<(), Problem> {
    let mut chunk = Chunk::default();
    loop {
        let progress = reader.read(store, &mut chunk, ROWS_MAX);
        concern.take_in(store, &chunk);
        // Only where a place is told can the next poll go on.
        let enough = concern.waiting() >= ITEMS_MAX && chunk.bookmark.is_some();
        match progress {
            Progress::Expired => return Err(super::request::forgotten()),
            Progress::AtHead => return Ok(()),
            Progress::More if enough => return Ok(()),
            Progress::More => {}
        }
    }
}

async fn more(api: &Api, head: &mut watch::Receiver<u64>, until: Instant) -> bool {
    tokio::select! {
        changed = head.changed() => changed.is_ok(),
        () = tokio::time::sleep_until(until) => false,
        () = api.stopping.cancelled() => false,
    }
}

fn document(api: &Arc<Api>, wish: &Wish, concern: Concern, seat: Seat) -> Response {
    let cursor = Cursor {
        epoch: api.store.setup().epoch,
        sequence: concern.place,
        filter: wish.filter.hash(),
    };
    let writing = Writing {
        store: Arc::clone(&api.store),
        concern,
        cursor,
        meta: wish.meta,
        step: Step::Begin,
        _seat: seat,
    };
    let pieces = unfold(writing, |mut writing| async move {
        let piece = writing.next()?;
        Some((
            Ok::<_, std::convert::Infallible>(Bytes::from(piece)),
            writing,
        ))
    });
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, Body::from_stream(pieces)).into_response()
}

/// A `ChangesDocument` that is written piece by piece.
struct Writing {
    store: Arc<Store>,
    concern: Concern,
    cursor: Cursor,
    meta: bool,
    step: Step,
    _seat: Seat,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Begin,
    /// Nothing stands in the list yet.
    First,
    Items,
    Variables,
    Done,
}

impl Writing {
    fn next(&mut self) -> Option<Vec<u8>> {
        if self.step == Step::Done {
            return None;
        }
        let mut out = Vec::new();
        if self.step == Step::Begin {
            out.extend_from_slice(b"{\"items\":[");
            self.step = Step::First;
        }
        for view in self.concern.some(&self.store, PIECE) {
            if self.step == Step::Items {
                out.push(b',');
            }
            self.step = Step::Items;
            documents::write(&documents::point(view, self.meta), &mut out);
        }
        if !self.concern.has_points() {
            self.variables(&mut out);
        }
        Some(out)
    }

    /// Writes some of the variables, and the rest of the document behind the last.
    fn variables(&mut self, out: &mut Vec<u8>) {
        for view in self.concern.some_variables(&self.store, TEXTS) {
            let between: &[u8] = match self.step {
                Step::Variables => b",",
                _ => b"],\"variables\":[",
            };
            out.extend_from_slice(between);
            self.step = Step::Variables;
            documents::write(&documents::variable(view), out);
        }
        if self.concern.waiting() == 0 {
            self.end(out);
            self.step = Step::Done;
        }
    }

    fn end(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"],\"removed\":");
        documents::write(&self.concern.removed, out);
        if !self.concern.variables_removed.is_empty() {
            out.extend_from_slice(b",\"variables_removed\":");
            documents::write(&self.concern.variables_removed, out);
        }
        if self.concern.gap > 0 {
            out.extend_from_slice(format!(",\"gap\":{}", self.concern.gap).as_bytes());
        }
        out.extend_from_slice(format!(",\"cursor\":\"{}\"}}", self.cursor).as_bytes());
    }
}
