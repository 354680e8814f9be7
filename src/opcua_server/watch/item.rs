//! One monitored item, and how a change is told so that the library lets it through as it is.

use std::time::Duration;

use opcua::server::MonitoredItemHandle;
use opcua::server::authenticator::UserToken;
use opcua::types::{DataValue, StatusCode, Variant};
use tokio::time::Instant;

/// What the library keeps back because it came too soon after another, by their source times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeldBack {
    /// Nothing.
    Nothing,
    /// What comes within so many ticks of 100 ns.
    Within(i64),
    /// Everything.
    Everything,
}

/// One monitored item.
pub(super) struct Item {
    pub(super) handle: MonitoredItemHandle,
    pub(super) user: UserToken,
    /// The time between two samples.
    pub(super) interval: Duration,
    /// What the library would keep back by an interval of its own.
    pub(super) held_back: HeldBack,
    /// Whether the library compares values only.
    pub(super) is_unfiltered: bool,
    pub(super) is_on: bool,
    /// When it may be sampled again.
    pub(super) due: Instant,
    /// Whether the next sample is told even if it is the same.
    pub(super) is_anew: bool,
    /// What was handed over last.
    pub(super) last: DataValue,
}

impl Item {
    /// What is handed over for a sample: nothing, the sample, or something before it that makes
    /// the library take the sample as it is.
    pub(super) fn take(&mut self, mut now: DataValue) -> Vec<DataValue> {
        if std::mem::take(&mut self.is_anew) {
            self.last = now.clone();
            return vec![room(), now];
        }
        let is_bad = now.status.is_some_and(|status| status.is_bad());
        let same_value = now.value == self.last.value
            || is_nothing(now.value.as_ref()) && is_nothing(self.last.value.as_ref());
        let same_status = now.status == self.last.status;
        let same_time = now.source_timestamp == self.last.source_timestamp;
        if same_value && same_status && same_time {
            return Vec::new();
        }
        if is_bad && same_value {
            // Two ways to say that there is no value: the library sees a change, a client none.
            now.value = match self.last.value {
                None => Some(Variant::Empty),
                Some(_) => None,
            };
        }
        if is_bad {
            // What is bad was so at no moment of the device, and is never kept back.
            now.source_timestamp = None;
        }
        let is_too_soon = match (self.last.source_timestamp, now.source_timestamp) {
            (Some(before), Some(at)) => self.held_back.is_too_soon(at.ticks() - before.ticks()),
            _ => false,
        };
        // Without a filter the library compares values only; what is bad differs in its way.
        let is_overlooked = self.is_unfiltered && same_value && !same_status && !is_bad;
        let is_news = !same_value || !same_status;
        if !is_news && self.is_unfiltered {
            // A new time alone is no change, unless the client's filter says so.
            self.last.source_timestamp = self.last.source_timestamp.max(now.source_timestamp);
            return Vec::new();
        }
        self.last = now.clone();
        if (is_too_soon || is_overlooked) && is_news {
            vec![room(), now]
        } else {
            vec![now]
        }
    }
}

impl HeldBack {
    fn is_too_soon(self, ticks: i64) -> bool {
        match self {
            Self::Nothing => ticks < 0,
            Self::Within(interval) => ticks < interval,
            Self::Everything => true,
        }
    }
}

fn is_nothing(value: Option<&Variant>) -> bool {
    value.is_none_or(|value| *value == Variant::Empty)
}

/// What differs from everything and has no time: the library takes it at once, and anything after
/// it. In a queue of one it is gone before it is sent.
fn room() -> DataValue {
    DataValue {
        value: None,
        status: Some(StatusCode::GoodNoData),
        ..DataValue::default()
    }
}

#[cfg(test)]
mod tests;
