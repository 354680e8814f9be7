//! Who is connected.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::limits::{CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS_MAX, YIELD_AFTER};

/// The connections that there are.
pub(crate) struct Peers {
    table: Mutex<HashMap<u64, Arc<Standing>>>,
    next: AtomicU64,
    begun: Instant,
    most: usize,
}

struct Standing {
    ip: IpAddr,
    /// When the client was last heard, in milliseconds since the table began.
    heard: AtomicU64,
    leave: CancellationToken,
}

/// One connection's place; given back when it is dropped.
pub(crate) struct Peer {
    peers: Arc<Peers>,
    number: u64,
    standing: Arc<Standing>,
}

impl Default for Peers {
    fn default() -> Self {
        Self {
            table: Mutex::default(),
            next: AtomicU64::new(0),
            begun: Instant::now(),
            most: CONNECTIONS_MAX,
        }
    }
}

impl Peers {
    /// A place for a new connection. Where all are taken, whoever has been silent for longest
    /// leaves, if that is long enough.
    pub(crate) fn enter(self: &Arc<Self>, ip: IpAddr) -> Option<Peer> {
        let standing = Arc::new(Standing {
            ip,
            heard: AtomicU64::new(self.now()),
            leave: CancellationToken::new(),
        });
        let mut table = self.table.lock();
        let from_there = table.values().filter(|peer| peer.ip == ip).count();
        if from_there >= CONNECTIONS_PER_ADDRESS_MAX.min(self.most) {
            return None;
        }
        if table.len() >= self.most {
            let quietest = table
                .iter()
                .min_by_key(|(_, peer)| peer.heard.load(Ordering::Relaxed))
                .filter(|(_, peer)| self.silence(peer) >= YIELD_AFTER.as_millis())
                .map(|(number, _)| *number)?;
            if let Some(peer) = table.remove(&quietest) {
                peer.leave.cancel();
            }
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        table.insert(number, Arc::clone(&standing));
        Some(Peer {
            peers: Arc::clone(self),
            number,
            standing,
        })
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.table.lock().len()
    }

    /// Whether all that are connected come from addresses of which something is true. Who of them
    /// logs in cannot be told apart behind the encryption.
    pub(crate) fn all(&self, mut is_so: impl FnMut(IpAddr) -> bool) -> bool {
        self.table.lock().values().all(|peer| is_so(peer.ip))
    }

    /// The one address that everybody comes from, if it is one.
    pub(crate) fn only_address(&self) -> Option<IpAddr> {
        let table = self.table.lock();
        let first = table.values().next()?.ip;
        table.values().all(|peer| peer.ip == first).then_some(first)
    }

    fn silence(&self, peer: &Standing) -> u128 {
        u128::from(
            self.now()
                .saturating_sub(peer.heard.load(Ordering::Relaxed)),
        )
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Peer {
    pub(crate) fn ip(&self) -> IpAddr {
        self.standing.ip
    }

    /// The client said something.
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

    fn ip(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    #[tokio::test(start_paused = true)]
    async fn places_are_limited_and_the_silent_yield() {
        let peers = Arc::new(Peers {
            most: 2,
            ..Peers::default()
        });
        let first = peers.enter(ip(1)).unwrap();
        let second = peers.enter(ip(2)).unwrap();
        assert!(peers.enter(ip(3)).is_none());
        tokio::time::advance(YIELD_AFTER + Duration::from_secs(1)).await;
        second.heard();
        let third = peers.enter(ip(3)).unwrap();
        first.has_to_leave().await;
        drop(first);
        assert_eq!(peers.count(), 2);
        drop((second, third));
        assert_eq!(peers.count(), 0);
    }

    #[test]
    fn one_address_has_a_share() {
        let peers = Arc::new(Peers::default());
        let many: Vec<_> = (0..CONNECTIONS_PER_ADDRESS_MAX)
            .map(|_| peers.enter(ip(1)).unwrap())
            .collect();
        assert!(peers.enter(ip(1)).is_none());
        assert!(peers.enter(ip(2)).is_some());
        assert_eq!(peers.only_address(), Some(ip(1)));
        drop(many);
    }
}
