//! The bounds and durations of the write path.

use std::time::Duration;

/// Bounds and durations of a write path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteConfig {
    /// Writes open at one time; a further one is rejected.
    pub open_max: usize,
    /// Writes kept in all, open ones included; the oldest goes for a new one.
    pub kept_max: usize,
    /// How long a write is kept, so that its key gets the stored outcome.
    pub kept_for: Duration,
    /// How long after its deadline an outcome may arrive, for the way back.
    pub grace: Duration,
    /// How much longer the true outcome of an `unknown` write is still listened for.
    pub late_for: Duration,
    /// How long one attempt to reset a pulse may take.
    pub reset_patience: Duration,
    /// The pause between two attempts.
    pub reset_pause: Duration,
    /// How long a pulse is tried to be reset before a person has to.
    pub reset_for: Duration,
    /// Bytes of the ledger; it is rotated before it gets there.
    pub ledger_bytes: u64,
    /// How soon a ledger that failed is opened again; doubled after each failure.
    pub reopen_after: Duration,
    /// The longest between two such attempts.
    pub reopen_after_max: Duration,
}

impl Default for WriteConfig {
    fn default() -> Self {
        Self {
            open_max: 1024,
            kept_max: 50_000,
            kept_for: Duration::from_secs(24 * 3600),
            grace: Duration::from_secs(1),
            late_for: Duration::from_secs(60),
            reset_patience: Duration::from_secs(2),
            reset_pause: Duration::from_millis(500),
            reset_for: Duration::from_secs(60),
            ledger_bytes: 64 << 20,
            reopen_after: Duration::from_secs(1),
            reopen_after_max: Duration::from_secs(30),
        }
    }
}
