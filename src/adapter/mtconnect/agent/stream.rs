//! What an agent's documents do to datapoints.

use mainstem_adapter::{AdapterIo, Reading};
use mainstem_model::{Reason, Value};

use super::document::{Observation, Streams, Unusable, What, streams};
use super::session::Reached;
use crate::binding::Bindings;
use crate::condition::Told;
use crate::shape::{self, DataType};

/// What a document means for the way on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// All is well.
    On,
    /// The agent has begun anew, or no longer has what comes next: the present state is asked for.
    Anew,
}

/// The datapoints of a session.
pub(super) struct Taking<'a> {
    pub(super) bindings: &'a mut Bindings,
    pub(super) io: &'a AdapterIo,
    pub(super) place: String,
    readings: Vec<Reading>,
    /// Which datapoints were told in this session.
    told: Vec<bool>,
}

impl<'a> Taking<'a> {
    pub(super) fn new(bindings: &'a mut Bindings, io: &'a AdapterIo, place: String) -> Self {
        bindings.forget();
        Self {
            told: vec![false; bindings.len()],
            bindings,
            io,
            place,
            readings: Vec::new(),
        }
    }

    /// Reads a document.
    pub(super) fn read(&self, document: &[u8]) -> Result<Streams, Unusable> {
        let bindings = &self.bindings;
        let is_wanted = |key: &str| !bindings.of(key).is_empty();
        streams(document, |id, name| is_wanted(id) || is_wanted(name))
    }

    /// Takes the present state of everything.
    pub(super) fn state(&mut self, streams: &Streams) {
        self.bindings.forget();
        self.all(&streams.observations);
        self.io.emit(&mut self.readings);
    }

    /// Takes what came behind the last document.
    pub(super) fn follow(&mut self, streams: &Streams, reached: &mut Reached) -> Step {
        let header = streams.header;
        if header.instance != reached.instance {
            self.note("agent_restarted", "the agent has begun anew");
            return Step::Anew;
        }
        if header.first > reached.next {
            let lost = header.first - reached.next;
            self.note(
                "gap",
                &format!("{lost} observations were lost: the agent keeps too few"),
            );
            reached.next = header.first;
        }
        let news = streams
            .observations
            .partition_point(|one| one.sequence < reached.next);
        if news > 0 {
            self.io.statistics().failed("told_twice");
        }
        self.all(&streams.observations[news..]);
        reached.next = reached.next.max(header.next);
        self.io.emit(&mut self.readings);
        Step::On
    }

    /// The agent lives, and would have said what has changed.
    pub(super) fn confirm(&self) {
        let told = self.told.iter().enumerate().filter(|(_, told)| **told);
        let points: Vec<_> = told.map(|(index, _)| shape::point(index)).collect();
        self.io.confirm(&points);
    }

    /// Counts and says something that was lost.
    pub(super) fn note(&self, code: &'static str, what: &str) {
        self.io.statistics().failed(code);
        let place = self.place.as_str();
        tracing::warn!(place, "{what}");
    }

    fn all(&mut self, observations: &[Observation]) {
        for one in observations {
            let by_id = self.bindings.of(&one.id).iter();
            // Who has the same id and name is told once.
            let other = one.name != one.id;
            let by_name = self.bindings.of(&one.name).iter().filter(|_| other);
            let of: Vec<usize> = by_id.chain(by_name).copied().collect();
            for index in of {
                let reading = self.reading(index, one);
                self.push(index, one, reading);
            }
        }
    }

    fn reading(&mut self, index: usize, one: &Observation) -> Reading {
        let data_type = self.bindings.data_type(index);
        let text = one.text.trim();
        match &one.what {
            What::Condition {
                level,
                code,
                severity,
                qualifier,
            } if data_type.is_condition() => {
                let told = Told {
                    level: *level,
                    code,
                    severity,
                    qualifier,
                    text,
                };
                self.bindings.condition(index, &told, one.at)
            }
            What::Message { code } if data_type == DataType::Message => {
                if shape::is_unavailable(text) {
                    return shape::unavailable(index, one.at);
                }
                let value = serde_json::json!({ "code": code, "text": text }).to_string();
                shape::reading(index, Some(Value::Json(value.into())), one.at)
            }
            What::Value | What::Message { .. } => self.bindings.value(index, text, one.at),
            What::Condition { .. } | What::Entries => shape::reading(index, None, one.at),
        }
    }

    fn push(&mut self, index: usize, one: &Observation, reading: Reading) {
        if reading.quality.reason == Reason::BadType {
            self.io.statistics().failed("unexpected_value");
            if !self.told[index] {
                let (place, item) = (self.place.as_str(), one.id.as_str());
                let hint = match one.what {
                    What::Condition { .. } => "it is a condition: `dataType: condition` or `level`",
                    What::Entries => "data sets and tables are not read",
                    _ => "it is not of its type: set the endpoint's `dataType`",
                };
                tracing::warn!(place, item, "{hint}");
            }
        }
        self.told[index] = true;
        self.readings.push(reading);
    }
}
