//! What arrives, on its way to readings. A value whose type has to be asked for first waits, and
//! so does everything behind it of the same point: nothing overtakes, nothing is left out.

use mainstem_adapter::{PointId, Reading};
use mainstem_model::Reason;

use super::done::Done;
use super::running::Running;
use crate::plan::What;
use crate::ua::events;
use crate::ua::from_device::{self, Lens, Need};
use crate::ua::structures::Missing;
use crate::ua::subscribe::Arrived;
use crate::ua::{Error, NodeId, failure};

/// Values that wait for their types.
const WAITING_MAX: usize = 10_000;
/// Types that are asked for in one session.
const QUESTIONS_MAX: usize = 4096;

/// A question about a type.
#[derive(Clone, Debug)]
pub(super) enum Question {
    /// What is behind an encoding?
    Encoding(NodeId),
    /// What does the node of a point hold?
    Own(PointId),
}

impl Running<'_> {
    /// Takes what arrived for a point.
    pub(super) fn take(&mut self, id: PointId, arrived: Arrived) {
        if self.waiting_points.contains(&id) {
            return self.wait(id, arrived);
        }
        match self.read(id, &arrived) {
            Ok(reading) => self.readings.extend(reading),
            Err(need) => match self.ask(id, need) {
                true => self.wait(id, arrived),
                // It was asked for, and the answer did not help.
                false => self.unreadable(id),
            },
        }
    }

    fn wait(&mut self, id: PointId, arrived: Arrived) {
        if self.waiting.len() < WAITING_MAX {
            self.waiting_points.insert(id);
            self.waiting.push_back((id, arrived));
        } else {
            self.unreadable(id);
        }
    }

    fn unreadable(&mut self, id: PointId) {
        self.io.statistics().failed("bad_type_unknown");
        self.readings.push(Reading::failed(id, Reason::BadType));
    }

    fn read(&mut self, id: PointId, arrived: &Arrived) -> Result<Option<Reading>, Need> {
        // A server may invent handles.
        let Some(point) = self.plan.point(id) else {
            return Ok(None);
        };
        let structures = &self.requests.structures;
        let reading = match (&point.what, arrived) {
            (What::Value(value), Arrived::Value(found)) => {
                let lens = Lens {
                    declared: point.value_type,
                    names: value.names,
                    part: value.range.is_some(),
                    own: self.own.get(&id).map(Option::as_deref),
                    structures,
                };
                from_device::reading(id, found, lens, self.io.statistics())?
            }
            (What::Events(plan), Arrived::Event(fields)) => {
                let reading = match events::reading(id, plan, fields, structures) {
                    Ok(reading) => reading,
                    Err(Missing::Encoding(encoding)) => return Err(Need::Encoding(encoding)),
                    Err(Missing::Endless) => Reading::failed(id, Reason::BadType),
                };
                if events::is_overflow(plan, fields) {
                    self.io.statistics().failed("event_overflow");
                }
                if !reading.quality.is_good() {
                    self.io.statistics().failed("bad_event");
                }
                self.kept.insert(id, reading.clone());
                reading
            }
            _ => return Ok(None),
        };
        Ok(Some(reading))
    }

    // Whether it was not asked before.
    fn ask(&mut self, id: PointId, need: Need) -> bool {
        let (key, question) = match need {
            Need::Encoding(encoding) => (encoding.to_string(), Question::Encoding(encoding)),
            Need::OwnType => (format!("point {}", id.0), Question::Own(id)),
        };
        if self.asked.contains(&key) {
            // Still on its way, for another point.
            return self.learning || !self.questions.is_empty();
        }
        if self.asked.len() >= QUESTIONS_MAX {
            return false;
        }
        self.asked.insert(key);
        self.questions.push(question);
        true
    }

    /// Asks the server, one round at a time.
    pub(super) fn start_learning(&mut self) {
        self.learning = true;
        let questions = std::mem::take(&mut self.questions);
        let requests = self.requests.clone();
        let nodes: Vec<_> = questions
            .iter()
            .map(|question| match question {
                Question::Own(id) => self.node(*id),
                Question::Encoding(_) => None,
            })
            .collect();
        self.jobs.push(Box::pin(async move {
            let (mut own, mut result) = (Vec::new(), Ok(()));
            for (question, node) in questions.into_iter().zip(nodes) {
                let asked = match (&question, node) {
                    (Question::Encoding(id), _) => {
                        requests.structures.learn_encoding(&requests, id).await
                    }
                    (Question::Own(id), Some(node)) => match requests.own_shape(node).await {
                        Ok(shape) => {
                            own.push((*id, shape));
                            Ok(())
                        }
                        Err(error) => Err(error),
                    },
                    (Question::Own(_), None) => Ok(()),
                };
                if let Err(error) = asked {
                    if let Question::Encoding(id) = &question {
                        requests.structures.refuse(id, error.to_string());
                    }
                    result = Err(error);
                }
                if let Question::Own(id) = question
                    && !own.iter().any(|(known, _)| *known == id)
                {
                    own.push((id, None));
                }
            }
            Done::Learned(own, result)
        }));
    }

    /// What waited is tried again, in its order.
    pub(super) fn on_learned(&mut self, result: Result<(), Error>) -> Result<(), Error> {
        self.learning = false;
        if let Err(error) = result {
            if failure::is_fatal(error.status()) {
                return Err(error);
            }
            self.io.statistics().failed(failure::name(error.status()));
        }
        self.waiting_points.clear();
        for (id, arrived) in std::mem::take(&mut self.waiting) {
            self.take(id, arrived);
        }
        self.emit();
        Ok(())
    }
}
