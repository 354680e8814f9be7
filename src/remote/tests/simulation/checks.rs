//! What must hold: at every moment, and when all is well.

use std::collections::{BTreeMap, BTreeSet};

use mainstem_model::limits::PATH_HOPS_MAX;
use mainstem_model::{Role, Status};
use mainstem_remote::LinkState;

use crate::node::Node;
use crate::world::{POINTS, World};

/// The longest that a wire delays a message: 150 ms, and 100 ms that vary.
const DELAY_MS: u64 = 250;
/// The longest step of the world; whatever is due waits for the next one.
const STEP_MS: u64 = 60;
/// How long the reader of a link may not know that a link below it is silent: the silence is told
/// from 600 ms on, with the answer to a beat. Beats are sent each 500 ms and a step, each may be
/// delayed by more than the one before, and so may the answer.
const UNHEARD_MS: u64 = 600 + (500 + STEP_MS + DELAY_MS) + DELAY_MS;
/// The most that a value may be behind its device while it is shown as good. At worst three links
/// are cut one after the other, each just before its reader hears that the one below is silent.
/// The value was on its way over the first for a delay, and the last is uncertain 2 s after its
/// last byte. Without delays that is 2 s, 3.1 s and 4.2 s for one, two and three links, within the
/// 4 s and 5 s that GUARANTEES.md promises.
pub(crate) const STALE_MAX_MS: u64 = DELAY_MS + 2 * UNHEARD_MS + 2_000 + STEP_MS;

/// What a node showed, in this life.
#[derive(Default)]
pub(crate) struct Shown {
    values: BTreeMap<String, f64>,
    topotime: u64,
    head: u64,
    looked_ms: u64,
}

/// How often all of a node is looked at while nothing comes; with every entry otherwise.
const LOOK_EVERY_MS: u64 = 200;

impl World {
    /// What must hold at every moment at every node.
    pub(crate) fn check(&mut self) {
        for index in 0..self.nodes.len() {
            if !self.nodes[index].is_up() {
                continue;
            }
            let head = self.nodes[index].store().statistics().head;
            let shown = &mut self.shown[index];
            if shown.head == head && shown.looked_ms + LOOK_EVERY_MS > self.now_ms {
                continue;
            }
            (shown.head, shown.looked_ms) = (head, self.now_ms);
            self.check_values(index);
            self.check_links(index);
            self.check_tree(index);
            let name = self.nodes[index].name.clone();
            if let Some(life) = self.nodes[index].life() {
                life.witness.look(&name, &life.store, self.restored);
            }
        }
    }

    fn check_values(&mut self, index: usize) {
        let views = self.nodes[index].views();
        let node = &self.nodes[index].name;
        let shown = &mut self.shown[index].values;
        // G7: nothing is erased because another node restarted.
        let names: BTreeSet<&str> = views.iter().map(|(_, view)| view.name.as_str()).collect();
        if let Some(erased) = shown.keys().find(|name| !names.contains(name.as_str())) {
            panic!("{node} at {} ms: {erased} was erased", self.now_ms);
        }
        for (device, view) in &views {
            let name = view.name.as_str();
            let Some(value) = view.value.as_ref().and_then(|value| value.as_f64()) else {
                assert_ne!(view.quality.status, Status::Good, "good without a value");
                continue;
            };
            // G6, and G1's second half: a newer value is never followed by an older one.
            let last = shown.insert(name.to_owned(), value).unwrap_or(0.0);
            let is_old = self.restored && !view.quality.is_good();
            assert!(
                value >= last || is_old,
                "{node} at {} ms: {name} goes back from {last} to {value}",
                self.now_ms
            );
            // G2: what is good is not stale.
            if view.quality.is_good() && self.now_ms > STALE_MAX_MS {
                let history = &self.devices[device];
                let truth = crate::world::at(history, self.now_ms - STALE_MAX_MS);
                let newer = history.iter().find(|(_, newer)| *newer > value);
                assert!(
                    value >= truth.unwrap_or(0.0),
                    "{node} at {} ms: {name} is good with {value}, which its device no longer said \
                     {} ms ago; links {:?}",
                    self.now_ms,
                    self.now_ms - newer.map_or(self.now_ms, |(set, _)| *set),
                    self.nodes
                        .iter()
                        .map(crate::node::Node::link_states)
                        .collect::<Vec<_>>(),
                );
            }
        }
    }

    /// G2 and G7: what came over a link is good only while the link is live, which it is only
    /// after everything was applied; so not after a restart before that either.
    fn check_links(&mut self, index: usize) {
        let now = self.now_ms;
        let node = &mut self.nodes[index];
        let name = node.name.clone();
        let Some(life) = node.life() else { return };
        for link in &life.links {
            let (state, _, _) = link.machine.state();
            let source = life.store.source(link.source).unwrap();
            assert!(
                !source.own.quality.is_good() || state == LinkState::Live,
                "{name} at {now} ms: {} is good while {state:?}",
                source.name
            );
        }
    }

    /// G8: no node twice, this one not below itself, nothing too deep.
    fn check_tree(&mut self, index: usize) {
        let node = &self.nodes[index];
        let store = node.store();
        let topotime = store.topotime();
        if std::mem::replace(&mut self.shown[index].topotime, topotime) == topotime {
            return;
        }
        let mut nodes = BTreeSet::new();
        let tree = store.tree();
        for source in &tree.sources {
            let path = &source.path;
            if source.role == Role::Node {
                assert!(nodes.insert(source.node), "{}: {path} twice", node.name);
            }
            if source.is_mirrored {
                assert_ne!(source.node, node.id(), "{}: {path} is itself", node.name);
            }
            let mut links = 0;
            let mut at = Some(source);
            while let Some(current) = at {
                links += usize::from(current.role == Role::Link);
                at = tree.sources.iter().find(|s| Some(s.id) == current.parent);
            }
            assert!(links <= PATH_HOPS_MAX, "{}: {path} is too deep", node.name);
        }
    }

    /// G1: every level shows what the devices say, once, and all of it is good.
    pub(crate) fn check_converged(&self) {
        for (index, node) in self.nodes.iter().enumerate() {
            let links = node.link_states();
            let views = node.views();
            let shown: Vec<&String> = views.iter().map(|(device, _)| device).collect();
            let lines = self.plan.shown_at(index);
            let expected = lines.iter().flat_map(|line| {
                (0..POINTS).map(|point| format!("{}.p{point}", self.plan.names[*line]))
            });
            let expected: BTreeSet<String> = expected.collect();
            let got: BTreeSet<String> = shown.iter().map(|name| (*name).clone()).collect();
            assert_eq!(got, expected, "{}: {links:?}", node.name);
            assert_eq!(
                shown.len(),
                expected.len(),
                "{}: {shown:?} {links:?}",
                node.name
            );
            for (device, view) in views {
                let truth = crate::world::at(&self.devices[&device], self.now_ms);
                let value = view.value.as_ref().and_then(|value| value.as_f64());
                assert_eq!(value, truth, "{}: {} {links:?}", node.name, view.name);
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

    /// G8: a circle feeds nothing back. While the devices are quiet, no feed goes on.
    pub(crate) fn check_still(&mut self) {
        self.quiet = true;
        let heads = |world: &Self| -> Vec<u64> {
            let stores = world.nodes.iter().map(Node::store);
            stores.map(|store| store.statistics().head).collect()
        };
        let before = heads(self);
        self.run_ms(5_000);
        let after = heads(self);
        for (before, after) in before.iter().zip(&after) {
            // A link that is refused for good may become bad meanwhile.
            assert!(
                after - before <= 2,
                "the feeds go on by themselves: {before} {after}"
            );
        }
        self.quiet = false;
    }
}
