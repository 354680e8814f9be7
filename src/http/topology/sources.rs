//! Adapters, devices and what else datapoints hang on.

use mainstem_model::Role;
use mainstem_store::{Tree, TreeSource};
use mainstem_wire::api::topology::{SourceEntry, StateEntry};

/// The sources by what they are.
#[derive(Default)]
pub(super) struct Kinds {
    pub(super) adapters: Vec<SourceEntry>,
    pub(super) devices: Vec<SourceEntry>,
    pub(super) others: Vec<SourceEntry>,
}

/// Every source of the tree but the links.
pub(super) fn entries(tree: &Tree) -> Kinds {
    let mut kinds = Kinds::default();
    for source in &tree.sources {
        let list = match source.role {
            Role::Link => continue,
            Role::Adapter => &mut kinds.adapters,
            Role::Device => &mut kinds.devices,
            Role::Node | Role::Provider | Role::Other => &mut kinds.others,
        };
        list.push(entry(source));
    }
    kinds
}

/// How a source stands, with all that it hangs on.
pub(super) fn state(source: &TreeSource) -> StateEntry {
    let quality = source.effective.quality;
    StateEntry {
        status: quality.status.as_str().to_owned(),
        reason: quality.reason.as_str().to_owned(),
        hop: source.hop.clone(),
        since: source.effective.since,
    }
}

fn entry(source: &TreeSource) -> SourceEntry {
    SourceEntry {
        source: source.id.0,
        parent: source.parent.map(|parent| parent.0),
        node: source.node.to_string(),
        role: word(source.role).to_owned(),
        name: source.name.to_string(),
        path: source.path.clone(),
        state: state(source),
        datapoints: u64::from(source.points),
    }
}

fn word(role: Role) -> &'static str {
    match role {
        Role::Node => "node",
        Role::Link => "link",
        Role::Adapter => "adapter",
        Role::Device => "device",
        Role::Provider => "provider",
        Role::Other => "other",
    }
}
