//! What the state machine of a link asks for, done.

use mainstem_model::Quality;
use mainstem_wire::Beat;

use super::Driver;
use crate::link::own;
use crate::machine::{Action, LinkState};
use crate::remedy::Remedy;

impl Driver {
    /// Does what the state machine asks for.
    pub(super) fn act(&mut self) {
        let (now, wall) = (self.now(), self.wall());
        for action in self.machine.poll(now, wall) {
            match action {
                Action::Dial => self.dial(),
                Action::Hang(_) => self.give_up(),
                Action::Beat(beat) => self.beat(beat),
                Action::Status(quality) => self.tell_status(quality),
                Action::Complete(complete) => self.store.set_complete(self.source, complete),
                Action::Suspect(id, silent) => self.mirror.suspect(id, silent),
            }
        }
        let features = self.mirror.hello().map(|hello| &hello.features);
        self.relay.set_features(features.map_or(&[], Vec::as_slice));
        if let Some(loggers) = &mut self.loggers {
            loggers.look(features.map(Vec::as_slice), now);
        }
        let (state, cause, _) = self.machine.state();
        self.own.tell_cause(cause, state == LinkState::Refused);
        self.relay
            .set_session(self.machine.session(), self.machine.is_timed());
    }

    /// Hangs up because nothing came for too long.
    fn give_up(&mut self) {
        self.remedy = match self.dialling {
            Some(_) => Remedy::Reach,
            None => Remedy::Line,
        };
        // What does not answer at all is tried by another way.
        if self.dialling.is_some() {
            self.route = self.route.wrapping_add(1);
        }
        self.hang_up();
    }

    fn beat(&mut self, beat: Beat) {
        if let Some((connection, ..)) = &self.open {
            let answer = connection.beat(&beat);
            self.beats
                .push(Box::pin(async move { (beat, answer.await) }));
        }
    }

    fn tell_status(&mut self, quality: Quality) {
        self.store.set_status(self.source, quality);
        let (_, cause, _) = self.machine.state();
        self.own.tell_status(quality, cause);
        if !own::is_up(quality) {
            self.clock.tell_silence();
        }
        tracing::info!(
            remote = self.options.name,
            status = quality.status.as_str(),
            reason = quality.reason.as_str(),
            cause,
            "the link's state changed"
        );
    }
}
