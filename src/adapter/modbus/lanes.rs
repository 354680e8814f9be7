//! Several connections to one device or gateway, with its units spread over them: one session of
//! each, side by side, within one session of the adapter.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use mainstem_adapter::{AdapterIo, SessionEnd, WriteAnswer, WriteJob};
use tokio::sync::mpsc;

use crate::adapter::{Experience, Setup};
use crate::session::Session;

/// Connections to one device at a time.
pub(crate) const CONNECTIONS_MAX: u8 = 8;
/// Writes that wait for one connection; the runner lets no more wait for the adapter.
const WRITES_WAITING_MAX: usize = 64;

/// A connection's own part of the adapter: its units, and what was learned of them.
pub(crate) struct Lane {
    pub(crate) setup: Setup,
    pub(crate) experience: Experience,
}

/// What the connections of one session know of each other.
#[derive(Debug)]
pub(crate) struct Together {
    /// A bit for each connection on which a unit that is polled may still answer.
    hopeful: AtomicU32,
    is_online: AtomicBool,
}

impl Together {
    /// At the beginning nothing is known against anybody.
    pub(crate) fn new<'a>(setups: impl Iterator<Item = &'a Setup>) -> Self {
        let bit = |setup: &Setup| {
            if setup.groups.is_empty() {
                0
            } else {
                1 << setup.lane
            }
        };
        let hopeful = setups.fold(0, |bits, setup| bits | bit(setup));
        Self {
            hopeful: AtomicU32::new(hopeful),
            is_online: AtomicBool::new(false),
        }
    }

    /// A unit of this connection has answered.
    pub(crate) fn hope(&self, lane: u8) {
        self.hopeful.fetch_or(1 << lane, Ordering::Relaxed);
    }

    /// All units of this connection are down. Returns whether those of all others are, too.
    pub(crate) fn give_up(&self, lane: u8) -> bool {
        let bit = 1 << lane;
        self.hopeful.fetch_and(!bit, Ordering::Relaxed) & !bit == 0
    }

    /// Whether this is the first sign of life of the session.
    pub(crate) fn is_first_sign(&self) -> bool {
        !self.is_online.swap(true, Ordering::Relaxed)
    }
}

/// One session, on all connections; the first that ends ends it.
pub(crate) async fn run(lanes: &mut [Lane], io: &mut AdapterIo) -> Result<(), SessionEnd> {
    let together = Together::new(lanes.iter().map(|lane| &lane.setup));
    if let [only] = lanes {
        return Session::new(&only.setup, &mut only.experience, io, &together)
            .run()
            .await;
    }
    let count = lanes.len();
    // Where a datapoint's unit is, by the datapoint's number.
    let at = lanes
        .first()
        .map_or_else(Vec::new, |lane| lane.setup.lanes_of_points());
    let mut desks = Vec::with_capacity(count);
    let mut sides = Vec::with_capacity(count);
    for _ in 0..count {
        let (desk, jobs) = mpsc::channel(WRITES_WAITING_MAX);
        desks.push(desk);
        sides.push(io.beside(jobs));
    }
    let mut running = FuturesUnordered::new();
    for (lane, side) in lanes.iter_mut().zip(&mut sides) {
        running.push(Session::new(&lane.setup, &mut lane.experience, side, &together).run());
    }
    loop {
        let job = tokio::select! {
            biased;
            ended = running.next() => return ended.unwrap_or(Ok(())).map_err(|end| hint(end, count)),
            job = io.next_write() => job,
        };
        let place = usize::try_from(job.point.0)
            .ok()
            .and_then(|point| at.get(point));
        hand_over(place.and_then(|place| desks.get(*place)), job);
    }
}

fn hand_over(desk: Option<&mpsc::Sender<WriteJob>>, job: WriteJob) {
    let refused = match desk {
        Some(desk) => match desk.try_send(job) {
            Ok(()) => return,
            Err(error) => error.into_inner(),
        },
        None => job,
    };
    let message = "as many writes wait for this unit's connection as may".to_owned();
    refused.answer(WriteAnswer::NotSent { message });
}

/// A device that takes fewer connections than it is given refuses the last ones, or closes them.
fn hint(end: SessionEnd, count: usize) -> SessionEnd {
    let SessionEnd::Lost { code, message } = end else {
        return end;
    };
    if !matches!(
        code,
        "connection_refused" | "connection_closed" | "connect_timeout"
    ) {
        return SessionEnd::Lost { code, message };
    }
    let more =
        format!("{message}; if it takes fewer than {count} connections, lower `maxConnections`");
    SessionEnd::lost(code, more)
}
