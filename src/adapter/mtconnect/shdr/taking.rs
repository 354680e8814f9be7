//! What the lines of an adapter do to datapoints.

use std::time::Duration;

use mainstem_adapter::{PointId, Reading};
use mainstem_model::{Reason, Timestamp, Value};

use super::said;
use super::session::Session;
use crate::condition::{Level, Told};
use crate::shape::{self, DataType};

/// The times between signs of life that an adapter may ask for.
const HEARTBEATS: std::ops::RangeInclusive<u64> = 100..=600_000;

impl Session<'_> {
    /// Whether a line belongs to an asset, which is left out.
    pub(super) fn in_asset(&mut self, line: &str) -> bool {
        let Some((mark, left)) = &mut self.asset else {
            return false;
        };
        *left -= 1;
        if *left == 0 || line.trim() == mark.as_str() {
            self.asset = None;
        }
        true
    }

    pub(super) fn pong(&mut self, time: Option<u64>) {
        let (least, most) = (*HEARTBEATS.start(), *HEARTBEATS.end());
        if let Some(time) = time {
            self.heartbeat = Some(Duration::from_millis(time.clamp(least, most)));
        }
        // It lives, and would have said what has changed.
        let told = self.told.iter().enumerate().filter(|(_, told)| **told);
        let points: Vec<PointId> = told.map(|(index, _)| shape::point(index)).collect();
        self.io.confirm(&points);
    }

    pub(super) fn data(&mut self, at: Option<Timestamp>, fields: &[String]) {
        if at.is_none() {
            self.io.statistics().failed("no_time");
        }
        let first = self.find(&fields[0]);
        let Some(index) = first.first() else {
            if said::looks_like_condition(fields) {
                return;
            }
            return self.pairs(at, fields);
        };
        match self.bindings.data_type(*index) {
            DataType::Condition | DataType::Level => self.condition(&first, at, fields),
            DataType::Message => self.message(&first, at, fields),
            DataType::TimeSeries => self.series(&first, at, fields),
            DataType::Event | DataType::Sample | DataType::Vector => self.pairs(at, fields),
        }
    }

    /// The bindings of a key: with its device, or without where the endpoint names none.
    fn find(&self, key: &str) -> Vec<usize> {
        let whole = self.bindings.of(key);
        let part = match key.rsplit_once(':') {
            Some((_, part)) => self.bindings.of(part),
            None => &[],
        };
        whole.iter().chain(part).copied().collect()
    }

    fn pairs(&mut self, at: Option<Timestamp>, fields: &[String]) {
        for pair in fields.chunks(2) {
            let [key, text] = pair else {
                self.io.statistics().failed("malformed");
                return;
            };
            for index in self.find(key) {
                let data_type = self.bindings.data_type(index);
                let is_plain = matches!(
                    data_type,
                    DataType::Event | DataType::Sample | DataType::Vector
                );
                // Conditions and messages have lines of their own: between others their parts
                // cannot be told from keys.
                let reading = match is_plain || shape::is_unavailable(text) {
                    true => self.bindings.value(index, text, at),
                    false => shape::reading(index, None, at),
                };
                self.push(index, reading);
            }
        }
    }

    fn condition(&mut self, of: &[usize], at: Option<Timestamp>, fields: &[String]) {
        let part = |at: usize| fields.get(at).map(String::as_str).unwrap_or_default();
        let Some(level) = Level::parse(part(1)) else {
            self.io.statistics().failed("malformed");
            return self.fail(of, at);
        };
        let told = Told {
            level,
            code: part(2),
            severity: part(3),
            qualifier: part(4),
            text: part(5),
        };
        for index in of {
            let reading = match self.bindings.data_type(*index).is_condition() {
                true => self.bindings.condition(*index, &told, at),
                false => shape::reading(*index, None, at),
            };
            self.push(*index, reading);
        }
    }

    fn message(&mut self, of: &[usize], at: Option<Timestamp>, fields: &[String]) {
        let part = |at: usize| fields.get(at).map(String::as_str).unwrap_or_default();
        let (code, text) = match fields.len() {
            2 => ("", part(1)),
            _ => (part(1), part(2)),
        };
        for index in of {
            let reading = match shape::is_unavailable(text) {
                true => shape::unavailable(*index, at),
                false => {
                    let value = serde_json::json!({ "code": code, "text": text }).to_string();
                    let value = Value::Json(value.into());
                    shape::reading(*index, Some(value), at)
                }
            };
            self.push(*index, reading);
        }
    }

    fn series(&mut self, of: &[usize], at: Option<Timestamp>, fields: &[String]) {
        // Count and rate stand before the numbers.
        let text = match fields {
            [_, text] | [_, _, _, text, ..] => text,
            _ => return self.fail(of, at),
        };
        for index in of {
            let reading = self.bindings.value(*index, text, at);
            self.push(*index, reading);
        }
    }

    fn fail(&mut self, of: &[usize], at: Option<Timestamp>) {
        for index in of {
            self.push(*index, shape::reading(*index, None, at));
        }
    }

    pub(super) fn push(&mut self, index: usize, reading: Reading) {
        if reading.quality.reason == Reason::BadType {
            self.io.statistics().failed("unexpected_value");
            if !self.told[index] {
                let (place, item) = (self.place.as_str(), index);
                tracing::warn!(
                    place,
                    item,
                    "not of its type: set the endpoint's `dataType`"
                );
            }
        }
        self.told[index] = true;
        self.readings.push(reading);
    }
}
