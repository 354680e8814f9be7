//! Monitored items: which datapoints are watched, and what of their changes is handed over when.
//!
//! The library would compare source times with the sampling interval and rewrite them, and would
//! keep a change of quality back where the value stays the same. So sampling happens here, by the
//! clock; the library is told an interval of nothing and hands over what it gets.

mod follow;
mod item;
mod table;

use std::sync::{Arc, OnceLock};

use mainstem_store::Store;
use opcua::server::node_manager::{MonitoredItemUpdateRef, RequestContext};
use opcua::server::{CreateMonitoredItem, MonitoredItemHandle, SubscriptionCache};
use opcua::types::{DataValue, MonitoringMode};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::limits::PUBLISHING_MIN;
use crate::users::Users;
use item::{HeldBack, Item};
use table::Table;

/// The interval that the library is told: so small that it rounds to nothing, in milliseconds.
const AT_ONCE_MS: f64 = 0.000_1;

/// What is watched.
pub(crate) struct Watch {
    store: Arc<Store>,
    users: Arc<Users>,
    /// The library's own list, known once it is made.
    subscriptions: OnceLock<Arc<SubscriptionCache>>,
    table: Mutex<Table>,
    /// Wakes who follows when there is something to follow.
    begun: Notify,
}

impl Watch {
    pub(crate) fn new(store: Arc<Store>, users: Arc<Users>) -> Self {
        Self {
            store,
            users,
            subscriptions: OnceLock::new(),
            table: Mutex::default(),
            begun: Notify::new(),
        }
    }

    /// Where changes are handed over.
    pub(crate) fn hand_to(&self, subscriptions: &Arc<SubscriptionCache>) {
        // It is made once per server, and so is this.
        drop(self.subscriptions.set(Arc::clone(subscriptions)));
    }

    /// Items watched.
    pub(crate) fn count(&self) -> usize {
        self.table.lock().len()
    }

    /// Begins to watch; false if there are too many items already.
    pub(crate) fn add(
        &self,
        context: &RequestContext,
        asked: &mut CreateMonitoredItem,
        name: &str,
        now: &DataValue,
    ) -> bool {
        let interval = asked.sampling_interval();
        let follows_publishing = interval < 0.0;
        let interval = if follows_publishing {
            // One value a publication is what was asked for.
            asked.revise_queue_size(1);
            publishing_interval(context, asked.handle())
        } else {
            asked.revise_sampling_interval(AT_ONCE_MS);
            duration(interval)
        };
        // The type of the filter has no name outside the library; its debug text has.
        let is_unfiltered = format!("{:?}", asked.filter()) == "None";
        let item = Item {
            handle: asked.handle(),
            user: context.user_token().clone(),
            interval,
            held_back: match follows_publishing {
                true => HeldBack::Everything,
                false => HeldBack::Nothing,
            },
            is_unfiltered,
            is_on: asked.monitoring_mode() != MonitoringMode::Disabled,
            due: Instant::now() + interval,
            is_anew: false,
            last: now.clone(),
        };
        let point = self.store.point(name).map(|point| point.id);
        let added = self.table.lock().add(item, name, point);
        self.begun.notify_one();
        added
    }

    /// Takes over what the library made of a modification. Its filter applies what is left of it.
    pub(crate) fn modify(&self, update: &MonitoredItemUpdateRef) {
        let interval = update.update().revised_sampling_interval;
        let mut table = self.table.lock();
        table.change(update.handle(), |item| {
            if interval < 0.0 {
                item.held_back = HeldBack::Everything;
                return;
            }
            item.interval = duration(interval);
            let ticks = i64::try_from(item.interval.as_nanos() / 100).unwrap_or(i64::MAX);
            item.held_back = HeldBack::Within(ticks);
        });
    }

    /// An item is switched on or off.
    pub(crate) fn set_mode(&self, handle: MonitoredItemHandle, mode: MonitoringMode) {
        let is_on = mode != MonitoringMode::Disabled;
        let mut table = self.table.lock();
        table.change(handle, |item| {
            // Whoever comes back is told how it is now, whatever it was before.
            item.is_anew |= is_on && !item.is_on;
            item.is_on = is_on;
        });
        table.touch(handle);
        drop(table);
        self.begun.notify_one();
    }

    /// Nobody watches any more.
    pub(crate) fn remove(&self, handle: MonitoredItemHandle) {
        self.table.lock().remove(handle);
    }
}

fn publishing_interval(
    context: &RequestContext,
    handle: MonitoredItemHandle,
) -> std::time::Duration {
    let found = context
        .subscriptions()
        .get_session_subscriptions(context.session_id());
    let found = found.and_then(|session| {
        let session = session.lock();
        let subscription = session.get(handle.subscription_id)?;
        Some(subscription.publishing_interval())
    });
    found.unwrap_or(PUBLISHING_MIN)
}

/// An interval in milliseconds, a day at the most.
fn duration(millis: f64) -> std::time::Duration {
    let seconds = if millis.is_finite() {
        millis / 1000.0
    } else {
        0.0
    };
    std::time::Duration::from_secs_f64(seconds.clamp(0.0, 86_400.0))
}
