//! Over a connection that the remote opened.

use std::sync::Arc;

use super::{DialError, Reaching, Way};
use crate::tunnel::TunnelQueue;

/// Over one of the tunnels that wait for a remote entry.
pub struct TunnelWay {
    /// Where they wait.
    pub queue: Arc<TunnelQueue>,
}

impl Way for TunnelWay {
    fn reach(&self) -> Reaching<'_> {
        Box::pin(async { self.queue.take().await.ok_or(DialError::NoTunnel) })
    }

    fn address(&self) -> String {
        // The host of requests; nobody resolves it.
        format!("{}.uplink", self.queue.name())
    }
}
