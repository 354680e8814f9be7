//! The two ways of a link with writes: it relays them, or it cannot carry any at all. A one-way
//! link has no relay, nothing to post with, and no way from here that leads to one.

use std::sync::Arc;

use mainstem_model::WriteState;
use mainstem_store::{Order, Outcome, OwnerHandle, Store};
use parking_lot::Mutex;

use super::LinkOptions;
use super::explain::Reach;
use super::relay::Relay;
use crate::connection::Connection;

/// The rule that refuses, in explanations.
pub(super) const RULE: &str = "one_way";
/// The reason of every refusal.
pub(super) const REASON: &str = "one_way";

/// Why nothing passes, for people.
pub(super) fn sentence(options: &LinkOptions) -> String {
    let entry = &options.name;
    format!("the remote entry {entry:?} is one way (`one_way: true`): no write passes")
}

/// What becomes of the writes that come to a link.
pub(super) enum WriteWay {
    Relay(Box<Relay>),
    OneWay(OneWay),
}

/// Refuses every write at once.
pub(super) struct OneWay {
    options: Arc<LinkOptions>,
    orders: OwnerHandle,
}

impl WriteWay {
    pub(super) fn new(
        options: Arc<LinkOptions>,
        store: Arc<Store>,
        orders: OwnerHandle,
        reach: Arc<Mutex<Reach>>,
    ) -> Self {
        if options.one_way {
            return Self::OneWay(OneWay { options, orders });
        }
        Self::Relay(Box::new(Relay::new(options, store, orders, reach)))
    }

    pub(super) fn set_connection(&mut self, connection: Option<&Connection>) {
        if let Self::Relay(relay) = self {
            relay.set_connection(connection);
        }
    }

    pub(super) fn set_features(&mut self, features: &[String]) {
        if let Self::Relay(relay) = self {
            relay.set_features(features);
        }
    }

    pub(super) fn set_session(&mut self, session: u64, is_timed: bool) {
        if let Self::Relay(relay) = self {
            relay.set_session(session, is_timed);
        }
    }

    /// Waits for the next order or outcome and deals with it. Cancel safe.
    pub(super) async fn step(&mut self) {
        match self {
            Self::Relay(relay) => relay.step().await,
            Self::OneWay(one_way) => one_way.step().await,
        }
    }

    /// Answers everything that is still open: the link is ending.
    pub(super) fn end(&mut self) {
        match self {
            Self::Relay(relay) => relay.end(),
            Self::OneWay(one_way) => one_way.end(),
        }
    }
}

impl OneWay {
    async fn step(&mut self) {
        match self.orders.orders.recv().await {
            Some(order) => self.refuse(order),
            None => std::future::pending().await,
        }
    }

    fn end(&mut self) {
        self.orders.orders.close();
        while let Ok(order) = self.orders.orders.try_recv() {
            self.refuse(order);
        }
    }

    fn refuse(&self, order: Order) {
        let why = sentence(&self.options);
        let mut outcome = Outcome::because(WriteState::Rejected, REASON, why);
        outcome.hop = Some(self.options.prefix.clone());
        // Who asked may have given up; the outcome is in its record as unknown then.
        drop(order.reply.send(outcome));
    }
}
