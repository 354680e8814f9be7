//! One way of a mapping: its subscription, and the task that carries its messages.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use mainstem_bus::{Message, Subscription, TopicFilter};
use mainstem_model::Monotonic;
use mainstem_service::{InputBuffering, Mapping, MappingItem};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::ItemView;
use super::numbers::{WayNumbers, What};
use super::shared::Shared;
use super::workers::{Place, Workers};
use crate::limits::{BATCH_MAX, LOOP_RATE_MAX, WAITING_MAX};
use crate::{Input, Outcome};

/// After a refused subscription.
const RETRY: Duration = Duration::from_millis(500);

/// One way of a mapping.
pub(super) struct Way {
    pub(super) shared: Arc<Shared>,
    pub(super) mapping: String,
    pub(super) item: Arc<MappingItem>,
    pub(super) buffering: InputBuffering,
    pub(super) numbers: WayNumbers,
    may_loop: bool,
    rate: Mutex<Rate>,
    away: Mutex<Option<String>>,
}

/// Messages of this node in the present second.
#[derive(Default)]
struct Rate {
    begun: Option<Monotonic>,
    count: u32,
}

impl Way {
    pub(super) fn new(
        shared: &Arc<Shared>,
        mapping: &Mapping,
        index: usize,
        may_loop: bool,
    ) -> Self {
        Self {
            shared: Arc::clone(shared),
            numbers: shared.numbers.of(&mapping.id),
            mapping: mapping.id.clone(),
            item: Arc::new(mapping.items[index].clone()),
            buffering: mapping.input_buffering.clone(),
            may_loop,
            rate: Mutex::default(),
            away: Mutex::new(Some("it is not subscribed yet".to_owned())),
        }
    }

    pub(super) fn view(&self) -> ItemView {
        let filters = self.item.subscribe.iter();
        let get = |what| self.numbers.get(what);
        let cause = self.away.lock().clone();
        ItemView {
            subscribe: filters.map(|s| s.pattern.filter().to_owned()).collect(),
            publish: self.item.publish.topic.to_string(),
            is_ready: cause.is_none(),
            cause,
            received: get(What::Received),
            published: get(What::Published),
            held: get(What::Held),
            failed: get(What::Failed),
            retained: get(What::Retained),
            looping: get(What::Looping),
            missed: get(What::Missed),
            undelivered: get(What::Undelivered),
            last_error: self.numbers.last_error(),
        }
    }

    /// Carries messages until the stop.
    pub(super) async fn run(self: Arc<Self>, workers: Arc<Workers>, stop: CancellationToken) {
        let Some(place) = workers.place(Arc::clone(&self.item)) else {
            return;
        };
        tokio::select! {
            () = self.carry(&place) => {}
            () = stop.cancelled() => {}
        }
        *self.away.lock() = Some("it was stopped".to_owned());
    }

    async fn carry(&self, place: &Place) {
        let filters: Result<Vec<TopicFilter>, _> = self
            .item
            .subscribe
            .iter()
            .map(|subscribe| TopicFilter::new(subscribe.pattern.filter()))
            .collect();
        let filters = match filters {
            Ok(filters) => filters,
            Err(error) => return self.went_away(error.to_string()),
        };
        let waiting = match self.buffering.enabled {
            true => (self.buffering.max_buffer_size as usize).max(WAITING_MAX),
            false => WAITING_MAX,
        };
        loop {
            match self.shared.bus.subscribe(&filters, waiting).await {
                Ok(subscription) => {
                    *self.away.lock() = None;
                    self.read(subscription, place).await;
                    self.went_away("the bus was stopped".to_owned());
                }
                Err(error) => self.went_away(error.to_string()),
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    fn went_away(&self, cause: String) {
        let is_new = self.away.lock().as_ref() != Some(&cause);
        if is_new {
            tracing::warn!(mapping = self.mapping, "not subscribed: {cause}");
        }
        *self.away.lock() = Some(cause);
    }

    async fn read(&self, mut subscription: Subscription, place: &Place) {
        let mut due = None;
        let (mut batch, missed_before) = (Vec::<Input>::new(), self.numbers.get(What::Missed));
        loop {
            let first = tokio::select! {
                message = subscription.next() => match message {
                    Some(message) => Some(message),
                    None => return,
                },
                () = self.until(due) => None,
            };
            let mut startup = None;
            let mut next = first;
            while let Some(message) = next.take() {
                let input = self.admit(&message);
                if message.retained && input.is_some() {
                    startup = Some(message.topic.to_string());
                }
                batch.extend(input);
                if batch.len() < BATCH_MAX {
                    next = subscription.next().now_or_never().flatten();
                }
            }
            let missed = missed_before + subscription.missed();
            self.numbers.catch_up(What::Missed, missed);
            let now = self.shared.clock.monotonic();
            if batch.is_empty() && due.is_none_or(|due| due > now) {
                continue;
            }
            let Some(done) = place.take(std::mem::take(&mut batch), now).await else {
                return;
            };
            due = done.due;
            self.publish(done.outcomes, startup).await;
        }
    }

    async fn until(&self, due: Option<Monotonic>) {
        match due {
            Some(due) => {
                let now = self.shared.clock.monotonic();
                tokio::time::sleep(due.since(now)).await;
            }
            None => std::future::pending().await,
        }
    }

    /// The message for the rules, unless it must not have an effect.
    fn admit(&self, message: &Message) -> Option<Input> {
        self.numbers.count(What::Received, 1);
        if message.retained && !self.item.startup_events {
            self.numbers.count(What::Retained, 1);
            return None;
        }
        let is_own = message.origin == Some(self.shared.node);
        if self.may_loop && is_own && self.is_too_often() {
            self.numbers.count(What::Looping, 1);
            let text = format!(
                "more than {LOOP_RATE_MAX} messages in a second came from this node itself on {}: \
                 the mapping may feed itself",
                message.topic
            );
            self.error(&text);
            return None;
        }
        let topic = message.topic.as_str();
        let (subscribe, vars) = self
            .item
            .subscribe
            .iter()
            .find_map(|subscribe| Some((subscribe, subscribe.pattern.read(topic)?)))?;
        let label = match &subscribe.label {
            Some(label) => label.fill(|name| {
                let found = vars.iter().find(|(own, _)| own == name);
                found.map(|(_, value)| value.clone()).ok_or(())
            }),
            None => Ok(topic.to_owned()),
        };
        Some(Input {
            label: label.unwrap_or_else(|()| topic.to_owned()),
            topic: topic.to_owned(),
            vars,
            payload: message.payload.clone(),
            wall_ms: self.shared.clock.now().micros() / 1000,
        })
    }

    fn is_too_often(&self) -> bool {
        let now = self.shared.clock.monotonic();
        let mut rate = self.rate.lock();
        let same = rate
            .begun
            .is_some_and(|begun| now.since(begun) < Duration::from_secs(1));
        if !same {
            (rate.begun, rate.count) = (Some(now), 0);
        }
        rate.count = rate.count.saturating_add(1);
        rate.count > LOOP_RATE_MAX
    }

    pub(super) fn error(&self, text: &str) {
        let clock = self.shared.clock.as_ref();
        self.numbers.error(text, clock, &self.shared.health);
    }

    async fn publish(&self, outcomes: Vec<Outcome>, startup: Option<String>) {
        let mut messages = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            match outcome {
                Outcome::Held => self.numbers.count(What::Held, 1),
                Outcome::Failed(fault) => {
                    self.numbers.count(What::Failed, 1);
                    self.error(&fault.to_string());
                }
                Outcome::Publish(message) => {
                    if let Some(from) = &startup {
                        let notice = &self.shared.notice;
                        notice.passed(&self.mapping, from, &message.topic);
                    }
                    messages.push(message);
                }
            }
        }
        self.deliver(messages).await;
    }
}
