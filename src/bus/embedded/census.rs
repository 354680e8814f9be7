//! Who is connected, how many sessions there are, and how much is retained.

use std::collections::{HashMap, HashSet};
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::{Arc, OnceLock, Weak};

use mqtt5::broker::events::{ClientConnectEvent, ClientDisconnectEvent, RetainedSetEvent};
use mqtt5::broker::router::MessageRouter;
use mqtt5::broker::storage::StorageBackend;
use mqtt5::broker::{BrokerEventHandler, DynamicStorage};
use parking_lot::Mutex;

use super::door::Door;
use super::limits::Limits;

/// Retained messages are taken while there is room. Without room the router is told that it holds
/// as many as may be, and that none may be larger than this.
const NO_ROOM: usize = 1;

type Done<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// The broker's own lists.
pub(super) struct Census {
    retained_messages: usize,
    retained_bytes: usize,
    packet_bytes: usize,
    sessions_max: usize,
    router: OnceLock<Weak<MessageRouter>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Connections by client id: two of them while one takes over from the other.
    connected: HashMap<Arc<str>, Present>,
    sessions: HashSet<String>,
    retained: HashMap<Arc<str>, usize>,
    bytes: usize,
}

struct Present {
    principal: Option<Arc<str>>,
    connections: usize,
}

impl Census {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            retained_messages: limits.retained_messages,
            retained_bytes: limits.retained_bytes,
            packet_bytes: limits.packet_bytes,
            sessions_max: limits.sessions,
            router: OnceLock::new(),
            state: Mutex::default(),
        }
    }

    /// Says whose retained messages these are.
    pub(super) fn watch(&self, router: &Arc<MessageRouter>) {
        let _first = self.router.set(Arc::downgrade(router));
    }

    /// Counts what an earlier start has left.
    pub(super) async fn recover(
        &self,
        router: &MessageRouter,
        storage: &DynamicStorage,
    ) -> mqtt5::Result<()> {
        self.set_sessions(storage.session_client_ids().await?);
        for packet in router.get_retained_messages("#").await {
            let bytes = packet.topic_name.len() + packet.payload.len();
            self.retain(packet.topic_name.into(), bytes);
        }
        Ok(())
    }

    pub(super) fn set_sessions(&self, ids: Vec<String>) {
        self.state.lock().sessions = ids.into_iter().collect();
    }

    /// Whether a client may have a session, be it the one that it had.
    pub(super) fn has_room_for(&self, client: &str) -> bool {
        let mut state = self.state.lock();
        let known = state.sessions.contains(client);
        if known || state.sessions.len() < self.sessions_max {
            state.sessions.insert(client.to_owned());
            return true;
        }
        false
    }

    pub(super) fn sessions(&self) -> usize {
        self.state.lock().sessions.len()
    }

    /// Retained messages and the bytes of their topics and payloads, without the broker's own.
    pub(super) fn retained(&self) -> (usize, usize) {
        let state = self.state.lock();
        (state.retained.len(), state.bytes)
    }

    /// The clients that are connected and may not be any more.
    pub(super) fn unwelcome(&self, door: &Door) -> Vec<String> {
        let present: Vec<(Arc<str>, Option<Arc<str>>)> = {
            let state = self.state.lock();
            let pair = |(client, present): (&Arc<str>, &Present)| {
                (Arc::clone(client), present.principal.clone())
            };
            state.connected.iter().map(pair).collect()
        };
        let gone = |principal: &Option<Arc<str>>| match principal {
            Some(principal) => door.rights(principal).is_none(),
            None => true,
        };
        let unwelcome = present.into_iter().filter(|(_, principal)| gone(principal));
        unwelcome.map(|(client, _)| client.to_string()).collect()
    }

    fn retain(&self, topic: Arc<str>, bytes: usize) {
        let is_full = {
            let mut state = self.state.lock();
            let old = match bytes {
                0 => state.retained.remove(&topic),
                _ => state.retained.insert(topic, bytes),
            };
            state.bytes = state.bytes + bytes - old.unwrap_or_default().min(state.bytes + bytes);
            state.bytes >= self.retained_bytes
        };
        let router = self.router.get().and_then(Weak::upgrade);
        if let Some(router) = router {
            match is_full {
                true => router.update_retained_limits(NO_ROOM, NO_ROOM),
                false => router.update_retained_limits(self.retained_messages, self.packet_bytes),
            }
        }
    }
}

impl BrokerEventHandler for Census {
    fn on_client_connect<'a>(&'a self, event: ClientConnectEvent) -> Done<'a> {
        let mut state = self.state.lock();
        let present = state.connected.entry(event.client_id).or_insert(Present {
            principal: None,
            connections: 0,
        });
        present.principal = event.user_id;
        present.connections += 1;
        Box::pin(ready(()))
    }

    fn on_client_disconnect<'a>(&'a self, event: ClientDisconnectEvent) -> Done<'a> {
        let mut state = self.state.lock();
        if let Some(present) = state.connected.get_mut(&event.client_id) {
            present.connections -= 1;
            if present.connections == 0 {
                state.connected.remove(&event.client_id);
            }
        }
        Box::pin(ready(()))
    }

    fn on_retained_set<'a>(&'a self, event: RetainedSetEvent) -> Done<'a> {
        if event.topic.starts_with('$') {
            return Box::pin(ready(()));
        }
        let bytes = match event.cleared {
            true => 0,
            false => event.topic.len() + event.payload.len(),
        };
        self.retain(event.topic, bytes);
        Box::pin(ready(()))
    }
}
