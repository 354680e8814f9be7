//! A plant that several servers share, and the task that makes it live.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::plant::{Plant, PlantSnapshot};

/// How often a [`PlantClock`] steps its plants.
pub const PLANT_STEP: Duration = Duration::from_millis(100);

/// A handle to one plant; clones look at the same plant.
#[derive(Debug, Clone)]
pub struct SharedPlant {
    plant: Arc<Mutex<Plant>>,
    /// Wall clock at plant time zero; it only labels.
    epoch: SystemTime,
}

impl SharedPlant {
    /// A new plant from a seed. It stands still until something steps it.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            plant: Arc::new(Mutex::new(Plant::new(seed))),
            epoch: SystemTime::now(),
        }
    }

    /// Looks at or changes the plant with nobody else in between. Do not call back into the
    /// handle from inside: the lock is not reentrant.
    pub fn with<T>(&self, act: impl FnOnce(&mut Plant) -> T) -> T {
        act(&mut self.plant.lock())
    }

    /// What the sensors show now.
    #[must_use]
    pub fn snapshot(&self) -> PlantSnapshot {
        self.plant.lock().snapshot()
    }

    /// The wall clock time that belongs to a plant time.
    #[must_use]
    pub fn wall_clock(&self, plant_time: Duration) -> SystemTime {
        self.epoch + plant_time
    }
}

/// Steps plants every [`PLANT_STEP`] by the time that really passed, until it is stopped.
#[derive(Debug)]
pub struct PlantClock {
    tracker: TaskTracker,
    token: CancellationToken,
    /// Ends the task even if the owner forgets to stop the clock.
    _guard: DropGuard,
}

impl PlantClock {
    /// Starts stepping. Must be called inside a tokio runtime.
    #[must_use]
    pub fn start(plants: Vec<SharedPlant>) -> Self {
        let token = CancellationToken::new();
        let tracker = TaskTracker::new();
        let stopped = token.clone();
        tracker.spawn(async move { stopped.run_until_cancelled(step_all(plants)).await });
        tracker.close();
        Self {
            tracker,
            _guard: token.clone().drop_guard(),
            token,
        }
    }

    /// Stops stepping and waits for the task.
    pub async fn stop(self) {
        self.token.cancel();
        self.tracker.wait().await;
    }
}

async fn step_all(plants: Vec<SharedPlant>) {
    let mut ticks = interval(PLANT_STEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut last = Instant::now();
    loop {
        ticks.tick().await;
        let now = Instant::now();
        let passed = now.duration_since(last);
        last = now;
        for plant in &plants {
            plant.with(|plant| plant.step(passed));
        }
    }
}
