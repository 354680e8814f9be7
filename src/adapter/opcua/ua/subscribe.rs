//! Subscriptions: one per publishing interval, their items created in batches.

use std::sync::Arc;
use std::time::Duration;

use mainstem_adapter::PointId;
use opcua::client::{MonitoredItemMap, OnSubscriptionNotificationCore, Session};
use opcua::types::{
    DataChangeNotification, DataValue, Error, MonitoredItemCreateRequest, MonitoringMode,
    MonitoringParameters, NodeId, NotificationMessage, ReadValueId, StatusChangeNotification,
    StatusCode, TimestampsToReturn,
};
use parking_lot::Mutex;

use super::failure;

/// How often a subscription says that it lives, at least. More often, if a datapoint of it would
/// be stale sooner.
pub(crate) const SIGN_OF_LIFE: Duration = Duration::from_secs(10);
/// Signs of life that may be missing before the server gives a subscription up. The session's
/// own keep-alive is faster, so this only has to be generous.
const LIFETIME: u32 = 6;
/// Values in one message; the server sends more messages at once if there is more.
const NOTIFICATIONS_MAX: u32 = 10_000;

/// What arrived and was not handed on yet. It is filled only while the session's loop is polled
/// and emptied right after, so it holds the values of one message at most.
#[derive(Default)]
pub(crate) struct Inbox {
    /// Values, in the server's order.
    pub(crate) values: Vec<(PointId, DataValue)>,
    /// Publishing intervals of the subscriptions that the server has just answered for: with
    /// values or, as a sign of life, with the word that there are no new ones.
    pub(crate) alive: Vec<Duration>,
    /// The server gave a subscription up.
    pub(crate) lost: Option<StatusCode>,
}

/// A node to subscribe.
#[derive(Clone)]
pub(crate) struct Item {
    /// The datapoint.
    pub(crate) point: PointId,
    /// The node.
    pub(crate) node: NodeId,
    /// Sampling interval; as the subscription publishes if absent.
    pub(crate) sampling: Duration,
    /// Values that the server keeps.
    pub(crate) queue_size: u32,
    /// Which one it drops.
    pub(crate) discard_oldest: bool,
}

/// Nodes with the same publishing interval.
pub(crate) struct Group {
    /// The interval.
    pub(crate) publish: Duration,
    /// How often the server has to say that nothing has changed.
    pub(crate) sign_of_life: Duration,
    /// Their subscription, if there is one already.
    pub(crate) id: Option<u32>,
    /// The nodes.
    pub(crate) items: Vec<Item>,
}

/// What became of groups.
pub(crate) struct Subscribed {
    /// Their subscriptions, by publishing interval.
    pub(crate) ids: Vec<(Duration, u32)>,
    /// Nodes that the server refused, with its reasons.
    pub(crate) refused: Vec<(PointId, StatusCode)>,
}

impl Subscribed {
    // A server that has no room for a whole request says so once, for all of it. That is no reason
    // to give up the session and everything else in it.
    fn refuse(&mut self, items: &[Item], error: Error) -> Result<(), Error> {
        let status = error.status();
        if failure::is_fatal(status) || status == StatusCode::BadTimeout {
            return Err(error);
        }
        self.refused
            .extend(items.iter().map(|item| (item.point, status)));
        Ok(())
    }
}

/// Makes subscriptions where there are none, and adds the items, `items_max` in a request.
pub(crate) async fn subscribe(
    session: &Session,
    groups: Vec<Group>,
    items_max: usize,
    inbox: Arc<Mutex<Inbox>>,
) -> Result<Subscribed, Error> {
    let mut subscribed = Subscribed {
        ids: Vec::new(),
        refused: Vec::new(),
    };
    for group in groups {
        let created = match group.id {
            Some(id) => Ok(id),
            None => create(session, &group, inbox.clone()).await,
        };
        let id = match created {
            Ok(id) => id,
            Err(error) => {
                subscribed.refuse(&group.items, error)?;
                continue;
            }
        };
        subscribed.ids.push((group.publish, id));
        for items in group.items.chunks(items_max) {
            match add(session, id, items).await {
                Ok(refused) => subscribed.refused.extend(refused),
                Err(error) => subscribed.refuse(items, error)?,
            }
        }
    }
    Ok(subscribed)
}

async fn create(session: &Session, group: &Group, inbox: Arc<Mutex<Inbox>>) -> Result<u32, Error> {
    let publish = group.publish;
    let turns = group.sign_of_life.as_millis() / publish.as_millis().max(1);
    let keep_alive = u32::try_from(turns).unwrap_or(u32::MAX).max(1);
    session
        .create_subscription(
            publish,
            keep_alive.saturating_mul(LIFETIME),
            keep_alive,
            NOTIFICATIONS_MAX,
            0,
            true,
            Receiver { publish, inbox },
        )
        .await
}

/// How long a publish request may wait for its answer.
pub(crate) fn publish_timeout(longest: Duration, request_timeout: Duration) -> Duration {
    longest.max(SIGN_OF_LIFE) * 2 + request_timeout
}

async fn add(
    session: &Session,
    subscription: u32,
    items: &[Item],
) -> Result<Vec<(PointId, StatusCode)>, Error> {
    let requests = items.iter().map(request).collect();
    let created = session
        .create_monitored_items(subscription, TimestampsToReturn::Source, requests)
        .await?;
    let refused = items.iter().zip(created).filter_map(|(item, created)| {
        let status = created.result.status_code;
        status.is_bad().then_some((item.point, status))
    });
    Ok(refused.collect())
}

fn request(item: &Item) -> MonitoredItemCreateRequest {
    MonitoredItemCreateRequest {
        item_to_monitor: ReadValueId::from(item.node.clone()),
        monitoring_mode: MonitoringMode::Reporting,
        requested_parameters: MonitoringParameters {
            // 0 means "choose one for me" to the stack.
            client_handle: item.point.0 + 1,
            sampling_interval: item.sampling.as_secs_f64() * 1000.0,
            queue_size: item.queue_size,
            discard_oldest: item.discard_oldest,
            ..Default::default()
        },
    }
}

struct Receiver {
    publish: Duration,
    inbox: Arc<Mutex<Inbox>>,
}

impl OnSubscriptionNotificationCore for Receiver {
    fn on_subscription_notification(
        &mut self,
        notification: NotificationMessage,
        _: MonitoredItemMap<'_>,
    ) {
        let mut inbox = self.inbox.lock();
        if !inbox.alive.contains(&self.publish) {
            inbox.alive.push(self.publish);
        }
        for object in notification.notification_data.into_iter().flatten() {
            if let Some(change) = object.inner_as::<DataChangeNotification>() {
                for item in change.monitored_items.iter().flatten() {
                    if let Some(index) = item.client_handle.checked_sub(1) {
                        inbox.values.push((PointId(index), item.value.clone()));
                    }
                }
            } else if let Some(change) = object.inner_as::<StatusChangeNotification>() {
                inbox.lost = Some(change.status);
            }
        }
    }
}
