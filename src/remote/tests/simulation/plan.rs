//! Which nodes there are, and who replicates whom.

use std::collections::BTreeSet;

/// A plan of nodes and links.
pub(crate) struct Plan {
    pub(crate) names: Vec<&'static str>,
    /// Nodes that have a device.
    pub(crate) lines: Vec<usize>,
    /// The replicating node, and the replicated one.
    pub(crate) links: Vec<(usize, usize)>,
    /// How many routes each link has.
    pub(crate) routes: usize,
}

impl Plan {
    /// line1 → plant → area → top, and line2 beside line1.
    pub(crate) fn four_levels() -> Self {
        Self {
            names: vec!["line1", "plant", "area", "top", "line2"],
            lines: vec![0, 4],
            links: vec![(1, 0), (2, 1), (3, 2), (1, 4)],
            routes: 1,
        }
    }

    /// The same with two routes for every link.
    pub(crate) fn two_routes() -> Self {
        Self {
            routes: 2,
            ..Self::four_levels()
        }
    }

    /// Three concentrators in a circle, each with a device of its own.
    pub(crate) fn ring() -> Self {
        Self {
            names: vec!["a", "b", "c"],
            lines: vec![0, 1, 2],
            links: vec![(0, 1), (1, 2), (2, 0)],
            routes: 1,
        }
    }

    /// The top replicates line1 by the plant, and directly as well.
    pub(crate) fn below_two_prefixes() -> Self {
        Self {
            names: vec!["line1", "plant", "top"],
            lines: vec![0],
            links: vec![(1, 0), (2, 1), (2, 0)],
            routes: 1,
        }
    }

    /// One more link than a path may have.
    pub(crate) fn too_deep() -> Self {
        Self {
            names: vec!["n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8", "n9"],
            lines: vec![0, 1],
            links: (1..10).map(|upper| (upper, upper - 1)).collect(),
            routes: 1,
        }
    }

    /// The nodes with a device that a node shows when all is well: each that it reaches, once.
    pub(crate) fn shown_at(&self, node: usize) -> BTreeSet<usize> {
        let mut reached = BTreeSet::from([node]);
        let mut at = vec![(node, 0)];
        while let Some((upper, depth)) = at.pop() {
            for (_, lower) in self.links.iter().filter(|(from, _)| *from == upper) {
                if depth < 8 && reached.insert(*lower) {
                    at.push((*lower, depth + 1));
                }
            }
        }
        reached.retain(|node| self.lines.contains(node));
        reached
    }
}
