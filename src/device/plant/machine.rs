//! The machine's states and when they change.

use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;

/// Shortest and longest run in seconds before the machine stops by itself.
const RUN_SECONDS: (f64, f64) = (30.0, 90.0);
/// Shortest and longest stop in seconds for a change of batch.
const STOP_SECONDS: (f64, f64) = (4.0, 10.0);
/// Shortest and longest fault in seconds until somebody has cleared it.
const FAULT_SECONDS: (f64, f64) = (5.0, 12.0);
/// How often a run ends in a fault and not in a change of batch.
const FAULT_CHANCE: f64 = 0.25;

/// What the machine does. The numbers are those on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum MachineState {
    /// Switched off.
    Idle = 0,
    /// Making parts.
    Running = 1,
    /// Waiting for the next batch.
    Stopped = 2,
    /// Something is wrong; the alarm is on.
    Fault = 3,
}

impl MachineState {
    /// The number that the protocols carry.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// The machine's state, how long it stays in it, and the batch it works on.
#[derive(Debug)]
pub(super) struct Machine {
    state: MachineState,
    /// Time left in a state that ends by itself; not used while idle.
    left: Duration,
    motor_on: bool,
    batch: u32,
    last_change: Duration,
}

impl Machine {
    pub(super) fn new(rng: &mut StdRng) -> Self {
        Self {
            state: MachineState::Running,
            left: seconds(rng, RUN_SECONDS),
            motor_on: true,
            batch: 1,
            last_change: Duration::ZERO,
        }
    }

    pub(super) fn state(&self) -> MachineState {
        self.state
    }

    pub(super) fn motor_on(&self) -> bool {
        self.motor_on
    }

    pub(super) fn batch(&self) -> u32 {
        self.batch
    }

    pub(super) fn last_change(&self) -> Duration {
        self.last_change
    }

    /// Lets `time` pass, which ends at `now`.
    pub(super) fn step(&mut self, now: Duration, time: Duration, rng: &mut StdRng) {
        if self.state == MachineState::Idle {
            if self.motor_on {
                self.enter(MachineState::Running, seconds(rng, RUN_SECONDS), now);
            }
            return;
        }
        self.left = self.left.saturating_sub(time);
        if self.left.is_zero() {
            self.leave(now, rng);
        }
    }

    fn leave(&mut self, now: Duration, rng: &mut StdRng) {
        match self.state {
            MachineState::Running if rng.random_bool(FAULT_CHANCE) => {
                self.enter(MachineState::Fault, seconds(rng, FAULT_SECONDS), now);
            }
            MachineState::Running => {
                self.batch += 1;
                self.enter(MachineState::Stopped, seconds(rng, STOP_SECONDS), now);
            }
            MachineState::Idle | MachineState::Stopped | MachineState::Fault => {
                self.enter(MachineState::Running, seconds(rng, RUN_SECONDS), now);
            }
        }
    }

    pub(super) fn set_motor(&mut self, on: bool, now: Duration) {
        self.motor_on = on;
        if !on && self.state != MachineState::Idle {
            self.enter(MachineState::Idle, Duration::ZERO, now);
        }
    }

    pub(super) fn trip(&mut self, time: Duration, now: Duration) {
        self.enter(MachineState::Fault, time, now);
    }

    fn enter(&mut self, state: MachineState, left: Duration, now: Duration) {
        self.state = state;
        self.left = left;
        self.last_change = now;
    }
}

fn seconds(rng: &mut StdRng, (shortest, longest): (f64, f64)) -> Duration {
    Duration::from_secs_f64(rng.random_range(shortest..longest))
}
