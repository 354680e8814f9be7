//! Which request goes out next: writes first, then subscriptions, then polls.

use std::time::Duration;

use mainstem_adapter::{PointId, WriteAnswer, WriteJob};

use super::done::Done;
use super::running::Running;
use crate::plan::{Acquire, What};
use crate::ua::events;
use crate::ua::method::Order;
use crate::ua::resolve::resolve;
use crate::ua::subscribe::{Group, Item, SIGN_OF_LIFE, Watch, range, subscribe};
use crate::ua::{NodeId, ReadValueId};

/// How soon nodes that the server refused to monitor, and paths that led nowhere, are tried again:
/// a controller gets another program now and then.
pub(super) const RETRY_REFUSED: Duration = Duration::from_secs(60);

impl Running<'_> {
    pub(super) fn has_room(&self) -> bool {
        self.jobs.len() < self.plan.connection.max_in_flight
    }

    pub(super) fn start_jobs(&mut self) {
        while self.has_room() {
            if self
                .held
                .as_ref()
                .is_some_and(|job| !self.writing.contains(&job.point))
            {
                if let Some(job) = self.held.take() {
                    self.start_write(job);
                }
            } else if !self.to_subscribe.is_empty() {
                let groups = std::mem::take(&mut self.to_subscribe);
                let (requests, inbox) = (self.requests.clone(), self.inbox.clone());
                let items_max = self.server.items_max;
                self.jobs.push(Box::pin(async move {
                    Done::Subscribed(subscribe(&requests.session, groups, items_max, inbox).await)
                }));
            } else if !self.questions.is_empty() && !self.learning {
                self.start_learning();
            } else if let Some(batch) = self.polls.take() {
                let spots = batch
                    .points
                    .iter()
                    .filter_map(|id| Some((*id, self.spot(*id)?)));
                let (points, spots): (Vec<_>, Vec<_>) = spots.unzip();
                if spots.is_empty() {
                    self.polls.finished(&batch);
                    continue;
                }
                let requests = self.requests.clone();
                self.jobs.push(Box::pin(async move {
                    let result = requests.read_all(spots).await;
                    Done::Read(batch, points, result)
                }));
            } else {
                break;
            }
        }
    }

    fn start_write(&mut self, job: WriteJob) {
        let refuse = |job: WriteJob, code: &str, message: &str| {
            job.answer(WriteAnswer::Refused {
                code: code.into(),
                message: message.into(),
            });
        };
        let id = job.point;
        if self.plan.point(id).is_none_or(|point| !point.writable) {
            return refuse(
                job,
                "BadNotWritable",
                "this endpoint is not configured for writes",
            );
        }
        let Some(spot) = self.spot(id) else {
            return refuse(
                job,
                "BadNodeIdUnknown",
                "the server does not know the namespace, or the browse path leads nowhere",
            );
        };
        self.writing.insert(id);
        let Some(order) = self.order(id) else {
            let (requests, known) = (self.requests.clone(), self.types.get(&id).cloned());
            return self.jobs.push(Box::pin(async move {
                Done::Wrote(id, requests.write(job, spot, known).await)
            }));
        };
        self.calling.insert(id, order.timeout);
        self.start_call(job, order);
    }

    fn start_call(&mut self, mut job: WriteJob, mut order: Order) {
        let requests = self.requests.clone();
        self.jobs.push(Box::pin(async move {
            let (signature, arguments) = match requests.prepare(&order, &job.value).await {
                Ok(prepared) => prepared,
                Err(refused) => return Done::Called(job, refused),
            };
            let left = job.deadline.since(requests.clock.monotonic());
            if left.is_zero() {
                let message = "its deadline has passed".to_owned();
                return Done::Called(job, WriteAnswer::NotSent { message }.into());
            }
            order.timeout = order.timeout.min(left);
            job.begin();
            let called = requests.call(&order, signature, arguments).await;
            Done::Called(job, called)
        }));
    }

    fn order(&self, id: PointId) -> Option<Order> {
        let point = self.plan.point(id)?;
        let What::Method(method) = &point.what else {
            return None;
        };
        Some(Order {
            point: id,
            value_type: point.value_type,
            target: self.targets.get(id.0 as usize)?.clone(),
            known: self.methods.get(&id).cloned(),
            timeout: method
                .timeout
                .unwrap_or(self.plan.connection.request_timeout),
            shown: point.acquire == Acquire::Answer,
        })
    }

    pub(super) fn start_search(&mut self, points: Vec<PointId>) {
        let plans: Vec<_> = points
            .iter()
            .filter_map(|id| Some((*id, self.plan.point(*id)?.clone())))
            .collect();
        let (requests, server) = (self.requests.clone(), self.server.clone());
        self.jobs.push(Box::pin(async move {
            let plans: Vec<_> = plans.iter().map(|(id, plan)| (*id, plan)).collect();
            let found = resolve(&requests, &server, &plans).await;
            Done::Searched(points, found)
        }));
    }

    pub(super) fn groups(&self, wanted: impl Fn(PointId) -> bool) -> Vec<Group> {
        let group = |(publish, points): (&Duration, &Vec<PointId>)| {
            let publish = *publish;
            let items: Vec<_> = points
                .iter()
                .filter(|id| wanted(**id))
                .filter_map(|id| self.item(*id))
                .collect();
            let id = self.subscriptions.get(&publish).copied();
            let sign_of_life = self.sign_of_life(points);
            (!items.is_empty()).then_some(Group {
                publish,
                sign_of_life,
                id,
                items,
            })
        };
        self.subscribed.iter().filter_map(group).collect()
    }

    /// Twice within the time after which the most impatient of these points is stale.
    fn sign_of_life(&self, points: &[PointId]) -> Duration {
        let plans = points.iter().filter_map(|id| self.plan.point(*id));
        let limits = plans.filter_map(|plan| plan.stale_after);
        limits.fold(SIGN_OF_LIFE, |least, limit| least.min(limit / 2))
    }

    fn item(&self, point: PointId) -> Option<Item> {
        let plan = self.plan.point(point)?;
        let spot = self.spot(point)?;
        match plan.acquire {
            Acquire::Subscribe {
                sampling,
                queue_size,
                discard_oldest,
                ..
            } => Some(Item {
                point,
                watch: match &plan.what {
                    What::Value(value) => Watch::Value(spot, value.filter),
                    What::Events(plan) => Watch::events(spot, events::filter(plan, &self.server)?),
                    What::Method(_) => return None,
                },
                sampling,
                queue_size,
                discard_oldest,
            }),
            _ => None,
        }
    }

    pub(super) fn node(&self, id: PointId) -> Option<NodeId> {
        self.targets.get(id.0 as usize)?.node.clone()
    }

    /// The node of a point, with attribute and range.
    fn spot(&self, id: PointId) -> Option<ReadValueId> {
        let mut spot = ReadValueId::from(self.node(id)?);
        if let What::Value(value) = &self.plan.point(id)?.what {
            spot.attribute_id = value.attribute.unwrap_or(spot.attribute_id);
            spot.index_range = value.range.as_deref().and_then(range).unwrap_or_default();
        }
        Some(spot)
    }
}
