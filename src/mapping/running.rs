//! Running mappings: subscriptions, threads that run the rules, publishing.

mod delivery;
mod numbers;
mod shared;
#[cfg(test)]
mod tests;
mod way;
mod workers;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use mainstem_bus::Bus;
use mainstem_model::{Clock, Timestamp};
use mainstem_service::{Mapping, may_feed_themselves};
use mainstem_telemetry::{Health, Metrics};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use numbers::Numbers;
use shared::Shared;
use way::Way;
use workers::Workers;

/// Is told of messages that only tell how things were and go on all the same, since their mapping
/// was told so: for the audit trail.
pub trait StartupNotice: Send + Sync {
    /// A mapping published on a topic because of a message that the broker had kept on another.
    fn passed(&self, mapping: &str, from: &str, to: &str);
}

/// What mappings need.
pub struct MappingsSetup {
    /// Where messages come from and go to.
    pub bus: Arc<dyn Bus>,
    /// This node.
    pub node: Uuid,
    /// Its clocks.
    pub clock: Arc<dyn Clock>,
    /// Where mappings are counted.
    pub metrics: Metrics,
    /// Where it is said that they fail.
    pub health: Health,
    /// Who is told of messages that only tell how things were.
    pub notice: Arc<dyn StartupNotice>,
}

/// How a mapping stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingView {
    /// Its resource id.
    pub id: String,
    /// Whether it is to work.
    pub is_enabled: bool,
    /// Its ways.
    pub items: Vec<ItemView>,
}

/// How one way of a mapping stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemView {
    /// The filters that it subscribes.
    pub subscribe: Vec<String>,
    /// Where it publishes, with its variables.
    pub publish: String,
    /// Whether it is subscribed.
    pub is_ready: bool,
    /// Why it is not.
    pub cause: Option<String>,
    /// Messages that came.
    pub received: u64,
    /// Messages that were published.
    pub published: u64,
    /// Messages that a rule held back or gathered.
    pub held: u64,
    /// Messages at which a rule failed.
    pub failed: u64,
    /// Messages that only told how things were, and were left out.
    pub retained: u64,
    /// Messages of this node that came faster than a way may take that may feed itself.
    pub looping: u64,
    /// Messages that came faster than they could be taken.
    pub missed: u64,
    /// Results that could not be published.
    pub undelivered: u64,
    /// What went wrong last, and when.
    pub last_error: Option<(Timestamp, String)>,
}

/// The mappings of a node.
pub struct Mappings {
    shared: Arc<Shared>,
    running: Mutex<BTreeMap<String, Running>>,
    workers: Arc<Workers>,
}

struct Running {
    mapping: Mapping,
    loops: Vec<usize>,
    ways: Vec<Arc<Way>>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Mappings {
    /// Starts without a mapping. Fails if the system gives no threads.
    pub fn start(setup: MappingsSetup) -> io::Result<Self> {
        let workers = Arc::new(Workers::start()?);
        let shared = Arc::new(Shared {
            bus: setup.bus,
            node: setup.node,
            clock: setup.clock,
            health: setup.health,
            numbers: Numbers::new(&setup.metrics),
            notice: setup.notice,
        });
        Ok(Self {
            shared,
            running: Mutex::default(),
            workers,
        })
    }

    /// Makes the mappings the same as these: what did not change is not touched.
    pub async fn apply(&self, mappings: &[Mapping]) {
        let loops = may_feed_themselves(mappings);
        let loops_of = |index: usize| -> Vec<usize> {
            let own = loops.iter().filter(|(mapping, _)| *mapping == index);
            own.map(|(_, item)| *item).collect()
        };
        let mut ended = Vec::new();
        let mut begun = Vec::new();
        {
            let mut running = self.running.lock();
            let mut before = std::mem::take(&mut *running);
            for (index, mapping) in mappings.iter().enumerate() {
                let loops = loops_of(index);
                match before.remove(&mapping.id) {
                    Some(same) if same.mapping == *mapping && same.loops == loops => {
                        running.insert(mapping.id.clone(), same);
                    }
                    other => {
                        ended.extend(other);
                        begun.push((mapping.clone(), loops));
                    }
                }
            }
            ended.extend(before.into_values());
        }
        for old in ended {
            old.end(&self.shared).await;
        }
        for (mapping, loops) in begun {
            let id = mapping.id.clone();
            let started = self.begin(mapping, loops);
            self.running.lock().insert(id, started);
        }
    }

    fn begin(&self, mapping: Mapping, loops: Vec<usize>) -> Running {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let mut ways = Vec::new();
        for index in 0..mapping.items.len() {
            let may_loop = loops.contains(&index);
            let way = Arc::new(Way::new(&self.shared, &mapping, index, may_loop));
            ways.push(Arc::clone(&way));
            if mapping.target_state.is_enabled() {
                let run = Arc::clone(&way).run(Arc::clone(&self.workers), stop.clone());
                tasks.spawn(run);
            }
        }
        Running {
            mapping,
            loops,
            ways,
            stop,
            tasks,
        }
    }

    /// How they stand, in the order of their ids.
    #[must_use]
    pub fn views(&self) -> Vec<MappingView> {
        let running = self.running.lock();
        let view = |running: &Running| MappingView {
            id: running.mapping.id.clone(),
            is_enabled: running.mapping.target_state.is_enabled(),
            items: running.ways.iter().map(|way| way.view()).collect(),
        };
        running.values().map(view).collect()
    }

    /// Ends all of them, and the threads.
    pub async fn stop(&self) {
        let all = std::mem::take(&mut *self.running.lock());
        for running in all.into_values() {
            running.end(&self.shared).await;
        }
        self.workers.stop().await;
    }
}

impl Running {
    async fn end(self, shared: &Shared) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        shared.health.clear(&shared::problem_id(&self.mapping.id));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
