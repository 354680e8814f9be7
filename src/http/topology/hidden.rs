//! What this node does not show of its remotes: those whose entry says `discovery: false`.

use std::collections::HashSet;

use mainstem_remote::RemoteView;
use mainstem_store::Tree;

/// Takes out what hangs on links that are not to be shown; the links stay. Returns the numbers of
/// what was taken out.
pub(super) fn take_out(tree: &mut Tree, remotes: &[RemoteView]) -> HashSet<u32> {
    let kept: HashSet<&str> = remotes
        .iter()
        .filter(|remote| !remote.discovery)
        .map(|remote| remote.prefix.as_str())
        .collect();
    if kept.is_empty() {
        return HashSet::new();
    }
    let links = tree.sources.iter().filter(|source| {
        let is_own = source.parent.is_none() && !source.is_mirrored;
        is_own && kept.contains(&*source.name)
    });
    let links: HashSet<u32> = links.map(|link| link.id.0).collect();
    let mut below: HashSet<u32> = HashSet::new();
    // What hangs on another source comes behind it.
    for source in &tree.sources {
        let hides = |parent: u32| links.contains(&parent) || below.contains(&parent);
        if source.parent.is_some_and(|parent| hides(parent.0)) {
            below.insert(source.id.0);
        }
    }
    tree.sources.retain(|source| !below.contains(&source.id.0));
    below
}
