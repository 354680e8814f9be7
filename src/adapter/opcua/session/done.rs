//! What a request that has ended means for the session.

use std::sync::Arc;

use mainstem_adapter::{PointId, Reading, SessionEnd, WriteJob};
use mainstem_model::{Quality, Reason};
use tokio::time::Instant;

use super::running::Running;
use super::start::RETRY_REFUSED;
use crate::polls::Batch;
use crate::quality;
use crate::ua::method::Called;
use crate::ua::requests::Written;
use crate::ua::resolve::Target;
use crate::ua::structures::Shape;
use crate::ua::subscribe::{Arrived, Subscribed};
use crate::ua::{DataValue, Error, StatusCode, failure};

/// A request that has ended.
pub(super) enum Done {
    /// Subscriptions were made, or items added to them.
    Subscribed(Result<Subscribed, Error>),
    /// A batch of a poll, and those of its points that have a node.
    Read(Batch, Vec<PointId>, Result<Vec<DataValue>, Error>),
    /// A write; its answer is given already.
    Wrote(PointId, Written),
    /// A method; its answer comes after the datapoint has it.
    Called(WriteJob, Called),
    /// Types were asked for: what nodes hold, and whether the session still stands.
    Learned(Vec<(PointId, Option<Arc<Shape>>)>, Result<(), Error>),
    /// Browse paths were walked again.
    Searched(Vec<PointId>, Result<Vec<(PointId, Target)>, Error>),
}

impl Running<'_> {
    pub(super) fn on_done(&mut self, done: Done) -> Result<(), SessionEnd> {
        match done {
            Done::Subscribed(Ok(subscribed)) => self.on_subscribed(subscribed),
            Done::Subscribed(Err(error)) => return Err(self.ended(error.status())),
            Done::Read(batch, points, result) => {
                self.polls.finished(&batch);
                return self.on_read(&points, result);
            }
            Done::Called(job, called) => return self.on_called(job, called),
            Done::Learned(own, result) => {
                self.own.extend(own);
                if let Err(error) = self.on_learned(result) {
                    return Err(self.ended(error.status()));
                }
            }
            Done::Searched(points, result) => return self.on_searched(points, result),
            Done::Wrote(id, written) => {
                self.writing.remove(&id);
                if let Some(learned) = written.learned {
                    self.types.insert(id, learned);
                }
                // Perhaps the node has another type now.
                if written.refused {
                    self.types.remove(&id);
                }
                if let Some(status) = written.fatal {
                    return Err(self.ended(status));
                }
            }
        }
        Ok(())
    }

    fn on_subscribed(&mut self, subscribed: Subscribed) {
        self.subscriptions.extend(subscribed.ids);
        let points: Vec<_> = subscribed.refused.iter().map(|(id, _)| *id).collect();
        for (point, status) in subscribed.refused {
            self.io.statistics().failed(failure::name(status));
            let quality = quality::of_status(status.bits());
            self.readings.push(Reading {
                point,
                value: None,
                quality,
                source_time: None,
            });
        }
        self.emit();
        if !points.is_empty() {
            let refused = self
                .retry
                .get_or_insert((Instant::now() + RETRY_REFUSED, Vec::new()));
            refused.1.extend(points);
        }
    }

    fn on_read(
        &mut self,
        points: &[PointId],
        result: Result<Vec<DataValue>, Error>,
    ) -> Result<(), SessionEnd> {
        match result {
            Ok(values) => {
                for (id, found) in points.iter().zip(values) {
                    self.take(*id, Arrived::Value(found));
                }
            }
            Err(error) => {
                let status = error.status();
                // What ends the session is counted by the runner.
                if failure::is_fatal(status) {
                    return Err(self.ended(status));
                }
                self.io.statistics().failed(failure::name(status));
                let quality = match status {
                    StatusCode::BadTimeout => Quality::of(Reason::Stale),
                    _ => quality::of_status(status.bits()),
                };
                self.readings.extend(points.iter().map(|&point| Reading {
                    point,
                    value: None,
                    quality,
                    source_time: None,
                }));
            }
        }
        self.emit();
        Ok(())
    }

    // The datapoint has the answer before the caller hears that there is one.
    fn on_called(&mut self, job: WriteJob, called: Called) -> Result<(), SessionEnd> {
        let id = job.point;
        self.writing.remove(&id);
        self.calling.remove(&id);
        match called.signature {
            Some(signature) => {
                self.methods.insert(id, signature);
            }
            // Perhaps it takes other arguments now.
            None => {
                self.methods.remove(&id);
            }
        }
        if let Some(reading) = called.reading {
            self.kept.insert(id, reading.clone());
            self.readings.push(reading);
            self.emit();
        }
        job.answer(called.answer);
        called
            .fatal
            .map_or(Ok(()), |status| Err(self.ended(status)))
    }

    fn on_searched(
        &mut self,
        points: Vec<PointId>,
        result: Result<Vec<(PointId, Target)>, Error>,
    ) -> Result<(), SessionEnd> {
        let targets = match result {
            Ok(targets) => targets,
            Err(error) if failure::is_fatal(error.status()) => {
                return Err(self.ended(error.status()));
            }
            Err(error) => {
                self.io.statistics().failed(failure::name(error.status()));
                Vec::new()
            }
        };
        for (id, target) in targets {
            if let Some(known) = self.targets.get_mut(id.0 as usize) {
                *known = target;
            }
        }
        let (found, lost): (Vec<_>, Vec<_>) =
            points.into_iter().partition(|id| self.node(*id).is_some());
        if !lost.is_empty() {
            self.search = Some((Instant::now() + RETRY_REFUSED, lost));
        }
        let waiting: Vec<_> = self
            .plan
            .waiting()
            .filter(|id| found.contains(id))
            .collect();
        waiting.into_iter().for_each(|id| self.say_last(id));
        self.emit();
        let groups = self.groups(|id| found.contains(&id));
        self.to_subscribe.extend(groups);
        Ok(())
    }

    pub(super) fn ended(&mut self, status: StatusCode) -> SessionEnd {
        self.link.ended(status)
    }
}
