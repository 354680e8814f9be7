//! `burst`: messages gathered to a list.

use jsonata_core::value::JValue;
use mainstem_model::Monotonic;
use mainstem_service::BurstRule;

use super::Fault;
use super::message::{Context, object_of, write_json};
use crate::limits::{BURST_MAX, OUTPUT_BYTES_MAX};

/// What was gathered so far.
#[derive(Debug, Default)]
pub(super) struct Burst {
    gathered: Vec<JValue>,
    bytes: usize,
    due: Option<Monotonic>,
    context: Context,
}

/// What becomes of a message.
#[derive(Debug)]
pub(super) enum Gathering {
    /// The rule does nothing: it passes as it is.
    Passes,
    /// It waits with others.
    Waits,
    /// It was the last of a batch, which is this.
    Full(JValue),
}

impl Burst {
    /// When the batch that waits has to go.
    pub(super) fn due(&self) -> Option<Monotonic> {
        self.due
    }

    /// Takes a message in.
    pub(super) fn take(
        &mut self,
        rule: &BurstRule,
        value: &JValue,
        context: &Context,
        now: Monotonic,
    ) -> Result<Gathering, Fault> {
        if rule.interval.is_none() && rule.max_size.is_none() {
            return Ok(Gathering::Passes);
        }
        let item = stamped(value, context.wall_ms);
        self.bytes += write_json("burst", &item)?.len();
        self.context = context.clone();
        if self.gathered.is_empty() {
            self.due = rule.interval.map(|interval| now.after(interval));
        }
        self.gathered.push(item);
        let most = rule.max_size.map_or(BURST_MAX, |most| most as usize);
        // Half of what may be published leaves room for what later rules make of it.
        let is_full = self.gathered.len() >= most || self.bytes > OUTPUT_BYTES_MAX / 2;
        Ok(match is_full {
            true => Gathering::Full(self.empty().0),
            false => Gathering::Waits,
        })
    }

    /// The batch, with the context of its last message, if it is due.
    pub(super) fn ripe(&mut self, now: Monotonic) -> Option<(JValue, Context)> {
        let due = self.due.filter(|due| *due <= now);
        due.map(|_| self.empty())
    }

    fn empty(&mut self) -> (JValue, Context) {
        self.bytes = 0;
        self.due = None;
        let batch = JValue::from(std::mem::take(&mut self.gathered));
        (batch, std::mem::take(&mut self.context))
    }
}

/// A payload with its time: its own `timestamp`, else that of its arrival.
fn stamped(value: &JValue, wall_ms: i64) -> JValue {
    match value.get("timestamp") {
        Some(_) => value.clone(),
        None => object_of([
            ("timestamp".to_owned(), JValue::from(wall_ms)),
            ("value".to_owned(), value.clone()),
        ]),
    }
}

/// The longest that a batch waits, of some rules.
pub(super) fn earliest(dues: impl Iterator<Item = Option<Monotonic>>) -> Option<Monotonic> {
    dues.flatten().min()
}
