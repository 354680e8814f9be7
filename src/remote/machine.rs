//! The state of one link. Pure: told what happened and what the clock shows, it says what to do.

mod poll;
mod quality;
mod state;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use mainstem_model::{Monotonic, Quality};
use mainstem_wire::{Beat, BeatAnswer, HelloFrame};

use crate::clock::OffsetWindow;
use crate::timing::Timing;

pub use state::LinkState;

/// Heads remembered while they are not applied; more than a link can be degraded for matters not.
const MARKS_MAX: usize = 64;

/// What the link's driver has to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Open a connection and a stream.
    Dial,
    /// Close the connection, for this reason.
    Hang(String),
    /// Post a beat.
    Beat(Beat),
    /// Set the state of the link's source.
    Status(Quality),
    /// Everything at the remote is known here now, or no longer.
    Complete(bool),
    /// A link further down is silent for too long, or no longer: the source's number there.
    Suspect(u32, bool),
}

/// One link.
#[derive(Debug)]
pub struct LinkMachine {
    timing: Timing,
    /// Whether the link is polled: its streams end when they are at the head.
    in_rounds: bool,
    /// When a polled link's last round was complete.
    polled: Option<Monotonic>,
    /// Why the connection has to be closed.
    hang: Option<String>,
    state: LinkState,
    cause: String,
    /// Since when people see it so: trying and failing again is one outage.
    since: Monotonic,
    /// Since when it is in this state.
    entered: Monotonic,
    /// When something last came from the remote.
    heard: Option<Monotonic>,
    /// Since when the link's datapoints are uncertain.
    uncertain: Option<Monotonic>,
    next_try: Monotonic,
    next_beat: Monotonic,
    tries: u32,
    /// When the open stream's hello came.
    opened: Monotonic,
    head: u64,
    goal: u64,
    applied: u64,
    /// Heads that the remote told and that are not applied yet, and when they were asked for.
    marks: VecDeque<(u64, Monotonic)>,
    session: u64,
    status: Option<Quality>,
    quiet: HashMap<u32, Quiet>,
    offset: OffsetWindow,
    /// Whether the remote got an estimate of how the clocks map, without which it times no write.
    is_timed: bool,
    /// Whether what comes is in doubt because of the remote's clock.
    doubts_clock: bool,
}

#[derive(Debug, Clone, Copy)]
struct Quiet {
    heard: Monotonic,
    suspected: bool,
}

impl LinkMachine {
    /// A link that has not been up in this life of the node.
    pub fn new(timing: Timing, in_rounds: bool, now: Monotonic) -> Self {
        Self {
            timing,
            in_rounds,
            polled: None,
            hang: None,
            state: LinkState::Waiting,
            cause: "not connected yet".into(),
            since: now,
            entered: now,
            heard: None,
            uncertain: Some(now),
            next_try: now,
            next_beat: now,
            tries: 0,
            opened: now,
            head: 0,
            goal: 0,
            applied: 0,
            marks: VecDeque::new(),
            session: 0,
            status: None,
            quiet: HashMap::new(),
            offset: OffsetWindow::default(),
            is_timed: false,
            doubts_clock: false,
        }
    }

    /// The state, its cause, and since when.
    pub fn state(&self) -> (LinkState, &str, Monotonic) {
        (self.state, &self.cause, self.since)
    }

    /// When the next try comes, while none is under way.
    pub fn next_try(&self) -> Option<Monotonic> {
        self.is_waiting().then_some(self.next_try)
    }

    /// When something last came from the remote.
    pub fn heard(&self) -> Option<Monotonic> {
        self.heard
    }

    /// Entries that the remote has and this node not yet.
    pub fn lag(&self) -> u64 {
        self.head.saturating_sub(self.applied)
    }

    /// For how long the remote has had something that is not applied here. Each mark is the
    /// moment at which a beat went out whose answer named a head, so the truth is at most a beat
    /// more; before the head of the hello is applied, it counts from the hello.
    pub fn behind(&self, now: Monotonic) -> Duration {
        let asked = self.marks.front().map(|(_, asked)| *asked);
        let begun = (self.applied < self.goal).then_some(self.opened);
        let oldest = asked.into_iter().chain(begun).min();
        oldest.map_or(Duration::ZERO, |oldest| now.since(oldest))
    }

    /// The remote's clocks against ours.
    pub fn offset(&self) -> &OffsetWindow {
        &self.offset
    }

    /// The number of the stream, for beats and writes; 0 while there is none.
    pub fn session(&self) -> u64 {
        if self.is_open() { self.session } else { 0 }
    }

    fn is_waiting(&self) -> bool {
        matches!(
            self.state,
            LinkState::Waiting | LinkState::Refused | LinkState::Resting
        )
    }

    /// Whether the remote can time writes of the open stream.
    pub fn is_timed(&self) -> bool {
        self.is_open() && self.is_timed
    }

    /// Whether a stream is open.
    pub fn is_open(&self) -> bool {
        matches!(
            self.state,
            LinkState::Snapshot | LinkState::Replaying | LinkState::Live | LinkState::Degraded
        )
    }

    /// The stream began.
    pub fn on_hello(&mut self, hello: &HelloFrame, applied: Option<u64>, now: Monotonic) {
        self.heard = Some(now);
        self.opened = now;
        self.session = hello.session;
        self.goal = hello.head;
        self.head = hello.head;
        self.applied = applied.unwrap_or(0);
        self.next_beat = now;
        self.quiet.clear();
        self.marks.clear();
        self.offset = OffsetWindow::default();
        self.is_timed = false;
        let state = if hello.snapshot {
            LinkState::Snapshot
        } else {
            LinkState::Replaying
        };
        self.enter(state, String::new(), now);
        if !hello.snapshot {
            self.on_applied(self.applied, now);
        }
    }

    /// Something came, whatever it was.
    pub fn on_bytes(&mut self, now: Monotonic) {
        self.heard = Some(now);
    }

    /// Everything up to a place is applied.
    pub fn on_applied(&mut self, applied: u64, now: Monotonic) {
        self.applied = self.applied.max(applied);
        self.head = self.head.max(applied);
        while self
            .marks
            .front()
            .is_some_and(|(head, _)| *head <= self.applied)
        {
            self.marks.pop_front();
        }
        self.judge_lag(now);
    }

    /// A beat was answered.
    pub fn on_beat_answer(&mut self, beat: &Beat, answer: &BeatAnswer, now: Monotonic, wall: i64) {
        if beat.session != self.session {
            return;
        }
        self.heard = Some(now);
        self.head = self.head.max(answer.head);
        if answer.head > self.applied && self.marks.len() < MARKS_MAX {
            self.marks
                .push_back((answer.head, Monotonic::from_micros(beat.sent)));
        }
        if self.offset.best().is_none() {
            // The remote has to know how the clocks map before it takes a write.
            self.next_beat = now;
        }
        self.is_timed |= beat.offset.is_some();
        self.offset.add(beat, answer, now, wall);
        let old = std::mem::take(&mut self.quiet);
        for (id, silence) in &answer.quiet {
            let silence = Duration::from_millis(*silence);
            let micros = u64::try_from(silence.as_micros()).unwrap_or(u64::MAX);
            let heard = Monotonic::from_micros(now.micros().saturating_sub(micros));
            let suspected = old.get(id).is_some_and(|quiet| quiet.suspected);
            self.quiet.insert(*id, Quiet { heard, suspected });
        }
        for (id, quiet) in old {
            if quiet.suspected {
                // Kept until poll says that the suspicion is over.
                self.quiet.entry(id).or_insert(Quiet {
                    heard: now,
                    suspected: true,
                });
            }
        }
        // A round of a polled link may have ended while the beat was under way.
        if !answer.known && !self.in_rounds {
            self.hang = Some("the remote no longer knows this stream".into());
        }
    }

    /// The connection is gone or did not come up. `jitter` is a random number of [0, 1).
    pub fn on_lost(&mut self, cause: String, jitter: f64, now: Monotonic) {
        if matches!(
            self.state,
            LinkState::Waiting | LinkState::Refused | LinkState::Paused
        ) {
            return;
        }
        self.lost(cause, now);
        let ceiling = self
            .timing
            .redial_min
            .saturating_mul(1 << self.tries.min(16));
        let pause = ceiling
            .min(self.timing.redial_max)
            .mul_f64(0.1 + 0.9 * jitter);
        self.tries += 1;
        self.next_try = now.after(pause);
    }

    /// A round of a polled link ended as it should. A place that is not complete is no round.
    pub fn on_round(&mut self, interval: Duration, now: Monotonic) {
        if self.state == LinkState::Live {
            self.polled = Some(now);
        }
        self.next_try = now.after(interval);
        self.enter(LinkState::Resting, String::new(), now);
    }

    /// The remote answered and does not want us.
    pub fn on_refused(&mut self, cause: String, retry_after: Duration, now: Monotonic) {
        self.lost(cause.clone(), now);
        self.enter(LinkState::Refused, cause, now);
        self.next_try = now.after(retry_after);
    }

    /// The remote's clock is so wrong that what comes from it is in doubt; or no longer.
    pub fn doubt_clock(&mut self, doubts: bool) {
        self.doubts_clock = doubts;
    }

    /// Switched off or on by a person.
    pub fn pause(&mut self, paused: bool, now: Monotonic) {
        if paused {
            self.lost("paused".into(), now);
            self.enter(LinkState::Paused, "switched off by a person".into(), now);
        } else if self.state == LinkState::Paused {
            self.next_try = now;
            self.enter(LinkState::Waiting, "switched on again".into(), now);
        }
    }

    /// Something says that another try may help now. A refusal is not lifted by it.
    pub fn retry(&mut self, now: Monotonic) {
        if self.state == LinkState::Waiting {
            self.next_try = now;
        }
    }

    fn lost(&mut self, cause: String, now: Monotonic) {
        self.uncertain.get_or_insert(now);
        self.quiet.clear();
        self.enter(LinkState::Waiting, cause, now);
        self.next_try = now;
    }

    fn enter(&mut self, state: LinkState, cause: String, now: Monotonic) {
        if self.state != state {
            self.entered = now;
            let is_same_outage = self.state.is_down() && state.is_down();
            if !is_same_outage {
                self.since = now;
            }
        }
        self.state = state;
        self.cause = cause;
    }
}
