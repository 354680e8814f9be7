//! Links between whole nodes over their TLS listeners.

use mainstem_model::{Reason, Status, Value};
use mainstem_remote::LinkState;

use crate::support::proxy::Proxy;
use crate::support::{TestNode, eventually, remote};

/// A simulated device with a counter that rises ten times a second, and a setpoint.
pub(crate) const DEVICE: &str = "  sim: { type: Connection, properties: { protocol: simulator, connection: { interval_ms: 100 } } }
  count: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, subscribe: { signal: counter, step: 1 } } }
  setpoint: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, subscribe: { signal: setpoint, initial: 20 }, access: rw } }
";

async fn line() -> TestNode {
    TestNode::start("line1", DEVICE).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plant_sees_its_line() {
    let line = line().await;
    line.wait_good("sim.count").await;
    let entry = remote("line1", &line.pin(), line.address(), "");
    let plant = TestNode::start("plant1", &entry).await;
    plant.wait_good("line1.sim.count").await;
    let first = plant.get("line1.sim.count").unwrap().value;
    plant
        .wait("line1.sim.count", "changed", |view| view.value != first)
        .await;
    let connection = plant.get("line1.connection").unwrap();
    assert_eq!(connection.value, Some(Value::text("online")));
}

/// Times short enough for a test, long enough for a busy machine.
pub(crate) const QUICK: &str = "      beat: 100ms\n      uncertain_after: 700ms\n      bad_after: 1s\n      write: [\"!line1.sim.filtered\", \"**\"]\n";

/// line1 → plant → area → top, each link through a proxy.
pub(crate) struct Chain {
    pub(crate) nodes: Vec<TestNode>,
    pub(crate) proxies: Vec<Proxy>,
}

impl Chain {
    pub(crate) async fn start() -> Self {
        Self::above(line().await).await
    }

    pub(crate) async fn above(line: TestNode) -> Self {
        let mut nodes = vec![line];
        let mut proxies = Vec::new();
        for name in ["plant", "area", "top"] {
            let below = nodes.last().unwrap();
            let proxy = Proxy::start(below.address()).await;
            let entry = remote(&below.name, &below.pin(), proxy.address(), QUICK);
            nodes.push(TestNode::start(name, &entry).await);
            proxies.push(proxy);
        }
        Self { nodes, proxies }
    }

    pub(crate) fn top(&self) -> &TestNode {
        self.nodes.last().unwrap()
    }
}

const AT_TOP: &str = "area.plant.line1.sim.count";

#[tokio::test(flavor = "multi_thread")]
async fn each_link_of_four_levels_fails_visibly_and_heals() {
    let chain = Chain::start().await;
    chain.top().wait_good(AT_TOP).await;
    let hops = ["area.plant.line1", "area.plant", "area"];
    for (proxy, hop) in chain.proxies.iter().zip(hops) {
        proxy.silence();
        let uncertain = |view: &mainstem_store::PointView| {
            view.quality.status == Status::Uncertain && view.hop.as_deref() == Some(hop)
        };
        chain
            .top()
            .wait(AT_TOP, &format!("uncertain at {hop}"), uncertain)
            .await;
        let bad = |view: &mainstem_store::PointView| {
            view.quality.reason == Reason::LinkDown && view.hop.as_deref() == Some(hop)
        };
        let view = chain
            .top()
            .wait(AT_TOP, &format!("bad at {hop}"), bad)
            .await;
        assert!(view.value.is_some(), "the last value stays visible");
        let connection = chain.top().get("area.connection").unwrap();
        assert!(
            connection.quality.is_good(),
            "what this node says itself stays good"
        );
        proxy.heal();
        let value = view.value;
        let back = |view: &mainstem_store::PointView| view.quality.is_good() && view.value != value;
        chain
            .top()
            .wait(AT_TOP, "good again, with a new value", back)
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resume_needs_no_snapshot_and_repeats_nothing() {
    let chain = Chain::start().await;
    chain.top().wait_good(AT_TOP).await;
    chain.nodes[2].wait_link("plant", LinkState::Live).await;
    // What changes while the snapshot is read comes once more behind it; from here on nothing does.
    let begun = chain.nodes[2].link("plant").counters;
    for round in 1..=3 {
        chain.proxies[1].reset();
        let resumed = || Some(chain.nodes[2].link("plant").counters).filter(|c| c.resumes == round);
        eventually("the area resumes", resumed).await;
        chain.nodes[2].wait_link("plant", LinkState::Live).await;
    }
    let counters = chain.nodes[2].link("plant").counters;
    assert_eq!((counters.snapshots, counters.missed), (1, 0));
    let repeated = (counters.rows - begun.rows) - (counters.changes - begun.changes);
    assert_eq!(repeated, 0, "{begun:?} {counters:?}");
    chain.top().wait_good(AT_TOP).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_the_plant_while_the_line_is_away_erases_nothing_above() {
    let mut chain = Chain::start().await;
    chain.top().wait_good(AT_TOP).await;
    let count = chain.top().node().store().statistics().points;
    chain.nodes[0].down().await;
    chain.nodes[1].down().await;
    chain.nodes[1].up().await;
    chain.nodes[2].wait_link("plant", LinkState::Live).await;
    chain.top().wait_link("area", LinkState::Live).await;
    assert_eq!(chain.top().node().store().statistics().points, count);
    let view = chain.top().get(AT_TOP).unwrap();
    assert!(!view.quality.is_good() && view.value.is_some(), "{view:?}");
    chain.nodes[0].up().await;
    chain.top().wait_good(AT_TOP).await;
    assert_eq!(chain.top().node().store().statistics().points, count);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_concentrator_goes_on_where_it_was() {
    let line = line().await;
    let entry = remote("line1", &line.pin(), line.address(), QUICK);
    let mut plant = TestNode::start("plant1", &entry).await;
    plant.wait_good("line1.sim.count").await;
    plant.down().await;
    plant.up().await;
    plant.wait_link("line1", LinkState::Live).await;
    let counters = plant.link("line1").counters;
    assert_eq!(
        (counters.snapshots, counters.resumes),
        (0, 1),
        "its checkpoint has the cursor"
    );
    plant.wait_good("line1.sim.setpoint").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_polled_link_gives_the_same() {
    let line = line().await;
    let entry = remote(
        "line1",
        &line.pin(),
        line.address(),
        "      mode: poll\n      poll_interval: 200ms\n",
    );
    let plant = TestNode::start("plant1", &entry).await;
    let first = plant.wait_good("line1.sim.count").await.value;
    let changed = |view: &mainstem_store::PointView| view.value != first && view.quality.is_good();
    plant
        .wait("line1.sim.count", "changed and good", changed)
        .await;
    let counters = plant.link("line1").counters;
    assert_eq!((counters.snapshots, counters.missed), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_keeps_the_sessions_of_what_did_not_change() {
    let line = line().await;
    let entry = remote("line1", &line.pin(), line.address(), QUICK);
    let mut plant = TestNode::start("plant1", &format!("{DEVICE}{entry}")).await;
    plant.wait_good("line1.sim.count").await;
    let before = plant.link("line1").counters;
    let changed = DEVICE.replace("initial: 20", "initial: 30");
    let report = plant.reload(&format!("{changed}{entry}")).await;
    assert_eq!(report.started, ["sim"]);
    assert_eq!(report.unchanged, ["line1"]);
    let is_30 = |view: &mainstem_store::PointView| view.value == Some(Value::F64(30.0));
    plant.wait("sim.setpoint", "30", is_30).await;
    let after = plant.link("line1").counters;
    assert_eq!(
        (after.snapshots, after.resumes),
        (before.snapshots, before.resumes)
    );
    let report = plant.reload(&entry).await;
    assert_eq!(report.removed, ["sim"]);
    assert!(plant.get("sim.count").is_none() && plant.get("sim.connection").is_none());
    assert!(plant.get("line1.sim.count").is_some());
    let report = plant.reload(&changed).await;
    assert_eq!(report.removed, ["line1"]);
    assert!(plant.get("line1.sim.count").is_none() && plant.get("line1.connection").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_or_token_is_refused_with_a_cause() {
    let line = line().await;
    let pin = format!("sha256:{}", "00".repeat(32));
    let entry = remote("line1", &pin, line.address(), "");
    let plant = TestNode::start("plant1", &entry).await;
    let link = plant.wait_link("line1", LinkState::Refused).await;
    assert!(link.cause.is_some(), "{link:?}");
    let entry = remote("line1", &line.pin(), line.address(), "").replace("ms_test0001", "ms_wrong");
    let plant = TestNode::start("plant1", &entry).await;
    let link = plant.wait_link("line1", LinkState::Refused).await;
    let cause = link.cause.unwrap();
    assert!(cause.contains("token"), "{cause}");
    assert_eq!(
        plant.get("line1.connection").unwrap().value,
        Some(Value::text("offline"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_shown_little_is_not_behind() {
    let line = TestNode::start_showing("[\"sim.setpoint\"]", "line1", DEVICE).await;
    let entry = remote("line1", &line.pin(), line.address(), QUICK);
    let plant = TestNode::start("plant1", &entry).await;
    plant.wait_good("line1.sim.setpoint").await;
    let head = || line.node().store().statistics().head;
    let begun = head();
    eventually(
        "the line's feed goes on by what the plant may not see",
        || {
            let link = plant.link("line1");
            assert_ne!(link.state, LinkState::Degraded, "{link:?}");
            (head() > begun + 25).then_some(())
        },
    )
    .await;
    assert!(plant.get("line1.sim.count").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_out_of_the_file_while_the_node_was_down_does_not_come_back() {
    let line = line().await;
    let entry = remote("line1", &line.pin(), line.address(), QUICK);
    let mut plant = TestNode::start("plant1", &format!("{DEVICE}{entry}")).await;
    plant.wait_good("line1.sim.count").await;
    plant.wait_good("sim.count").await;
    plant.down().await;
    plant.rewrite(
        &DEVICE
            .replace("sim:", "sim2:")
            .replace("!ref sim,", "!ref sim2,"),
    );
    plant.up().await;
    plant.wait_good("sim2.count").await;
    for name in [
        "sim.count",
        "sim.connection",
        "line1.sim.count",
        "line1.connection",
    ] {
        assert!(plant.get(name).is_none(), "{name}");
    }
    assert!(plant.get("sim2.connection").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_that_replicate_each_other_do_not_grow() {
    let mut one = TestNode::start("one", DEVICE).await;
    let entry = remote("one", &one.pin(), one.address(), QUICK);
    let two = TestNode::start("two", &entry).await;
    let back = remote("two", &two.pin(), two.address(), QUICK);
    one.reload(&format!("{DEVICE}{back}")).await;
    two.wait_good("one.sim.count").await;
    one.wait_link("two", LinkState::Live).await;
    two.wait_link("one", LinkState::Live).await;
    // What came from the other side and leads back is left out, so the tree is finite.
    assert!(one.get("two.one.sim.count").is_none());
    assert!(two.get("one.two.one.sim.count").is_none());
    let looped = || Some(one.link("two").counters.looped).filter(|looped| *looped > 0);
    eventually("the loop is reported", looped).await;
}
