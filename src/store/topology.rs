//! The tree of sources as a whole, at one moment.

use std::sync::Arc;

use mainstem_model::{NodeId, Role, SourceStatus};

use crate::{SourceId, Store};

/// All sources at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// The entry of the feed that changed the tree last.
    pub topotime: u64,
    /// The sources; what hangs on another one comes behind it.
    pub sources: Vec<TreeSource>,
}

/// One source in the tree.
#[derive(Clone, Debug, PartialEq)]
pub struct TreeSource {
    /// Its number.
    pub id: SourceId,
    /// What it hangs on.
    pub parent: Option<SourceId>,
    /// The node at which it is.
    pub node: NodeId,
    /// Its name there.
    pub name: Arc<str>,
    /// What it is.
    pub role: Role,
    /// The names from the top down to it, joined by dots.
    pub path: String,
    /// Its own state.
    pub own: SourceStatus,
    /// The worst of its own and its parents' states.
    pub effective: SourceStatus,
    /// The path of the source at fault, where it is another one and something is wrong.
    pub hop: Option<String>,
    /// Datapoints that hang on it directly.
    pub points: u32,
    /// Whether it came over a link.
    pub is_mirrored: bool,
}

impl Store {
    /// The tree of sources.
    pub fn tree(&self) -> Tree {
        self.read(|state| {
            let sources = state.sources.iter().map(|(id, source)| {
                let elsewhere = source.at_fault != id && !source.effective.quality.is_good();
                TreeSource {
                    id,
                    parent: source.parent,
                    node: source.node,
                    name: Arc::clone(&source.name),
                    role: source.role,
                    path: state.sources.path(id),
                    own: source.own,
                    effective: source.effective,
                    hop: elsewhere.then(|| state.sources.path(source.at_fault)),
                    points: source.points,
                    is_mirrored: source.remote_id.is_some(),
                }
            });
            Tree {
                topotime: state.log.tree(),
                sources: sources.collect(),
            }
        })
    }

    /// The entry of the feed that changed the tree last: equal numbers of one epoch mean an equal
    /// tree.
    pub fn topotime(&self) -> u64 {
        self.read(|state| state.log.tree())
    }
}
