//! A site that writes down what it is told, and can be waited on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{Quality, Sample, Value};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::{AdapterState, Installation, Point, PointId, Site, SiteAdapter, Standing};

/// What a witness keeps of samples and standings; older ones make room.
const KEPT_MAX: usize = 10_000;

/// A site for one adapter that remembers everything.
#[derive(Clone, Default)]
pub struct Witness {
    seat: Arc<Seat>,
}

#[derive(Default)]
struct Seat {
    observed: Mutex<Observed>,
    changed: Notify,
}

/// What was told so far.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// The datapoints as they were defined.
    pub points: Vec<Point>,
    /// The latest of each datapoint; its value is the last one that came.
    pub latest: BTreeMap<PointId, Sample>,
    /// All samples in their order.
    pub samples: Vec<(PointId, Sample)>,
    /// The trust in the adapter's source (`None`) and its sub-sources.
    pub statuses: BTreeMap<Option<usize>, Quality>,
    /// All statuses in their order.
    pub status_history: Vec<(Option<usize>, Quality)>,
    /// All states in their order.
    pub standings: Vec<Standing>,
    /// How often a source was confirmed.
    pub confirmations: BTreeMap<Option<usize>, usize>,
    /// Datapoints that nobody has to be able to tell.
    pub unsure: Vec<PointId>,
    /// Calls of any sort.
    pub calls: usize,
}

impl Witness {
    /// One that has seen nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What was told so far.
    pub fn observed(&self) -> Observed {
        self.seat.observed.lock().clone()
    }

    /// Waits until what was observed yields something; panics with `what` when it takes too long.
    pub async fn until<T>(
        &self,
        what: &str,
        limit: Duration,
        mut look: impl FnMut(&Observed) -> Option<T>,
    ) -> T {
        let search = async {
            loop {
                let changed = self.seat.changed.notified();
                let found = look(&self.seat.observed.lock());
                if let Some(found) = found {
                    return found;
                }
                changed.await;
            }
        };
        let found = tokio::time::timeout(limit, search).await;
        found.unwrap_or_else(|_| {
            let observed = self.observed();
            panic!(
                "not within {limit:?}: {what}; statuses {:?}, last state {:?}, latest {:?}",
                observed.statuses,
                observed.standings.last(),
                observed.latest
            )
        })
    }

    pub(super) fn leave_out(&self, names: &[&str]) {
        let mut observed = self.seat.observed.lock();
        observed.unsure = names
            .iter()
            .filter_map(|name| observed.find(name))
            .collect();
    }

    /// Waits for a state.
    pub async fn until_state(&self, state: AdapterState, limit: Duration) {
        let is_there = |seen: &Observed| {
            seen.standings
                .last()
                .is_some_and(|last| last.state == state)
        };
        self.until(state.as_str(), limit, |seen| is_there(seen).then_some(()))
            .await;
    }
}

impl Observed {
    /// A datapoint's index by its name.
    pub fn find(&self, name: &str) -> Option<PointId> {
        let index = self.points.iter().position(|point| point.name == name)?;
        u32::try_from(index).ok().map(PointId)
    }

    /// A datapoint's quality as a reader would see it: the worst of its own and its sources'.
    /// `None` before the first sample.
    pub fn quality(&self, point: PointId) -> Option<Quality> {
        let own = self.latest.get(&point)?.quality;
        let device = self.points.get(point.0 as usize)?.device;
        let of = |source: Option<usize>| self.statuses.get(&source).copied().unwrap_or_default();
        let hung = device.map_or(Quality::GOOD, |device| of(Some(device)));
        Some(own.worse(hung).worse(of(None)))
    }

    /// A datapoint's last value by its name.
    pub fn value(&self, name: &str) -> Option<Value> {
        self.latest.get(&self.find(name)?)?.value.clone()
    }
}

impl Site for Witness {
    fn define(&self, installation: &Installation<'_>) -> Arc<dyn SiteAdapter> {
        self.seat.observed.lock().points = installation.points.to_vec();
        Arc::clone(&self.seat) as Arc<dyn SiteAdapter>
    }
}

impl Seat {
    fn note(&self, note: impl FnOnce(&mut Observed)) {
        let mut observed = self.observed.lock();
        observed.calls += 1;
        note(&mut observed);
        drop(observed);
        self.changed.notify_waiters();
    }
}

impl SiteAdapter for Seat {
    fn apply(&self, batch: &mut Vec<(PointId, Sample)>) {
        self.note(|observed| {
            for (point, sample) in batch.drain(..) {
                let value = observed
                    .latest
                    .get(&point)
                    .and_then(|last| last.value.clone());
                let value = sample.value.clone().or(value);
                observed.latest.insert(
                    point,
                    Sample {
                        value,
                        ..sample.clone()
                    },
                );
                keep(&mut observed.samples, (point, sample));
            }
        });
    }

    fn status(&self, device: Option<usize>, quality: Quality) {
        self.note(|observed| {
            observed.statuses.insert(device, quality);
            keep(&mut observed.status_history, (device, quality));
        });
    }

    fn confirm(&self, device: Option<usize>) {
        self.note(|observed| *observed.confirmations.entry(device).or_default() += 1);
    }

    fn standing(&self, standing: &Standing) {
        self.note(|observed| keep(&mut observed.standings, standing.clone()));
    }
}

fn keep<T>(list: &mut Vec<T>, item: T) {
    if list.len() == KEPT_MAX {
        list.remove(0);
    }
    list.push(item);
}
