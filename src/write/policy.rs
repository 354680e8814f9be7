//! Write policies: what the owner lets a write do, beside rights, type and limits. The first
//! policy whose patterns fit a datapoint counts, and only that one.

mod config;
mod judge;
mod rate;
mod window;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{Clock, Name, Value};
use parking_lot::Mutex;

pub use config::{
    ConfigFault, Expected, InterlockConfig, PolicyConfig, PulseRule, RangeConfig, RateConfig,
};
pub use window::{Day, TimeOfDay, WindowConfig, Zone};

pub(crate) use judge::{Live, Wish};

use judge::{Moment, judge};
use rate::Recent;

/// The longest pulse that any policy allows.
pub const PULSE_MAX: Duration = Duration::from_secs(600);
/// The shortest pulse: less is not kept by any device.
pub const PULSE_MIN: Duration = Duration::from_millis(10);

/// The policies of a node, and what they count.
#[derive(Default)]
pub(crate) struct Policies {
    list: Mutex<Arc<[PolicyConfig]>>,
    recent: Mutex<Recent>,
}

/// What was decided, and by which policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing speaks against it; the text names the policy that was asked, if one fits.
    Allowed(String),
    /// Why not, with the policy's name.
    Refused(String),
}

impl Policies {
    /// Takes over changed policies. What was counted stays counted.
    pub(crate) fn replace(&self, list: Vec<PolicyConfig>) {
        *self.list.lock() = list.into();
    }

    /// Decides over a write that is about to be carried out, and counts it if it is allowed.
    pub(crate) fn admit(
        &self,
        wish: &Wish<'_>,
        live: &dyn Fn(&str) -> Option<Live>,
        clock: &dyn Clock,
    ) -> Verdict {
        self.decide(wish, live, clock, true)
    }

    /// What [`admit`](Self::admit) would say; nothing is counted.
    pub(crate) fn look(
        &self,
        wish: &Wish<'_>,
        live: &dyn Fn(&str) -> Option<Live>,
        clock: &dyn Clock,
    ) -> Verdict {
        self.decide(wish, live, clock, false)
    }

    fn decide(
        &self,
        wish: &Wish<'_>,
        live: &dyn Fn(&str) -> Option<Live>,
        clock: &dyn Clock,
        counts: bool,
    ) -> Verdict {
        let list = Arc::clone(&*self.list.lock());
        let found = fitting(&list, wish.name, wish.former);
        let Some((index, policy)) = found.first().copied() else {
            return match wish.pulse {
                Some(_) => Verdict::Refused(format!(
                    "no policy of this node allows pulses of {}",
                    wish.name
                )),
                None => Verdict::Allowed("no policy is for it".to_owned()),
            };
        };
        let label = policy.label(index);
        let at = Moment {
            wall: clock.now(),
            monotonic: clock.monotonic(),
        };
        // Looked at and counted under one lock, so that two writes cannot share the last place.
        let mut recent = self.recent.lock();
        for (index, policy) in &found {
            let judged = judge(policy, wish, live, at)
                .and_then(|()| rate(policy, &mut recent, wish.name, at, false));
            if let Err(why) = judged {
                let label = policy.label(*index);
                return Verdict::Refused(format!("{label} refuses: {why}"));
            }
        }
        let counting = found
            .iter()
            .filter(|(_, policy)| counts && policy.rate.is_some());
        // Where policies of two names count, the one that remembers more keeps the moments.
        let longest = counting.max_by_key(|(_, p)| p.rate.as_ref().map(|r| (r.writes, r.per)));
        let counted = longest.map(|(_, policy)| rate(policy, &mut recent, wish.name, at, true));
        match counted {
            Some(Err(why)) => Verdict::Refused(format!("{label} refuses: {why}")),
            Some(Ok(())) | None => Verdict::Allowed(label),
        }
    }

    /// Whether the interlock of a datapoint still holds, right before its write is handed over.
    pub(crate) fn still(
        &self,
        name: &Name,
        former: &[Name],
        live: &dyn Fn(&str) -> Option<Live>,
    ) -> Result<(), String> {
        let list = Arc::clone(&*self.list.lock());
        fitting(&list, name, former)
            .into_iter()
            .try_for_each(|(index, policy)| {
                judge::interlock(policy, live)
                    .map_err(|why| format!("{} refuses: {why}", policy.label(index)))
            })
    }
}

/// The policies that hold for a datapoint: the first that fits its name, and the first that fits
/// each name that it had. So a rename takes no condition away.
fn fitting<'l>(
    list: &'l [PolicyConfig],
    name: &Name,
    former: &[Name],
) -> Vec<(usize, &'l PolicyConfig)> {
    let mut found: Vec<(usize, &PolicyConfig)> = Vec::new();
    for name in std::iter::once(name).chain(former) {
        let fits = |(_, policy): &(usize, &PolicyConfig)| policy.matches.allows(name.as_str());
        let first = list.iter().enumerate().find(fits);
        found.extend(first.filter(|(index, _)| found.iter().all(|(known, _)| known != index)));
    }
    found
}

fn rate(
    policy: &PolicyConfig,
    recent: &mut Recent,
    name: &Name,
    at: Moment,
    counts: bool,
) -> Result<(), String> {
    let Some(rate) = &policy.rate else {
        return Ok(());
    };
    recent.look(name, rate, at.monotonic)?;
    if counts {
        recent.count(name, rate, at.monotonic);
    }
    Ok(())
}

/// What a pulse goes back to: the opposite of a bool, and 0 of a number.
pub(crate) fn rest_of(value: &Value) -> Option<Value> {
    let rest = match value {
        Value::Bool(on) => Value::Bool(!on),
        Value::Int(_) => Value::Int(0),
        Value::UInt(_) => Value::UInt(0),
        Value::F32(_) => Value::F32(0.0),
        Value::F64(_) => Value::F64(0.0),
        _ => return None,
    };
    (rest != *value).then_some(rest)
}
