//! Threads that run rules. Expressions hold values that cannot go from thread to thread, so each
//! way of a mapping has one thread for good: its order is kept too.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use mainstem_model::Monotonic;
use mainstem_service::MappingItem;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use crate::limits::{JOBS_MAX, WORKER_STACK_BYTES, WORKERS_MAX};
use crate::{Fault, Input, Outcome, Pipeline};

/// What a thread is asked for.
enum Job {
    Take {
        way: u64,
        item: Arc<MappingItem>,
        inputs: Vec<Input>,
        now: Monotonic,
        reply: oneshot::Sender<Done>,
    },
    Forget(u64),
}

/// What came of a batch.
pub(super) struct Done {
    pub(super) outcomes: Vec<Outcome>,
    /// When a batch that waits has to go.
    pub(super) due: Option<Monotonic>,
}

/// The threads.
pub(super) struct Workers {
    jobs: Mutex<Vec<mpsc::Sender<Job>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    next: AtomicU64,
}

/// A place at one of the threads.
pub(super) struct Place {
    way: u64,
    item: Arc<MappingItem>,
    jobs: mpsc::Sender<Job>,
}

impl Workers {
    pub(super) fn start() -> io::Result<Self> {
        let count = thread::available_parallelism().map_or(1, usize::from);
        let (mut jobs, mut threads) = (Vec::new(), Vec::new());
        for number in 0..count.min(WORKERS_MAX) {
            let (sender, receiver) = mpsc::channel(JOBS_MAX);
            let thread = thread::Builder::new()
                .name(format!("rules-{number}"))
                .stack_size(WORKER_STACK_BYTES);
            threads.push(thread.spawn(move || work(receiver))?);
            jobs.push(sender);
        }
        Ok(Self {
            jobs: Mutex::new(jobs),
            threads: Mutex::new(threads),
            next: AtomicU64::new(0),
        })
    }

    /// A place for one way; none after the stop.
    pub(super) fn place(&self, item: Arc<MappingItem>) -> Option<Place> {
        let way = self.next.fetch_add(1, Ordering::Relaxed);
        let jobs = self.jobs.lock();
        let index = usize::try_from(way).ok()? % jobs.len().max(1);
        let jobs = jobs.get(index)?.clone();
        Some(Place { way, item, jobs })
    }

    /// Ends the threads. Each ends after the batch that it works on.
    pub(super) async fn stop(&self) {
        self.jobs.lock().clear();
        let threads = std::mem::take(&mut *self.threads.lock());
        let join = move || {
            for thread in threads {
                // Its panics were caught; nothing is left to be told.
                drop(thread.join());
            }
        };
        drop(tokio::task::spawn_blocking(join).await);
    }
}

impl Place {
    /// Takes messages through the rules, and sends on what waited long enough. Nothing after the
    /// stop.
    pub(super) async fn take(&self, inputs: Vec<Input>, now: Monotonic) -> Option<Done> {
        let (reply, done) = oneshot::channel();
        let job = Job::Take {
            way: self.way,
            item: Arc::clone(&self.item),
            inputs,
            now,
            reply,
        };
        self.jobs.send(job).await.ok()?;
        done.await.ok()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A full queue keeps what the way remembers until the thread ends: bounded all the same.
        drop(self.jobs.try_send(Job::Forget(self.way)));
    }
}

fn work(mut jobs: mpsc::Receiver<Job>) {
    let mut pipelines: HashMap<u64, Pipeline> = HashMap::new();
    while let Some(job) = jobs.blocking_recv() {
        match job {
            Job::Forget(way) => drop(pipelines.remove(&way)),
            Job::Take {
                way,
                item,
                inputs,
                now,
                reply,
            } => {
                let count = inputs.len();
                let work = || one(&mut pipelines, way, &item, inputs, now);
                let done = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
                    // Nobody knows what it remembers now.
                    pipelines.remove(&way);
                    all_failed(count, "the engine of the rules panicked")
                });
                // Who asked may have ended meanwhile.
                drop(reply.send(done));
            }
        }
    }
}

fn one(
    pipelines: &mut HashMap<u64, Pipeline>,
    way: u64,
    item: &MappingItem,
    inputs: Vec<Input>,
    now: Monotonic,
) -> Done {
    let pipeline = match pipelines.entry(way) {
        Entry::Occupied(there) => there.into_mut(),
        Entry::Vacant(place) => match Pipeline::new(item) {
            Ok(made) => place.insert(made),
            Err(fault) => return all_failed(inputs.len().max(1), &fault.to_string()),
        },
    };
    let mut outcomes = pipeline.tick(now);
    outcomes.extend(inputs.into_iter().map(|input| pipeline.take(input, now)));
    Done {
        outcomes,
        due: pipeline.due(),
    }
}

fn all_failed(count: usize, cause: &str) -> Done {
    let failed = || {
        Outcome::Failed(Fault::Rule {
            rule: "rules",
            cause: cause.to_owned(),
        })
    };
    Done {
        outcomes: std::iter::repeat_with(failed).take(count).collect(),
        due: None,
    }
}
