//! Connections that this node dialled: once turned round, they are served like accepted ones.

use std::net::SocketAddr;

use futures_util::future::BoxFuture;
use mainstem_remote::{Io, Serve};
use tokio_rustls::TlsAcceptor;

use super::connection::Connections;
use crate::arrival::Peer;

/// Serves them within the limits of the network's listeners.
pub(super) struct TunnelServer {
    pub(super) connections: Connections,
    pub(super) tls: TlsAcceptor,
}

impl Serve for TunnelServer {
    fn serve(&self, io: Box<dyn Io>, from: SocketAddr) -> BoxFuture<'static, ()> {
        let (connections, tls) = (self.connections.clone(), self.tls.clone());
        Box::pin(async move {
            let Some(permit) = connections.admit() else {
                return;
            };
            connections.serve_tls(io, &tls, Peer::Network(from)).await;
            drop(permit);
        })
    }
}
