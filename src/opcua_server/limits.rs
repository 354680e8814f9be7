//! What foreign clients can cost at most. Every table and every queue has its number here.

use std::time::Duration;

/// Connections at a time.
pub(crate) const CONNECTIONS_MAX: usize = 100;
/// Connections from one address.
pub(crate) const CONNECTIONS_PER_ADDRESS_MAX: usize = 40;
/// Connections that may be made in a second; further ones wait.
pub(crate) const CONNECTS_PER_SECOND_MAX: u32 = 50;
/// Bytes of one chunk, as the server says in its acknowledgement.
pub(crate) const CHUNK_BYTES_MAX: usize = 65_535;
/// Bytes of a first message: its header, five numbers and a URL.
pub(crate) const HELLO_BYTES_MAX: usize = 4_096 + 64;
/// Chunks of one message.
pub(crate) const CHUNKS_MAX: usize = 64;
/// Bytes of one message.
pub(crate) const MESSAGE_BYTES_MAX: usize = CHUNKS_MAX * CHUNK_BYTES_MAX;
/// Items of one array, bytes of one text and of one byte string within a message.
pub(crate) const ARRAY_ITEMS_MAX: usize = 20_000;
/// Bytes of a text or byte string within a message.
pub(crate) const TEXT_BYTES_MAX: usize = 128 * 1024;
/// How long a client may take until its channel is open.
pub(crate) const HANDSHAKE_MAX: Duration = Duration::from_secs(5);
/// How long a channel without security may last: it is for looking at the endpoints.
pub(crate) const DISCOVERY_MAX: Duration = Duration::from_secs(30);
/// Messages on such a channel.
pub(crate) const DISCOVERY_MESSAGES_MAX: u32 = 32;
/// How long a client may say nothing at all. Sessions say something more often than that.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(600);
/// Who was silent for so long makes room for somebody new when there is none left.
pub(crate) const YIELD_AFTER: Duration = Duration::from_secs(30);
/// Sessions at a time.
pub(crate) const SESSIONS_MAX: usize = 60;
/// The longest life of a session without a sign of its client.
pub(crate) const SESSION_TIMEOUT_MAX: Duration = Duration::from_secs(300);
/// Subscriptions of one session.
pub(crate) const SUBSCRIPTIONS_MAX: usize = 20;
/// Monitored items of one subscription.
pub(crate) const ITEMS_PER_SUBSCRIPTION_MAX: usize = 20_000;
/// Monitored items of all clients together.
pub(crate) const ITEMS_MAX: usize = 100_000;
/// Values that wait for one monitored item.
pub(crate) const QUEUE_MAX: usize = 100;
/// The shortest interval between two samples of an item.
pub(crate) const SAMPLING_MIN: Duration = Duration::from_millis(10);
/// The shortest interval between two publications.
pub(crate) const PUBLISHING_MIN: Duration = Duration::from_millis(50);
/// How often subscriptions are looked at.
pub(crate) const TICK: Duration = Duration::from_millis(25);
/// Nodes in one request.
pub(crate) const NODES_PER_REQUEST_MAX: usize = 10_000;
/// Nodes written in one request: each is a write of its own.
pub(crate) const WRITES_PER_REQUEST_MAX: usize = 1_000;
/// Methods called in one request.
pub(crate) const CALLS_PER_REQUEST_MAX: usize = 100;
/// References of one node in one answer.
pub(crate) const REFERENCES_MAX: usize = 1_000;
/// Continuation points of a session, for browsing and for history each.
pub(crate) const CONTINUATIONS_MAX: usize = 100;
/// Nodes in one request for history.
pub(crate) const HISTORY_NODES_MAX: usize = 100;
/// Values of one node in one answer with history.
pub(crate) const HISTORY_VALUES_MAX: usize = 10_000;
/// Users whose rights are remembered.
pub(crate) const USERS_MAX: usize = 1_000;
/// How often it is looked whether a user still has his rights.
pub(crate) const USER_LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// How long the answer to a wrong password is kept back at the most.
pub(crate) const LOGIN_DELAY_MAX: Duration = Duration::from_secs(8);
/// How long a write may take.
pub(crate) const WRITE_BUDGET: Duration = Duration::from_secs(5);
/// How long stop waits for clients to take the goodbye.
pub(crate) const STOP_PATIENCE: Duration = Duration::from_secs(3);
