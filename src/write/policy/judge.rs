//! One policy against one write. Pure: no clock, no store.

use std::time::Duration;

use mainstem_model::quantity::show_duration;
use mainstem_model::{Limits, Monotonic, Name, Quality, Timestamp, Value};

use super::{Expected, InterlockConfig, PolicyConfig};
use crate::check::shown;

/// What somebody wants.
pub(crate) struct Wish<'a> {
    /// The datapoint.
    pub(crate) name: &'a Name,
    /// What it was called before: the policies of those names hold too.
    pub(crate) former: &'a [Name],
    /// Its new value.
    pub(crate) value: &'a Value,
    /// How long it is to have it, if not for good.
    pub(crate) pulse: Option<Duration>,
}

/// A datapoint that an interlock looks at.
pub(crate) struct Live {
    /// The last value, if there has been one.
    pub(crate) value: Option<Value>,
    /// How far it can be trusted.
    pub(crate) quality: Quality,
}

/// When it is.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    pub(super) wall: Timestamp,
    pub(super) monotonic: Monotonic,
}

/// What a policy has against a write, apart from its rate.
pub(super) fn judge(
    policy: &PolicyConfig,
    wish: &Wish<'_>,
    live: &dyn Fn(&str) -> Option<Live>,
    at: Moment,
) -> Result<(), String> {
    range(policy, wish.value)?;
    if let Some(why) = policy.window.as_ref().and_then(|w| w.refuses(at.wall)) {
        return Err(why);
    }
    interlock(policy, live)?;
    pulse(policy, wish.pulse)
}

fn range(policy: &PolicyConfig, value: &Value) -> Result<(), String> {
    let Some(range) = &policy.range else {
        return Ok(());
    };
    let limits = Limits {
        min: range.min,
        max: range.max,
    };
    if limits.allow(value) {
        return Ok(());
    }
    let range = crate::check::range(&limits);
    Err(format!("{} is outside {range}", shown(value)))
}

/// What the interlock of a policy says now. In doubt it refuses.
pub(super) fn interlock(
    policy: &PolicyConfig,
    live: &dyn Fn(&str) -> Option<Live>,
) -> Result<(), String> {
    let Some(lock) = &policy.interlock else {
        return Ok(());
    };
    let name = &lock.datapoint;
    let Some(found) = live(name.as_str()) else {
        return Err(format!("there is no interlock datapoint {name}"));
    };
    if !found.quality.is_good() {
        let (status, reason) = (found.quality.status.as_str(), found.quality.reason.as_str());
        return Err(format!(
            "the interlock {name} is not good: {status}, {reason}"
        ));
    }
    let Some(value) = found.value else {
        return Err(format!("the interlock {name} has no value"));
    };
    if holds(lock, &value) {
        return Ok(());
    }
    let value = shown(&value);
    let wanted = match &lock.is {
        Some(is) => format!("has to be {is}"),
        None => {
            let limits = Limits {
                min: lock.min,
                max: lock.max,
            };
            format!("has to be within {}", crate::check::range(&limits))
        }
    };
    Err(format!("the interlock {name} is {value} and {wanted}"))
}

fn holds(lock: &InterlockConfig, value: &Value) -> bool {
    match (&lock.is, value) {
        (Some(Expected::Flag(flag)), Value::Bool(found)) => flag == found,
        (Some(Expected::Text(text)), Value::Text(found)) => **found == **text,
        (Some(Expected::Number(_)), Value::Bool(_)) => false,
        (Some(Expected::Number(number)), found) => {
            found.as_f64().is_some_and(|found| found == *number)
        }
        (Some(_), _) => false,
        (None, found) => {
            let number = found.as_f64();
            number.is_some_and(|number| {
                lock.min.is_none_or(|min| number >= min) && lock.max.is_none_or(|max| number <= max)
            })
        }
    }
}

fn pulse(policy: &PolicyConfig, pulse: Option<Duration>) -> Result<(), String> {
    let Some(pulse) = pulse else {
        return Ok(());
    };
    let Some(rule) = policy.pulse else {
        return Err("it allows no pulses".to_owned());
    };
    let longest = rule.longest();
    if pulse <= longest {
        return Ok(());
    }
    let (pulse, longest) = (show_duration(pulse), show_duration(longest));
    Err(format!(
        "a pulse of {pulse} is longer than the {longest} that it allows"
    ))
}
