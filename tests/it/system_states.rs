//! The states of a whole node's resources as its own datapoints, and on its bus.

use mainstem_model::Value as Text;
use reqwest::Method;
use serde_json::Value;

use crate::support::{TestNode, eventually, remote};

const STATES: &str =
    "  states: { type: Connection, properties: { protocol: Systemstate, connection: {} } }
  ofSim: { type: Endpoint, properties: { connection: !ref states, \
subscribe: { resourceId: !sub \"${Cybus::ServiceId}-sim\" } } }
  ofWave: { type: Endpoint, properties: { connection: !ref states, \
subscribe: { resourceId: line1-wave } } }
  ofBelow: { type: Endpoint, properties: { connection: !ref states, \
subscribe: { resourceId: below } } }
  ofMap: { type: Endpoint, properties: { connection: !ref states, \
read: { resourceId: line1-map } } }
  ofOff: { type: Endpoint, properties: { connection: !ref states, \
subscribe: { resourceId: line1-off } } }
  ofAll: { type: Endpoint, properties: { connection: !ref states, \
subscribe: { resourceId: !sub \"${Cybus::ServiceId}\" } } }
  ofNone: { type: Endpoint, properties: { connection: !ref states, \
subscribe: { resourceId: line1-nothing } } }\n";
const SIM: &str = "  sim: { type: Connection, properties: { protocol: simulator } }
  wave: { type: Endpoint, properties: { connection: !ref sim, \
subscribe: { signal: constant, value: 7, interval: 50ms } } }
  map: { type: Mapping, properties: { mappings: [ \
{ subscribe: { topic: a }, publish: { topic: b } } ] } }
  off: { type: Mapping, properties: { targetState: disabled, mappings: [ \
{ subscribe: { topic: c }, publish: { topic: d } } ] } }\n";

async fn is(node: &TestNode, name: &str, word: &str) {
    let name = format!("states.{name}");
    node.wait(&name, word, |view| {
        view.value == Some(Text::text(word)) && view.quality.is_good()
    })
    .await;
}

async fn switch(node: &TestNode, verb: &str) {
    let request = node.api(Method::POST, &format!("adapters/sim/{verb}"));
    assert_eq!(request.send().await.unwrap().status(), 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_each_resource_is_a_datapoint() {
    let mut below = TestNode::start("below", "").await;
    let entry = remote("below", &below.pin(), below.address(), "");
    let mut node = TestNode::start("line1", &format!("{SIM}{entry}{STATES}")).await;
    for (name, word) in [
        ("ofSim", "connected"),
        ("ofWave", "subscribed"),
        ("ofBelow", "connected"),
        ("ofMap", "enabled"),
        ("ofOff", "disabled"),
        ("ofAll", "enabled"),
    ] {
        is(&node, name, word).await;
    }
    let none = node.get("states.ofNone").unwrap();
    assert_eq!(none.quality.reason.as_str(), "bad_address");
    switch(&node, "pause").await;
    for (name, word) in [
        ("ofSim", "disconnected"),
        ("ofWave", "disabled"),
        ("ofAll", "deviated"),
    ] {
        is(&node, name, word).await;
    }
    switch(&node, "resume").await;
    is(&node, "ofSim", "connected").await;
    is(&node, "ofAll", "enabled").await;
    below.down().await;
    is(&node, "ofAll", "deviated").await;
    below.up().await;
    is(&node, "ofBelow", "connected").await;
    is(&node, "ofAll", "enabled").await;
    // What the file does not have any more has no state.
    node.reload(&format!("{entry}{STATES}")).await;
    let is_gone = || {
        let view = node.get("states.ofSim")?;
        (view.quality.reason.as_str() == "bad_address").then_some(())
    };
    eventually("the state of what is gone", is_gone).await;
    let (_, all) = node
        .ask("GET", "datapoints/states.ofAll", Value::Null)
        .await;
    assert_eq!(all["value"], "enabled");
    node.stop().await;
    below.stop().await;
}
