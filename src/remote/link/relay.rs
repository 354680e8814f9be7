//! Carries writes to the remote and their outcomes back. Nothing is stored: what the connection
//! loses is asked for again only while its deadline lasts, under the same id, which the owner
//! carries out once at the most.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use mainstem_model::{Role, Space, WriteState};
use mainstem_store::{Hop, Order, Outcome, OwnerHandle, Store, Target};
use mainstem_wire::api::write::{LinkWrite, WriteDocument};
use mainstem_wire::{FEATURE_DOCTOR, FEATURE_PULSE, FEATURE_VARIABLES, write_value};
use parking_lot::Mutex;

use super::LinkOptions;
use super::explain::{self, Reach};
use crate::connection::{Connection, Poster, RequestError};

/// Writes under way to one remote.
const UNDER_WAY_MAX: usize = 256;
/// How long the outcome may travel beyond the deadline.
const GRACE: Duration = Duration::from_secs(1);

type Answer = (Errand, Option<Result<WriteDocument, RequestError>>);

/// An order, and whether the remote may have got it already.
struct Errand {
    order: Order,
    asked_before: bool,
}

pub(super) struct Relay {
    options: Arc<LinkOptions>,
    store: Arc<Store>,
    orders: OwnerHandle,
    poster: Option<Poster>,
    /// The same for those who only ask.
    reach: Arc<Mutex<Reach>>,
    session: u64,
    is_timed: bool,
    under_way: FuturesUnordered<Pin<Box<dyn Future<Output = Answer> + Send>>>,
    /// Not sent yet: the stream is open, but the clocks are not mapped.
    waiting: Vec<Order>,
    /// Sent and not answered when the connection broke.
    unanswered: Vec<Order>,
}

impl Relay {
    pub(super) fn new(
        options: Arc<LinkOptions>,
        store: Arc<Store>,
        orders: OwnerHandle,
        reach: Arc<Mutex<Reach>>,
    ) -> Self {
        Self {
            options,
            store,
            orders,
            poster: None,
            reach,
            session: 0,
            is_timed: false,
            under_way: FuturesUnordered::new(),
            waiting: Vec::new(),
            unanswered: Vec::new(),
        }
    }

    pub(super) fn set_connection(&mut self, connection: Option<&Connection>) {
        self.poster = connection.map(Connection::poster);
        self.reach.lock().poster = connection.map(Connection::poster);
    }

    /// What the remote can do, as far as it said.
    pub(super) fn set_features(&mut self, features: &[String]) {
        let can = |feature: &str| features.iter().any(|known| known == feature);
        let mut reach = self.reach.lock();
        reach.pulses = can(FEATURE_PULSE);
        reach.variables = can(FEATURE_VARIABLES);
        reach.doctor = can(FEATURE_DOCTOR);
    }

    /// The stream's number and whether the clocks are mapped, without which no write can be timed.
    pub(super) fn set_session(&mut self, session: u64, is_timed: bool) {
        self.session = session;
        self.is_timed = is_timed;
        self.reach.lock().session = if self.is_ready() { session } else { 0 };
        if self.is_ready() {
            for order in std::mem::take(&mut self.waiting) {
                self.post(order, false);
            }
            for order in std::mem::take(&mut self.unanswered) {
                self.post(order, true);
            }
        } else if self.session == 0 {
            for order in std::mem::take(&mut self.waiting) {
                self.reject(order, "link_down", "the connection to the remote was lost");
            }
        }
        self.give_up_late();
    }

    fn is_ready(&self) -> bool {
        self.poster.is_some() && self.session != 0 && self.is_timed
    }

    /// Waits for the next order or outcome and deals with it. Cancel safe.
    pub(super) async fn step(&mut self) {
        let is_free = self.under_way.len() < UNDER_WAY_MAX;
        tokio::select! {
            Some(order) = self.orders.orders.recv(), if is_free => self.take(order),
            Some((errand, answer)) = self.under_way.next(), if !self.under_way.is_empty() => {
                self.answered(errand, answer);
            }
            else => std::future::pending().await,
        }
    }

    /// Answers everything that is still open: the link is ending.
    pub(super) fn end(&mut self) {
        self.orders.orders.close();
        while let Ok(order) = self.orders.orders.try_recv() {
            self.reject(order, "link_down", "the link is being stopped");
        }
        for order in std::mem::take(&mut self.waiting) {
            self.reject(order, "link_down", "the link is being stopped");
        }
        for order in std::mem::take(&mut self.unanswered) {
            self.unknown(order, "the link was stopped before the outcome came");
        }
    }

    fn take(&mut self, order: Order) {
        let space = space(&order);
        let filtered = explain::filter(&self.options, &self.store, space, &order.name);
        let lacking = self.reach.lock().lacks(space, order.pulse.is_some());
        if let Err(why) = filtered {
            self.reject(order, "policy", &why);
        } else if let Some(why) = lacking.filter(|_| self.session != 0) {
            self.reject(order, explain::NOT_SUPPORTED, why);
        } else if self.is_ready() {
            self.post(order, false);
        } else if self.session != 0 && self.waiting.len() < UNDER_WAY_MAX {
            self.waiting.push(order);
        } else {
            self.reject(
                order,
                "link_down",
                "there is no communication with the remote",
            );
        }
    }

    fn remote_name<'a>(&self, order: &'a Order) -> &'a str {
        order
            .name
            .strip(&self.options.prefix)
            .unwrap_or(order.name.as_str())
    }

    fn post(&mut self, order: Order, asked_before: bool) {
        let now = self.store.clock().monotonic();
        let budget = order.deadline.since(now);
        let Some(poster) = self.poster.clone().filter(|_| !budget.is_zero()) else {
            // `give_up_late` says what became of it.
            let late = match asked_before {
                true => &mut self.unanswered,
                false => &mut self.waiting,
            };
            late.push(order);
            return;
        };
        // A remote of an older version may have taken the place of the one that was asked first.
        let lacking = self.reach.lock().lacks(space(&order), false);
        match lacking {
            Some(why) if asked_before => return self.unknown(order, why),
            Some(why) => return self.reject(order, explain::NOT_SUPPORTED, why),
            None => {}
        }
        let mut value = Vec::new();
        write_value(&order.value, &mut value);
        let value = String::from_utf8(value).unwrap_or_default();
        let Ok(value) = serde_json::value::RawValue::from_string(value) else {
            self.reject(order, "type", "the value has no JSON");
            return;
        };
        let document = LinkWrite {
            id: order.id,
            kind: space(&order),
            name: self.remote_name(&order).to_owned(),
            value,
            session: self.session,
            sent: now.micros(),
            budget_us: micros(budget),
            pulse_us: order.pulse.map(micros),
            originators: order.originators.clone(),
        };
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let answer = poster.post("/api/v1/link/writes", body);
        let errand = Errand {
            order,
            asked_before,
        };
        self.under_way.push(Box::pin(async move {
            (
                errand,
                tokio::time::timeout(budget + GRACE, answer).await.ok(),
            )
        }));
    }

    fn answered(&mut self, errand: Errand, answer: Option<Result<WriteDocument, RequestError>>) {
        let Errand {
            order,
            asked_before,
        } = errand;
        match answer {
            Some(Ok(document)) if asked_before && !self.is_owners_word(&order, &document) => {
                self.unknown(order, "the connection broke, and the owner cannot be asked");
            }
            Some(Ok(document)) => self.tell(order, &document),
            Some(Err(RequestError::Refused { .. })) if asked_before => {
                self.unknown(order, "the connection broke, and the remote tells no more");
            }
            Some(Err(error @ RequestError::Refused { .. })) => {
                let why = error.to_string();
                self.reject(order, "remote", &why);
            }
            // The request may have arrived: only the owner can tell.
            Some(Err(_)) => self.unanswered.push(order),
            None => self.unknown(order, "no outcome came from the remote in time"),
        }
    }

    /// Whether an answer tells what the owner itself knows. When the first answer was lost, a node
    /// in between that refuses the second request says nothing about what the first one did.
    fn is_owners_word(&self, order: &Order, document: &WriteDocument) -> bool {
        if matches!(document.state, WriteState::Applied | WriteState::Unknown) {
            return true;
        }
        // A variable that is not here yet may have its owner anywhere below.
        let mut at = match order.target {
            Target::Point(point) => self.store.point_by_id(point).map(|view| view.source),
            Target::Variable => self
                .store
                .variable(order.name.as_str())
                .map(|view| view.source),
        };
        let mut links = 0;
        while let Some(source) = at.and_then(|id| self.store.source(id)) {
            links += usize::from(source.role == Role::Link);
            at = source.parent;
        }
        links > 0 && document.hops.len() >= links
    }

    fn give_up_late(&mut self) {
        let now = self.store.clock().monotonic();
        let is_late = |order: &mut Order| now >= order.deadline;
        let late: Vec<Order> = self.waiting.extract_if(.., is_late).collect();
        for order in late {
            let why = "the deadline passed before the remote could time the write";
            self.reply(order, Outcome::because(WriteState::Expired, "expired", why));
        }
        let late: Vec<Order> = self.unanswered.extract_if(.., is_late).collect();
        for order in late {
            self.unknown(order, "the connection broke before the outcome came");
        }
    }

    fn tell(&self, order: Order, document: &WriteDocument) {
        let below = document
            .hop
            .as_deref()
            .map_or(String::new(), |hop| format!(".{hop}"));
        let is_refusal = document.state != WriteState::Applied;
        let outcome = Outcome {
            state: document.state,
            reason: document.reason.clone(),
            message: document.message.clone(),
            hop: is_refusal.then(|| format!("{}{below}", self.options.prefix)),
            verified: document.verified,
            hops: document
                .hops
                .iter()
                .map(|hop| Hop {
                    node: hop.node.clone(),
                    state: hop.state,
                    at: hop.at,
                })
                .collect(),
        };
        self.reply(order, outcome);
    }

    fn reject(&self, order: Order, reason: &str, why: &str) {
        let mut outcome = Outcome::because(WriteState::Rejected, reason, why);
        if reason != "policy" {
            outcome.hop = Some(self.options.prefix.clone());
        }
        self.reply(order, outcome);
    }

    fn unknown(&self, order: Order, why: &str) {
        let mut outcome = Outcome::because(WriteState::Unknown, "link_lost", why);
        outcome.hop = Some(self.options.prefix.clone());
        self.reply(order, outcome);
    }

    fn reply(&self, order: Order, outcome: Outcome) {
        // Who asked may have given up; the outcome is in its record as unknown then.
        drop(order.reply.send(outcome));
    }
}

fn space(order: &Order) -> Space {
    match order.target {
        Target::Point(_) => Space::Datapoint,
        Target::Variable => Space::Variable,
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
