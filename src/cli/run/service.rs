//! What the service manager is told.

use sd_notify::NotifyState;

/// The service manager, if one started this process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Service(());

impl Service {
    pub(super) fn new() -> Self {
        Self(())
    }

    /// Everything serves.
    pub(super) fn ready(self) {
        self.tell(&[NotifyState::Ready]);
    }

    /// The file is read again; [`ready`](Self::ready) follows.
    pub(super) fn reloading(self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => self.tell(&[NotifyState::Reloading, now]),
            Err(_) => self.tell(&[NotifyState::Reloading]),
        }
    }

    /// The end has begun.
    pub(super) fn stopping(self) {
        self.tell(&[NotifyState::Stopping]);
    }

    /// The node lives.
    pub(super) fn alive(self) {
        self.tell(&[NotifyState::Watchdog]);
    }

    #[expect(clippy::unused_self, reason = "only who has a service may speak to it")]
    fn tell(self, states: &[NotifyState<'_>]) {
        // Without a service manager this does nothing and succeeds.
        if let Err(error) = sd_notify::notify(states) {
            tracing::warn!(%error, "the service manager cannot be told");
        }
    }
}
