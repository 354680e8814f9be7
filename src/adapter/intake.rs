//! From readings to samples: scaling, types, times, and what did not change stays at home.

use std::sync::Arc;

use mainstem_model::{Clock, Quality, Reason, Sample};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::rule::Rule;
use crate::slot::{Moment, Slot, Word};
use crate::source_trust::SourceTrust;
use crate::{Output, PointId, Reading, SiteAdapter, Statistics};

/// Takes what sessions report and hands it to the site. Everything that goes to the site goes
/// through its one lock, which is never held across an await.
pub(crate) struct Intake {
    pub(crate) site: Arc<dyn SiteAdapter>,
    clock: Arc<dyn Clock>,
    statistics: Arc<Statistics>,
    pub(crate) rules: Box<[Rule]>,
    /// The points with `stale_after` or `life`, so that nobody walks over all of them.
    pub(crate) supervised: Box<[u32]>,
    pub(crate) state: Mutex<IntakeState>,
    /// Told when a session came online or a sub-source came back: there is more to supervise.
    pub(crate) watch_again: Notify,
}

pub(crate) struct IntakeState {
    /// The session whose word counts. A task that an aborted session left behind is not heard.
    session: Option<u64>,
    pub(crate) is_online: bool,
    pub(crate) slots: Vec<Slot>,
    pub(crate) trust: SourceTrust,
    pub(crate) batch: Vec<(PointId, Sample)>,
}

impl Intake {
    pub(crate) fn new(
        site: Arc<dyn SiteAdapter>,
        clock: Arc<dyn Clock>,
        statistics: Arc<Statistics>,
        rules: Box<[Rule]>,
        devices: usize,
    ) -> Self {
        let is_supervised = |rule: &Rule| rule.stale_after.is_some() || rule.life.is_some();
        let supervised = (0_u32..)
            .zip(&rules)
            .filter(|(_, rule)| is_supervised(rule));
        let state = IntakeState {
            session: None,
            is_online: false,
            slots: vec![Slot::default(); rules.len()],
            trust: SourceTrust::new(devices),
            batch: Vec::new(),
        };
        Self {
            site,
            clock,
            statistics,
            supervised: supervised.map(|(index, _)| index).collect(),
            rules,
            state: Mutex::new(state),
            watch_again: Notify::new(),
        }
    }

    /// From now on this session is heard, and nothing that was said before it counts.
    pub(crate) fn open(&self, session: u64) {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        state.session = Some(session);
        state.is_online = false;
        state.trust.expect_nothing();
        self.expect(state, |_| true);
        state.trust.settle(&*self.site);
    }

    /// Awaits the readable datapoints whose device is wanted.
    fn expect(&self, state: &mut IntakeState, wanted: impl Fn(Option<usize>) -> bool) {
        let now = self.clock.monotonic();
        for (slot, rule) in state.slots.iter_mut().zip(&self.rules) {
            if rule.is_readable && wanted(rule.device) {
                slot.expect(now);
                state.trust.expect(rule.device);
            }
        }
    }

    /// From now on no session is heard, and the adapter's source has this quality.
    pub(crate) fn close(&self, quality: Quality) {
        let mut state = self.state.lock();
        state.session = None;
        state.is_online = false;
        state.trust.connection(&*self.site, quality);
    }

    /// The time of patience is over: the adapter's source is bad, unless a session came online.
    pub(crate) fn give_up(&self) {
        let mut state = self.state.lock();
        if !state.is_online {
            state
                .trust
                .connection(&*self.site, Quality::of(Reason::AdapterDown));
        }
    }

    /// The trust in the adapter's source or in a sub-source, as the site was told.
    pub(crate) fn quality(&self, device: Option<usize>) -> Quality {
        self.state.lock().trust.quality(device)
    }

    /// The session is up; `and_then` runs under the same lock, so that nothing comes between.
    fn online(&self, session: u64, and_then: impl FnOnce()) {
        let mut state = self.state.lock();
        if state.session != Some(session) || state.is_online {
            return;
        }
        state.is_online = true;
        let now = self.clock.monotonic();
        // The time without a session is not the datapoints' fault.
        for &index in &self.supervised {
            let slot = &mut state.slots[index as usize];
            (slot.confirmed, slot.changed) = (now, now);
        }
        for slot in &mut state.slots {
            slot.awaited_since = now;
        }
        state.trust.thaw(&*self.site);
        state.trust.connection(&*self.site, Quality::GOOD);
        and_then();
        drop(state);
        self.watch_again.notify_one();
    }

    fn emit(&self, session: u64, readings: &mut Vec<Reading>) {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        if state.session != Some(session) {
            readings.clear();
            return;
        }
        let moment = Moment {
            wall: self.clock.now(),
            monotonic: self.clock.monotonic(),
        };
        for reading in readings.drain(..) {
            let index = reading.point.0 as usize;
            let (Some(slot), Some(rule)) = (state.slots.get_mut(index), self.rules.get(index))
            else {
                self.statistics.failed("unknown_point");
                continue;
            };
            if reading.value.is_some() {
                state.trust.vouched(rule.device);
            }
            if slot.word == Word::Awaited {
                state.trust.heard(rule.device);
            }
            let (point, has_value) = (reading.point, reading.value.is_some());
            if let Some(sample) = slot.take(reading, rule, &moment) {
                // Where an adapter found the wrong type it has counted that itself.
                if has_value && sample.value.is_none() && sample.quality.reason == Reason::BadType {
                    self.statistics.failed("bad_type");
                }
                state.batch.push((point, sample));
            }
        }
        self.apply(state);
        state.trust.settle(&*self.site);
        state.trust.confirm(&*self.site);
    }

    pub(crate) fn apply(&self, state: &mut IntakeState) {
        if !state.batch.is_empty() {
            self.site.apply(&mut state.batch);
            state.batch.clear();
        }
    }

    fn confirm(&self, session: u64, points: &[PointId]) {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        if state.session != Some(session) {
            return;
        }
        let now = self.clock.monotonic();
        for point in points {
            let index = point.0 as usize;
            let (Some(slot), Some(rule)) = (state.slots.get_mut(index), self.rules.get(index))
            else {
                continue;
            };
            // Nobody can vouch for what was not said in this session.
            if slot.word != Word::Given {
                continue;
            }
            state.trust.vouched(rule.device);
            if let Some(sample) = slot.confirm(now) {
                state.batch.push((*point, sample));
            }
        }
        self.apply(state);
        state.trust.confirm(&*self.site);
    }

    fn device(&self, session: u64, device: usize, quality: Quality) {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        if state.session != Some(session) {
            return;
        }
        let is_back = quality.is_good() && !state.trust.is_reported_good(Some(device));
        if is_back {
            state.trust.expect_nothing_of(device);
            self.expect(state, |of| of == Some(device));
        }
        state.trust.device(&*self.site, device, quality);
        drop(guard);
        if is_back {
            self.watch_again.notify_one();
        }
    }
}

/// One session's door to the intake.
pub(crate) struct SessionOutput<F> {
    pub(crate) intake: Arc<Intake>,
    pub(crate) session: u64,
    /// What else has to happen when it comes online.
    pub(crate) on_online: F,
}

impl<F: Fn() + Send + Sync> Output for SessionOutput<F> {
    fn online(&self) {
        self.intake.online(self.session, &self.on_online);
    }

    fn emit(&self, readings: &mut Vec<Reading>) {
        self.intake.emit(self.session, readings);
    }

    fn device(&self, device: usize, quality: Quality) {
        self.intake.device(self.session, device, quality);
    }

    fn confirm(&self, points: &[PointId]) {
        self.intake.confirm(self.session, points);
    }
}

#[cfg(test)]
mod tests;
