//! One simulated node: a real store, real mirrors and link machines, a clock of its own.

use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{
    Clock, Definition, ManualClock, Name, NodeId, Quality, Reason, Role, Sample, Scalar, Timestamp,
    Value,
};
use mainstem_remote::{LinkMachine, LinkState, Mirror, MirrorCounters, Serving, Timing};
use mainstem_store::{
    Filter, ListQuery, PointId, PointView, SourceId, Store, StoreLimits, StoreSetup,
};
use mainstem_wire::Epoch;

use crate::witness::Witness;

/// How often a node saves a checkpoint by itself.
const CHECKPOINT_MS: u64 = 10_000;

pub(crate) struct Node {
    pub(crate) name: String,
    id: NodeId,
    wall: i64,
    remotes: Vec<(usize, String)>,
    points: usize,
    starts: u32,
    saved: Option<Vec<u8>>,
    saved_age_ms: u64,
    /// The bound of its log.
    pub(crate) log_bytes: usize,
    /// A copy of the folder: the checkpoint, and how often the node had been started.
    backup: Option<(Option<Vec<u8>>, u32)>,
    life: Option<Life>,
    past: Vec<MirrorCounters>,
}

/// What a crash ends.
pub(crate) struct Life {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Arc<Store>,
    pub(crate) serving: Serving,
    pub(crate) links: Vec<Link>,
    pub(crate) witness: Witness,
    source: Option<(SourceId, Vec<PointId>)>,
}

pub(crate) struct Link {
    pub(crate) wire: usize,
    pub(crate) source: SourceId,
    pub(crate) machine: LinkMachine,
    pub(crate) mirror: Mirror,
    /// Whether a stream was open when the machine was last asked.
    pub(crate) was_open: bool,
}

impl Node {
    pub(crate) fn new(index: usize, name: &str, wall: u64) -> Self {
        Self {
            name: name.into(),
            id: NodeId(uuid::Uuid::from_u128(index as u128 + 1)),
            // Wall clocks differ by hours: nothing may depend on them.
            wall: 1_795_000_000_000_000 + i64::try_from(wall % 7_200_000_000).unwrap(),
            remotes: Vec::new(),
            points: 0,
            starts: 0,
            saved: None,
            saved_age_ms: 0,
            log_bytes: StoreLimits::default().log_bytes,
            backup: None,
            life: None,
            past: Vec::new(),
        }
    }

    pub(crate) fn add_remote(&mut self, wire: usize, prefix: &str) {
        self.remotes.push((wire, prefix.into()));
    }

    pub(crate) fn add_points(&mut self, count: usize) {
        self.points = count;
    }

    pub(crate) fn is_up(&self) -> bool {
        self.life.is_some()
    }

    pub(crate) fn id(&self) -> NodeId {
        self.id
    }

    pub(crate) fn starts(&self) -> u32 {
        self.starts
    }

    pub(crate) fn life(&mut self) -> Option<&mut Life> {
        self.life.as_mut()
    }

    pub(crate) fn store(&self) -> &Arc<Store> {
        &self.life.as_ref().unwrap().store
    }

    /// Starts it. `random` is what tells this life of its feed from all others.
    pub(crate) fn start(&mut self, random: u64) {
        self.starts += 1;
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(self.wall)));
        let store = Store::new(StoreSetup {
            node: self.id,
            name: self.name.as_str().into(),
            instance: u64::from(self.starts),
            epoch: Epoch {
                counter: self.starts,
                random,
            },
            clock: clock.clone(),
            limits: StoreLimits {
                log_bytes: self.log_bytes,
                ..StoreLimits::default()
            },
        });
        if let Some(saved) = &self.saved {
            store.restore(saved).unwrap();
        }
        let restarted = Quality::of(Reason::Restarted);
        store.put_own_source(None, &self.name, Role::Node, Quality::GOOD, true);
        let source = (self.points > 0).then(|| {
            let source = store.put_own_source(None, "plc", Role::Adapter, restarted, true);
            let define = |point| {
                let name = Name::new(&format!("p{point}")).unwrap();
                store
                    .define(source, &name, Definition::new(Scalar::F64))
                    .unwrap()
            };
            (source, (0..self.points).map(define).collect())
        });
        let links = self.remotes.iter().map(|(wire, prefix)| {
            let source = store.put_own_source(None, prefix, Role::Link, restarted, false);
            let mirror = Mirror::new(Arc::clone(&store), source, prefix, Filter::everything());
            let machine = LinkMachine::new(Timing::LAN, false, clock.monotonic());
            Link {
                wire: *wire,
                source,
                machine,
                mirror,
                was_open: false,
            }
        });
        let links = links.collect();
        let serving = Serving::new(Arc::clone(&store));
        self.life = Some(Life {
            clock,
            witness: Witness::new(),
            store,
            serving,
            links,
            source,
        });
    }

    pub(crate) fn crash(&mut self) {
        self.past.extend(self.counters());
        self.life = None;
    }

    pub(crate) fn lose_checkpoint(&mut self) {
        self.saved = None;
    }

    /// Copies its folder.
    pub(crate) fn back_up(&mut self) {
        self.backup = Some((self.saved.clone(), self.starts));
    }

    /// Puts the copy of its folder back, while it is down, if there is one.
    pub(crate) fn put_back(&mut self) {
        if let Some((saved, starts)) = self.backup.clone() {
            (self.saved, self.starts) = (saved, starts);
        }
    }

    /// Somebody asks for a snapshot of all its links.
    pub(crate) fn resync_links(&mut self) -> Vec<usize> {
        let links = self.life.iter_mut().flat_map(|life| &mut life.links);
        let resynced = links.map(|link| {
            link.mirror.resync(false);
            link.wire
        });
        resynced.collect()
    }

    /// Somebody sets its clock.
    pub(crate) fn step_wall(&mut self, micros: i64) {
        self.wall += micros;
        if let Some(life) = &self.life {
            life.clock.step_wall(micros);
        }
    }

    pub(crate) fn save_checkpoint(&mut self) {
        if let Some(life) = &self.life {
            self.saved = Some(life.store.checkpoint());
            self.saved_age_ms = 0;
        }
    }

    pub(crate) fn advance(&mut self, passed: Duration) {
        self.wall += i64::try_from(passed.as_micros()).unwrap();
        if let Some(life) = &self.life {
            life.clock.advance(passed);
        }
        self.saved_age_ms += u64::try_from(passed.as_millis()).unwrap();
        if self.saved_age_ms >= CHECKPOINT_MS {
            self.save_checkpoint();
        }
    }

    /// What an adapter does: reads the device, and vouches for what it read.
    pub(crate) fn read_device(&mut self, values: &[f64]) {
        let Some(life) = &self.life else { return };
        let Some((source, points)) = &life.source else {
            return;
        };
        let sample = |value: &f64| Sample::good(Value::F64(*value), None);
        let mut batch = points
            .iter()
            .copied()
            .zip(values.iter().map(sample))
            .collect();
        life.store.apply(*source, &mut batch);
        life.store.set_status(*source, Quality::GOOD);
    }

    /// What an adapter does when its device does not answer.
    pub(crate) fn lose_device(&mut self) {
        if let Some(life) = &self.life
            && let Some((source, _)) = &life.source
        {
            let lost = Quality::of(Reason::Reconnecting);
            life.store.set_status(*source, lost);
        }
    }

    /// Datapoints of devices, each with the name of its device: `line1.p0` at every level.
    pub(crate) fn views(&self) -> Vec<(String, PointView)> {
        let Some(life) = &self.life else {
            return Vec::new();
        };
        let query = ListQuery {
            limit: 1000,
            ..ListQuery::default()
        };
        let (views, _) = life.store.list(&query, &Filter::everything());
        let device = |view: &PointView| {
            let parts: Vec<&str> = view.name.as_str().split('.').collect();
            match parts.as_slice() {
                [.., line, point] => format!("{line}.{point}"),
                _ => format!("{}.{}", self.name, view.name),
            }
        };
        views
            .into_iter()
            .map(|view| (device(&view), view))
            .collect()
    }

    pub(crate) fn counters(&self) -> Vec<MirrorCounters> {
        let links = self.life.iter().flat_map(|life| &life.links);
        links
            .map(|link| link.mirror.counters())
            .chain(self.past.clone())
            .collect()
    }

    pub(crate) fn link_states(&self) -> Vec<(LinkState, String)> {
        let links = self.life.iter().flat_map(|life| &life.links);
        links
            .map(|link| {
                let (state, cause, _) = link.machine.state();
                (state, cause.to_owned())
            })
            .collect()
    }
}
