//! Datapoints on the bus of whole nodes, with Mosquitto's own programs as clients: on the node's
//! own broker and on a foreign one.

mod programs;

use std::path::Path;
use std::time::Duration;

use mainstem_model::Value as Sample;
use serde_json::{Value, json};

use crate::links::DEVICE;
use crate::skipped::skipped;
use crate::support::proxy::Proxy;
use crate::support::{TestNode, eventually, remote};
use programs::{Broker, Listener, Place, publish};

const ROLES: &str = "  operator: { read: [\"**\"], write: [\"sim.setpoint\"], topics: { publish: [ \"mainstem/#\" ], subscribe: [ \"mainstem/#\" ] } }\n  \
                     guest: { read: [\"**\"], topics: { publish: [ \"mainstem/#\" ], subscribe: [ \"mainstem/#\" ] } }\n";
const TOKENS: &str = "  - { name: op, role: operator, token: the-token-of-the-operator }\n  \
                      - { name: guest, role: guest, token: the-token-of-the-guest }\n";
const PATIENCE: Duration = Duration::from_secs(20);
const OP: &str = "the-token-of-the-operator";
const SET: &str = "mainstem/line1/sim/setpoint/set";

fn has_programs() -> bool {
    let all = [
        "/usr/sbin/mosquitto",
        "/usr/bin/mosquitto_pub",
        "/usr/bin/mosquitto_sub",
    ];
    let here = all.iter().all(|path| Path::new(path).exists());
    if !here {
        let why = "mosquitto and mosquitto-clients are not installed";
        skipped("datapoints on the bus with Mosquitto", why);
    }
    here
}

fn is(told: &Value, value: f64) -> bool {
    told["value"].as_f64() == Some(value)
}

async fn inlet(node: &TestNode) -> u16 {
    let (_, bus) = node.ask("GET", "bus", json!(null)).await;
    let address = bus["listeners"][0]["address"].as_str().unwrap();
    address.rsplit_once(':').unwrap().1.parse().unwrap()
}

fn setpoint(node: &TestNode) -> Option<Sample> {
    node.get("sim.setpoint").unwrap().value
}

/// Waits until a refusal of that kind stands in the audit trail.
async fn audited(node: &TestNode, word: &str) {
    let path = node.data().join("audit.log");
    let what = format!("the audit trail has a refused bus.set: {word}");
    eventually(&what, || {
        let text = std::fs::read_to_string(&path).unwrap();
        let mut lines = text.lines();
        lines
            .any(|line| line.contains("bus.set") && line.contains(word))
            .then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_nodes_own_broker() {
    if !has_programs() {
        return;
    }
    let sections = format!(
        "{TOKENS}bus:\n  embedded: {{ listen: [ {{ address: \"127.0.0.1:0\", tls: false }} ] }}\n  \
         datapoints: {{}}\n"
    );
    let node = TestNode::start_roles("[\"**\"]", ROLES, "line1", DEVICE, &sections).await;
    node.wait_good("sim.setpoint").await;
    let place = Place::new(inlet(&node).await, Some(OP));
    let mut all = Listener::start(&place, "mainstem/line1/#").await;
    let count = all.next("mainstem/line1/sim/count").await;
    assert_eq!(count["quality"], "good");
    assert!(count["timestamp"].as_i64().unwrap() > 1_600_000_000_000);
    assert!(
        count["value"].is_number() && count.get("reason").is_none(),
        "{count}"
    );
    publish(&place, SET, r#"{"id":"one","value":33}"#, &[]);
    let answer = all.next("mainstem/line1/sim/setpoint/res").await;
    assert_eq!(
        (&answer["id"], &answer["result"]["value"]),
        (&json!("one"), &json!(33))
    );
    let told = all
        .until("mainstem/line1/sim/setpoint", |told| is(told, 33.0))
        .await;
    assert_eq!(told["quality"], "good");
    publish(&place, SET, "hot", &[]);
    let answer = all.next("mainstem/line1/sim/setpoint/res").await;
    assert_eq!(answer["error"]["code"], "type", "{answer}");
    // Who may not write is told so, by the one write path.
    let guest = Place::new(place.port, Some("the-token-of-the-guest"));
    publish(&guest, SET, r#"{"id":2,"value":1}"#, &[]);
    let answer = all.next("mainstem/line1/sim/setpoint/res").await;
    assert_eq!(
        (&answer["id"], &answer["error"]["code"]),
        (&json!(2), &json!("policy"))
    );
    publish(
        &place,
        SET,
        r#"{"id":3,"value":1,"timestamp":1600000000000}"#,
        &[],
    );
    let answer = all.next("mainstem/line1/sim/setpoint/res").await;
    assert_eq!(answer["error"]["code"], "old");
    // The node's own word is no write.
    let own = json!({ "topic": SET, "payload": "99" });
    assert_eq!(
        node.api_as(OP, reqwest::Method::POST, "bus/publish")
            .json(&own)
            .send()
            .await
            .unwrap()
            .status(),
        204
    );
    audited(&node, "own").await;
    assert_eq!(setpoint(&node), Some(Sample::F64(33.0)));
    let metrics = node.metrics().await;
    assert!(
        metrics.contains("mainstem_bus_sets_total{outcome=\"applied\"} 1"),
        "{metrics}"
    );
    Box::pin(kept_sets(node, &place)).await;
}

/// A kept `/set` counts once, when it is said, and not after the next start.
async fn kept_sets(mut node: TestNode, place: &Place) {
    publish(place, SET, "44", &["-r", "-q", "1"]);
    node.wait("sim.setpoint", "44", |view| {
        view.value == Some(Sample::F64(44.0))
    })
    .await;
    node.down().await;
    node.up().await;
    audited(&node, "retained").await;
    node.wait_good("sim.setpoint").await;
    assert_eq!(
        setpoint(&node),
        Some(Sample::F64(20.0)),
        "the device begins anew"
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_foreign_broker_with_two_nodes() {
    if !has_programs() {
        return;
    }
    let mut broker = Broker::start().await;
    let bus = |port: u16, more: &str| {
        format!(
            "{TOKENS}bus:\n  external: {{ host: 127.0.0.1, port: {port}, tls: false }}\n  \
             datapoints: {{ retain: true, qos: 1, {more} }}\n"
        )
    };
    let proxy = Proxy::start(([127, 0, 0, 1], broker.port).into()).await;
    let sections = bus(proxy.address().port(), "principal: op");
    let line = TestNode::start_roles("[\"**\"]", ROLES, "line1", DEVICE, &sections).await;
    line.wait_good("sim.setpoint").await;
    let entry = remote(
        "line1",
        &line.pin(),
        line.address(),
        "      beat: 100ms\n      uncertain_after: 700ms\n      bad_after: 1s\n",
    );
    let sections = bus(broker.port, "include: [ \"line1.sim.*\" ]");
    let plant = TestNode::start_roles("[\"**\"]", ROLES, "plant", &entry, &sections).await;
    plant.wait_good("line1.sim.setpoint").await;
    let place = Place::new(broker.port, None);
    let mut all = Listener::start(&place, "mainstem/#").await;
    let told = |told: &Value| is(told, 20.0) && told["quality"] == "good";
    all.until("mainstem/plant/line1/sim/setpoint", told).await;
    publish(&place, SET, r#"{"id":7,"value":55}"#, &["-q", "1"]);
    let answer = all.next("mainstem/line1/sim/setpoint/res").await;
    assert_eq!(answer["result"]["value"], 55, "{answer}");
    // The plant's entry names nobody: nothing is written there.
    publish(
        &place,
        "mainstem/plant/line1/sim/setpoint/set",
        "66",
        &["-q", "1"],
    );
    all.until("mainstem/plant/line1/sim/setpoint", |told| is(told, 55.0))
        .await;
    waited_at_the_broker(&line, &proxy, &place).await;
    broker.restart().await;
    audited_state(&line, "up").await;
    writes_again(&line, &place, 57.0).await;
    // A lost link is told of each datapoint.
    line.stop().await;
    let mut all = Listener::start(&place, "mainstem/plant/#").await;
    let lost = |told: &Value| told["quality"] == "bad" && told["reason"] == "link_down";
    all.until("mainstem/plant/line1/sim/setpoint", lost).await;
    plant.stop().await;
}

/// What waited at the broker while the node could not hear it is no write any more; what is said
/// afterwards is one.
async fn waited_at_the_broker(line: &TestNode, proxy: &Proxy, place: &Place) {
    proxy.silence();
    proxy.reset();
    audited_state(line, "down").await;
    publish(place, SET, r#"{"id":8,"value":77}"#, &["-q", "1"]);
    proxy.heal();
    audited(line, "queued").await;
    assert_eq!(setpoint(line), Some(Sample::F64(55.0)));
    writes_again(line, place, 56.0).await;
}

async fn audited_state(node: &TestNode, wanted: &str) {
    let end = tokio::time::Instant::now() + PATIENCE;
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    while node.ask("GET", "bus", json!(null)).await.1["state"] != wanted {
        tick.tick().await;
        assert!(
            tokio::time::Instant::now() < end,
            "the bus is never {wanted}"
        );
    }
}

/// Says it until it is done: what is said too soon after an outage is refused.
async fn writes_again(line: &TestNode, place: &Place, value: f64) {
    let end = tokio::time::Instant::now() + PATIENCE;
    let mut tick = tokio::time::interval(Duration::from_millis(300));
    while setpoint(line) != Some(Sample::F64(value)) {
        tick.tick().await;
        publish(place, SET, &value.to_string(), &["-q", "1"]);
        assert!(tokio::time::Instant::now() < end, "writes never work again");
    }
}

/// What `check` says to a node with this bus and an endpoint on this topic.
fn checked(bus: &str, connection: &str, topic: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.yaml");
    let text = format!(
        "version: 1\nnode: {{ name: line1 }}\nbus:\n{bus}  datapoints: {{}}\nresources:\n  \
         hall: {{ type: Connection, properties: {{ protocol: mqtt, connection: {connection} }} }}\n  \
         t: {{ type: Endpoint, properties: {{ connection: hall, subscribe: {{ topic: \"{topic}\" }} }} }}\n"
    );
    std::fs::write(&path, text).unwrap();
    match mainstem_config::load(&path, mainstem::app::kinds()) {
        Ok(_) => String::new(),
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn circles_over_one_broker_are_refused() {
    let foreign = "  external: { host: Broker.example, tls: false }\n";
    let own = "  embedded: { listen: [ { address: \"0.0.0.0:1883\", tls: false } ] }\n";
    for (bus, connection, topic) in [
        (foreign, "{ host: broker.example }", "mainstem/line1/sim/t"),
        (
            foreign,
            "{ host: broker.example, port: 1883 }",
            "mainstem/+/#",
        ),
        (foreign, "{ host: broker.example }", "#"),
        (own, "{ host: localhost }", "mainstem/line1/x/set"),
        (own, "{ host: 127.0.0.1, port: 1883 }", "+/line1/#"),
    ] {
        let said = checked(bus, connection, topic);
        assert!(said.contains("topics in common"), "{topic}: {said}");
    }
    for (bus, connection, topic) in [
        (foreign, "{ host: broker.example }", "mainstem/line2/#"),
        (foreign, "{ host: broker.example, port: 1884 }", "#"),
        (foreign, "{ host: other.example }", "#"),
        (own, "{ host: other.example }", "#"),
        (own, "{ host: localhost }", "hall/+"),
    ] {
        assert_eq!(checked(bus, connection, topic), "", "{topic}");
    }
}
