//! Server-sent events: `datapoint`, `removed`, `gap` and `alarm`, for browsers and scripts. The
//! id of an event is the cursor behind it, so a client that comes again goes on there.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::unfold;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use mainstem_store::{Chunk, Item, Progress, Reader};
use mainstem_wire::Cursor;
use mainstem_wire::api::AlarmDocument;
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::concern::Concern;
use super::request::Wish;
use super::seat::Seat;
use crate::auth::Caller;
use crate::grant::Grant;
use crate::problem::Problem;
use crate::{Api, documents};

/// Datapoints written as one part.
const PIECE: usize = 64;
const ROWS_MAX: usize = 1024;
/// A sign of life on an idle stream, for proxies; it also moves the reader along.
const ALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// After how many milliseconds a browser comes again.
const RETRY_MS: u32 = 2000;

/// Answers with events.
pub(super) fn open(api: &Arc<Api>, wish: &Wish, caller: &Caller) -> Result<Response, Problem> {
    let reader = wish.reader(&api.store)?;
    let seat = Seat::take(api)?;
    let began = if wish.since.is_none() {
        &api.counters.snapshots
    } else {
        &api.counters.resumes
    };
    began.inc();
    let since = wish.since.map(|cursor| cursor.sequence);
    let events = Box::new(Events {
        _seat: seat,
        head: api.store.changes(),
        alarms: api.alarms.clone(),
        alarms_told: None,
        stopped: Box::pin(api.stopping.clone().cancelled_owned()),
        concern: Concern::new(wish.filter.clone(), since),
        told: since.unwrap_or(0),
        api: Arc::clone(api),
        reader,
        chunk: Chunk::default(),
        meta: wish.meta,
        out: format!("retry: {RETRY_MS}\n\n").into_bytes(),
        written: Instant::now(),
        at_head: false,
        ended: false,
        grant: Grant::new(api, caller),
    });
    let parts = unfold(events, |mut events| async move {
        let part = events.next().await?;
        Some((Ok::<_, Infallible>(part), events))
    });
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, Body::from_stream(parts)).into_response())
}

/// One reader's events.
struct Events {
    api: Arc<Api>,
    reader: Reader,
    head: watch::Receiver<u64>,
    alarms: watch::Receiver<u64>,
    /// The alarms as they were told; `None` before the first time.
    alarms_told: Option<HashMap<String, AlarmDocument>>,
    stopped: Pin<Box<WaitForCancellationFutureOwned>>,
    chunk: Chunk,
    concern: Concern,
    told: u64,
    meta: bool,
    out: Vec<u8>,
    written: Instant,
    at_head: bool,
    ended: bool,
    grant: Grant,
    _seat: Seat,
}

impl Events {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if !self.out.is_empty() {
                let part = Bytes::copy_from_slice(&self.out);
                self.out.clear();
                self.written = Instant::now();
                return Some(part);
            }
            if self.ended || !self.grant.holds() {
                return None;
            }
            if !self.concern.is_empty() {
                self.tell();
            } else if self.at_head {
                self.wait().await;
            } else {
                self.read();
                tokio::task::consume_budget().await;
            }
        }
    }

    fn read(&mut self) {
        self.head.borrow_and_update();
        let missed = self.reader.missed();
        let progress = self.reader.read(&self.api.store, &mut self.chunk, ROWS_MAX);
        self.concern.take_in(&self.api.store, &self.chunk);
        for item in std::mem::take(&mut self.chunk.items) {
            if let Item::Event(event) = item {
                self.event("event", &event.frame(self.chunk.now), None);
            }
        }
        self.api
            .counters
            .missed
            .inc_by(self.reader.missed() - missed);
        self.at_head = progress == Progress::AtHead;
        // The client comes again, is told 410, and begins anew.
        self.ended = progress == Progress::Expired;
    }

    /// Writes a part of what waits; the last event of it carries the cursor.
    fn tell(&mut self) {
        if self.concern.gap > 0 {
            let count = std::mem::take(&mut self.concern.gap);
            self.event("gap", &serde_json::json!({ "count": count }), None);
            self.api.counters.gaps.inc();
        }
        for name in std::mem::take(&mut self.concern.removed) {
            self.event("removed", &serde_json::json!({ "name": name }), None);
        }
        let views = self.concern.some(&self.api.store, PIECE);
        let complete = self.concern.is_empty();
        let last = views.len();
        let mut marked = false;
        for (index, view) in views.into_iter().enumerate() {
            let id = (complete && index + 1 == last).then(|| self.cursor());
            marked |= id.is_some();
            self.event("datapoint", &documents::point(view, self.meta), id);
        }
        if complete && !marked {
            self.mark();
        }
        self.told = if complete {
            self.concern.place
        } else {
            self.told
        };
    }

    /// Waits for changes, alarms, the time of a sign of life, or the end of the node.
    async fn wait(&mut self) {
        if self.alarms_told.is_none() {
            return self.tell_alarms();
        }
        tokio::select! {
            changed = self.head.changed() => {
                self.at_head = false;
                self.ended = changed.is_err();
            }
            changed = self.alarms.changed() => match changed {
                Ok(()) => self.tell_alarms(),
                Err(_) => self.ended = true,
            },
            () = &mut self.stopped => self.ended = true,
            () = tokio::time::sleep_until(self.grant.due()) => {}
            () = tokio::time::sleep_until(self.written + ALIVE_INTERVAL) => {
                if self.concern.place > self.told {
                    self.mark();
                    self.told = self.concern.place;
                } else {
                    self.out.extend_from_slice(b":\n\n");
                }
            }
        }
    }

    /// Writes the alarms that are not as they were told.
    fn tell_alarms(&mut self) {
        self.alarms.borrow_and_update();
        let mut before = self.alarms_told.take().unwrap_or_default();
        let mut now = HashMap::new();
        for alarm in self.api.health.list().into_iter().map(documents::alarm) {
            if before.remove(&alarm.id).as_ref() != Some(&alarm) {
                self.event("alarm", &alarm, None);
            }
            now.insert(alarm.id.clone(), alarm);
        }
        // What left the board was seen by somebody and is over.
        for mut alarm in before.into_values() {
            (alarm.active, alarm.acknowledged) = (false, true);
            self.event("alarm", &alarm, None);
        }
        self.alarms_told = Some(now);
    }

    fn cursor(&self) -> Cursor {
        self.reader
            .cursor(self.api.store.setup().epoch, self.concern.place)
    }

    fn event<T: Serialize + ?Sized>(&mut self, kind: &str, data: &T, id: Option<Cursor>) {
        self.out.extend_from_slice(b"event: ");
        self.out.extend_from_slice(kind.as_bytes());
        self.out.extend_from_slice(b"\ndata: ");
        documents::write(data, &mut self.out);
        if let Some(cursor) = id {
            self.out
                .extend_from_slice(format!("\nid: {cursor}").as_bytes());
        }
        self.out.extend_from_slice(b"\n\n");
    }

    /// Moves the client's last id without an event.
    fn mark(&mut self) {
        let line = format!("id: {}\n\n", self.cursor());
        self.out.extend_from_slice(line.as_bytes());
    }
}
