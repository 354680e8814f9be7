//! Tunnels that remotes dialled and that wait here until a link uses one. A tunnel is a byte stream;
//! who is behind it is found out by the TLS session that the link opens over it.

mod signal;
mod waiting;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mainstem_model::Timestamp;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::dial::{Io, Reached};

pub(crate) use signal::{BEGIN, SILENT_KEEPALIVES, STILL, begin, signal};

/// Tunnels that may wait for one remote entry: twice what a node keeps at the most, so that one
/// whose old tunnels died silently gets in at once.
pub const WAITING_MAX: usize = 8;

/// Takes the claimed tunnel to whoever claimed it.
type Claim = oneshot::Sender<Box<dyn Io>>;

/// Why a tunnel may not wait here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TunnelRefusal {
    /// No remote entry of that name waits for its remote to dial up.
    #[error("this node has no remote entry of that name with `dial: up`")]
    NoEntry,
    /// As many wait as may.
    #[error("{WAITING_MAX} tunnels wait for this remote entry already")]
    Full,
}

/// A waiting tunnel, for people.
#[derive(Clone, Debug, PartialEq)]
pub struct TunnelView {
    /// Where the remote dialled from.
    pub from: SocketAddr,
    /// The token that it dialled with.
    pub principal: String,
    /// Since when it waits.
    pub since: Timestamp,
}

/// All waiting tunnels of a node, by remote entry.
#[derive(Default)]
pub struct Tunnels {
    queues: Mutex<BTreeMap<String, Arc<TunnelQueue>>>,
    tasks: TaskTracker,
}

/// The tunnels that wait for one remote entry.
pub struct TunnelQueue {
    name: String,
    waiting: Mutex<VecDeque<Waiting>>,
    arrived: Notify,
    next: AtomicU64,
    stop: CancellationToken,
}

struct Waiting {
    id: u64,
    /// Nothing until the connection was turned round, which takes an answer.
    claim: Option<oneshot::Sender<Claim>>,
    view: TunnelView,
}

/// A place for one tunnel, which is being handed over. Dropping it gives it back.
pub struct TunnelPlace {
    queue: Arc<TunnelQueue>,
    tasks: TaskTracker,
    id: u64,
    from: SocketAddr,
}

impl Tunnels {
    /// A remote entry is served by tunnels from now on.
    pub fn open(&self, entry: &str) -> Arc<TunnelQueue> {
        let queue = Arc::new(TunnelQueue {
            name: entry.to_owned(),
            waiting: Mutex::default(),
            arrived: Notify::new(),
            next: AtomicU64::new(0),
            stop: CancellationToken::new(),
        });
        let before = self
            .queues
            .lock()
            .insert(entry.to_owned(), Arc::clone(&queue));
        if let Some(before) = before {
            before.close();
        }
        queue
    }

    /// A remote entry is gone: what waits for it is closed.
    pub fn close(&self, entry: &str) {
        if let Some(queue) = self.queues.lock().remove(entry) {
            queue.close();
        }
    }

    /// Closes everything and waits for it.
    pub async fn stop(&self) {
        let queues = std::mem::take(&mut *self.queues.lock());
        for queue in queues.values() {
            queue.close();
        }
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// A place for a tunnel of a remote entry.
    pub fn place(&self, entry: &str, view: TunnelView) -> Result<TunnelPlace, TunnelRefusal> {
        let queue = self.queues.lock().get(entry).cloned();
        let queue = queue.ok_or(TunnelRefusal::NoEntry)?;
        let id = queue.next.fetch_add(1, Ordering::Relaxed);
        let from = view.from;
        {
            let mut waiting = queue.waiting.lock();
            if waiting.len() >= WAITING_MAX {
                return Err(TunnelRefusal::Full);
            }
            waiting.push_back(Waiting {
                id,
                claim: None,
                view,
            });
        }
        Ok(TunnelPlace {
            queue,
            tasks: self.tasks.clone(),
            id,
            from,
        })
    }
}

impl TunnelQueue {
    /// The remote entry.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What waits now.
    pub fn views(&self) -> Vec<TunnelView> {
        let waiting = self.waiting.lock();
        let ready = waiting.iter().filter(|tunnel| tunnel.claim.is_some());
        ready.map(|tunnel| tunnel.view.clone()).collect()
    }

    /// Returns when a tunnel has come since the last time.
    pub(crate) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Claims a tunnel, the youngest first: it was alive last. One that turns out to be dead is
    /// dropped and the next is tried.
    pub(crate) async fn take(&self) -> Option<Reached> {
        loop {
            let (claim, from) = {
                let mut waiting = self.waiting.lock();
                let ready = waiting.iter().rposition(|tunnel| tunnel.claim.is_some())?;
                let tunnel = waiting.remove(ready)?;
                (tunnel.claim?, tunnel.view.from)
            };
            let (give, given) = oneshot::channel();
            if claim.send(give).is_ok()
                && let Ok(io) = given.await
            {
                return Some((io, from));
            }
        }
    }

    fn close(&self) {
        self.stop.cancel();
        self.waiting.lock().clear();
    }

    fn forget(&self, id: u64) {
        self.waiting.lock().retain(|tunnel| tunnel.id != id);
    }
}

impl TunnelPlace {
    /// Has the tunnel wait as soon as its connection is turned round. `keepalive` is what the
    /// remote promised; `may_stay` is asked now and then whether its token is still good.
    pub fn keep<O, I>(
        self,
        opening: O,
        keepalive: Duration,
        may_stay: impl FnMut() -> bool + Send + 'static,
    ) where
        O: Future<Output = Option<I>> + Send + 'static,
        I: Io + 'static,
    {
        let tasks = self.tasks.clone();
        tasks.spawn(async move {
            let limit = keepalive * SILENT_KEEPALIVES;
            let stop = self.queue.stop.clone();
            let kept = async {
                let io = tokio::time::timeout(limit, opening).await.ok().flatten()?;
                let claim = self.ready()?;
                tracing::info!(remote = self.queue.name, from = %self.from, "a tunnel waits");
                waiting::wait(io, limit, claim, may_stay).await
            };
            tokio::select! {
                () = stop.cancelled() => {}
                _ = kept => {}
            }
        });
    }

    /// From here on a link can claim the tunnel.
    fn ready(&self) -> Option<oneshot::Receiver<Claim>> {
        let (claim, claimed) = oneshot::channel();
        {
            let mut waiting = self.queue.waiting.lock();
            let own = waiting.iter_mut().find(|tunnel| tunnel.id == self.id)?;
            own.claim = Some(claim);
        }
        self.queue.arrived.notify_one();
        Some(claimed)
    }
}

impl Drop for TunnelPlace {
    fn drop(&mut self) {
        self.queue.forget(self.id);
    }
}

#[cfg(test)]
mod tests;
