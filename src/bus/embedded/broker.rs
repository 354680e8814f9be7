//! The parts of the broker, put together without its own listeners.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mqtt5::broker::auth::AuthProvider;
use mqtt5::broker::resource_monitor::{ResourceLimits, ResourceMonitor};
use mqtt5::broker::router::MessageRouter;
use mqtt5::broker::storage::{FileBackend, QueueLimits, StorageBackend};
use mqtt5::broker::sys_topics::{BrokerStats, SysTopicsProvider};
use mqtt5::broker::{BrokerConfig, BrokerEventHandler, DynamicStorage};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::census::Census;
use super::counters::{BrokerCounts, Counters};
use super::door::Door;
use super::inlet::Inlets;
use super::limits::{
    CONNECTION_WINDOW, CONNECTIONS_RATE_MAX, LANE_MESSAGES, Limits, QUEUE_MESSAGES_MAX,
    RECEIVE_MAX, RIGHTS_AGE, SESSION_EXPIRY_MAX, SUBSCRIPTIONS_MAX, SWEEP, SYSTEM_TOPICS,
    TOPIC_ALIAS_MAX,
};
use super::{EmbeddedSetup, StartError};
use crate::{Publication, PublishError};

/// What all its connections and subscriptions share.
pub(super) struct Broker {
    pub(super) limits: Limits,
    pub(super) router: Arc<MessageRouter>,
    pub(super) storage: Arc<DynamicStorage>,
    pub(super) config: Arc<BrokerConfig>,
    pub(super) door: Arc<Door>,
    pub(super) stats: Arc<BrokerStats>,
    pub(super) resources: Arc<ResourceMonitor>,
    pub(super) counters: Arc<Counters>,
    pub(super) census: Arc<Census>,
    pub(super) inlets: Inlets,
    /// Cuts off connections that have not ended in time.
    pub(super) abort: CancellationToken,
    pub(super) stop: CancellationToken,
    pub(super) tasks: TaskTracker,
    next: AtomicU64,
}

impl Broker {
    pub(super) async fn start(setup: EmbeddedSetup) -> Result<Arc<Self>, StartError> {
        let EmbeddedSetup {
            folder,
            limits,
            gate,
            ..
        } = setup;
        let unusable = |cause: mqtt5::MqttError| StartError::Folder {
            path: folder.clone(),
            cause: cause.to_string(),
        };
        let queue = QueueLimits {
            max_messages: QUEUE_MESSAGES_MAX,
            max_bytes: limits.queue_bytes,
        };
        let backend = FileBackend::with_queue_limits(&folder, queue).await;
        let storage = Arc::new(DynamicStorage::File(backend.map_err(&unusable)?));
        let counters = Arc::new(Counters::new(Arc::clone(&gate)));
        let census = Arc::new(Census::new(&limits));
        let config = Arc::new(config(&limits, Arc::clone(&census) as _));
        let router = MessageRouter::with_storage(Arc::clone(&storage))
            .with_fallback_queue_limits(queue)
            .with_event_handler(Arc::clone(&census) as _)
            .with_retained_limits(limits.retained_messages, limits.packet_bytes);
        let router = Arc::new(router);
        census.watch(&router);
        storage.cleanup_expired().await.map_err(&unusable)?;
        let expiry = u32::try_from(SESSION_EXPIRY_MAX.as_secs()).unwrap_or(u32::MAX);
        router.recover_sessions(expiry).await.map_err(&unusable)?;
        router.initialize().await.map_err(&unusable)?;
        census.recover(&router, &storage).await.map_err(&unusable)?;
        let door = Door::new(gate, Arc::clone(&counters), Arc::clone(&storage), &census);
        let broker = Arc::new(Self {
            resources: Arc::new(ResourceMonitor::new(resource_limits(&limits))),
            limits,
            router,
            storage,
            config,
            door: Arc::new(door),
            stats: Arc::new(BrokerStats::new()),
            counters,
            census,
            inlets: Inlets::default(),
            abort: CancellationToken::new(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            next: AtomicU64::new(0),
        });
        broker.tasks.spawn(keep(Arc::clone(&broker)));
        Ok(broker)
    }

    /// A number for the next subscription of our own.
    pub(super) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn auth(&self) -> Arc<dyn AuthProvider> {
        Arc::clone(&self.door) as _
    }

    /// Whether one more message can be retained.
    pub(super) async fn has_room(&self, publication: &Publication) -> Result<(), PublishError> {
        let topic = publication.topic.as_str();
        let max = self.router.max_retained_message_size();
        let is_full =
            publication.payload.len() > max || self.router.retained_store_full(topic).await;
        match is_full {
            true => Err(PublishError::Refused(
                "the broker holds as many retained messages as may be".into(),
            )),
            false => Ok(()),
        }
    }

    pub(super) async fn counts(&self) -> BrokerCounts {
        let (retained, retained_bytes) = self.census.retained();
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        BrokerCounts {
            clients: self.stats.clients_connected.load(Ordering::Relaxed) as u64,
            sessions: self.census.sessions() as u64,
            filters: self.router.topic_count().await as u64,
            retained: retained as u64,
            retained_bytes: retained_bytes as u64,
            connections: load(&self.stats.clients_total),
            received: load(&self.stats.publish_received),
            sent: load(&self.stats.publish_sent),
            published: self.counters.published.get(),
            delivered: self.counters.delivered.get(),
            missed: self.counters.missed.get(),
            refused: self.counters.refusals(),
        }
    }

    pub(super) async fn stop(&self, grace: Duration) {
        self.inlets.close();
        self.tasks.close();
        self.stop.cancel();
        if tokio::time::timeout(grace, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::debug!("connections of the MQTT broker are cut off");
            self.abort.cancel();
            self.tasks.wait().await;
        }
        if let Err(error) = self.storage.shutdown().await {
            tracing::error!(%error, "the MQTT broker could not write what it keeps");
        }
    }
}

/// Sweeps away what has expired, and sends away whose rights have ended.
async fn keep(broker: Arc<Broker>) {
    let system = SysTopicsProvider::new(Arc::clone(&broker.router), Arc::clone(&broker.stats));
    let mut system_topics = tokio::time::interval(SYSTEM_TOPICS);
    let mut sweep = tokio::time::interval(SWEEP);
    let mut rights = tokio::time::interval(RIGHTS_AGE);
    loop {
        tokio::select! {
            () = broker.stop.cancelled() => break,
            // They are written to the disk each time, so only while somebody could read them.
            _ = system_topics.tick(), if !broker.inlets.is_empty() => {
                system.publish_static_topics().await;
                system.publish_dynamic_topics().await;
            }
            _ = rights.tick() => {
                for client in broker.census.unwelcome(&broker.door) {
                    tracing::info!(client, "an MQTT client's rights have ended");
                    broker.router.disconnect_client(&client).await;
                }
            }
            _ = sweep.tick() => {
                if let Err(error) = broker.storage.cleanup_expired().await {
                    tracing::warn!(%error, "what expired cannot be taken from the broker's folder");
                }
                broker.router.sweep_sessions().await;
                broker.resources.cleanup_expired_windows().await;
                match broker.storage.session_client_ids().await {
                    Ok(ids) => broker.census.set_sessions(ids),
                    Err(error) => tracing::warn!(%error, "the broker's sessions cannot be listed"),
                }
            }
        }
    }
}

fn config(limits: &Limits, events: Arc<dyn BrokerEventHandler>) -> BrokerConfig {
    BrokerConfig {
        bind_addresses: Vec::new(),
        max_clients: limits.clients,
        session_expiry_interval: SESSION_EXPIRY_MAX,
        max_packet_size: limits.packet_bytes,
        topic_alias_maximum: TOPIC_ALIAS_MAX,
        max_subscriptions_per_client: SUBSCRIPTIONS_MAX,
        max_retained_messages: limits.retained_messages,
        max_retained_message_size: limits.packet_bytes,
        client_channel_capacity: LANE_MESSAGES,
        server_receive_maximum: Some(RECEIVE_MAX),
        event_handler: Some(events),
        ..BrokerConfig::default()
    }
}

fn resource_limits(limits: &Limits) -> ResourceLimits {
    ResourceLimits {
        max_connections: limits.clients,
        max_connections_per_ip: limits.clients,
        // Rates of messages are the business of the line and of the queues.
        max_message_rate_per_client: 0,
        max_bandwidth_per_client: 0,
        max_connection_rate: CONNECTIONS_RATE_MAX,
        rate_limit_window: CONNECTION_WINDOW,
    }
}
