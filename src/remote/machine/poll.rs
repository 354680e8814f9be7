//! What is due: dialling, beats, and the end of silence.

use mainstem_model::{Monotonic, Quality, Reason};
use mainstem_wire::Beat;

use super::quality::vouches;
use super::{Action, LinkMachine, LinkState};

impl LinkMachine {
    /// What is to be done now. To be called after every event and at [`LinkMachine::deadline`].
    pub fn poll(&mut self, now: Monotonic, wall: i64) -> Vec<Action> {
        let mut actions = Vec::new();
        if let Some(cause) = self.hang.take().filter(|_| self.is_open()) {
            actions.push(Action::Hang(cause.clone()));
            self.lost(cause, now);
        }
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
            LinkState::Connecting => (self.timing.connect, self.entered),
            _ if self.is_open() => (
                self.timing.uncertain_after,
                self.heard.unwrap_or(self.entered),
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

    /// When [`LinkMachine::poll`] has to be called at the latest.
    pub fn deadline(&self) -> Option<Monotonic> {
        let mut due: Vec<Monotonic> = Vec::new();
        match self.state {
            LinkState::Waiting | LinkState::Refused | LinkState::Resting => {
                due.push(self.next_try);
                if self.status.is_some_and(vouches) {
                    due.extend(self.polled.map(|p| p.after(self.timing.uncertain_after)));
                }
            }
            LinkState::Connecting => due.push(self.entered.after(self.timing.connect)),
            LinkState::Paused => {}
            _ => {
                due.push(self.next_beat);
                let heard = self.heard.unwrap_or(self.entered);
                due.push(heard.after(self.timing.uncertain_after));
                // Only a live link can become degraded; any other would be due at once for ever.
                let mark = self.marks.front().filter(|_| self.state == LinkState::Live);
                due.extend(mark.map(|(_, at)| at.after(self.timing.uncertain_after)));
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
