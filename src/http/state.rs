//! What every route sees of the node.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mainstem_model::{Clock, Monotonic, Timestamp};
use mainstem_remote::Serving;
use mainstem_security::{Audit, AuditRecord, Principal, Roles, TokenInfo, Tokens};
use mainstem_store::Store;
use mainstem_telemetry::{Counter, Gauge, Health, Metrics, Subscription};
use mainstem_write::WriteDesk;
use parking_lot::{Mutex, RwLock};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use crate::auth::Caller;
use crate::data::Data;
use crate::doctor::Growth;
use crate::hsyco::Hsyco;
use crate::readers::Readings;
use crate::refusals::Refusals;
use crate::samples::Providers;
use crate::support::Support;
use crate::{HttpLimits, Parts};

/// What a node says about itself, beside what its store knows.
#[derive(Clone, Debug)]
pub struct NodeFacts {
    /// What it is for.
    pub description: Option<String>,
    /// The version of the program.
    pub version: &'static str,
    /// What it does: `concentrator`, `adapters`.
    pub roles: Vec<String>,
    /// The fingerprint of its key.
    pub pin: String,
    /// When it was started.
    pub started: Timestamp,
}

/// What is needed to serve the API.
pub struct ApiSetup {
    /// What the node says about itself.
    pub facts: NodeFacts,
    /// What it knows.
    pub store: Arc<Store>,
    /// Who reads it.
    pub serving: Arc<Serving>,
    /// Who may come in.
    pub tokens: Arc<Tokens>,
    /// What they may do.
    pub roles: Arc<Roles>,
    /// Its one write path.
    pub writes: Arc<WriteDesk>,
    /// Where it is noted who did what.
    pub audit: Arc<Audit>,
    /// What is wrong with it.
    pub health: Health,
    /// Its numbers.
    pub metrics: Metrics,
    /// What a client can cost.
    pub limits: HttpLimits,
    /// Its adapters and remotes.
    pub parts: Arc<dyn Parts>,
}

/// The state behind all routes.
pub struct Api {
    pub(crate) facts: NodeFacts,
    pub(crate) store: Arc<Store>,
    pub(crate) serving: Arc<Serving>,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) writes: Arc<WriteDesk>,
    pub(crate) providers: Arc<Providers>,
    pub(crate) health: Health,
    pub(crate) metrics: Metrics,
    pub(crate) limits: HttpLimits,
    pub(crate) parts: Arc<dyn Parts>,
    pub(crate) counters: Counters,
    /// What the doctor saw at earlier looks.
    pub(crate) growth: Growth,
    /// Held while the rows of the parts are written into the metrics.
    pub(crate) scrape: Mutex<()>,
    /// One permit for each reader of changes.
    pub(crate) readers: Arc<Semaphore>,
    /// Those that hold one.
    pub(crate) readings: Readings,
    /// Cancelled when the node stops: endless answers end then.
    pub(crate) stopping: CancellationToken,
    /// Carries the generation of the board of problems.
    pub(crate) alarms: watch::Receiver<u64>,
    pub(crate) born: Monotonic,
    /// The server nodes below `/data`.
    pub(crate) data: Data,
    /// The HSYCO-compatible route, if it is switched on.
    pub(crate) hsyco: Hsyco,
    /// Whether the node is open for remote support.
    pub(crate) support: Support,
    audit: Arc<Audit>,
    /// Those who came from where they may not.
    refusals: Mutex<Refusals>,
    roles: RwLock<Arc<Roles>>,
    ready: AtomicBool,
    _alarm_hook: Option<Subscription>,
}

/// The numbers of this room.
pub(crate) struct Counters {
    pub(crate) connections: Gauge,
    pub(crate) connections_refused: Counter,
    pub(crate) handshakes_failed: Counter,
    pub(crate) requests: Counter,
    pub(crate) addresses_refused: Counter,
    pub(crate) panics: Counter,
    pub(crate) readers: Gauge,
    pub(crate) readers_refused: Counter,
    pub(crate) snapshots: Counter,
    pub(crate) resumes: Counter,
    pub(crate) flushes: Counter,
    pub(crate) rows: Counter,
    pub(crate) gaps: Counter,
    pub(crate) missed: Counter,
    pub(crate) conflated: Counter,
    pub(crate) events: Counter,
    pub(crate) events_expired: Counter,
    pub(crate) events_refused: Counter,
    pub(crate) samples: Counter,
    pub(crate) samples_refused: Counter,
}

impl Counters {
    fn new(metrics: &Metrics) -> Self {
        let counter = |name: &str, help: &str| metrics.counter(name, help);
        Self {
            connections: metrics.gauge("http_connections", "Connections open"),
            connections_refused: counter(
                "http_connections_refused",
                "Connections beyond the limit",
            ),
            handshakes_failed: counter("http_handshakes_failed", "TLS handshakes that failed"),
            requests: counter("http_requests", "Requests"),
            addresses_refused: counter(
                "http_addresses_refused",
                "Requests with a token from an address that it is not for",
            ),
            panics: counter("http_panics", "Requests that met a defect of the program"),
            readers: metrics.gauge("feed_readers", "Readers of changes"),
            readers_refused: counter(
                "feed_readers_refused",
                "Readers of changes beyond the limit",
            ),
            snapshots: counter("feed_snapshots", "Readings that began with a snapshot"),
            resumes: counter("feed_resumes", "Readings that went on behind a cursor"),
            flushes: counter("feed_flushes", "Parts of streams written"),
            rows: counter("feed_rows", "Rows written to streams"),
            gaps: counter("feed_gaps", "Gaps told to readers that fell behind the log"),
            missed: counter("feed_missed", "Entries that slow readers did not get"),
            conflated: counter("feed_conflated", "Samples that readers asked to be spared"),
            events: counter(
                "events_raised",
                "Events raised here that wait for an answer",
            ),
            events_expired: counter("events_expired", "Events that nobody answered in time"),
            events_refused: counter("events_refused", "Answers to events that were not taken"),
            samples: counter("provided_samples", "Samples taken over from providers"),
            samples_refused: counter("provided_samples_refused", "Samples of providers refused"),
        }
    }
}

impl Api {
    /// The state; nothing is served yet.
    pub fn new(setup: ApiSetup) -> Arc<Self> {
        let (generation, alarms) = watch::channel(setup.health.generation());
        let hook = setup.health.subscribe(move |now| {
            generation.send_replace(now);
        });
        Arc::new(Self {
            counters: Counters::new(&setup.metrics),
            data: Data::new(&setup.metrics),
            born: setup.store.clock().monotonic(),
            readers: Arc::new(Semaphore::new(setup.limits.readers)),
            readings: Readings::default(),
            facts: setup.facts,
            store: setup.store,
            serving: setup.serving,
            tokens: setup.tokens,
            writes: setup.writes,
            audit: setup.audit,
            providers: Arc::default(),
            health: setup.health,
            metrics: setup.metrics,
            limits: setup.limits,
            parts: setup.parts,
            stopping: CancellationToken::new(),
            alarms,
            hsyco: Hsyco::default(),
            growth: Growth::default(),
            scrape: Mutex::new(()),
            refusals: Mutex::default(),
            support: Support::default(),
            roles: RwLock::new(setup.roles),
            ready: AtomicBool::new(false),
            _alarm_hook: hook,
        })
    }

    /// Whether a principal's role still has the rights that it had when the principal came.
    pub(crate) fn is_as_it_was(&self, principal: &Principal) -> bool {
        let roles = self.roles.read();
        let role = roles.get(&principal.role);
        role.is_some_and(|role| role == principal.rights)
    }

    /// Takes over the roles of a changed configuration; the tokens are told beside.
    pub fn set_roles(&self, roles: Arc<Roles>) {
        *self.roles.write() = roles;
    }

    /// Says whether the node does its work; `/readyz` tells it on.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed) && !self.stopping.is_cancelled()
    }

    /// Whether the holder of a token may still come from an address.
    pub(crate) fn may_come_from(&self, token: &TokenInfo, address: IpAddr) -> bool {
        let role = self.roles.read().get(&token.role);
        token.from.allows(address) && role.is_some_and(|role| role.from.allows(address))
    }

    /// Notes that somebody came from where he may not: the first time at once, then once a minute.
    pub(crate) fn refuse_address(&self, principal: &Principal, address: SocketAddr) {
        let now = self.clock().monotonic();
        let Some(before) = self.refusals.lock().note(Some(address.ip().into()), now) else {
            return;
        };
        self.record(AuditRecord {
            at: self.clock().now(),
            principal: principal.name.clone(),
            address: Some(address.to_string()),
            action: "login".to_owned(),
            target: format!("role {}", principal.role),
            outcome: "denied".to_owned(),
            detail: match before {
                0 => "the address is not allowed".to_owned(),
                more => format!("the address is not allowed; {more} more since the last record"),
            },
        });
    }

    pub(crate) fn role(&self, name: &str) -> Option<Arc<mainstem_security::Role>> {
        self.roles.read().get(name)
    }

    pub(crate) fn local_principal(&self) -> Option<Principal> {
        Principal::local(&self.roles.read())
    }

    /// Notes what an administrator did; writes are noted by their own path.
    pub(crate) fn note(&self, caller: &Caller, action: &str, target: &str, outcome: &str) {
        self.note_with(caller, action, target, outcome, String::new());
    }

    /// The same with what else there is to say.
    pub(crate) fn note_with(
        &self,
        caller: &Caller,
        action: &str,
        target: &str,
        outcome: &str,
        detail: String,
    ) {
        self.record(AuditRecord {
            at: self.clock().now(),
            principal: caller.principal.name.clone(),
            address: caller.arrival.peer.text(),
            action: action.to_owned(),
            target: target.to_owned(),
            outcome: outcome.to_owned(),
            detail,
        });
    }

    /// Notes what somebody did who is no caller with a token.
    pub(crate) fn record(&self, record: AuditRecord) {
        self.audit.record(record);
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        self.store.clock()
    }
}
