//! Who is connected.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::limits::YIELD_AFTER;

/// The connections that there are.
pub(crate) struct Peers {
    table: Mutex<HashMap<u64, Arc<Standing>>>,
    next: AtomicU64,
    begun: Instant,
    most: usize,
}

struct Standing {
    /// When the client last asked something, in milliseconds since the table began.
    heard: AtomicU64,
    leave: CancellationToken,
}

/// One connection's place; given back when it is dropped.
pub(crate) struct Peer {
    peers: Arc<Peers>,
    number: u64,
    /// Where the client is.
    pub(crate) ip: IpAddr,
    standing: Arc<Standing>,
}

impl Peers {
    /// A table with so many places.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            table: Mutex::default(),
            next: AtomicU64::new(0),
            begun: Instant::now(),
            most,
        }
    }

    /// A place for a new connection. Where all are taken, whoever has been silent for longest
    /// leaves, if that is long enough.
    pub(crate) fn enter(self: &Arc<Self>, ip: IpAddr) -> Option<Peer> {
        let now = self.now();
        let mut table = self.table.lock();
        if table.len() >= self.most {
            let silence = |peer: &Standing| now.saturating_sub(peer.heard.load(Ordering::Relaxed));
            let quietest = table.iter().max_by_key(|(_, peer)| silence(peer));
            let (number, _) = quietest
                .filter(|(_, peer)| u128::from(silence(peer)) >= YIELD_AFTER.as_millis())?;
            let number = *number;
            if let Some(peer) = table.remove(&number) {
                peer.leave.cancel();
            }
        }
        let standing = Arc::new(Standing {
            heard: AtomicU64::new(now),
            leave: CancellationToken::new(),
        });
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        table.insert(number, Arc::clone(&standing));
        Some(Peer {
            peers: Arc::clone(self),
            number,
            ip,
            standing,
        })
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.table.lock().len()
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Peer {
    /// The client asked something.
    pub(crate) fn heard(&self) {
        self.standing
            .heard
            .store(self.peers.now(), Ordering::Relaxed);
    }

    /// Ends when the place is needed for somebody else.
    pub(crate) async fn has_to_leave(&self) {
        self.standing.leave.cancelled().await;
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.peers.table.lock().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn places_are_limited_and_the_silent_yield() {
        let (peers, ip) = (Arc::new(Peers::new(2)), IpAddr::from([10, 0, 0, 1]));
        let first = peers.enter(ip).unwrap();
        let second = peers.enter(ip).unwrap();
        assert!(peers.enter(ip).is_none());
        tokio::time::advance(YIELD_AFTER + Duration::from_secs(1)).await;
        second.heard();
        let third = peers.enter(ip).unwrap();
        first.has_to_leave().await;
        drop(first);
        assert_eq!(peers.count(), 2);
        drop((second, third));
        assert_eq!(peers.count(), 0);
    }
}
