//! A HSYCO site below a concentrator: our own route, and somebody else's server.

use mainstem_model::{Reason, Status, Value};
use mainstem_remote::LinkState;
use mainstem_store::PointView;
use serde_json::json;

use crate::support::hsyco::{HsycoServer, entry};
use crate::support::{TestNode, eventually};

/// A device with a counter, a switch that can be set, and the route for HSYCO.
const LINE: &str = "  sim: { type: Connection, properties: { protocol: simulator, connection: { interval_ms: 100 } } }
  count: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, subscribe: { signal: counter, step: 1 } } }
  setpoint: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, subscribe: { signal: setpoint, initial: 20 }, access: rw } }
hsyco: { password: the-password-of-the-route, addresses: [ 127.0.0.1 ], datapoints: [ \"sim.**\" ], hold: 500ms, drop_after: 500ms }
";
const PASSWORD: &str = "the-password-of-the-route";
/// Times short enough for a test, long enough for a busy machine.
const QUICK: &str =
    "      poll_interval: 500ms\n      uncertain_after: 1500ms\n      bad_after: 1s\n";

fn is_text(text: &str) -> impl Fn(&PointView) -> bool {
    let value = Some(Value::text(text));
    move |view| view.value == value && view.quality.is_good()
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_route_is_read_like_a_hsyco_server() {
    let line = TestNode::start("line1", LINE).await;
    line.wait_good("sim.count").await;
    let types = "      types: { \"*.count\": f64 }\n      read: [ \"sim.*\" ]\n";
    let remote = entry(
        &line.pin(),
        line.address().port(),
        PASSWORD,
        &format!("{QUICK}{types}"),
    );
    let plant = TestNode::start("plant1", &remote).await;
    let first = plant.wait_good("site1.sim.count").await.value;
    assert!(matches!(first, Some(Value::F64(_))), "{first:?}");
    let changed = |view: &PointView| view.value != first && view.quality.is_good();
    plant
        .wait("site1.sim.count", "another number", changed)
        .await;
    plant.wait("site1.sim.setpoint", "20", is_text("20")).await;
    plant
        .wait("site1.connection", "online", is_text("online"))
        .await;
    assert_eq!(plant.link("site1").state, LinkState::Live);
    let (status, body) = plant
        .put("site1.sim.setpoint", json!({"value": "30"}), "")
        .await;
    assert_eq!(body["outcome"]["reason"], "read_only", "{status} {body}");
    assert!(plant.get("site1.clock.offset").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_the_server_hides_no_change() {
    let mut line = TestNode::start("line1", LINE).await;
    line.wait_good("sim.count").await;
    let remote = entry(&line.pin(), line.address().port(), PASSWORD, QUICK);
    let plant = TestNode::start("plant1", &remote).await;
    plant.wait("site1.sim.setpoint", "20", is_text("20")).await;
    line.down().await;
    let bad = |view: &PointView| view.quality.reason == Reason::LinkDown;
    let view = plant.wait("site1.sim.setpoint", "bad", bad).await;
    assert_eq!(
        view.value,
        Some(Value::text("20")),
        "the last value stays visible"
    );
    line.up().await;
    line.put("sim.setpoint", json!({"value": 33}), "wait=5s")
        .await;
    plant.wait("site1.sim.setpoint", "33", is_text("33")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_a_cause_that_helps() {
    let line = TestNode::start("line1", LINE).await;
    let remote = entry(
        &line.pin(),
        line.address().port(),
        "wrong-password-1",
        QUICK,
    );
    let plant = TestNode::start("plant1", &remote).await;
    let cause = eventually("the cause is told", || {
        plant
            .link("site1")
            .cause
            .filter(|cause| cause.contains("wrong password"))
    })
    .await;
    assert!(!cause.contains("wrong-password-1"), "{cause}");
    assert_eq!(
        plant.get("site1.connection").unwrap().value,
        Some(Value::text("offline"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_server_is_followed_in_every_form_that_it_may_have() {
    let Some(mut site) = HsycoServer::start("0.5").await else {
        return;
    };
    site.tell("set dummy.light.1 \"1\"").await;
    site.tell("set k.temp \"21.5\"").await;
    site.tell("set k.text \"50% \\\"x\\\" * \\u00b0\"").await;
    site.tell("set no.name. \"1\"").await;
    let types = "      types: { \"**.light.*\": bool, \"**.temp\": f64 }\n";
    let plant = TestNode::start("plant1", &site.entry(&format!("{QUICK}{types}"))).await;
    plant
        .wait("site1.k.text", "told", is_text("50% \"x\" * °"))
        .await;
    let is = |value: Value| move |view: &PointView| view.value == Some(value.clone());
    plant
        .wait("site1.dummy.light.1", "on", is(Value::Bool(true)))
        .await;
    plant
        .wait("site1.k.temp", "21.5", is(Value::F64(21.5)))
        .await;
    let link = plant.link("site1");
    assert_eq!(link.counters.left_out, 1, "{link:?}");
    for (mode, text) in [("odd", "größe"), ("latin", "weiß"), ("plain", "ø")] {
        site.tell(&format!("mode {mode}")).await;
        site.tell(&format!("set k.text {}", json!(text))).await;
        plant.wait("site1.k.text", text, is_text(text)).await;
    }
    assert_eq!(
        plant.link("site1").counters.snapshots,
        1,
        "one connection, one full answer"
    );
    // What is no number is bad, with the last one still visible.
    site.tell("set k.temp \"fault\"").await;
    let bad = |view: &PointView| view.quality.reason == Reason::BadType;
    let view = plant.wait("site1.k.temp", "bad", bad).await;
    assert_eq!(view.value, Some(Value::F64(21.5)));
    site.tell("set k.temp \"22\"").await;
    plant.wait("site1.k.temp", "22", is(Value::F64(22.0))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_is_removed_by_a_full_answer() {
    let Some(mut site) = HsycoServer::start("0.3").await else {
        return;
    };
    site.tell("set k.old \"1\"").await;
    site.tell("set k.new \"1\"").await;
    let mut plant = TestNode::start("plant1", &site.entry(QUICK)).await;
    plant.wait("site1.k.old", "1", is_text("1")).await;
    plant.down().await;
    site.tell("remove k.old").await;
    plant.up().await;
    plant.wait("site1.k.new", "1", is_text("1")).await;
    eventually("it is gone", || {
        plant.get("site1.k.old").is_none().then_some(())
    })
    .await;
    let asked = site.tell("requests").await;
    assert_eq!(
        asked
            .as_array()
            .unwrap()
            .iter()
            .filter(|stamp| **stamp == 1)
            .count(),
        2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_garbage_and_drops_are_seen_and_healed() {
    let Some(mut site) = HsycoServer::start("0.4").await else {
        return;
    };
    site.tell("set k.x \"1\"").await;
    let plant = TestNode::start("plant1", &site.entry(QUICK)).await;
    plant.wait("site1.k.x", "1", is_text("1")).await;
    site.tell("mode silent").await;
    let uncertain = |view: &PointView| {
        view.quality.status == Status::Uncertain && view.hop.as_deref() == Some("site1")
    };
    plant.wait("site1.k.x", "uncertain", uncertain).await;
    let down = |view: &PointView| view.quality.reason == Reason::LinkDown;
    plant.wait("site1.k.x", "bad", down).await;
    site.tell("mode plain").await;
    site.tell("set k.x \"2\"").await;
    plant.wait("site1.k.x", "2", is_text("2")).await;
    site.tell("mode cut").await;
    site.tell("set k.x \"3\"").await;
    eventually("the cut is told", || {
        plant
            .link("site1")
            .cause
            .filter(|cause| cause.contains("broke within an answer"))
    })
    .await;
    site.tell("mode plain").await;
    plant.wait("site1.k.x", "3", is_text("3")).await;
    site.tell("password another").await;
    eventually("the drop is told", || {
        plant
            .link("site1")
            .cause
            .filter(|cause| cause.contains("without an answer"))
    })
    .await;
    site.tell("password its%20own%20password").await;
    site.tell("set k.x \"4\"").await;
    plant.wait("site1.k.x", "4", is_text("4")).await;
    for (mode, word) in [("garbage", "not that of a HSYCO server"), ("status", "500")] {
        site.tell(&format!("mode {mode}")).await;
        let link = plant.wait_link("site1", LinkState::Refused).await;
        assert!(
            link.cause
                .as_ref()
                .is_some_and(|cause| cause.contains(word)),
            "{link:?}"
        );
        site.tell("mode plain").await;
        // A person who mended the server does not wait for the next try.
        plant.node().parts().resume_remote("site1").unwrap();
        plant.wait_link("site1", LinkState::Live).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_back_hides_nothing() {
    let Some(mut site) = HsycoServer::start("0.3").await else {
        return;
    };
    site.tell("set k.x \"1\"").await;
    let plant = TestNode::start("plant1", &site.entry(QUICK)).await;
    plant.wait("site1.k.x", "1", is_text("1")).await;
    site.tell("clock -3600").await;
    site.tell("set k.x \"2\"").await;
    plant.wait("site1.k.x", "2", is_text("2")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_switches_it_off_and_a_removed_entry_takes_all_away() {
    let Some(mut site) = HsycoServer::start("0.3").await else {
        return;
    };
    site.tell("set k.x \"1\"").await;
    let mut plant = TestNode::start("plant1", &site.entry(QUICK)).await;
    plant.wait("site1.k.x", "1", is_text("1")).await;
    plant.node().parts().pause_remote("site1").unwrap();
    let off = |view: &PointView| view.quality.reason == Reason::OutOfService;
    plant.wait("site1.k.x", "out of service", off).await;
    plant.node().parts().resume_remote("site1").unwrap();
    plant.wait("site1.k.x", "1", is_text("1")).await;
    plant
        .reload("  machine: { type: Connection, properties: { protocol: System } }\n")
        .await;
    assert!(plant.get("site1.k.x").is_none());
}
