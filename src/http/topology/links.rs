//! Nodes, and the links between them.

use std::collections::HashMap;

use mainstem_model::{NodeId, Reason, Role, Value};
use mainstem_remote::RemoteView;
use mainstem_store::{SourceId, Store, StoreSetup, Tree, TreeSource};
use mainstem_wire::api::topology::{LinkEntry, NodeEntry, PathNode};
use mainstem_wire::api::{ClockDocument, PathHop};

use super::sources;
use crate::documents;
use crate::remotes;

/// The tree with its links looked up.
pub(crate) struct Branches<'a> {
    tree: &'a Tree,
    setup: &'a StoreSetup,
    store: &'a Store,
    by_id: HashMap<SourceId, &'a TreeSource>,
    /// The node behind each link: it told its identity as a source of its own.
    behind: HashMap<SourceId, &'a TreeSource>,
    /// Datapoints at or below each source.
    below: HashMap<SourceId, u64>,
}

impl<'a> Branches<'a> {
    pub(crate) fn new(tree: &'a Tree, store: &'a Store) -> Self {
        let by_id: HashMap<_, _> = tree.sources.iter().map(|s| (s.id, s)).collect();
        let nodes = tree.sources.iter().filter(|s| s.role == Role::Node);
        let behind = nodes.filter_map(|node| {
            let link = node.parent.filter(|parent| {
                let parent = by_id.get(parent);
                parent.is_some_and(|parent| parent.role == Role::Link)
            })?;
            Some((link, node))
        });
        let behind = behind.collect();
        let mut below: HashMap<SourceId, u64> = HashMap::new();
        // What hangs on a source comes behind it, so it is complete when its turn comes.
        for source in tree.sources.iter().rev() {
            let total = below.entry(source.id).or_default();
            *total += u64::from(source.points);
            let total = *total;
            if let Some(parent) = source.parent {
                *below.entry(parent).or_default() += total;
            }
        }
        Self {
            tree,
            setup: store.setup(),
            store,
            by_id,
            behind,
            below,
        }
    }

    /// This node, and every node behind a link.
    pub(super) fn nodes(&self) -> Vec<NodeEntry> {
        let own = NodeEntry {
            id: self.setup.node.to_string(),
            name: self.setup.name.to_string(),
            prefix: String::new(),
            roles: self.roles(self.setup.node),
            path: vec![self.own()],
        };
        let others = self.all_links().filter_map(|link| {
            let node = self.behind.get(&link.id)?;
            Some(NodeEntry {
                id: node.node.to_string(),
                name: node.name.to_string(),
                prefix: link.path.clone(),
                roles: self.roles(node.node),
                path: self.path(link),
            })
        });
        std::iter::once(own).chain(others).collect()
    }

    /// Every link.
    pub(crate) fn links(&self, remotes: &[RemoteView]) -> Vec<LinkEntry> {
        let own = |link: &TreeSource| {
            let fits = |remote: &&RemoteView| remote.prefix == *link.name;
            remotes.iter().find(fits).filter(|_| !link.is_mirrored)
        };
        self.all_links()
            .map(|link| self.link(link, own(link), remotes))
            .collect()
    }

    /// The nodes from a remote down, with how the links to them stand.
    pub(crate) fn hops(&self, prefix: &str, remotes: &[RemoteView]) -> Vec<PathHop> {
        let is_below = |entry: &LinkEntry| {
            let rest = entry.prefix.strip_prefix(prefix);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let links = self.links(remotes).into_iter().filter(is_below);
        let mut hops: Vec<PathHop> = links.map(|entry| self.hop(entry)).collect();
        hops.sort_by(|one, other| one.prefix.cmp(&other.prefix));
        hops
    }

    fn hop(&self, entry: LinkEntry) -> PathHop {
        let behind = self.behind.get(&SourceId(entry.source));
        PathHop {
            name: behind.map(|node| node.name.to_string()),
            roles: behind.map_or_else(Vec::new, |node| self.roles(node.node)),
            id: entry.to,
            prefix: entry.prefix,
            state: entry.state,
            since: entry.since,
            lag: entry.lag,
            canary: entry.canary,
        }
    }

    /// What to do about a link of another node: that node knows best.
    fn next_action(&self, link: &TreeSource, state: &str) -> Option<String> {
        if state == "live" {
            return None;
        }
        if let Some(hop) = &link.hop {
            return Some(format!("Nobody knows how it is while {hop} is cut."));
        }
        let above = link.parent.and_then(|parent| self.by_id.get(&parent));
        let above = above.map_or("its node", |above| &*above.path);
        Some(match state {
            "paused" => format!("Somebody has to resume it at {above}."),
            "replaying" | "connecting" => "Nothing to do: it comes back by itself.".to_owned(),
            _ => format!(
                "{above} tries again by itself; `mainstem doctor` says what it knows about it."
            ),
        })
    }

    fn link(
        &self,
        link: &TreeSource,
        view: Option<&RemoteView>,
        remotes: &[RemoteView],
    ) -> LinkEntry {
        let reason = link.own.quality.reason;
        let (state, cause, since) = match view {
            Some(view) => (view.state.as_str(), view.cause.clone(), view.since),
            None => (told(link), None, link.own.since),
        };
        // Whatever the state, a link that cannot be trusted says why.
        let is_bad = !link.own.quality.is_good() && state != "unknown";
        let behind = self.behind.get(&link.id);
        LinkEntry {
            source: link.id.0,
            parent: link.parent.map(|parent| parent.0),
            prefix: link.path.clone(),
            from: link.node.to_string(),
            to: behind.map(|node| node.node.to_string()),
            path: self.path(link),
            state: state.to_owned(),
            cause: cause.or_else(|| is_bad.then(|| reason.as_str().to_owned())),
            since,
            next_try: view.and_then(|view| view.next_try),
            action: match view {
                Some(view) => view.action.clone(),
                None => self.next_action(link, state),
            },
            lag: view.and_then(|view| view.lag),
            lag_seconds: view.and_then(|view| Some(view.lag_time?.as_secs_f64())),
            canary: documents::canary(&link.path, remotes),
            clock: match view {
                Some(view) => remotes::clock(view),
                None => self.clock_below(link),
            },
            quality: sources::state(link),
            datapoints: self.below.get(&link.id).copied().unwrap_or(0),
        }
    }

    /// What the node that reads a link further down tells about the clock behind it.
    fn clock_below(&self, link: &TreeSource) -> Option<ClockDocument> {
        let told = |what: &str| {
            let point = self.store.point(&format!("{}.clock.{what}", link.path))?;
            point.value.filter(|_| point.quality.is_good())
        };
        let state = match told("state") {
            Some(Value::Text(state)) => Some(state.to_string()),
            _ => None,
        };
        Some(ClockDocument {
            offset: told("offset")?.as_f64()?,
            uncertainty: told("uncertainty")?.as_f64()?,
            state,
        })
    }

    fn all_links(&self) -> impl Iterator<Item = &'a TreeSource> + use<'a> {
        let sources = self.tree.sources.iter();
        sources.filter(|source| source.role == Role::Link)
    }

    fn roles(&self, node: NodeId) -> Vec<String> {
        let has = |role: Role| {
            let mut sources = self.tree.sources.iter();
            sources.any(|source| source.node == node && source.role == role)
        };
        let words = [
            (Role::Adapter, "adapters"),
            (Role::Link, "concentrator"),
            (Role::Provider, "providers"),
        ];
        let words = words.into_iter().filter(|(role, _)| has(*role));
        words.map(|(_, word)| word.to_owned()).collect()
    }

    fn own(&self) -> PathNode {
        PathNode {
            id: self.setup.node.to_string(),
            name: self.setup.name.to_string(),
        }
    }

    /// The nodes from this one to the one behind a link, as far as they told who they are.
    fn path(&self, link: &TreeSource) -> Vec<PathNode> {
        let mut path = Vec::new();
        let mut at = Some(link.id);
        while let Some(source) = at.and_then(|id| self.by_id.get(&id)) {
            path.extend(self.behind.get(&source.id).map(|node| PathNode {
                id: node.node.to_string(),
                name: node.name.to_string(),
            }));
            at = source.parent;
        }
        path.push(self.own());
        path.reverse();
        path
    }
}

/// What the source of a link further down tells about it.
fn told(link: &TreeSource) -> &'static str {
    if link.hop.is_some() {
        return "unknown";
    }
    match link.own.quality.reason {
        _ if link.own.quality.is_good() => "live",
        Reason::ClockDrift => "live",
        Reason::Catching => "replaying",
        Reason::Restarted => "connecting",
        Reason::LinkQuiet | Reason::LinkDown => "waiting",
        Reason::Stopped | Reason::OutOfService => "paused",
        _ => "degraded",
    }
}
