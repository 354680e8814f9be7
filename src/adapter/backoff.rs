//! How long to wait before the next try: exponential, with full jitter. Pure; chance is passed in.

use std::time::Duration;

/// The course of the waits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BackoffOptions {
    /// The longest first wait.
    pub initial: Duration,
    /// No wait is longer.
    pub max: Duration,
    /// By how much the longest wait grows with each failure.
    pub factor: f64,
    /// A session that was online for this long makes the next wait a first one again. A device
    /// that accepts connections and drops them at once is not hammered.
    pub steady_after: Duration,
}

impl Default for BackoffOptions {
    fn default() -> Self {
        Self {
            initial: Duration::from_millis(500),
            max: Duration::from_secs(30),
            factor: 2.0,
            steady_after: Duration::from_secs(10),
        }
    }
}

/// Waits that grow. Full jitter means that each wait is drawn evenly between nothing and the
/// present ceiling, so that what failed together does not come back together.
#[derive(Clone, Debug)]
pub struct Backoff {
    options: BackoffOptions,
    ceiling: Duration,
}

impl Backoff {
    /// Begins with the initial wait.
    pub fn new(options: BackoffOptions) -> Self {
        Self {
            ceiling: options.initial.min(options.max),
            options,
        }
    }

    /// The wait after one more failure. `chance` is evenly distributed between 0 and 1.
    pub fn next_wait(&mut self, chance: f64) -> Duration {
        let wait = self.ceiling.mul_f64(chance.clamp(0.0, 1.0));
        let factor = self.options.factor.max(1.0);
        // Compared as floats first: a product beyond the range of a duration would panic.
        let grown = self.ceiling.as_secs_f64() * factor;
        self.ceiling = if grown < self.options.max.as_secs_f64() {
            Duration::from_secs_f64(grown)
        } else {
            self.options.max
        };
        wait
    }

    /// Takes into account how long a session was online before it ended.
    pub fn was_online(&mut self, duration: Duration) {
        if duration >= self.options.steady_after {
            self.reset();
        }
    }

    /// Makes the next wait a first one.
    pub fn reset(&mut self) {
        self.ceiling = self.options.initial.min(self.options.max);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backoff() -> Backoff {
        Backoff::new(BackoffOptions {
            initial: Duration::from_millis(100),
            max: Duration::from_millis(700),
            factor: 2.0,
            steady_after: Duration::from_secs(10),
        })
    }

    fn waits(backoff: &mut Backoff, chance: f64, count: usize) -> Vec<u128> {
        (0..count)
            .map(|_| backoff.next_wait(chance).as_millis())
            .collect()
    }

    #[test]
    fn the_ceiling_grows_to_its_limit() {
        assert_eq!(waits(&mut backoff(), 1.0, 5), [100, 200, 400, 700, 700]);
        assert_eq!(waits(&mut backoff(), 0.5, 4), [50, 100, 200, 350]);
        assert_eq!(waits(&mut backoff(), 0.0, 3), [0, 0, 0]);
    }

    #[test]
    fn only_a_steady_session_resets() {
        let mut backoff = backoff();
        waits(&mut backoff, 1.0, 3);
        backoff.was_online(Duration::from_millis(9_999));
        assert_eq!(waits(&mut backoff, 1.0, 1), [700]);
        backoff.was_online(Duration::from_secs(10));
        assert_eq!(waits(&mut backoff, 1.0, 1), [100]);
    }

    #[test]
    fn absurd_options_do_not_panic() {
        let mut backoff = Backoff::new(BackoffOptions {
            initial: Duration::from_secs(5),
            max: Duration::MAX,
            factor: f64::INFINITY,
            steady_after: Duration::ZERO,
        });
        assert_eq!(backoff.next_wait(f64::NAN.max(2.0)), Duration::from_secs(5));
        backoff.next_wait(0.1);
    }
}
