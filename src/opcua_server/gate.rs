//! The gate before the library: it lets nothing through that is too large, too slow, too much, or
//! from somebody whom nobody trusts. The library behind it listens on a loopback address only, and
//! reads chunks of any size that they claim; the gate reads their headers first.

mod connection;
mod peers;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use mainstem_telemetry::{CounterFamily, Metrics};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::ServerConfig;
use crate::certificates::Certificates;
use crate::frame::{BUSY, Refusal};
use crate::limits::CONNECTS_PER_SECOND_MAX;
pub(crate) use peers::Peers;

/// How long the gate waits after the system refused a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// What every connection needs to know.
pub(crate) struct Gate {
    pub(crate) config: ServerConfig,
    pub(crate) certificates: Arc<Certificates>,
    pub(crate) peers: Arc<Peers>,
    /// Where the library listens.
    pub(crate) inner: SocketAddr,
    pub(crate) refused: Refused,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

/// What was not let in, by reason.
#[derive(Clone)]
pub(crate) struct Refused {
    family: CounterFamily,
    total: Arc<std::sync::atomic::AtomicU64>,
}

impl Refused {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        Self {
            family: metrics.counters(
                "opcua_server_refused",
                "OPC UA connections, logins and requests that were refused, by reason",
                &["reason"],
            ),
            total: Arc::default(),
        }
    }

    pub(crate) fn count(&self, why: &str) {
        self.family.with(&[why]).inc();
        self.total
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }

    pub(crate) fn total(&self) -> u64 {
        self.total.load(std::sync::atomic::Ordering::Relaxed)
    }
}

impl Gate {
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
            let (client, address) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "the OPC UA server cannot take a connection");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            ticks.tick().await;
            let ip = address.ip().to_canonical();
            let Some(peer) = self.peers.enter(ip) else {
                self.refuse(ip, BUSY);
                continue;
            };
            let gate = Arc::clone(&self);
            self.tasks.spawn(async move {
                connection::serve(&gate, client, &peer).await;
            });
        }
    }

    pub(crate) fn refuse(&self, ip: IpAddr, refusal: Refusal) {
        self.refused.count(refusal.why);
        tracing::debug!(%ip, why = refusal.why, "an OPC UA connection is refused");
    }
}
