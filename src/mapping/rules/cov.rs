//! `cov`: only what changed passes.

use jsonata_core::value::JValue;
use mainstem_service::{CovRule, DeadbandMode};

use super::memory::PerTopic;

/// What passed last, for each topic.
#[derive(Debug, Default)]
pub(super) struct Cov {
    last: PerTopic<Option<JValue>>,
}

impl Cov {
    /// Whether a message passes; it is the last one then.
    pub(super) fn passes(&mut self, rule: &CovRule, topic: &str, value: &JValue) -> bool {
        let now = field(value, &rule.key).unwrap_or(JValue::Null);
        let last = self.last.of(topic);
        let passes = match last {
            None => true,
            Some(before) => differs(rule, before, &now),
        };
        if passes {
            *last = Some(now);
        }
        passes
    }
}

fn field(value: &JValue, key: &str) -> Option<JValue> {
    let found = key
        .split('.')
        .try_fold(value, |value, part| value.get(part));
    found.cloned()
}

/// A number by more than the deadband, anything else at all.
fn differs(rule: &CovRule, before: &JValue, now: &JValue) -> bool {
    let (Some(old), Some(new), Some(deadband)) = (before.as_f64(), now.as_f64(), rule.deadband)
    else {
        return before != now;
    };
    let limit = match rule.deadband_mode {
        DeadbandMode::Absolute => deadband,
        DeadbandMode::Relative => old.abs() * deadband / 100.0,
    };
    (new - old).abs() > limit
}
