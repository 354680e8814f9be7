//! The simulated world: nodes, the wires between them, and devices that nothing stops.

use std::collections::BTreeMap;
use std::time::Duration;

use mainstem_model::Status;
use mainstem_remote::MirrorCounters;
use mainstem_store::Delivery;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::checks::Shown;
use crate::node::Node;
use crate::plan::Plan;
use crate::wire::Wire;

pub(crate) const POINTS: usize = 4;
/// The bound of a short log: about a hundred entries.
const LOG_BYTES_MIN: usize = 8 * 1024;

/// What a device said, and when.
pub(crate) type History = Vec<(u64, f64)>;

pub(crate) struct World {
    pub(crate) rng: StdRng,
    pub(crate) now_ms: u64,
    pub(crate) plan: Plan,
    pub(crate) nodes: Vec<Node>,
    pub(crate) wires: Vec<Wire>,
    /// What each datapoint of a device says: the number rises.
    pub(crate) devices: BTreeMap<String, History>,
    /// Devices that do not answer, by line.
    pub(crate) away: Vec<bool>,
    pub(crate) shown: Vec<Shown>,
    pub(crate) quiet: bool,
    /// Whether a backup was put back: then what a node says counts, even if it is older, but
    /// nobody takes it for good.
    pub(crate) restored: bool,
    next_value: f64,
}

/// What a device said at a moment.
pub(crate) fn at(history: &History, at_ms: u64) -> Option<f64> {
    let before = history.iter().rev().find(|(set, _)| *set <= at_ms);
    before.map(|(_, value)| *value)
}

impl World {
    /// Nodes with a log that is never too short, and links that bring every sample.
    pub(crate) fn new(seed: u64, plan: Plan) -> Self {
        Self::build(seed, plan, 0.0)
    }

    /// Some nodes remember little, and some links bring the latest only.
    pub(crate) fn varied(seed: u64, plan: Plan) -> Self {
        Self::build(seed, plan, 0.3)
    }

    fn build(seed: u64, plan: Plan, share: f64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut nodes = Vec::new();
        for (index, name) in plan.names.iter().enumerate() {
            nodes.push(Node::new(index, name, rng.random()));
        }
        let mut wires = Vec::new();
        for (upper, lower) in &plan.links {
            nodes[*upper].add_remote(wires.len(), plan.names[*lower]);
            let delivery = if share > 0.0 && rng.random_bool(share) {
                Delivery::Latest
            } else {
                Delivery::Every
            };
            wires.push(Wire::new(*upper, *lower, plan.routes, delivery));
        }
        for line in &plan.lines {
            nodes[*line].add_points(POINTS);
        }
        for node in &mut nodes {
            // Some remember so little that whoever was away falls behind the log.
            if share > 0.0 && rng.random_bool(share) {
                node.log_bytes = LOG_BYTES_MIN;
            }
            node.start(rng.random());
        }
        Self {
            rng,
            now_ms: 0,
            shown: nodes.iter().map(|_| Shown::default()).collect(),
            away: vec![false; plan.lines.len()],
            plan,
            nodes,
            wires,
            devices: BTreeMap::new(),
            quiet: false,
            restored: false,
            next_value: 0.0,
        }
    }

    /// Runs with changes and then without, and no faults, until everything had time to arrive.
    pub(crate) fn settle(&mut self) {
        self.quiet = false;
        self.run_ms(2_000);
        self.quiet = true;
        self.run_ms(20_000);
        self.quiet = false;
    }

    pub(crate) fn run_ms(&mut self, duration_ms: u64) {
        let end = self.now_ms + duration_ms;
        while self.now_ms < end {
            self.step();
        }
    }

    pub(crate) fn cut(&mut self, wire: usize, is_cut: bool) {
        for route in &mut self.wires[wire].routes {
            route.cut(is_cut);
        }
    }

    pub(crate) fn crash(&mut self, node: usize) {
        if self.nodes[node].is_up() {
            self.nodes[node].crash();
            self.shown[node] = Shown::default();
            let of_node = |wire: &&mut Wire| wire.upper == node || wire.lower == node;
            self.wires.iter_mut().filter(of_node).for_each(Wire::reset);
        }
    }

    pub(crate) fn restart(&mut self, node: usize) {
        if !self.nodes[node].is_up() {
            let random = self.rng.random();
            self.nodes[node].start(random);
        }
    }

    fn step(&mut self) {
        let passed = self.rng.random_range(5..60);
        self.now_ms += passed;
        for node in &mut self.nodes {
            node.advance(Duration::from_millis(passed));
        }
        self.devices_move();
        for index in 0..self.wires.len() {
            let wire = &mut self.wires[index];
            let nodes = self.nodes.get_disjoint_mut([wire.upper, wire.lower]);
            let [upper, lower] = nodes.unwrap();
            wire.step(self.now_ms, index, (upper, lower), &mut self.rng);
        }
        self.check();
    }

    /// Devices change, whether their node is up or not; a node reads its device when both are.
    fn devices_move(&mut self) {
        let rate = if self.quiet { 0.0 } else { 0.3 };
        for (line, &node) in self.plan.lines.iter().enumerate() {
            let mut values = Vec::with_capacity(POINTS);
            for point in 0..POINTS {
                let name = format!("{}.p{point}", self.plan.names[node]);
                let history = self.devices.entry(name).or_default();
                if history.is_empty() || self.rng.random_bool(rate) {
                    self.next_value += 1.0;
                    history.push((self.now_ms, self.next_value));
                }
                values.extend(history.last().map(|(_, value)| *value));
            }
            if self.away[line] {
                self.nodes[node].lose_device();
            } else {
                self.nodes[node].read_device(&values);
            }
        }
    }

    pub(crate) fn counters(&self) -> Vec<MirrorCounters> {
        self.nodes.iter().flat_map(Node::counters).collect()
    }

    /// The grade of a datapoint of line1 at the top of four levels.
    pub(crate) fn at_top(&self, point: &str) -> Status {
        let name = format!("area.plant.line1.{point}");
        self.nodes[3].store().point(&name).unwrap().quality.status
    }

    pub(crate) fn names_at(&self, node: usize) -> Vec<String> {
        let views = self.nodes[node].views().into_iter();
        views.map(|(_, view)| view.name.to_string()).collect()
    }
}
