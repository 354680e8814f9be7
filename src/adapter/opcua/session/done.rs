//! What a request that has ended means for the session.

use std::time::Duration;

use mainstem_adapter::{PointId, Reading, SessionEnd};
use mainstem_model::{Quality, Reason};
use tokio::time::Instant;

use super::running::Running;
use crate::polls::Batch;
use crate::quality;
use crate::ua::requests::Written;
use crate::ua::subscribe::Subscribed;
use crate::ua::{DataValue, Error, StatusCode, failure, from_device};

/// How soon nodes that the server refused to monitor are tried again: a controller gets another
/// program now and then.
const RETRY_REFUSED: Duration = Duration::from_secs(60);

/// A request that has ended.
pub(super) enum Done {
    /// Subscriptions were made, or items added to them.
    Subscribed(Result<Subscribed, Error>),
    /// A batch of a poll.
    Read(Batch, Result<Vec<DataValue>, Error>),
    /// A write; its answer is given already.
    Wrote(PointId, Written),
}

impl Running<'_> {
    pub(super) fn on_done(&mut self, done: Done) -> Result<(), SessionEnd> {
        match done {
            Done::Subscribed(Ok(subscribed)) => self.on_subscribed(subscribed),
            Done::Subscribed(Err(error)) => return Err(self.ended(error.status())),
            Done::Read(batch, result) => {
                self.polls.finished(&batch);
                return self.on_read(&batch, result);
            }
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
            self.retry = Some((Instant::now() + RETRY_REFUSED, points));
        }
    }

    fn on_read(
        &mut self,
        batch: &Batch,
        result: Result<Vec<DataValue>, Error>,
    ) -> Result<(), SessionEnd> {
        match result {
            Ok(values) => {
                for (id, found) in batch.points.iter().zip(&values) {
                    if let Some(point) = self.plan.point(*id) {
                        let statistics = self.io.statistics();
                        let reading =
                            from_device::reading(*id, point.value_type, found, statistics);
                        self.readings.push(reading);
                    }
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
                self.readings
                    .extend(batch.points.iter().map(|&point| Reading {
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

    pub(super) fn ended(&mut self, status: StatusCode) -> SessionEnd {
        self.link.ended(status)
    }
}
