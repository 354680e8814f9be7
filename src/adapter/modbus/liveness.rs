//! Who answers and who does not: what that says about units, the session and what was read.

use mainstem_adapter::Reading;
use mainstem_model::{Quality, Reason};

use crate::session::{Halt, Session, point};
use crate::unit::Unit;

impl Session<'_> {
    /// A unit has answered, be it with an exception.
    pub(crate) fn answered(&mut self, unit: usize) {
        self.go_online();
        self.together.hope(self.setup.lane);
        self.fell_silent = None;
        let is_first = self.units[unit].is_unknown();
        if !self.units[unit].answered() {
            return;
        }
        if let Some(device) = self.units[unit].device {
            self.io.device(device, Quality::GOOD);
        }
        // What was refused before is not asked for at once: it is said again.
        for ((_, _), learned) in self.experience.iter().filter(|((of, _), _)| *of == unit) {
            let bad = learned
                .bad()
                .map(|(index, reason)| Reading::failed(point(index), reason));
            self.readings.extend(bad);
        }
        self.io.emit(&mut self.readings);
        // At the beginning of a session everything is due anyway.
        if !is_first {
            let now = self.io.clock().monotonic();
            self.cycles
                .read_again(unit, self.setup, self.experience, now);
        }
    }

    pub(crate) fn go_online(&mut self) {
        if !self.online {
            self.online = true;
            if self.together.is_first_sign() {
                self.io.online();
            }
        }
    }

    /// Nothing came from a unit in time. Returns whether it is down now; the session ends if all
    /// are.
    pub(crate) fn unanswered(&mut self, unit: usize) -> Result<bool, Halt> {
        let did_answer = !self.units[unit].is_unknown() && !self.units[unit].is_down();
        // What ends the session is counted by the runner.
        let is_down = self.silent(unit)?;
        self.io.statistics().failed("timeout");
        if did_answer
            && self
                .fell_silent
                .replace(unit)
                .is_some_and(|other| other != unit)
        {
            // Two in a row: perhaps the whole gateway stands still.
            let well: Vec<usize> = (0..self.units.len())
                .filter(|&other| self.units[other].is_well())
                .collect();
            for other in well {
                self.units[other].doubt();
                self.doubt(other);
            }
        }
        Ok(is_down)
    }

    /// A unit does not answer, or the gateway says so. Returns whether it is down now; the session
    /// ends if all are.
    pub(crate) fn silent(&mut self, unit: usize) -> Result<bool, Halt> {
        let now = self.io.clock().monotonic();
        let timeout = self.setup.config.timeout();
        let others = self.units.iter().enumerate();
        let down = others
            .filter(|(place, other)| *place != unit && other.is_down())
            .count();
        if !self.units[unit].silent(now, timeout, down) {
            self.doubt(unit);
            return Ok(false);
        }
        if let Some(device) = self.units[unit].device {
            self.io.device(device, Quality::of(Reason::DeviceDown));
        }
        let mut polled = self.units.iter().filter(|unit| unit.polled).peekable();
        // As long as a unit on another connection may answer, those of this one are asked again.
        if polled.peek().is_some()
            && polled.all(Unit::is_down)
            && self.together.give_up(self.setup.lane)
        {
            return Err(self.nobody_answers().into());
        }
        Ok(true)
    }

    /// Nobody vouches for a unit's values until it answers again.
    fn doubt(&mut self, unit: usize) {
        let reason = Reason::Reconnecting;
        if let Some(device) = self.units[unit].device {
            self.io.device(device, Quality::of(reason));
            return;
        }
        // The only unit is no device of its own, so its datapoints say it.
        let groups = self.setup.groups.iter().filter(|group| group.unit == unit);
        for group in groups {
            let learned = self.experience.get(&(unit, group.table));
            let is_bad = |index| learned.is_some_and(|learned| learned.is_bad(index));
            let read = group.members.iter().filter(|(index, _)| !is_bad(*index));
            self.readings
                .extend(read.map(|(index, _)| Reading::failed(point(*index), reason)));
        }
        self.io.emit(&mut self.readings);
    }
}
