//! The plant model: one heated, driven machine that makes parts.
//!
//! It is pure. Time passes only through [`Plant::step`] and chance comes only from the seed, so
//! the same seed and the same steps always give the same plant.

mod machine;
#[cfg(test)]
mod tests;

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use machine::Machine;
pub use machine::MachineState;

/// Lowest and highest temperature setpoint in degrees Celsius.
const TEMPERATURE_RANGE: (f64, f64) = (0.0, 250.0);
/// Lowest and highest speed setpoint in revolutions per minute.
const SPEED_RANGE: (f64, f64) = (0.0, 3000.0);
/// The temperature covers 63 % of the way to its setpoint in this many seconds.
const TEMPERATURE_LAG: f64 = 3.0;
/// The same for the speed.
const SPEED_LAG: f64 = 1.5;
/// Largest deviation that the temperature sensor shows, in degrees Celsius.
const TEMPERATURE_NOISE: f64 = 0.2;
/// Largest deviation of the pressure sensor in bar.
const PRESSURE_NOISE: f64 = 0.02;
/// Largest deviation of the flow sensor in litres per minute.
const FLOW_NOISE: f64 = 0.1;
/// Revolutions that make one part.
const REVOLUTIONS_PER_PART: f64 = 4.0;
/// Longest step that is integrated at once; a longer one is cut so that no event is jumped over.
const LONGEST_STEP: Duration = Duration::from_millis(500);

/// Why the plant refused a command.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlantError {
    /// A setpoint is not a number or lies outside what the machine can do.
    #[error("the {quantity} setpoint {value} is outside {min} to {max}")]
    OutOfRange {
        /// What was to be set.
        quantity: &'static str,
        /// The refused value.
        value: f64,
        /// The lowest value that is taken.
        min: f64,
        /// The highest value that is taken.
        max: f64,
    },
}

/// Everything that the plant's sensors show at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct PlantSnapshot {
    /// Measured temperature in degrees Celsius.
    pub temperature: f64,
    /// Temperature that the controller heads for.
    pub temperature_setpoint: f64,
    /// Pressure in bar.
    pub pressure: f64,
    /// Flow in litres per minute.
    pub flow: f64,
    /// Speed in revolutions per minute.
    pub speed: f64,
    /// Speed that the drive heads for.
    pub speed_setpoint: f64,
    /// Parts made, rising only while running; it wraps like a PLC's counter.
    pub counter: u32,
    /// Energy used in watt hours.
    pub energy: i64,
    /// What the machine does.
    pub state: MachineState,
    /// Whether the motor is switched on.
    pub motor_on: bool,
    /// Name of the batch in production.
    pub batch: String,
    /// Plant time at which `state` or `batch` last changed.
    pub last_change: Duration,
}

/// A simulated machine. See the module for its rules.
#[derive(Debug)]
pub struct Plant {
    rng: StdRng,
    elapsed: Duration,
    temperature: f64,
    temperature_setpoint: f64,
    speed: f64,
    speed_setpoint: f64,
    noise: Noise,
    parts: f64,
    counter: u32,
    energy: f64,
    machine: Machine,
}

/// The latest deviation of each sensor; redrawn by each step so that two readers agree.
#[derive(Debug, Default)]
struct Noise {
    temperature: f64,
    pressure: f64,
    flow: f64,
}

impl Plant {
    /// A plant that is switched on and starts from cold.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let machine = Machine::new(&mut rng);
        Self {
            rng,
            elapsed: Duration::ZERO,
            temperature: 20.0,
            temperature_setpoint: 60.0,
            speed: 0.0,
            speed_setpoint: 1200.0,
            noise: Noise::default(),
            parts: 0.0,
            counter: 0,
            energy: 0.0,
            machine,
        }
    }

    /// Lets `time` pass.
    pub fn step(&mut self, time: Duration) {
        let mut left = time;
        while !left.is_zero() {
            let part = left.min(LONGEST_STEP);
            self.integrate(part);
            left -= part;
        }
    }

    fn integrate(&mut self, time: Duration) {
        let seconds = time.as_secs_f64();
        self.elapsed += time;
        self.machine.step(self.elapsed, time, &mut self.rng);
        let running = self.machine.state() == MachineState::Running;
        let speed_target = if running { self.speed_setpoint } else { 0.0 };
        self.speed += (speed_target - self.speed) * (1.0 - (-seconds / SPEED_LAG).exp());
        let error = self.temperature_setpoint - self.temperature;
        self.temperature += error * (1.0 - (-seconds / TEMPERATURE_LAG).exp());
        if running {
            self.make_parts(seconds);
        }
        let heating = error.abs() * 50.0;
        self.energy += (heating + self.speed * 2.0) * seconds / 3600.0;
        self.noise = Noise {
            temperature: deviation(&mut self.rng, TEMPERATURE_NOISE),
            pressure: deviation(&mut self.rng, PRESSURE_NOISE),
            flow: deviation(&mut self.rng, FLOW_NOISE),
        };
    }

    fn make_parts(&mut self, seconds: f64) {
        self.parts += self.speed / 60.0 / REVOLUTIONS_PER_PART * seconds;
        while self.parts >= 1.0 {
            self.parts -= 1.0;
            self.counter = self.counter.wrapping_add(1);
        }
    }

    /// What the sensors show now.
    #[must_use]
    pub fn snapshot(&self) -> PlantSnapshot {
        PlantSnapshot {
            temperature: self.temperature + self.noise.temperature,
            temperature_setpoint: self.temperature_setpoint,
            pressure: 1.0 + self.speed / 600.0 + self.noise.pressure,
            flow: (self.speed / 50.0 + self.noise.flow).max(0.0),
            speed: self.speed,
            speed_setpoint: self.speed_setpoint,
            counter: self.counter,
            energy: self.energy.floor() as i64,
            state: self.machine.state(),
            motor_on: self.machine.motor_on(),
            batch: format!("LOT-{:05}", self.machine.batch()),
            last_change: self.machine.last_change(),
        }
    }

    /// Gives the temperature controller a new aim.
    ///
    /// # Errors
    /// [`PlantError::OutOfRange`] when the machine cannot do it; nothing changes then.
    pub fn set_temperature_setpoint(&mut self, value: f64) -> Result<(), PlantError> {
        self.temperature_setpoint = within("temperature", value, TEMPERATURE_RANGE)?;
        Ok(())
    }

    /// Gives the drive a new aim.
    ///
    /// # Errors
    /// [`PlantError::OutOfRange`] when the machine cannot do it; nothing changes then.
    pub fn set_speed_setpoint(&mut self, value: f64) -> Result<(), PlantError> {
        self.speed_setpoint = within("speed", value, SPEED_RANGE)?;
        Ok(())
    }

    /// Switches the motor. Off makes the machine idle at once; on starts it with the next step.
    pub fn set_motor(&mut self, on: bool) {
        self.machine.set_motor(on, self.elapsed);
    }

    /// Puts the machine into its fault state for `time`, as a tripped breaker would.
    pub fn trip(&mut self, time: Duration) {
        self.machine.trip(time, self.elapsed);
    }

    /// Time that has passed in the plant.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }
}

/// A random deviation, most often small, never larger than `largest` in either direction.
fn deviation(rng: &mut StdRng, largest: f64) -> f64 {
    let sum: f64 = (0..3).map(|_| rng.random_range(-1.0..1.0)).sum();
    sum / 3.0 * largest
}

fn within(quantity: &'static str, value: f64, (min, max): (f64, f64)) -> Result<f64, PlantError> {
    if (min..=max).contains(&value) {
        return Ok(value);
    }
    Err(PlantError::OutOfRange {
        quantity,
        value,
        min,
        max,
    })
}
