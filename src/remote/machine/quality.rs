//! What a link's state means for the trust in what it brings.

use std::time::Duration;

use mainstem_model::{Monotonic, Quality, Reason};

use super::{Action, LinkMachine, LinkState};

impl LinkMachine {
    /// A link is live when it applied what there was when it connected and is at most two beats
    /// behind by now; it is degraded when it falls behind further than silence would be allowed.
    pub(super) fn judge_lag(&mut self, now: Monotonic) {
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

    /// Whether a polled link's last round still vouches for what it brought.
    fn is_vouched_by_round(&self, now: Monotonic) -> bool {
        self.state != LinkState::Paused
            && self
                .polled
                .is_some_and(|round| now.since(round) < self.timing.uncertain_after)
    }

    /// The state of the link's source follows from the link's, once per change.
    pub(super) fn judge(&mut self, now: Monotonic, actions: &mut Vec<Action>) {
        let quality = match self.state {
            _ if self.state == LinkState::Live || self.is_vouched_by_round(now) => {
                self.uncertain = None;
                match self.doubts_clock {
                    true => Quality::of(Reason::ClockDrift),
                    false => Quality::GOOD,
                }
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
            // A clock that is wrong leaves nothing out.
            if vouches(quality) {
                actions.push(Action::Complete(true));
            }
            actions.push(Action::Status(quality));
        }
    }

    /// Links further down, of which the remote told how long they have been silent.
    pub(super) fn judge_below(&mut self, now: Monotonic, actions: &mut Vec<Action>) {
        let limit = self.timing.uncertain_after;
        for (id, quiet) in &mut self.quiet {
            let silent = now.since(quiet.heard) >= limit;
            if silent != quiet.suspected {
                quiet.suspected = silent;
                actions.push(Action::Suspect(*id, silent));
            }
        }
    }
}

/// Whether the link stands for what it brought, but perhaps for its times.
pub(super) fn vouches(quality: Quality) -> bool {
    quality.is_good() || quality.reason == Reason::ClockDrift
}

#[cfg(test)]
mod tests {
    use mainstem_model::NodeId;
    use mainstem_wire::{Epoch, HelloFrame};

    use super::*;
    use crate::timing::Timing;

    fn hello() -> HelloFrame {
        HelloFrame {
            protocol: 1,
            node: NodeId(uuid::Uuid::nil()),
            name: "line1".into(),
            instance: 1,
            epoch: Epoch {
                counter: 1,
                random: 1,
            },
            features: Vec::new(),
            snapshot: true,
            head: 7,
            session: 1,
            filter: 0,
        }
    }

    fn statuses(machine: &mut LinkMachine, now: Monotonic) -> Vec<Quality> {
        let actions = machine.poll(now, 0).into_iter();
        let status = actions.filter_map(|action| match action {
            Action::Status(quality) => Some(quality),
            _ => None,
        });
        status.collect()
    }

    #[test]
    fn a_clock_in_doubt_is_one_change_and_hides_nothing_worse() {
        let at = |millis: u64| Monotonic::from_micros(1 + millis * 1000);
        let mut machine = LinkMachine::new(Timing::LAN, false, at(0));
        statuses(&mut machine, at(0));
        machine.on_hello(&hello(), None, at(1));
        machine.on_applied(7, at(2));
        assert_eq!(statuses(&mut machine, at(2)), [Quality::GOOD]);
        machine.doubt_clock(true);
        let drift = Quality::of(Reason::ClockDrift);
        assert_eq!(statuses(&mut machine, at(3)), [drift]);
        machine.on_bytes(at(4));
        assert_eq!(statuses(&mut machine, at(4)), []);
        // Silence is told as silence, and the doubt is there again behind it.
        let quiet = Quality::of(Reason::LinkQuiet);
        assert_eq!(statuses(&mut machine, at(2004)), [quiet]);
        machine.on_hello(&hello(), None, at(2100));
        machine.on_applied(7, at(2101));
        assert_eq!(statuses(&mut machine, at(2101)), [drift]);
        // It never turns bad by lasting.
        machine.on_bytes(at(60_000));
        assert_eq!(statuses(&mut machine, at(60_000)), []);
        machine.doubt_clock(false);
        assert_eq!(statuses(&mut machine, at(60_001)), [Quality::GOOD]);
    }
}
