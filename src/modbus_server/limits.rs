//! What foreign clients can cost at most. What the node file says is not here.

use std::time::Duration;

/// Connections that may be made in a second; further ones wait.
pub(crate) const CONNECTS_PER_SECOND_MAX: u32 = 50;
/// How long a TLS handshake may take.
pub(crate) const HANDSHAKE_MAX: Duration = Duration::from_secs(5);
/// How long a frame may take from its first byte to its last one.
pub(crate) const FRAME_MAX: Duration = Duration::from_secs(5);
/// How long a client may take to accept an answer.
pub(crate) const ANSWER_MAX: Duration = Duration::from_secs(5);
/// Who was silent for so long makes room for somebody new when there is none left.
pub(crate) const YIELD_AFTER: Duration = Duration::from_secs(30);
/// How long a request that writes may take, however many datapoints it writes.
pub(crate) const WRITE_BUDGET: Duration = Duration::from_secs(5);
/// Refusals of one sort from one address stand in the audit once in this time; all are counted.
pub(crate) const AUDIT_EVERY: Duration = Duration::from_secs(60);
/// Addresses and sorts that this is remembered of.
pub(crate) const AUDITED_MAX: usize = 256;
/// How long stop waits for requests that are under way.
pub(crate) const STOP_PATIENCE: Duration = Duration::from_secs(2);
