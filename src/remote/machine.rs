//! The state of one link. Pure: told what happened and what the clock shows, it says what to do.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use mainstem_model::{Monotonic, Quality, Reason};
use mainstem_wire::{Beat, BeatAnswer, HelloFrame};

use crate::clock::OffsetWindow;
use crate::timing::Timing;

/// Heads remembered while they are not applied; more than a link can be degraded for matters not.
const MARKS_MAX: usize = 64;

/// Where a link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// A connection is being made.
    Connecting,
    /// The stream brings a snapshot.
    Snapshot,
    /// The stream brings what was missed.
    Replaying,
    /// Everything up to now is applied.
    Live,
    /// The stream is open, but what it brings is applied too late to be trusted.
    Degraded,
    /// The connection is lost; another try comes.
    Waiting,
    /// The remote refuses; another try comes later.
    Refused,
    /// A polled link between two rounds.
    Resting,
    /// Switched off by a person.
    Paused,
}

impl LinkState {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Snapshot => "snapshot",
            Self::Replaying => "replaying",
            Self::Live => "live",
            Self::Degraded => "degraded",
            Self::Waiting => "waiting",
            Self::Refused => "refused",
            Self::Resting => "resting",
            Self::Paused => "paused",
        }
    }
}

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
    /// When a polled link's last round was complete.
    polled: Option<Monotonic>,
    state: LinkState,
    cause: String,
    since: Monotonic,
    /// When something last came from the remote.
    heard: Option<Monotonic>,
    /// Since when the link's datapoints are uncertain.
    uncertain: Option<Monotonic>,
    next_try: Monotonic,
    next_beat: Monotonic,
    tries: u32,
    head: u64,
    goal: u64,
    applied: u64,
    /// Heads that the remote told and that are not applied yet, and when they were asked for.
    marks: VecDeque<(u64, Monotonic)>,
    session: u64,
    status: Option<Quality>,
    quiet: HashMap<u32, Quiet>,
    offset: OffsetWindow,
}

#[derive(Debug, Clone, Copy)]
struct Quiet {
    heard: Monotonic,
    suspected: bool,
}

impl LinkMachine {
    /// A link that has not been up in this life of the node.
    pub fn new(timing: Timing, now: Monotonic) -> Self {
        Self {
            timing,
            polled: None,
            state: LinkState::Waiting,
            cause: "not connected yet".into(),
            since: now,
            heard: None,
            uncertain: Some(now),
            next_try: now,
            next_beat: now,
            tries: 0,
            head: 0,
            goal: 0,
            applied: 0,
            marks: VecDeque::new(),
            session: 0,
            status: None,
            quiet: HashMap::new(),
            offset: OffsetWindow::default(),
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
        self.session = hello.session;
        self.goal = hello.head;
        self.head = hello.head;
        self.applied = applied.unwrap_or(0);
        self.next_beat = now;
        self.quiet.clear();
        self.marks.clear();
        self.offset = OffsetWindow::default();
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

    /// A link is live when it applied what there was when it connected and is at most two beats
    /// behind by now; it is degraded when it falls behind further than silence would be allowed.
    fn judge_lag(&mut self, now: Monotonic) {
        let behind = self
            .marks
            .front()
            .map_or(Duration::ZERO, |(_, asked)| now.since(*asked));
        match self.state {
            LinkState::Snapshot | LinkState::Replaying | LinkState::Degraded
                if self.applied >= self.goal && behind <= self.timing.beat * 2 =>
            {
                self.tries = 0;
                self.enter(LinkState::Live, String::new(), now);
            }
            LinkState::Live if behind >= self.timing.uncertain_after => {
                let cause = format!("what the remote sends is applied {behind:?} late");
                self.enter(LinkState::Degraded, cause, now);
            }
            _ => {}
        }
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
        if !answer.known {
            self.lost("the remote no longer knows this stream".into(), now);
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

    fn lost(&mut self, cause: String, now: Monotonic) {
        self.uncertain.get_or_insert(now);
        self.quiet.clear();
        self.enter(LinkState::Waiting, cause, now);
        self.next_try = now;
    }

    fn enter(&mut self, state: LinkState, cause: String, now: Monotonic) {
        if self.state != state {
            self.since = now;
        }
        self.state = state;
        self.cause = cause;
    }

    /// What is to be done now. To be called after every event and at [`LinkMachine::deadline`].
    pub fn poll(&mut self, now: Monotonic, wall: i64) -> Vec<Action> {
        let mut actions = Vec::new();
        self.watch_silence(now, &mut actions);
        self.judge_lag(now);
        if self.is_waiting() && now >= self.next_try {
            self.enter(LinkState::Connecting, self.cause.clone(), now);
            actions.push(Action::Dial);
        }
        if self.is_open() && now >= self.next_beat {
            self.next_beat = now.after(self.timing.beat);
            actions.push(Action::Beat(self.beat(now, wall)));
        }
        self.judge(now, &mut actions);
        self.judge_below(now, &mut actions);
        actions
    }

    fn beat(&self, now: Monotonic, wall: i64) -> Beat {
        let best = self.offset.best();
        Beat {
            session: self.session,
            applied: self.applied,
            sent: now.micros(),
            sent_wall: wall,
            offset: best.map(|best| best.monotonic_us),
            uncertainty: best.map(|best| best.uncertainty_us),
        }
    }

    fn watch_silence(&mut self, now: Monotonic, actions: &mut Vec<Action>) {
        let (limit, since) = match self.state {
            LinkState::Connecting => (self.timing.connect, self.since),
            _ if self.is_open() => (
                self.timing.uncertain_after,
                self.heard.unwrap_or(self.since),
            ),
            _ => return,
        };
        if now.since(since) < limit {
            return;
        }
        let cause = if self.state == LinkState::Connecting {
            format!("no connection within {limit:?}")
        } else {
            format!("nothing came for {limit:?}")
        };
        actions.push(Action::Hang(cause.clone()));
        // The connection died long before: the next try needs no pause.
        self.lost(cause, now);
    }

    /// Whether a polled link's last round still vouches for what it brought.
    fn is_vouched_by_round(&self, now: Monotonic) -> bool {
        self.state != LinkState::Paused
            && self
                .polled
                .is_some_and(|round| now.since(round) < self.timing.uncertain_after)
    }

    /// The state of the link's source follows from the link's, once per change.
    fn judge(&mut self, now: Monotonic, actions: &mut Vec<Action>) {
        let quality = match self.state {
            _ if self.state == LinkState::Live || self.is_vouched_by_round(now) => {
                self.uncertain = None;
                Quality::GOOD
            }
            LinkState::Paused => Quality::of(Reason::OutOfService),
            _ => {
                let since = *self.uncertain.get_or_insert(now);
                if now.since(since) >= self.timing.bad_after {
                    Quality::of(Reason::LinkDown)
                } else if self.heard.is_none() {
                    Quality::of(Reason::Restarted)
                } else if self.is_open() {
                    Quality::of(Reason::Catching)
                } else {
                    Quality::of(Reason::LinkQuiet)
                }
            }
        };
        if self.status != Some(quality) {
            self.status = Some(quality);
            if quality.is_good() {
                actions.push(Action::Complete(true));
            }
            actions.push(Action::Status(quality));
        }
    }

    /// Links further down, of which the remote told how long they have been silent.
    fn judge_below(&mut self, now: Monotonic, actions: &mut Vec<Action>) {
        let limit = self.timing.uncertain_after;
        for (id, quiet) in &mut self.quiet {
            let silent = now.since(quiet.heard) >= limit;
            if silent != quiet.suspected {
                quiet.suspected = silent;
                actions.push(Action::Suspect(*id, silent));
            }
        }
    }

    /// When [`LinkMachine::poll`] has to be called at the latest.
    pub fn deadline(&self) -> Option<Monotonic> {
        let mut due: Vec<Monotonic> = Vec::new();
        match self.state {
            LinkState::Waiting | LinkState::Refused | LinkState::Resting => {
                due.push(self.next_try);
                if self.status.is_some_and(Quality::is_good) {
                    due.extend(self.polled.map(|p| p.after(self.timing.uncertain_after)));
                }
            }
            LinkState::Connecting => due.push(self.since.after(self.timing.connect)),
            LinkState::Paused => {}
            _ => {
                due.push(self.next_beat);
                let heard = self.heard.unwrap_or(self.since);
                due.push(heard.after(self.timing.uncertain_after));
                due.extend(
                    self.marks
                        .front()
                        .map(|(_, at)| at.after(self.timing.uncertain_after)),
                );
            }
        }
        if let Some(since) = self.uncertain
            && self.status != Some(Quality::of(Reason::LinkDown))
            && self.state != LinkState::Paused
        {
            due.push(since.after(self.timing.bad_after));
        }
        let below = self.quiet.values().filter(|quiet| !quiet.suspected);
        due.extend(below.map(|quiet| quiet.heard.after(self.timing.uncertain_after)));
        due.into_iter().min()
    }
}
