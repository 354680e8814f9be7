//! Writes through four levels, and what becomes of them when a link fails in the middle.

use mainstem_model::Value;
use mainstem_remote::LinkState;
use serde_json::json;

use crate::links::Chain;

const SETPOINT: &str = "area.plant.line1.sim.setpoint";

#[tokio::test(flavor = "multi_thread")]
async fn a_write_reaches_the_device_and_names_each_hop() {
    let chain = Chain::start().await;
    chain.top().wait_good(SETPOINT).await;
    let (status, document) = chain
        .top()
        .put(SETPOINT, json!({ "value": 42.5 }), "wait=10s")
        .await;
    assert_eq!(
        (status, &document["state"]),
        (200, &json!("applied")),
        "{document:#}"
    );
    let hops = document["hops"].as_array().unwrap();
    let hops: Vec<&str> = hops
        .iter()
        .map(|hop| hop["node"].as_str().unwrap())
        .collect();
    assert_eq!(hops, ["top", "area", "plant", "line1"]);
    let is_new = |view: &mainstem_store::PointView| view.value == Some(Value::F64(42.5));
    chain.top().wait(SETPOINT, "what was written", is_new).await;
    let (status, document) = chain
        .top()
        .put(SETPOINT, json!({ "value": "hot" }), "")
        .await;
    assert_eq!(
        (status, &document["outcome"]["reason"]),
        (422, &json!("type")),
        "{document:#}"
    );
    let (status, _) = chain
        .top()
        .put("area.plant.line1.sim.count", json!({ "value": 1 }), "")
        .await;
    assert_eq!(status, 403, "read only");
    let (status, _) = chain
        .top()
        .put("area.plant.line1.sim.none", json!({ "value": 1 }), "")
        .await;
    assert_eq!(status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_a_frozen_link_held_too_long_is_never_carried_out() {
    let chain = Chain::start().await;
    chain.top().wait_good(SETPOINT).await;
    let line = &chain.nodes[0];
    let before = line
        .get(SETPOINT.trim_start_matches("area.plant.line1."))
        .unwrap()
        .value;
    // The middle link delivers nothing, but keeps what it is given and delivers it later.
    chain.proxies[0].silence();
    let body = json!({ "value": 99, "deadline": "400ms" });
    let (status, document) = chain.top().put(SETPOINT, body, "wait=5s").await;
    assert_eq!(status, 504, "{document:#}");
    chain.proxies[0].heal();
    chain.nodes[1].wait_link("line1", LinkState::Live).await;
    chain.top().wait_good(SETPOINT).await;
    let after = line.get("sim.setpoint").unwrap().value;
    assert_eq!(before, after, "the late write was carried out");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_communication_a_write_is_refused_with_its_hop() {
    let mut chain = Chain::start().await;
    chain.top().wait_good(SETPOINT).await;
    chain.nodes[0].down().await;
    let quiet = |view: &mainstem_store::PointView| !view.quality.is_good();
    chain.top().wait(SETPOINT, "not good", quiet).await;
    let (_, document) = chain
        .top()
        .put(SETPOINT, json!({ "value": 7 }), "wait=5s")
        .await;
    assert_eq!(
        document["outcome"]["state"],
        json!("rejected"),
        "{document:#}"
    );
    assert_eq!(
        document["outcome"]["hop"],
        json!("area.plant.line1"),
        "{document:#}"
    );
}
