//! Many nodes at one concentrator.

use mainstem_remote::LinkState;

use super::{DEVICE, is_long};
use crate::support::{TestNode, eventually, remote};

/// F28; `benches/figures/herd.py` measures fifty processes.
#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_concentrator_gets_all_its_nodes_back_at_once_and_once() {
    let count = if is_long() { 50 } else { 10 };
    let mut sites = Vec::new();
    let mut entries = String::new();
    for site in 0..count {
        let node = TestNode::start(&format!("site{site}"), DEVICE).await;
        entries += &remote(&node.name, &node.pin(), node.address(), "");
        sites.push(node);
    }
    let mut core = TestNode::start("core", &entries).await;
    all_live(&core, &sites).await;
    core.down().await;
    core.up().await;
    all_live(&core, &sites).await;
    for site in &sites {
        core.wait_good(&format!("{}.sim.count", site.name)).await;
    }
    // No second wave: each link was opened once, from its checkpoint.
    for link in core.node().parts().remotes() {
        let opened = (link.counters.snapshots, link.counters.resumes);
        assert_eq!(opened, (0, 1), "{link:?}");
    }
}

async fn all_live(core: &TestNode, sites: &[TestNode]) {
    eventually("all links are live", || {
        let links = core.node().parts().remotes();
        let live = links.iter().filter(|link| link.state == LinkState::Live);
        (live.count() == sites.len()).then_some(())
    })
    .await;
}
