//! Who comes in: connections are taken, looked at and counted before a byte of them is read.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use mainstem_security::{AddressList, Principal};
use parking_lot::RwLock;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connection;
use crate::limits::{CONNECTS_PER_SECOND_MAX, HANDSHAKE_MAX};
use crate::peers::{Peer, Peers};
use crate::refusals::Refusals;
use crate::respond::Registers;

/// How long to wait after the system refused a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// What every connection of a server needs.
pub(crate) struct Door {
    pub(crate) allow: AddressList,
    pub(crate) idle: Duration,
    pub(crate) tls: Option<TlsAcceptor>,
    /// Whose rights all clients have; changes with the roles.
    pub(crate) who: RwLock<Arc<Principal>>,
    pub(crate) peers: Arc<Peers>,
    /// One permit for each request that may be under way.
    pub(crate) requests: Semaphore,
    pub(crate) refusals: Arc<Refusals>,
    pub(crate) registers: Registers,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

impl Door {
    /// Takes connections until it is told to stop.
    pub(crate) async fn keep(self: Arc<Self>, listener: TcpListener) {
        // Fewer than so many a second on average, with bursts of as many.
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / CONNECTS_PER_SECOND_MAX);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
        loop {
            let accepted = tokio::select! {
                () = self.stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((client, address)) => self.meet(client, address),
                Err(error) => {
                    tracing::warn!(%error, "a Modbus server cannot take a connection");
                    tokio::time::sleep(PAUSE).await;
                }
            }
            tokio::select! {
                () = self.stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
        }
    }

    /// Whose rights a client has now.
    pub(crate) fn principal(&self) -> Arc<Principal> {
        Arc::clone(&self.who.read())
    }

    fn meet(self: &Arc<Self>, client: TcpStream, address: SocketAddr) {
        let ip = address.ip().to_canonical();
        let Some(peer) = self.admit(ip) else { return };
        let door = Arc::clone(self);
        self.tasks
            .spawn(async move { door.serve(client, peer).await });
    }

    fn admit(&self, ip: IpAddr) -> Option<Peer> {
        if !self.allow.allows(ip) || !self.principal().may_come_from(ip) {
            self.refusals
                .tell(ip, "address", "it is not on the list `allow`");
            return None;
        }
        let peer = self.peers.enter(ip);
        if peer.is_none() {
            self.refusals
                .tell(ip, "connections", "there are as many as may be");
        }
        peer
    }

    async fn serve(&self, client: TcpStream, peer: Peer) {
        // An answer is one small segment; waiting to fill it would only add delay.
        if client.set_nodelay(true).is_err() {
            return;
        }
        let Some(tls) = &self.tls else {
            connection::serve(self, client, &peer).await;
            return;
        };
        let shaken = tokio::select! {
            () = self.stop.cancelled() => return,
            shaken = timeout(HANDSHAKE_MAX, tls.accept(client)) => shaken,
        };
        match shaken {
            Ok(Ok(stream)) => connection::serve(self, stream, &peer).await,
            Ok(Err(error)) => self.refusals.tell(peer.ip, "tls", &error.to_string()),
            Err(_) => self
                .refusals
                .tell(peer.ip, "tls", "the handshake took too long"),
        }
    }
}
