//! How often datapoints were written lately.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use mainstem_model::quantity::show_duration;
use mainstem_model::{Monotonic, Name};

use super::RateConfig;

/// Datapoints whose writes are counted at one time.
const COUNTED_MAX: usize = 16_384;

/// The moments of the last writes by datapoint: no more of them than its rate asks for.
#[derive(Default)]
pub(super) struct Recent {
    writes: HashMap<Name, Counted>,
}

struct Counted {
    /// The oldest first.
    at: VecDeque<Monotonic>,
    /// For how long they matter.
    per: Duration,
}

impl Recent {
    /// Why a datapoint cannot be written now, if it cannot.
    pub(super) fn look(
        &mut self,
        name: &Name,
        rate: &RateConfig,
        now: Monotonic,
    ) -> Result<(), String> {
        let Some(counted) = self.writes.get(name) else {
            return self.room(now);
        };
        let within = |at: &&Monotonic| now.since(**at) < rate.per;
        let recent = counted.at.iter().filter(within).count();
        if recent < rate.writes as usize {
            return Ok(());
        }
        let (per, writes) = (show_duration(rate.per), rate.writes);
        let plural = if writes == 1 { "write" } else { "writes" };
        Err(format!(
            "it lets {writes} {plural} within {per} pass, and there were as many"
        ))
    }

    /// Whether one more datapoint can be counted: what cannot be counted cannot be allowed.
    fn room(&mut self, now: Monotonic) -> Result<(), String> {
        if self.writes.len() >= COUNTED_MAX {
            self.writes.retain(|_, counted| {
                let last = counted.at.back();
                last.is_some_and(|at| now.since(*at) < counted.per)
            });
        }
        if self.writes.len() < COUNTED_MAX {
            return Ok(());
        }
        Err(format!(
            "the writes of more than {COUNTED_MAX} datapoints are being counted"
        ))
    }

    /// Counts a write that [`look`](Self::look) allowed.
    pub(super) fn count(&mut self, name: &Name, rate: &RateConfig, now: Monotonic) {
        let counted = self.writes.entry(name.clone()).or_insert_with(|| Counted {
            at: VecDeque::new(),
            per: rate.per,
        });
        counted.per = rate.per;
        counted.at.push_back(now);
        while counted.at.len() > rate.writes as usize {
            counted.at.pop_front();
        }
    }
}
