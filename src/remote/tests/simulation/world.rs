//! The simulated world: a tree of nodes, the wires between them, and what must always hold.

use std::collections::BTreeMap;
use std::time::Duration;

use mainstem_model::Status;
use mainstem_remote::MirrorCounters;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::node::Node;
use crate::wire::Wire;

/// Parents by node number: the node that replicates it.
pub(crate) struct Tree(Vec<Option<usize>>);

impl Tree {
    /// line1 → plant → area → enterprise, and line2 beside line1.
    pub(crate) fn four_levels() -> Self {
        Self(vec![Some(1), Some(2), Some(3), None, Some(1)])
    }
}

const TOP: usize = 3;
const LINES: [usize; 2] = [0, 4];
const POINTS: usize = 6;
/// The most that a value may be behind its device while it is shown as good: the table of quality
/// timing (2 s per link after the last byte, two links at once), and the wires' delays.
const STALE_MAX_MS: u64 = 4_000 + 1_000;

pub(crate) struct World {
    rng: StdRng,
    now_ms: u64,
    nodes: Vec<Node>,
    wires: Vec<Wire>,
    /// What each device says: the number rises; when each number was set.
    devices: BTreeMap<String, Vec<(u64, f64)>>,
    shown: Vec<BTreeMap<String, f64>>,
    quiet: bool,
    next_value: f64,
}

impl World {
    pub(crate) fn new(seed: u64, tree: &Tree) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let names = ["line1", "plant", "area", "top", "line2"];
        let mut nodes: Vec<Node> = (0..tree.0.len())
            .map(|i| Node::new(i, names[i], rng.random()))
            .collect();
        let mut wires = Vec::new();
        for (lower, upper) in tree.0.iter().enumerate() {
            if let Some(upper) = upper {
                wires.push(Wire::new(*upper, lower));
                nodes[*upper].add_remote(wires.len() - 1, names[lower]);
            }
        }
        for line in LINES {
            nodes[line].add_points(POINTS);
        }
        let shown = nodes.iter().map(|_| BTreeMap::new()).collect();
        let mut world = Self {
            rng,
            now_ms: 0,
            nodes,
            wires,
            devices: BTreeMap::new(),
            shown,
            quiet: false,
            next_value: 0.0,
        };
        for index in 0..world.nodes.len() {
            world.nodes[index].start();
        }
        world
    }

    /// Runs with rare changes and no faults until everything had time to arrive.
    pub(crate) fn settle(&mut self) {
        self.quiet = false;
        self.run_ms(2_000);
        self.quiet = true;
        self.run_ms(25_000);
        self.quiet = false;
    }

    pub(crate) fn run_ms(&mut self, duration_ms: u64) {
        let end = self.now_ms + duration_ms;
        while self.now_ms < end {
            self.step();
        }
    }

    /// Random faults.
    pub(crate) fn disturb(&mut self, faults: usize) {
        for _ in 0..faults {
            match self.rng.random_range(0..10) {
                0 => {
                    let wire = self.rng.random_range(0..self.wires.len());
                    self.cut(wire);
                }
                1 | 2 => {
                    let wire = self.rng.random_range(0..self.wires.len());
                    self.mend(wire);
                }
                3 => {
                    let wire = self.rng.random_range(0..self.wires.len());
                    self.wires[wire].reset();
                }
                4 => {
                    let node = self.rng.random_range(0..self.nodes.len());
                    self.crash(node);
                }
                5 | 6 => {
                    let node = self.rng.random_range(0..self.nodes.len());
                    self.restart(node);
                }
                7 => {
                    let wire = self.rng.random_range(0..self.wires.len());
                    self.wires[wire].delay_ms = self.rng.random_range(0..150);
                }
                8 => {
                    let node = self.rng.random_range(0..self.nodes.len());
                    self.nodes[node].save_checkpoint();
                }
                _ => {}
            }
            let pause = self.rng.random_range(10..1_500);
            self.run_ms(pause);
        }
    }

    pub(crate) fn cut(&mut self, wire: usize) {
        self.wires[wire].is_cut = true;
    }

    pub(crate) fn mend(&mut self, wire: usize) {
        self.wires[wire].is_cut = false;
    }

    pub(crate) fn crash(&mut self, node: usize) {
        if self.nodes[node].is_up() {
            self.nodes[node].crash();
            self.shown[node].clear();
            for wire in self
                .wires
                .iter_mut()
                .filter(|w| w.upper == node || w.lower == node)
            {
                wire.reset();
            }
        }
    }

    pub(crate) fn restart(&mut self, node: usize) {
        if !self.nodes[node].is_up() {
            self.nodes[node].start();
        }
    }

    pub(crate) fn lose_checkpoint(&mut self, node: usize) {
        self.nodes[node].lose_checkpoint();
    }

    pub(crate) fn heal(&mut self) {
        for wire in 0..self.wires.len() {
            self.mend(wire);
            self.wires[wire].delay_ms = 5;
        }
        for node in 0..self.nodes.len() {
            self.restart(node);
        }
    }

    fn step(&mut self) {
        let passed = self.rng.random_range(5..40);
        self.now_ms += passed;
        for node in &mut self.nodes {
            node.advance(Duration::from_millis(passed));
        }
        self.devices_move();
        for index in 0..self.wires.len() {
            let wire = &mut self.wires[index];
            let (upper, lower) = pair(&mut self.nodes, wire.upper, wire.lower);
            wire.step(self.now_ms, index, upper, lower, &mut self.rng);
        }
        self.check();
    }

    /// Devices change, whether their node is up or not; a node reads its device when it is up.
    fn devices_move(&mut self) {
        let rate = if self.quiet { 0.0 } else { 0.3 };
        for line in LINES {
            for point in 0..POINTS {
                let name = format!("{}.p{point}", self.nodes[line].name);
                let is_first = !self.devices.contains_key(&name);
                if is_first || self.rng.random_bool(rate) {
                    self.next_value += 1.0;
                    let history = self.devices.entry(name).or_default();
                    history.push((self.now_ms, self.next_value));
                }
            }
            let values: Vec<f64> = (0..POINTS)
                .map(|point| {
                    let name = format!("{}.p{point}", self.nodes[line].name);
                    self.devices[&name].last().unwrap().1
                })
                .collect();
            self.nodes[line].read_device(&values);
        }
    }

    fn device_at(&self, name: &str, at_ms: u64) -> Option<f64> {
        let history = &self.devices[name];
        history
            .iter()
            .rev()
            .find(|(set, _)| *set <= at_ms)
            .map(|(_, value)| *value)
    }

    /// What must hold at every moment at every node.
    fn check(&mut self) {
        for index in 0..self.nodes.len() {
            for (device, view) in self.nodes[index].views() {
                let Some(value) = view.value.as_ref().and_then(|value| value.as_f64()) else {
                    assert_ne!(view.quality.status, Status::Good, "good without a value");
                    continue;
                };
                // G6, and G1's second half: a newer value is never followed by an older one.
                let last = self.shown[index]
                    .insert(device.clone(), value)
                    .unwrap_or(0.0);
                let node = &self.nodes[index].name;
                assert!(
                    value >= last,
                    "{node}: {} goes back from {last} to {value}",
                    view.name
                );
                // G2: what is good is not stale.
                if view.quality.is_good() && self.now_ms > STALE_MAX_MS {
                    let truth = self.device_at(&device, self.now_ms - STALE_MAX_MS);
                    let truth = truth.unwrap_or(0.0);
                    assert!(
                        value >= truth,
                        "{node} at {} ms: {} is good with {value}, the device had {truth} {} ms ago",
                        self.now_ms,
                        view.name,
                        STALE_MAX_MS,
                    );
                }
            }
        }
    }

    /// G1: every level shows what the devices say, and all of it is good.
    pub(crate) fn check_converged(&self) {
        for node in &self.nodes {
            let views = node.views();
            let expected = match &*node.name {
                "line1" | "line2" => POINTS,
                _ => 2 * POINTS,
            };
            assert_eq!(
                views.len(),
                expected,
                "{}: {:?}",
                node.name,
                node.link_states()
            );
            for (device, view) in views {
                let truth = self.device_at(&device, self.now_ms).unwrap();
                let value = view.value.as_ref().and_then(|value| value.as_f64());
                let links = node.link_states();
                assert_eq!(value, Some(truth), "{}: {} {links:?}", node.name, view.name);
                let quality = view.quality;
                assert!(
                    quality.is_good(),
                    "{}: {} {quality:?} {links:?}",
                    node.name,
                    view.name
                );
            }
        }
    }

    /// Nothing that a stream brought twice was applied twice.
    pub(crate) fn check_nothing_repeated(&self) {
        for node in &self.nodes {
            for counters in node.counters() {
                assert!(counters.changes <= counters.rows, "{counters:?}");
            }
        }
    }

    pub(crate) fn counters(&self) -> Vec<MirrorCounters> {
        self.nodes.iter().flat_map(Node::counters).collect()
    }

    fn at_top(&self, point: &str) -> Status {
        let name = format!("area.plant.line1.{point}");
        self.nodes[TOP].store().point(&name).unwrap().quality.status
    }

    pub(crate) fn is_good_at_top(&self, point: &str) -> bool {
        self.at_top(point) == Status::Good
    }

    pub(crate) fn is_bad_at_top(&self, point: &str) -> bool {
        self.at_top(point) == Status::Bad
    }

    pub(crate) fn names_at_top(&self) -> Vec<String> {
        self.nodes[TOP]
            .views()
            .into_iter()
            .map(|(_, view)| view.name.to_string())
            .collect()
    }
}

fn pair(nodes: &mut [Node], upper: usize, lower: usize) -> (&mut Node, &mut Node) {
    let [upper, lower] = nodes.get_disjoint_mut([upper, lower]).unwrap();
    (upper, lower)
}
