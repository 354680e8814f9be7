//! Nodes behind a firewall that lets nothing in: they dial up, and are replicated over that.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mainstem_model::{Reason, Status, Value};
use mainstem_remote::{LinkState, UplinkState, UplinkView};
use mainstem_store::PointView;
use serde_json::json;

use crate::links::{DEVICE, QUICK};
use crate::support::proxy::Proxy;
use crate::support::{TestNode, eventually};

/// The token that a node above gives to the one that dials up to it.
pub(crate) const UP_TOKEN: &str = "ms_test0002_a-token-to-dial-up-that-is-long-enough";
pub(crate) const BELOW: &str = "  line: { dial_up: line1 }\n  plant: { dial_up: plant }\n  stranger: { read: [\"**\"], link: true }\n";

/// The tokens of a node above: a good one for the entry's remote, and one without the right.
pub(crate) fn tokens(role: &str) -> String {
    format!(
        "  - {{ name: below, role: {role}, token: {UP_TOKEN} }}\n  - {{ name: stranger, role: \
         stranger, token: ms_test0003_a-token-without-the-right-to-dial }}\n"
    )
}

/// A remote entry that waits for its remote.
pub(crate) fn waiting(name: &str, pin: &str) -> String {
    format!(
        "  {name}:\n    type: Remote\n    properties:\n      dial: up\n      token: {}\n      \
         pin: \"{pin}\"\n{QUICK}",
        crate::support::LINK_TOKEN
    )
}

/// An uplink.
pub(crate) fn uplink(address: SocketAddr, pin: &str, token: &str, more: &str) -> String {
    format!(
        "  up:\n    type: Uplink\n    properties:\n      address: https://{address}\n      \
         token: {token}\n      pin: \"{pin}\"\n      keepalive: 200ms\n{more}"
    )
}

pub(crate) fn up(node: &TestNode) -> UplinkView {
    node.node().parts().uplinks().remove(0)
}

pub(crate) async fn wait_uplink(node: &TestNode, is: impl Fn(&UplinkView) -> bool) -> UplinkView {
    let what = format!("{}'s uplink is as wanted", node.name);
    eventually(&what, || Some(up(node)).filter(|view| is(view))).await
}

/// A plant that lets its line dial up, and the line that does, through a proxy that can break.
pub(crate) async fn pair() -> (TestNode, TestNode, Proxy) {
    let mut line = TestNode::start("line1", DEVICE).await;
    let plant = above("plant", "line", "line1", &line).await;
    let proxy = Proxy::start(plant.address()).await;
    let entry = uplink(proxy.address(), &plant.pin(), UP_TOKEN, "");
    line.reload(&format!("{DEVICE}{entry}")).await;
    (line, plant, proxy)
}

async fn above(name: &str, role: &str, entry: &str, below: &TestNode) -> TestNode {
    // A role may name only entries that there are.
    let both = ["line1", "plant"].map(|other| match other == entry {
        true => waiting(other, &below.pin()),
        false => format!(
            "{}      targetState: disconnected\n",
            waiting(other, &below.pin())
        ),
    });
    TestNode::start_roles("[\"**\"]", BELOW, name, &both.concat(), &tokens(role)).await
}

const AT_TOP: &str = "plant.line1.sim.count";

#[tokio::test(flavor = "multi_thread")]
async fn three_levels_that_dial_up_do_all_that_others_do() {
    let (mut line, mut plant, proxy) = Box::pin(pair()).await;
    let top = above("top", "plant", "plant", &plant).await;
    let entry = uplink(top.address(), &top.pin(), UP_TOKEN, "");
    let entries = plant.resources().to_owned();
    plant.reload(&format!("{entries}{entry}")).await;

    let first = top.wait_good(AT_TOP).await.value;
    let changed = |view: &PointView| view.quality.is_good() && view.value != first;
    top.wait(AT_TOP, "another value", changed).await;
    assert_eq!(top.link("plant").state, LinkState::Live);
    let view = wait_uplink(&line, |view| view.serving == 1 && view.waiting == 2).await;
    assert_eq!(view.state, UplinkState::Serving);
    let tunnels = eventually("two tunnels wait at the plant", || {
        plant
            .link("line1")
            .tunnels
            .filter(|tunnels| tunnels.len() == 2)
    });
    assert_eq!(tunnels.await[0].principal, "below");
    let (status, remote) = plant.ask("GET", "remotes/line1", json!(null)).await;
    assert_eq!(
        (status, &remote["tunnels"][0]["token"]),
        (200, &json!("below"))
    );

    let (status, body) = top
        .put(
            "plant.line1.sim.setpoint",
            json!({"value": 33.0}),
            "wait=5s",
        )
        .await;
    assert_eq!((status, &body["state"]), (200, &json!("applied")), "{body}");
    assert_eq!(body["hops"].as_array().map(Vec::len), Some(3), "{body}");
    let is_33 = |view: &PointView| view.value == Some(Value::F64(33.0));
    top.wait("plant.line1.sim.setpoint", "33", is_33).await;

    a_silent_cut_shows_in_time(&top, &proxy).await;
    a_restart_of_either_side_heals(&mut line, &mut plant, &top).await;
}

async fn a_silent_cut_shows_in_time(top: &TestNode, proxy: &Proxy) {
    proxy.silence();
    let cut = Instant::now();
    let uncertain = |view: &PointView| {
        view.quality.status == Status::Uncertain && view.hop.as_deref() == Some("plant.line1")
    };
    top.wait(AT_TOP, "uncertain at the cut", uncertain).await;
    let took = cut.elapsed();
    assert!(
        took < Duration::from_secs(3),
        "uncertain only after {took:?}"
    );
    let bad = |view: &PointView| view.quality.reason == Reason::LinkDown;
    let value = top.wait(AT_TOP, "bad", bad).await.value;
    assert!(value.is_some(), "the last value stays visible");
    proxy.heal();
    let back = |view: &PointView| view.quality.is_good() && view.value != value;
    top.wait(AT_TOP, "good again, with a new value", back).await;
    // A visible break is healed by a tunnel that waits.
    proxy.reset();
    let broke = |view: &PointView| !view.quality.is_good();
    top.wait(AT_TOP, "not good", broke).await;
    top.wait_good(AT_TOP).await;
}

async fn a_restart_of_either_side_heals(line: &mut TestNode, plant: &mut TestNode, top: &TestNode) {
    let count = top.node().store().statistics().points;
    plant.down().await;
    let broke = |view: &PointView| !view.quality.is_good();
    top.wait(AT_TOP, "not good", broke).await;
    let without = |view: &UplinkView| view.state == UplinkState::Waiting && view.cause.is_some();
    wait_uplink(line, without).await;
    let (_, alarms) = line.ask("GET", "alarms", json!(null)).await;
    assert!(alarms.to_string().contains("\"uplink.up\""), "{alarms}");
    plant.up().await;
    top.wait_good(AT_TOP).await;
    line.down().await;
    top.wait(AT_TOP, "not good", broke).await;
    line.up().await;
    top.wait_good(AT_TOP).await;
    assert_eq!(top.node().store().statistics().points, count);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_or_token_is_refused_with_its_cause() {
    let mut line = TestNode::start("line1", DEVICE).await;
    let mut plant = above("plant", "line", "line1", &line).await;
    let address = plant.address();
    let refused = |view: &UplinkView| view.state == UplinkState::Refused;
    let wrong = "ms_nobody00_a-token-that-nobody-gave-to-anybody";
    let cases = [
        (plant.pin(), wrong, "does not know the token"),
        (
            plant.pin(),
            "ms_test0003_a-token-without-the-right-to-dial",
            "dial_up",
        ),
        (line.pin(), UP_TOKEN, "key"),
    ];
    for (pin, token, cause) in cases {
        let entry = uplink(address, &pin, token, "");
        line.reload(&format!("{DEVICE}{entry}")).await;
        let view = wait_uplink(&line, refused).await;
        assert!(
            view.cause.as_ref().is_some_and(|told| told.contains(cause)),
            "{view:?}"
        );
    }
    // The line gets in, and is not who the plant expects.
    let none = waiting("line1", &plant.pin());
    let plant_off = waiting("plant", &plant.pin());
    plant.reload(&format!("{none}{plant_off}")).await;
    let entry = uplink(address, &plant.pin(), UP_TOKEN, "");
    line.reload(&format!("{DEVICE}{entry}")).await;
    let view = plant.wait_link("line1", LinkState::Refused).await;
    assert!(
        view.cause.as_ref().is_some_and(|told| told.contains("key")),
        "{view:?}"
    );
    // Nobody who only reads gets a tunnel, and a tunnel has to be asked for as one.
    let (status, problem) = plant
        .ask("GET", "link/dial-up?keepalive_ms=200", json!(null))
        .await;
    assert_eq!((status, &problem["code"]), (403, &json!("forbidden")));
    let path = "link/dial-up?keepalive_ms=200";
    let plain = plant
        .api_as(UP_TOKEN, reqwest::Method::GET, path)
        .send()
        .await
        .unwrap();
    assert_eq!(plain.status(), 426);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_ends_and_begins_an_uplink_and_leaves_others_alone() {
    let (mut line, mut plant, proxy) = Box::pin(pair()).await;
    plant.wait_good("line1.sim.count").await;
    let entry = uplink(proxy.address(), &plant.pin(), UP_TOKEN, "");
    let same = line.reload(&format!("{DEVICE}{entry}")).await;
    assert!(same.unchanged.contains(&"up".to_owned()), "{same:?}");
    assert_eq!(plant.link("line1").counters.snapshots, 1);
    let gone = line.reload(DEVICE).await;
    assert_eq!(gone.removed, ["up"]);
    let broke = |view: &PointView| !view.quality.is_good();
    plant.wait("line1.sim.count", "not good", broke).await;
    line.reload(&format!("{DEVICE}{entry}")).await;
    plant.wait_good("line1.sim.count").await;
    // The same at the plant: its entry is taken out and put back.
    let other = waiting("plant", &line.pin());
    let off = format!(
        "{}      targetState: disconnected\n",
        waiting("line1", &line.pin())
    );
    plant.reload(&format!("{off}{other}")).await;
    plant.wait_link("line1", LinkState::Paused).await;
    plant
        .reload(&format!("{}{other}", waiting("line1", &line.pin())))
        .await;
    plant.wait_good("line1.sim.count").await;
}
