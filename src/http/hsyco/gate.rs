//! Who comes through, and what becomes of the others. Nobody who is refused holds anything that
//! somebody else needs: refused connections wait in seats of their own, and when these are taken
//! they are dropped at once.

use std::sync::Arc;

use axum::response::Response;
use mainstem_model::Monotonic;
use mainstem_security::{AuditRecord, Password};
use mainstem_store::Store;
use mainstem_telemetry::{Counter, Gauge};
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::HsycoConfig;
use super::asked::readings;
use super::stamps::Stamps;
use super::table::Table;
use crate::Api;
use crate::arrival::Peer;
use crate::dropped::dropped;
use crate::refusals::Refusals;

/// Refused connections that are held at the same time.
const REFUSED_HELD_MAX: usize = 32;
/// The time stamp that asks for everything.
const EVERYTHING: u64 = 1;

/// One configuration of the route, while it is in force.
pub(crate) struct Gate {
    pub(super) config: HsycoConfig,
    /// One permit for each request that is held or answered.
    pub(super) readers: Arc<Semaphore>,
    pub(super) table: Mutex<Table>,
    pub(super) stamps: Mutex<Stamps>,
    pub(super) counters: Counters,
    /// Cancelled when another configuration is in force.
    pub(super) replaced: CancellationToken,
    password: Password,
    refused: Semaphore,
    refusals: Mutex<Refusals>,
}

/// The numbers of the route.
pub(super) struct Counters {
    pub(super) answers: Counter,
    pub(super) readers: Gauge,
    pub(super) readers_refused: Counter,
    refused: Counter,
}

/// Why somebody does not come through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// His address is not in the list.
    Address,
    /// The password is wrong, or this is not the documented request.
    Request,
}

impl Refused {
    fn as_str(self) -> &'static str {
        match self {
            Self::Address => "the address is not allowed",
            Self::Request => "the password or the request is wrong",
        }
    }
}

/// Where an answer begins: at a place of the feed, or `None` for everything.
pub(super) type Since = Option<u64>;

impl Gate {
    pub(super) fn new(config: HsycoConfig, api: &Api, generation: u64) -> Self {
        let counter = |name: &str, help: &str| api.metrics.counter(name, help);
        Self {
            readers: Arc::new(Semaphore::new(config.readers)),
            table: Mutex::new(Table::new(config.datapoints.clone(), config.quality)),
            stamps: Mutex::new(Stamps::new(api.store.setup().epoch, generation)),
            counters: Counters {
                answers: counter("hsyco_answers", "Answers of the HSYCO-compatible route"),
                readers: api.metrics.gauge("hsyco_readers", "Clients of that route"),
                readers_refused: counter(
                    "hsyco_readers_refused",
                    "Clients of that route beyond the limit",
                ),
                refused: counter("hsyco_refused", "Requests dropped without an answer"),
            },
            replaced: CancellationToken::new(),
            password: Password::new(config.password.expose()),
            refused: Semaphore::new(REFUSED_HELD_MAX),
            refusals: Mutex::default(),
            config,
        }
    }

    /// Lets a request through, with the place from which it is answered.
    pub(super) fn admit(&self, peer: Peer, query: &str) -> Result<Since, Refused> {
        let allowed = match peer {
            Peer::Local => true,
            Peer::Network(address) => self.config.addresses.allows(address.ip()),
        };
        if !allowed {
            return Err(Refused::Address);
        }
        let asked = readings(query).into_iter().flatten();
        let asked = asked
            .filter(|asked| self.password.is(&asked.password))
            .find_map(|asked| asked.timestamp);
        match asked {
            None => Err(Refused::Request),
            Some(EVERYTHING) => Ok(None),
            // One that is unknown here is as good as none.
            Some(stamp) => Ok(self.stamps.lock().place(stamp)),
        }
    }

    /// Drops a request without an answer, after a while if there is a seat to wait in.
    pub(super) async fn refuse(&self, api: &Api, peer: Peer, why: Refused) -> Response {
        self.counters.refused.inc();
        self.audit(api, peer, why);
        if let Ok(_seat) = self.refused.try_acquire() {
            tokio::select! {
                () = tokio::time::sleep(self.config.drop_after) => {}
                () = api.stopping.cancelled() => {}
                () = self.replaced.cancelled() => {}
            }
        }
        dropped()
    }

    fn audit(&self, api: &Api, peer: Peer, why: Refused) {
        let now: Monotonic = api.clock().monotonic();
        let Some(before) = self.refusals.lock().note(peer.address(), now) else {
            return;
        };
        let detail = match before {
            0 => why.as_str().to_owned(),
            more => format!("{}; {more} more since the last record", why.as_str()),
        };
        api.record(AuditRecord {
            at: api.clock().now(),
            principal: "hsyco".to_owned(),
            address: peer.text(),
            action: "hsyco.read".to_owned(),
            target: super::PATH.to_owned(),
            outcome: "denied".to_owned(),
            detail,
        });
    }

    /// Brings the table up to the head of the feed, in steps that let others in between, and looks
    /// at it there.
    pub(super) async fn at_head<T>(&self, store: &Store, look: impl Fn(&Table, u64) -> T) -> T {
        loop {
            if let Some(found) = self.step(store, &look) {
                return found;
            }
            tokio::task::yield_now().await;
        }
    }

    fn step<T>(&self, store: &Store, look: &impl Fn(&Table, u64) -> T) -> Option<T> {
        let mut table = self.table.lock();
        let place = table.step(store)?;
        Some(look(&table, place))
    }
}
