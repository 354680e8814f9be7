//! The long poll and its answer, in the documented form and order:
//!
//! ```text
//! {"hsycostate":{
//! "timestamp":<n>,"topotime":<ms>[,
//! "io":{"<name>": "<text>"[,"<name>": "<text>"]}]}}
//! ```

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::unfold;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;

use super::gate::{Gate, Since};
use crate::Api;
use crate::dropped::dropped;
use crate::problem::{Code, Problem};

/// Datapoints that are written at a time; a larger answer is written as it is sent.
const PIECE: usize = 512;
/// After a change others often follow: it is looked again after this pause, not for each of them.
const SETTLE: Duration = Duration::from_millis(50);
/// Seconds after which a client that found no place may come again.
const RETRY_AFTER: u64 = 5;

/// What ended the wait for news.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Woken {
    Change,
    Over,
    Replaced,
}

/// One place among the clients of the route.
struct Seat {
    gate: Arc<Gate>,
    _permit: OwnedSemaphorePermit,
}

impl Seat {
    fn take(gate: &Arc<Gate>) -> Option<Self> {
        let permit = Arc::clone(&gate.readers).try_acquire_owned().ok()?;
        gate.counters.readers.inc();
        Some(Self {
            gate: Arc::clone(gate),
            _permit: permit,
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.gate.counters.readers.dec();
    }
}

/// Answers with what changed behind a place, at once or when something does.
pub(super) async fn hold(api: &Arc<Api>, gate: &Arc<Gate>, since: Since) -> Response {
    let Some(seat) = Seat::take(gate) else {
        gate.counters.readers_refused.inc();
        let detail = format!("{} clients of this route are served", gate.config.readers);
        return Problem::new(Code::Busy, detail)
            .retry_after(RETRY_AFTER)
            .into_response();
    };
    let until = Instant::now() + gate.config.hold;
    let mut head = api.store.changes();
    let mut is_over = false;
    loop {
        head.borrow_and_update();
        let news = gate
            .at_head(&api.store, |table, place| (table.changed(since), place))
            .await;
        if since.is_none() || !news.0.is_empty() || is_over {
            return document(api, seat, news);
        }
        match wait(api, gate, &mut head, until).await {
            Woken::Change => {}
            Woken::Over => is_over = true,
            Woken::Replaced => return dropped(),
        }
    }
}

async fn wait(api: &Api, gate: &Gate, head: &mut watch::Receiver<u64>, until: Instant) -> Woken {
    let change = async {
        if head.changed().await.is_err() {
            return Woken::Over;
        }
        tokio::time::sleep(SETTLE).await;
        Woken::Change
    };
    tokio::select! {
        woken = change => woken,
        () = tokio::time::sleep_until(until) => Woken::Over,
        () = api.stopping.cancelled() => Woken::Over,
        () = gate.replaced.cancelled() => Woken::Replaced,
    }
}

fn document(api: &Arc<Api>, seat: Seat, (ids, place): (Vec<u32>, u64)) -> Response {
    let gate = Arc::clone(&seat.gate);
    gate.counters.answers.inc();
    let timestamp = gate.stamps.lock().give(place);
    let topotime = api.facts.started.millis();
    let begin = format!("{{\"hsycostate\":{{\n\"timestamp\":{timestamp},\"topotime\":{topotime}");
    let writing = Writing {
        api: Arc::clone(api),
        seat,
        ids,
        at: 0,
        is_first: true,
        is_done: false,
    };
    let body = if writing.ids.len() <= PIECE {
        whole(begin, writing)
    } else {
        pieces(begin, writing)
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, body).into_response()
}

fn whole(begin: String, mut writing: Writing) -> Body {
    let mut out = begin.into_bytes();
    while let Some(piece) = writing.next() {
        out.extend_from_slice(&piece);
    }
    Body::from(out)
}

fn pieces(begin: String, writing: Writing) -> Body {
    let state = (Some(begin.into_bytes()), writing);
    let stream = unfold(state, |(begin, mut writing)| async move {
        let piece = match begin {
            Some(begin) => begin,
            None => writing.next()?,
        };
        Some((Ok::<_, Infallible>(Bytes::from(piece)), (None, writing)))
    });
    Body::from_stream(stream)
}

/// What stands behind the beginning of an answer, piece by piece.
struct Writing {
    api: Arc<Api>,
    seat: Seat,
    ids: Vec<u32>,
    at: usize,
    is_first: bool,
    is_done: bool,
}

impl Writing {
    fn next(&mut self) -> Option<Vec<u8>> {
        if self.is_done {
            return None;
        }
        let mut out = Vec::new();
        if self.at == 0 && !self.ids.is_empty() {
            out.extend_from_slice(b",\n\"io\":{");
        }
        let end = self.ids.len().min(self.at + PIECE);
        let some = &self.ids[self.at..end];
        let table = self.seat.gate.table.lock();
        if table.write(some, self.is_first, &self.api.store, &mut out) {
            self.is_first = false;
        }
        drop(table);
        self.at = end;
        if self.at == self.ids.len() {
            self.is_done = true;
            out.extend_from_slice(if self.ids.is_empty() { b"}}" } else { b"}}}" });
        }
        Some(out)
    }
}
