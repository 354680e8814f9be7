//! A foreign broker behind the trait: one connection, which comes back by itself.

mod drive;
mod five;
mod line;
mod table;
mod three;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use parking_lot::Mutex;
use rustls::ClientConfig;
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::{
    Bus, BusState, Outage, Publication, PublishError, Qos, SubscribeError, Subscription,
    TopicFilter, tap,
};
use line::Line;
use table::Table;
pub use table::{ExternalCounts, IN_FLIGHT_MAX, QUEUED_MAX, WIRES_MAX};

/// From the TCP connect to CONNACK.
pub const CONNECT_TIME: Duration = Duration::from_secs(5);
/// The first pause after a connection was lost; each further one is up to twice as long.
pub const PAUSE_FIRST: Duration = Duration::from_millis(200);
/// A connection cannot show that it is alive more often.
pub const KEEP_ALIVE_MIN: Duration = Duration::from_secs(5);
/// The longest pause.
pub const PAUSE_MAX: Duration = Duration::from_secs(15);

/// The version of MQTT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 5.
    Five,
    /// 3.1.1, which tells neither who published nor why something was refused.
    Three,
}

/// How to reach a broker.
#[derive(Clone)]
pub struct ExternalSetup {
    /// Its host name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// TLS, unless the line is trusted.
    pub tls: Option<Arc<ClientConfig>>,
    /// The version of MQTT.
    pub version: Version,
    /// The client id: one node, one id.
    pub client_id: String,
    /// User name and password.
    pub login: Option<(String, String)>,
    /// How often the connection shows that it is alive; at least [`KEEP_ALIVE_MIN`].
    pub keep_alive: Duration,
    /// How long the broker keeps what comes while the connection is lost.
    pub session: Duration,
    /// The longest message, in bytes.
    pub packet_bytes: usize,
    /// The node that publishes.
    pub node: Uuid,
}

/// A bus whose broker is somewhere else.
pub struct ExternalBus {
    shared: Arc<Shared>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// What the connection's task shares with the callers.
struct Shared {
    table: Mutex<Table>,
    state: watch::Sender<BusState>,
    packet_bytes: usize,
}

impl ExternalBus {
    /// Begins to connect. It never fails: a broker that cannot be reached is an outage.
    #[must_use]
    pub fn start(setup: &ExternalSetup) -> Self {
        let (line, remote) = Line::new(setup);
        let outage = Outage {
            cause: "not connected yet".into(),
            since: Instant::now(),
        };
        let shared = Arc::new(Shared {
            table: Mutex::new(Table::new(remote)),
            state: watch::channel(BusState::Down(outage)).0,
            packet_bytes: setup.packet_bytes,
        });
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let patience = setup.keep_alive.max(KEEP_ALIVE_MIN) * 3 + CONNECT_TIME;
        tasks.spawn(drive::drive(
            line,
            Arc::clone(&shared),
            patience,
            stop.clone(),
        ));
        Self {
            shared,
            tasks,
            stop,
        }
    }

    /// What it has counted since its start, and what is under way.
    #[must_use]
    pub fn counts(&self) -> ExternalCounts {
        self.shared.table.lock().counts()
    }

    /// Says goodbye to the broker and ends.
    pub async fn stop(&self, grace: Duration) {
        self.tasks.close();
        self.stop.cancel();
        if tokio::time::timeout(grace, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("the connection to the MQTT broker did not end in time");
        }
    }
}

impl Shared {
    /// Why the broker is away.
    fn cause(&self) -> Arc<str> {
        match &*self.state.borrow() {
            BusState::Down(outage) => Arc::clone(&outage.cause),
            BusState::Up => "the connection was lost".into(),
        }
    }
}

#[async_trait]
impl Bus for ExternalBus {
    async fn publish(&self, publication: Publication) -> Result<(), PublishError> {
        let bytes = publication.topic.as_str().len() + publication.payload.len();
        let acknowledged = {
            let mut table = self.shared.table.lock();
            let max = table.packet_bytes(self.shared.packet_bytes);
            if bytes > max {
                return Err(PublishError::TooLarge { bytes, max });
            }
            if !table.is_up() {
                drop(table);
                return Err(PublishError::Away(self.shared.cause()));
            }
            let (told, acknowledged) = oneshot::channel();
            let is_sure = publication.qos > Qos::AtMostOnce;
            table.publish(publication, is_sure.then_some(told))?;
            is_sure.then_some(acknowledged)
        };
        let Some(acknowledged) = acknowledged else {
            return Ok(());
        };
        match acknowledged.await {
            Ok(outcome) => outcome,
            Err(_) => Err(PublishError::Away(self.shared.cause())),
        }
    }

    async fn subscribe(
        &self,
        filters: &[TopicFilter],
        capacity: usize,
    ) -> Result<Subscription, SubscribeError> {
        let (tap, subscription) = tap(capacity);
        let mut filters = filters.to_vec();
        filters.sort();
        filters.dedup();
        let (user, granting) = {
            let mut table = self.shared.table.lock();
            if !table.is_up() {
                drop(table);
                return Err(SubscribeError::Away(self.shared.cause()));
            }
            table.subscribe(&filters, &tap)?
        };
        let shared = Arc::clone(&self.shared);
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            // Whoever gives up while he waits for the broker drops his end too.
            tokio::select! {
                () = tap.ended() => {}
                () = stop.cancelled() => {}
            }
            shared.table.lock().leave(user);
        });
        for (filter, granted) in granting {
            match granted.await {
                Ok(Ok(())) => {}
                Ok(Err(cause)) => {
                    let cause = cause.into();
                    return Err(SubscribeError::Refused { filter, cause });
                }
                Err(_) => return Err(SubscribeError::Away(self.shared.cause())),
            }
        }
        Ok(subscription)
    }

    fn state(&self) -> watch::Receiver<BusState> {
        self.shared.state.subscribe()
    }
}
