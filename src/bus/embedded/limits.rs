//! What the embedded broker, or one of its clients, costs at most.

use std::time::Duration;

/// The longest client id, in bytes. MQTT asks for 23; it is a file name in the broker's folder.
pub const CLIENT_ID_BYTES_MAX: usize = 128;
/// What client ids of our own begin with: no client may bear one.
pub const OWN_CLIENTS: &str = "mainstem:";
/// Bytes of a CONNECT, all that somebody can send who has not said who he is.
pub const CONNECT_BYTES_MAX: usize = 32 << 10;
/// From the TCP connect to the end of the TLS and WebSocket handshakes. The broker then waits 10 s
/// for CONNECT.
pub const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// Messages of QoS 1 and 2 that one client may have begun and not ended.
pub const RECEIVE_MAX: u16 = 64;
/// Topic aliases of one client.
pub const TOPIC_ALIAS_MAX: u16 = 32;
/// Filters of one client's subscriptions.
pub const SUBSCRIPTIONS_MAX: usize = 1000;
/// Filters of one subscription of our own.
pub const FILTERS_MAX: usize = 1024;
/// Messages in the channel to one client, before QoS 0 is dropped and the others are queued.
pub const LANE_MESSAGES: usize = 10_000;
/// Messages that wait for one client that is away or slow; the oldest goes first.
pub const QUEUE_MESSAGES_MAX: usize = 10_000;
/// The longest that a session outlasts its client.
pub const SESSION_EXPIRY_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
/// How old the rights of a principal may be by which a message is judged.
pub const RIGHTS_AGE: Duration = Duration::from_secs(1);
/// Refusals that are told in one second, for the audit trail; the others are counted.
pub const REFUSALS_TOLD_MAX: u32 = 20;
/// How often sessions and messages that have expired are swept away.
pub(super) const SWEEP: Duration = Duration::from_secs(60);
/// How often `$SYS` is published.
pub(super) const SYSTEM_TOPICS: Duration = Duration::from_secs(10);
/// Connections of one address within [`CONNECTION_WINDOW`], so that a storm of takeovers ends.
pub(super) const CONNECTIONS_RATE_MAX: u32 = 2000;
/// See [`CONNECTIONS_RATE_MAX`].
pub(super) const CONNECTION_WINDOW: Duration = Duration::from_secs(10);

/// What can be configured of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Clients connected at the same time.
    pub clients: usize,
    /// Sessions, of clients that are connected and of those that are expected back.
    pub sessions: usize,
    /// Bytes of one packet.
    pub packet_bytes: usize,
    /// Retained messages.
    pub retained_messages: usize,
    /// Bytes of all their payloads and topics.
    pub retained_bytes: usize,
    /// Bytes that wait for one client that is away or slow.
    pub queue_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            clients: 1024,
            sessions: 4096,
            packet_bytes: 1 << 20,
            retained_messages: 100_000,
            retained_bytes: 64 << 20,
            queue_bytes: 16 << 20,
        }
    }
}
