//! `GET /api/v1/readers`: who reads changes at this moment, how far behind, and what was left out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Json;
use axum::extract::State;
use mainstem_model::{Monotonic, Pacing, Timestamp, quantity};
use mainstem_wire::api::{Page, ReaderDocument};
use parking_lot::Mutex;

use crate::Api;
use crate::auth::Caller;
use crate::problem::Problem;
use crate::query::{Nothing, Params};

/// The readers that are served, as many as there are seats for them (`HttpLimits::readers`).
#[derive(Default)]
pub(crate) struct Readings {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    table: BTreeMap<u64, Arc<Reading>>,
    last: u64,
}

/// One reader that is served. It writes its numbers itself, a part at a time.
pub(crate) struct Reading {
    id: u64,
    principal: String,
    address: Option<String>,
    way: &'static str,
    since: Timestamp,
    pacing: Pacing,
    /// The session of a link, 0 for others.
    session: AtomicU64,
    place: AtomicU64,
    /// When it last had everything, in microseconds of the monotonic clock.
    complete: AtomicU64,
    rows: AtomicU64,
    gaps: AtomicU64,
    missed: AtomicU64,
    conflated: AtomicU64,
}

impl Readings {
    /// A reader that is served from now on.
    pub(crate) fn begin(
        &self,
        caller: &Caller,
        way: &'static str,
        pacing: Pacing,
        (wall, now): (Timestamp, Monotonic),
    ) -> Arc<Reading> {
        let mut inner = self.inner.lock();
        inner.last += 1;
        let zero = AtomicU64::default;
        let reading = Arc::new(Reading {
            id: inner.last,
            principal: caller.principal.name.clone(),
            address: caller.arrival.peer.text(),
            way,
            since: wall,
            pacing,
            session: zero(),
            place: zero(),
            complete: AtomicU64::new(now.micros()),
            rows: zero(),
            gaps: zero(),
            missed: zero(),
            conflated: zero(),
        });
        inner.table.insert(reading.id, Arc::clone(&reading));
        reading
    }

    /// It is served no more.
    pub(crate) fn end(&self, reading: &Reading) {
        self.inner.lock().table.remove(&reading.id);
    }

    fn list(&self) -> Vec<Arc<Reading>> {
        self.inner.lock().table.values().cloned().collect()
    }
}

impl Reading {
    /// The link that reads here.
    pub(crate) fn is_link(&self, session: u64) {
        self.session.store(session, Ordering::Relaxed);
    }

    /// How far it was told.
    pub(crate) fn at(&self, place: u64, is_head: bool, now: Monotonic) {
        self.place.store(place, Ordering::Relaxed);
        if is_head {
            self.complete.store(now.micros(), Ordering::Relaxed);
        }
    }

    /// Rows or datapoints more that it was told.
    pub(crate) fn told(&self, rows: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }

    /// What it was not told so far.
    pub(crate) fn left_out(&self, missed: u64, conflated: u64) {
        self.missed.store(missed, Ordering::Relaxed);
        self.conflated.store(conflated, Ordering::Relaxed);
    }

    /// A gap was told.
    pub(crate) fn gap(&self) {
        self.gaps.fetch_add(1, Ordering::Relaxed);
    }
}

/// `GET /api/v1/readers`: all of them for administrators, for others their own.
#[utoipa::path(
    get,
    path = "/api/v1/readers",
    tag = "changes",
    responses((status = 200, description = "Those that are served now, the oldest first", body = Page<ReaderDocument>))
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    caller: Caller,
) -> Result<Json<Page<ReaderDocument>>, Problem> {
    let principal = &caller.principal;
    let applied: BTreeMap<u64, u64> = api
        .serving
        .streams()
        .into_iter()
        .filter_map(|(session, stream)| stream.beat.map(|_| (session, stream.applied)))
        .collect();
    let visible = api
        .readings
        .list()
        .into_iter()
        .filter(|reading| principal.rights.admin || reading.principal == principal.name);
    let head = api.store.statistics().head;
    let now = api.clock().monotonic();
    let items = visible.map(|reading| document(&reading, head, now, &applied));
    Ok(Json(Page::whole(items.collect())))
}

fn document(
    reading: &Reading,
    head: u64,
    now: Monotonic,
    applied: &BTreeMap<u64, u64>,
) -> ReaderDocument {
    let number = |number: &AtomicU64| number.load(Ordering::Relaxed);
    let session = number(&reading.session);
    let place = number(&reading.place);
    let lag = head.saturating_sub(applied.get(&session).copied().unwrap_or(place));
    let complete = Monotonic::from_micros(number(&reading.complete));
    let shown = |interval: Option<std::time::Duration>| interval.map(quantity::show_duration);
    ReaderDocument {
        id: reading.id,
        principal: reading.principal.clone(),
        address: reading.address.clone(),
        way: reading.way.to_owned(),
        link: session != 0,
        since: reading.since,
        lag,
        lag_seconds: match lag {
            0 => 0.0,
            _ => now.since(complete).as_secs_f64(),
        },
        rows: number(&reading.rows),
        missed: number(&reading.missed),
        gaps: number(&reading.gaps),
        conflated: number(&reading.conflated),
        deadband: reading.pacing.deadband.map(|band| band.to_string()),
        min_interval: shown(reading.pacing.min_interval),
        max_interval: shown(reading.pacing.max_interval),
    }
}
