//! Follows the feed as long as anything is watched.

use std::sync::atomic::Ordering;

use mainstem_store::{Chunk, Delivery, Filter, Item as Told, PointId, Progress, Reader};
use mainstem_wire::Cursor;
use opcua::types::{AttributeId, DataValue, NodeId, StatusCode};
use tokio::time::{Duration, Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Watch;
use crate::limits::{SAMPLING_MIN, USER_LOOK_INTERVAL};
use crate::to_client;

/// Rows copied out under one lock.
const ROWS_MAX: usize = 1024;
/// How long it waits at the most before it looks around.
const IDLE: Duration = Duration::from_secs(3600);

impl Watch {
    /// Hands changes over until it is told to stop.
    pub(crate) async fn follow(&self, namespace: u16, stop: CancellationToken) {
        let mut head = self.store.changes();
        let mut reader: Option<Reader> = None;
        let (mut chunk, mut generation) = (Chunk::default(), 0);
        let mut looked = Instant::now();
        while !stop.is_cancelled() {
            if self.count() == 0 {
                // Nobody looks: the feed goes by unread.
                reader = None;
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = self.begun.notified() => continue,
                }
            }
            head.mark_unchanged();
            self.read_on(&mut reader, &mut chunk);
            let now = self.users.generation.load(Ordering::Relaxed);
            if now != generation || looked.elapsed() >= USER_LOOK_INTERVAL {
                (generation, looked) = (now, Instant::now());
                self.table.lock().touch_all();
            }
            self.hand_over(namespace);
            let due = self.table.lock().next_due();
            let due = due
                .unwrap_or_else(|| looked + USER_LOOK_INTERVAL)
                .min(Instant::now() + IDLE);
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.begun.notified() => {}
                () = sleep_until(due) => {}
                _ = head.changed() => {
                    // Changes that come in a rush are looked at together.
                    tokio::time::sleep(SAMPLING_MIN).await;
                }
            }
        }
    }

    /// Reads what happened, and marks what it touches.
    fn read_on(&self, reader: &mut Option<Reader>, chunk: &mut Chunk) {
        let Some(following) = reader else {
            *reader = self.following_now();
            self.table.lock().touch_all();
            return;
        };
        loop {
            let progress = following.read(&self.store, chunk, ROWS_MAX);
            let mut table = self.table.lock();
            for row in &chunk.rows {
                table.touch_point(PointId(row.id));
            }
            for told in &chunk.items {
                match told {
                    Told::Define(frame) => table.define(PointId(frame.id), &frame.name),
                    Told::Remove(id) => table.touch_point(PointId(*id)),
                    // What hangs on a source changes with it.
                    Told::Status(_) | Told::Source(_) | Told::Gone(_) => table.touch_all(),
                    Told::Gap(_) => table.touch_all(),
                    _ => {}
                }
            }
            match progress {
                Progress::More => {}
                Progress::Expired => {
                    table.touch_all();
                    drop(table);
                    *reader = self.following_now();
                    return;
                }
                _ => return,
            }
        }
    }

    fn following_now(&self) -> Option<Reader> {
        let filter = Filter::everything();
        let cursor = Cursor {
            epoch: self.store.setup().epoch,
            sequence: self.store.statistics().head,
            filter: filter.hash(),
        };
        Reader::resume(&self.store, filter, Delivery::Latest, cursor).ok()
    }

    /// Samples what is due, and hands over what changed.
    fn hand_over(&self, namespace: u16) {
        let Some(subscriptions) = self.subscriptions.get() else {
            return;
        };
        let now = Instant::now();
        let due = self.table.lock().take_due(now);
        if due.is_empty() {
            return;
        }
        let mut told = Vec::new();
        for (key, name) in due {
            let Some(user) = self.table.lock().item(key).map(|item| item.user.clone()) else {
                continue;
            };
            let value = self.sample(&user, &name);
            let mut table = self.table.lock();
            let Some(item) = table.item(key) else {
                continue;
            };
            item.due = now + item.interval.max(SAMPLING_MIN);
            let handle = item.handle;
            for value in item.take(value) {
                told.push((handle, std::sync::Arc::clone(&name), value));
            }
        }
        // The library's lock is taken once, and none of ours within it.
        let mut notifier = subscriptions.data_notifier();
        for (handle, name, value) in told {
            let id = NodeId::new(namespace, name.to_string());
            if let Some(mut batch) = notifier.notify_for(&id, AttributeId::Value) {
                batch.data_value_to_item(value, &handle);
            }
        }
    }

    fn sample(&self, user: &opcua::server::authenticator::UserToken, name: &str) -> DataValue {
        let gone = |status| DataValue {
            status: Some(status),
            ..DataValue::default()
        };
        let Some(user) = self.users.principal(user) else {
            return gone(StatusCode::BadUserAccessDenied);
        };
        match self
            .store
            .find(name)
            .filter(|found| found.asked_as.is_none())
        {
            Some(found) if self.store.decide(&user.rights.read, &found).allowed => {
                to_client::data_value(&found.view)
            }
            Some(_) => gone(StatusCode::BadUserAccessDenied),
            None => gone(StatusCode::BadNodeIdUnknown),
        }
    }
}
