//! Which request goes out next: writes first, then subscriptions, then polls.

use std::time::Duration;

use mainstem_adapter::{PointId, WriteAnswer, WriteJob};

use super::done::Done;
use super::running::Running;
use crate::plan::Acquire;
use crate::ua::NodeId;
use crate::ua::subscribe::{Group, Item, SIGN_OF_LIFE, subscribe};

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
                let items_max = self.items_max;
                self.jobs.push(Box::pin(async move {
                    Done::Subscribed(subscribe(&requests.session, groups, items_max, inbox).await)
                }));
            } else if let Some(batch) = self.polls.take() {
                let nodes = batch
                    .points
                    .iter()
                    .filter_map(|id| self.node(*id))
                    .collect();
                let requests = self.requests.clone();
                self.jobs.push(Box::pin(async move {
                    Done::Read(batch, requests.read_values(nodes).await)
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
        let Some(node) = self.node(id) else {
            return refuse(
                job,
                "BadNodeIdUnknown",
                "the server does not know the namespace",
            );
        };
        self.writing.insert(id);
        let (requests, known) = (self.requests.clone(), self.types.get(&id).copied());
        self.jobs.push(Box::pin(async move {
            Done::Wrote(id, requests.write(job, node, known).await)
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
        match self.plan.point(point)?.acquire {
            Acquire::Subscribe {
                sampling,
                queue_size,
                discard_oldest,
                ..
            } => Some(Item {
                point,
                node: self.node(point)?,
                sampling,
                queue_size,
                discard_oldest,
            }),
            _ => None,
        }
    }

    fn node(&self, id: PointId) -> Option<NodeId> {
        self.nodes.get(id.0 as usize).cloned().flatten()
    }
}
