//! The place of nodes in the tree: no loops, no node twice, not too deep.

use mainstem_model::limits::PATH_HOPS_MAX;
use mainstem_model::{Name, NodeId, Role};
use mainstem_wire::SourceFrame;

use super::{Mapped, Mirror, MirrorError};

impl Mirror {
    /// Why a source has no place here, in words for people.
    pub(super) fn unwanted(&self, frame: &SourceFrame, parent: Option<Mapped>) -> Option<String> {
        let path = || self.path_of(frame, parent);
        if frame.node == self.store.setup().node {
            let own = &self.store.setup().name;
            return Some(format!("{} leads back to this node, {own}", path()));
        }
        if depth_of(frame, parent) > PATH_HOPS_MAX {
            return Some(format!(
                "{} is more than {PATH_HOPS_MAX} links away",
                path()
            ));
        }
        if self.sources.len() >= self.limits.sources {
            return Some(format!("{} is one source too many", path()));
        }
        if Name::new(&frame.name).is_err() {
            return Some(format!("a source below {} has no valid name", self.prefix));
        }
        let known = self
            .place_of(frame.node)
            .filter(|_| frame.role == Role::Node)?;
        Some(format!(
            "the node {} at {} is already below {known}",
            frame.name,
            path()
        ))
    }

    /// Leaves a source out. A node that is here by another way is left out with the link that
    /// leads to it; the first place stays undisturbed.
    pub(super) fn prune(&mut self, frame: &SourceFrame, parent: Option<Mapped>, why: String) {
        self.counters.looped += 1;
        self.pruned = Some(why);
        let link = parent.filter(|_| frame.role == Role::Node);
        if let (Some(link), Some(remote_id)) = (link, frame.parent) {
            self.sources.remove(&remote_id);
            self.store.remove_source(link.id);
        }
    }

    /// Another link may have brought the neighbour itself since its hello: then it has its place
    /// there.
    pub(super) fn keep_to_one_place(&mut self, frame: &SourceFrame) -> Result<(), MirrorError> {
        let is_neighbour =
            frame.role == Role::Node && self.hello.as_ref().is_some_and(|h| h.node == frame.node);
        match self.place_of(frame.node).filter(|_| is_neighbour) {
            Some(known) => Err(self.give_way(&frame.name, known)),
            None => Ok(()),
        }
    }

    /// The neighbour is shown below another link: nothing of it stays below this one.
    pub(super) fn give_way(&mut self, node: &str, known: String) -> MirrorError {
        for id in self.store.subtree(self.link) {
            if id != self.link {
                self.store.remove_source(id);
            }
        }
        self.sources.clear();
        self.points.clear();
        self.point_count = 0;
        self.pending.clear();
        self.store.forget_cursor(self.link);
        let node = node.to_owned();
        MirrorError::Duplicate { node, known }
    }

    /// Where a node is in the tree, other than below this link.
    pub(super) fn place_of(&self, node: NodeId) -> Option<String> {
        let below = self.store.subtree(self.link);
        let known = self.store.sources().into_iter().find(|source| {
            source.role == Role::Node && source.node == node && !below.contains(&source.id)
        })?;
        known.parent.map(|parent| self.store.path(parent))
    }

    fn path_of(&self, frame: &SourceFrame, parent: Option<Mapped>) -> String {
        let above = self
            .store
            .path(parent.map_or(self.link, |parent| parent.id));
        format!("{above}.{}", frame.name)
    }
}

/// Links between here and a source, its own included.
pub(super) fn depth_of(frame: &SourceFrame, parent: Option<Mapped>) -> usize {
    parent.map_or(1, |parent| parent.depth) + usize::from(frame.role == Role::Link)
}
