//! Subscriptions: one per publishing interval, their items created in batches.

use std::sync::Arc;
use std::time::Duration;

use mainstem_adapter::PointId;
use opcua::client::services::CreateMonitoredItems;
use opcua::client::{MonitoredItemMap, OnSubscriptionNotificationCore, Session, UARequest};
use opcua::types::{
    AttributeId, DataChangeFilter, DataChangeNotification, DataChangeTrigger, DataValue, Error,
    EventFilter, EventNotificationList, ExtensionObject, MonitoredItemCreateRequest,
    MonitoringMode, MonitoringParameters, NotificationMessage, NumericRange, ReadValueId,
    StatusChangeNotification, StatusCode, TimestampsToReturn, Variant,
};
use parking_lot::Mutex;

use super::failure;
use crate::plan::ChangeFilter;

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
    pub(crate) values: Vec<(PointId, Arrived)>,
    /// Publishing intervals of the subscriptions that the server has just answered for: with
    /// values or, as a sign of life, with the word that there are no new ones.
    pub(crate) alive: Vec<Duration>,
    /// The server gave a subscription up.
    pub(crate) lost: Option<StatusCode>,
    /// Messages whose numbers were left out: what was in them did not arrive.
    pub(crate) gaps: u64,
}

/// What a server sends for an item.
#[derive(Clone, Debug)]
pub(crate) enum Arrived {
    /// A value.
    Value(DataValue),
    /// The fields of an event.
    Event(Vec<Variant>),
}

/// What is watched at a node.
#[derive(Clone)]
pub(crate) enum Watch {
    /// An attribute.
    Value(ReadValueId, ChangeFilter),
    /// Events.
    Events(ReadValueId, EventFilter),
}

impl Watch {
    /// Events of a node.
    pub(crate) fn events(mut spot: ReadValueId, filter: EventFilter) -> Self {
        spot.attribute_id = AttributeId::EventNotifier as u32;
        Self::Events(spot, filter)
    }

    fn filter(&self) -> ExtensionObject {
        match self {
            Self::Events(_, filter) => ExtensionObject::from_message(filter.clone()),
            // Without wishes there is no filter: some servers know none.
            Self::Value(_, filter) if *filter == ChangeFilter::default() => ExtensionObject::null(),
            Self::Value(_, filter) => ExtensionObject::from_message(DataChangeFilter {
                trigger: match filter.trigger {
                    Some(0) => DataChangeTrigger::Status,
                    Some(2) => DataChangeTrigger::StatusValueTimestamp,
                    _ => DataChangeTrigger::StatusValue,
                },
                deadband_type: match (filter.deadband, filter.percent) {
                    (None, _) => 0,
                    (Some(_), false) => 1,
                    (Some(_), true) => 2,
                },
                deadband_value: filter.deadband.unwrap_or(0.0),
            }),
        }
    }
}

/// A part of an array, as people write it.
pub(crate) fn range(text: &str) -> Option<NumericRange> {
    text.parse()
        .ok()
        .filter(|range| *range != NumericRange::None)
}

/// Whether this is one.
pub(crate) fn is_range(text: &str) -> bool {
    range(text).is_some()
}

/// A node to subscribe.
#[derive(Clone)]
pub(crate) struct Item {
    /// The datapoint.
    pub(crate) point: PointId,
    /// What is watched.
    pub(crate) watch: Watch,
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
            Receiver {
                publish,
                inbox,
                number: None,
            },
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
    // The stack need not know the items; they find their points by their handles.
    let created = CreateMonitoredItems::new(subscription, session)
        .timestamps_to_return(TimestampsToReturn::Source)
        .items_to_create(requests)
        .send(session.channel())
        .await?;
    let refused = items
        .iter()
        .zip(created.results)
        .filter_map(|(item, created)| {
            let status = created.result.status_code;
            status.is_bad().then_some((item.point, status))
        });
    Ok(refused.collect())
}

fn request(item: &Item) -> MonitoredItemCreateRequest {
    let (Watch::Value(spot, _) | Watch::Events(spot, _)) = &item.watch;
    MonitoredItemCreateRequest {
        item_to_monitor: spot.clone(),
        monitoring_mode: MonitoringMode::Reporting,
        requested_parameters: MonitoringParameters {
            // 0 means "choose one for me" to the stack.
            client_handle: item.point.0 + 1,
            sampling_interval: item.sampling.as_secs_f64() * 1000.0,
            queue_size: item.queue_size,
            discard_oldest: item.discard_oldest,
            filter: item.watch.filter(),
        },
    }
}

struct Receiver {
    publish: Duration,
    inbox: Arc<Mutex<Inbox>>,
    // The number of the last message that had something in it.
    number: Option<u32>,
}

impl Receiver {
    // Numbers go up by one and begin again at 1 (part 4, 7.8). A sign of life has the number of
    // the next message.
    fn gap(&mut self, number: u32) -> u64 {
        let last = self.number.replace(number);
        let expected = last.map(|last| last.checked_add(1).unwrap_or(1));
        match expected {
            Some(expected) if number > expected => u64::from(number - expected),
            _ => 0,
        }
    }
}

impl OnSubscriptionNotificationCore for Receiver {
    fn on_subscription_notification(
        &mut self,
        notification: NotificationMessage,
        _: MonitoredItemMap<'_>,
    ) {
        let number = notification.sequence_number;
        let objects = notification.notification_data.unwrap_or_default();
        let gap = if objects.is_empty() {
            0
        } else {
            self.gap(number)
        };
        let mut inbox = self.inbox.lock();
        inbox.gaps += gap;
        if !inbox.alive.contains(&self.publish) {
            inbox.alive.push(self.publish);
        }
        for object in objects {
            if object.inner_is::<DataChangeNotification>() {
                let change = object.into_inner_as::<DataChangeNotification>();
                let items = change.and_then(|change| change.monitored_items);
                inbox.put(
                    items
                        .into_iter()
                        .flatten()
                        .map(|item| (item.client_handle, Arrived::Value(item.value))),
                );
            } else if object.inner_is::<EventNotificationList>() {
                let list = object.into_inner_as::<EventNotificationList>();
                let events = list.and_then(|list| list.events);
                inbox.put(events.into_iter().flatten().map(|event| {
                    let fields = event.event_fields.unwrap_or_default();
                    (event.client_handle, Arrived::Event(fields))
                }));
            } else if let Some(change) = object.inner_as::<StatusChangeNotification>() {
                inbox.lost = Some(change.status);
            } else {
                // What cannot be read may have been values: nobody would send them again.
                inbox.lost = Some(StatusCode::BadDecodingError);
            }
        }
    }
}

impl Inbox {
    fn put(&mut self, items: impl Iterator<Item = (u32, Arrived)>) {
        // 0 is the handle that we never give.
        let known =
            items.filter_map(|(handle, arrived)| Some((PointId(handle.checked_sub(1)?), arrived)));
        self.values.extend(known);
    }
}
