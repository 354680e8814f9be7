//! The value of a signal at a moment: pure, from the time since the start and a seed.

use std::f64::consts::TAU;
use std::time::Duration;

use mainstem_model::{Scalar, Value};

use crate::config::Operation;
use crate::random::Random;

/// After a long break a walk makes no more steps than this.
const STEPS_MAX: u64 = 1000;

/// One endpoint's signal with what it remembers.
#[derive(Clone, Debug)]
pub(crate) struct Signal {
    operation: Operation,
    random: Random,
    interval: Duration,
    ticks: u64,
    elapsed: Duration,
    /// The number of walks, setpoints and followers.
    number: f64,
}

impl Signal {
    pub(crate) fn new(operation: Operation, name: &str, seed: u64, interval: Duration) -> Self {
        let number = match &operation {
            Operation::Walk { min, max, .. } => f64::midpoint(*min, *max),
            Operation::Setpoint { initial } => *initial,
            _ => 0.0,
        };
        let random = Random::new(seed, name);
        Self {
            operation,
            random,
            interval,
            ticks: 0,
            elapsed: Duration::ZERO,
            number,
        }
    }

    /// The type of its values.
    pub(crate) fn scalar(operation: &Operation) -> Option<Scalar> {
        Some(match operation {
            Operation::Counter { .. } => Scalar::U64,
            Operation::States { .. } => Scalar::Text,
            Operation::Constant { value } => match value {
                serde_json::Value::Bool(_) => Scalar::Bool,
                serde_json::Value::String(_) => Scalar::Text,
                serde_json::Value::Number(number) if number.is_i64() => Scalar::I64,
                serde_json::Value::Number(number) if number.is_u64() => Scalar::U64,
                serde_json::Value::Number(_) => Scalar::F64,
                _ => return None,
            },
            _ => Scalar::F64,
        })
    }

    /// Writes a setpoint; false if this is none.
    pub(crate) fn write(&mut self, number: f64) -> bool {
        let is_setpoint = matches!(self.operation, Operation::Setpoint { .. });
        if is_setpoint {
            self.number = number;
        }
        is_setpoint
    }

    /// The number that a follower goes after.
    pub(crate) fn number(&self) -> f64 {
        self.number
    }

    /// Moves on and says its value. `target` is the number of what it follows.
    pub(crate) fn at(&mut self, elapsed: Duration, target: f64) -> Value {
        // To the nearest tick: groups are shifted against each other by parts of an interval.
        let half = self.interval / 2;
        let ticks = (elapsed + half).as_micros() / self.interval.as_micros().max(1);
        let ticks = u64::try_from(ticks).unwrap_or(u64::MAX);
        let steps = ticks.saturating_sub(self.ticks).min(STEPS_MAX);
        let step_s = elapsed.saturating_sub(self.elapsed).as_secs_f64();
        (self.ticks, self.elapsed) = (ticks, elapsed);
        let seconds = elapsed.as_secs_f64();
        let number = match &self.operation {
            Operation::Sine(wave) => {
                let height = 0.5 - 0.5 * (seconds / wave.period_s * TAU).cos();
                wave.min + (wave.max - wave.min) * height
            }
            Operation::Triangle(wave) => {
                let height = 1.0 - (2.0 * turn(seconds, wave.period_s) - 1.0).abs();
                wave.min + (wave.max - wave.min) * height
            }
            Operation::Square(wave) => {
                if turn(seconds, wave.period_s) < 0.5 {
                    wave.max
                } else {
                    wave.min
                }
            }
            Operation::Ramp(wave) => {
                wave.min + (wave.max - wave.min) * turn(seconds, wave.period_s)
            }
            Operation::Walk { min, max, step } => {
                for _ in 0..steps {
                    let next = self.number + self.random.symmetric() * step;
                    self.number = next.clamp(*min, *max);
                }
                self.number
            }
            Operation::Follow { lag_s, .. } => {
                self.number += (target - self.number) * (1.0 - (-step_s / lag_s).exp());
                self.number
            }
            Operation::Setpoint { .. } => self.number,
            Operation::Counter { step } => return Value::UInt(ticks.wrapping_mul(*step)),
            Operation::States { states, dwell_s } => return state_at(states, seconds / dwell_s),
            Operation::Constant { value } => return constant(value),
        };
        Value::F64(number)
    }
}

/// How far the present period has come, from 0 to 1.
fn turn(seconds: f64, period_s: f64) -> f64 {
    (seconds / period_s).fract()
}

fn state_at(states: &[String], turns: f64) -> Value {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates, and time since the start is not negative"
    )]
    let index = turns as usize % states.len().max(1);
    Value::text(states.get(index).map_or("", String::as_str))
}

fn constant(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Bool(flag) => Value::Bool(*flag),
        serde_json::Value::String(text) => Value::text(text),
        other => match (other.as_i64(), other.as_u64()) {
            (Some(whole), _) => Value::Int(whole),
            (None, Some(whole)) => Value::UInt(whole),
            (None, None) => Value::F64(other.as_f64().unwrap_or(f64::NAN)),
        },
    }
}

#[cfg(test)]
mod tests;
