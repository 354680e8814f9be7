//! Restarts, circles, and datapoints that go or change their names while they are replicated.

use mainstem_remote::LinkState;
use reqwest::Method;

use super::{DEVICE, QUICK};
use crate::links::Chain;
use crate::support::{TestNode, eventually, remote};

const AT_TOP: &str = "area.plant.line1.sim.count";

/// F22: a new epoch.
#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_line_is_read_anew_by_its_plant_and_by_nobody_else() {
    let mut chain = Chain::start().await;
    chain.top().wait_good(AT_TOP).await;
    let before: Vec<u64> = snapshots(&chain);
    chain.nodes[0].down().await;
    let not_good = |view: &mainstem_store::PointView| !view.quality.is_good();
    chain.top().wait(AT_TOP, "not good", not_good).await;
    let old = chain.top().get(AT_TOP).unwrap();
    assert!(old.value.is_some(), "the last value stays visible");
    chain.nodes[0].up().await;
    chain.top().wait_good(AT_TOP).await;
    let after = snapshots(&chain);
    assert_eq!(after, [before[0] + 1, before[1], before[2]]);
}

fn snapshots(chain: &Chain) -> Vec<u64> {
    let links = [(1, "line1"), (2, "plant"), (3, "area")];
    let snapshots = links.map(|(node, link)| chain.nodes[node].link(link).counters.snapshots);
    snapshots.to_vec()
}

/// F25.
#[tokio::test(flavor = "multi_thread")]
async fn a_circle_of_three_is_pruned_and_shown_with_its_path() {
    let mut a = TestNode::start("a", DEVICE).await;
    let of = |node: &TestNode| remote(&node.name, &node.pin(), node.address(), QUICK);
    let b = TestNode::start("b", &format!("{DEVICE}{}", of(&a))).await;
    let c = TestNode::start("c", &format!("{DEVICE}{}", of(&b))).await;
    a.reload(&format!("{DEVICE}{}", of(&c))).await;
    for (node, names) in [
        (&a, ["c.sim.count", "c.b.sim.count"]),
        (&b, ["a.sim.count", "a.c.sim.count"]),
        (&c, ["b.sim.count", "b.a.sim.count"]),
    ] {
        for name in names {
            node.wait_good(name).await;
        }
    }
    for (node, link, path) in [(&a, "c", "c.b.a"), (&b, "a", "a.c.b"), (&c, "b", "b.a.c")] {
        let looped = || Some(()).filter(|()| node.link(link).counters.looped > 0);
        eventually("the circle is noticed", looped).await;
        assert!(node.get(&format!("{path}.sim.count")).is_none());
        let alarms = node.api(Method::GET, "alarms").send().await.unwrap();
        let alarms = alarms.text().await.unwrap();
        assert!(alarms.contains(&format!("link.{link}.pruned")), "{alarms}");
        assert!(alarms.contains(path), "{alarms}");
    }
    // Nothing goes round: what a node has stays what it is, however long the counters count. Ages
    // of canaries are of this node itself and begin when it has watched a canary for a while.
    let points = |node: &TestNode| {
        let query = mainstem_store::ListQuery {
            limit: 1000,
            ..mainstem_store::ListQuery::default()
        };
        let everything = mainstem_store::Filter::everything();
        let (views, _) = node.node().store().list(&query, &everything);
        let names = views.into_iter().map(|view| view.name.to_string());
        let told = names.filter(|name| !name.ends_with("canary.age"));
        told.collect::<Vec<String>>()
    };
    let before = points(&a);
    let count = a
        .wait_good("c.b.sim.count")
        .await
        .value
        .unwrap()
        .as_f64()
        .unwrap();
    let later = |view: &mainstem_store::PointView| {
        view.value.as_ref().and_then(|v| v.as_f64()) > Some(count + 20.0)
    };
    a.wait("c.b.sim.count", "20 further", later).await;
    assert_eq!(points(&a), before);
}

/// F26: while the link is up, and while it is cut.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_renamed_or_removed_below_leaves_no_ghost_above() {
    let mut chain = Chain::start().await;
    chain.top().wait_good(AT_TOP).await;
    let renamed = |name: &str| {
        DEVICE
            .replace("  sim:", &format!("  {name}:"))
            .replace("!ref sim,", &format!("!ref {name},"))
    };
    chain.nodes[0].reload(&renamed("other")).await;
    chain.top().wait_good("area.plant.line1.other.count").await;
    gone(&chain, "sim").await;
    chain.proxies[0].silence();
    chain.nodes[0].reload(&renamed("third")).await;
    chain.proxies[0].heal();
    chain.top().wait_good("area.plant.line1.third.count").await;
    gone(&chain, "other").await;
    chain.top().wait_link("area", LinkState::Live).await;
}

async fn gone(chain: &Chain, adapter: &str) {
    for (node, prefix) in
        chain
            .nodes
            .iter()
            .zip(["", "line1.", "plant.line1.", "area.plant.line1."])
    {
        for point in ["count", "connection"] {
            let name = format!("{prefix}{adapter}.{point}");
            let is_gone = || Some(()).filter(|()| node.get(&name).is_none());
            eventually(&format!("{name} is gone"), is_gone).await;
        }
    }
}
