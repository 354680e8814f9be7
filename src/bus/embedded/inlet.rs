//! The listeners that are open.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, broadcast};

use super::broker::Broker;
use super::listener::{self, Ending, Inlet};

/// A listener that is open.
#[derive(Clone, Debug)]
pub struct Listening {
    /// As it was asked for.
    pub inlet: Inlet,
    /// Where it is: the port may have been any free one.
    pub address: SocketAddr,
}

/// A listener that cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("MQTT cannot listen at {address}: {source}")]
pub struct ListenError {
    /// Where.
    pub address: SocketAddr,
    /// What the system said.
    pub source: io::Error,
}

/// The listeners of one broker; they share the places for clients.
#[derive(Default)]
pub(super) struct Inlets {
    open: Mutex<Vec<(Listening, Ending)>>,
    seats: OnceLock<Arc<Semaphore>>,
    applying: tokio::sync::Mutex<()>,
}

impl Inlets {
    pub(super) async fn apply(&self, broker: &Arc<Broker>, inlets: &[Inlet]) -> Vec<ListenError> {
        let _one_at_a_time = self.applying.lock().await;
        self.open.lock().retain(|(listening, ending)| {
            let stays = inlets.contains(&listening.inlet);
            if !stays {
                ending.begin();
            }
            stays
        });
        let mut failed = Vec::new();
        for inlet in inlets {
            let is_open = |(listening, _): &(Listening, _)| listening.inlet == *inlet;
            if self.open.lock().iter().any(is_open) {
                continue;
            }
            if let Err(source) = self.open(broker, inlet).await {
                let address = inlet.address;
                failed.push(ListenError { address, source });
            }
        }
        failed
    }

    async fn open(&self, broker: &Arc<Broker>, inlet: &Inlet) -> io::Result<()> {
        let listener = TcpListener::bind(inlet.address).await?;
        let address = listener.local_addr()?;
        let seats = self
            .seats
            .get_or_init(|| Arc::new(Semaphore::new(broker.limits.clients)));
        let ending = Ending {
            stop: broker.stop.child_token(),
            told: broadcast::channel(1).0,
        };
        broker.tasks.spawn(listener::accept(
            Arc::clone(broker),
            listener,
            inlet.clone(),
            Arc::clone(seats),
            ending.clone(),
        ));
        let inlet = inlet.clone();
        let listening = Listening { inlet, address };
        self.open.lock().push((listening, ending));
        Ok(())
    }

    pub(super) fn list(&self) -> Vec<Listening> {
        let open = self.open.lock();
        open.iter()
            .map(|(listening, _)| listening.clone())
            .collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.lock().is_empty()
    }

    /// Accepts no more clients, and tells those that are there.
    pub(super) fn close(&self) {
        for (_, ending) in self.open.lock().drain(..) {
            ending.begin();
        }
    }
}
