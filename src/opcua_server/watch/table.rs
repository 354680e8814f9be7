//! The items by their handles and by the datapoints that they watch.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use mainstem_store::PointId;
use opcua::server::MonitoredItemHandle;

use super::item::Item;
use crate::limits::ITEMS_MAX;

/// An item's identity.
type Key = (u32, u32);

/// All items.
#[derive(Default)]
pub(super) struct Table {
    items: HashMap<Key, (Item, Arc<str>)>,
    watched: HashMap<Arc<str>, Vec<Key>>,
    names: HashMap<PointId, Arc<str>>,
    /// Items that may have something to tell.
    dirty: HashSet<Key>,
}

impl Table {
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn add(&mut self, item: Item, name: &str, point: Option<PointId>) -> bool {
        if self.items.len() >= ITEMS_MAX {
            return false;
        }
        let key = key(item.handle);
        let name: Arc<str> = match self.watched.get_key_value(name) {
            Some((name, _)) => Arc::clone(name),
            None => name.into(),
        };
        if let Some(point) = point {
            self.names.insert(point, Arc::clone(&name));
        }
        self.watched.entry(Arc::clone(&name)).or_default().push(key);
        self.items.insert(key, (item, name));
        // What changes between the first value and now is not to be missed.
        self.dirty.insert(key);
        true
    }

    pub(super) fn remove(&mut self, handle: MonitoredItemHandle) {
        let key = key(handle);
        let Some((_, name)) = self.items.remove(&key) else {
            return;
        };
        self.dirty.remove(&key);
        if let Some(keys) = self.watched.get_mut(&name) {
            keys.retain(|other| *other != key);
            if keys.is_empty() {
                self.watched.remove(&name);
                self.names.retain(|_, other| *other != name);
            }
        }
    }

    pub(super) fn change(&mut self, handle: MonitoredItemHandle, act: impl FnOnce(&mut Item)) {
        if let Some((item, _)) = self.items.get_mut(&key(handle)) {
            act(item);
        }
    }

    pub(super) fn touch(&mut self, handle: MonitoredItemHandle) {
        if self.items.contains_key(&key(handle)) {
            self.dirty.insert(key(handle));
        }
    }

    /// A datapoint changed.
    pub(super) fn touch_point(&mut self, point: PointId) {
        if let Some(name) = self.names.get(&point) {
            self.dirty
                .extend(self.watched.get(name).into_iter().flatten());
        }
    }

    /// A datapoint came.
    pub(super) fn define(&mut self, point: PointId, name: &str) {
        if let Some((name, keys)) = self.watched.get_key_value(name) {
            self.names.insert(point, Arc::clone(name));
            self.dirty.extend(keys);
        }
    }

    /// Anything may have changed.
    pub(super) fn touch_all(&mut self) {
        self.dirty.extend(self.items.keys());
    }

    /// The items that may have something to tell, for which that is due.
    pub(super) fn take_due(&mut self, now: tokio::time::Instant) -> Vec<(Key, Arc<str>)> {
        let items = &self.items;
        let mut due = Vec::new();
        self.dirty.retain(|key| match items.get(key) {
            Some((item, name)) if item.is_on && item.due <= now => {
                due.push((*key, Arc::clone(name)));
                false
            }
            // Switched off, it is touched when it is switched on again.
            Some((item, _)) => item.is_on,
            None => false,
        });
        due
    }

    pub(super) fn item(&mut self, key: Key) -> Option<&mut Item> {
        self.items.get_mut(&key).map(|(item, _)| item)
    }

    /// When there is something to do again, if nothing happens before.
    pub(super) fn next_due(&self) -> Option<tokio::time::Instant> {
        let waiting = self.dirty.iter().filter_map(|key| self.items.get(key));
        waiting.map(|(item, _)| item.due).min()
    }
}

fn key(handle: MonitoredItemHandle) -> Key {
    (handle.subscription_id, handle.monitored_item_id)
}
