//! A node that is there twice, that was put back, that is reached by several ways, and what its
//! return costs.

use mainstem_model::Value;
use mainstem_remote::LinkState;
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::links::{Chain, DEVICE, QUICK, line};
use crate::support::proxy::Proxy;
use crate::support::{TestNode, copy_folder, eventually, remote};

const AT_TOP: &str = "area.plant.line1.sim.count";

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_plant_tells_the_differences_only() {
    let mut chain = Chain::start().await;
    chain.top().wait_good(AT_TOP).await;
    chain.nodes[1].down().await;
    chain.nodes[1].up().await;
    let by_digest = || Some(chain.nodes[2].link("plant").counters).filter(|c| c.digest_resyncs > 0);
    let counters = eventually("the area sends digests", by_digest).await;
    assert_eq!(counters.snapshots, 2, "{counters:?}");
    chain.nodes[2].wait_link("plant", LinkState::Live).await;
    chain.top().wait_good(AT_TOP).await;
    let counters = chain.nodes[2].link("plant").counters;
    assert!(counters.same > 0, "{counters:?}");
    let request = |full| {
        let path = format!("remotes/plant/resync?full={full}");
        chain.nodes[2].api(Method::POST, &path).send()
    };
    assert_eq!(request(true).await.unwrap().status(), 204);
    let third = || Some(chain.nodes[2].link("plant").counters).filter(|c| c.snapshots == 3);
    let counters = eventually("the area reads everything", third).await;
    assert_eq!(counters.digest_resyncs, 1);
    chain.nodes[2].wait_link("plant", LinkState::Live).await;
    assert_eq!(request(false).await.unwrap().status(), 204);
    let fourth = || Some(chain.nodes[2].link("plant").counters).filter(|c| c.snapshots == 4);
    assert_eq!(
        eventually("the area sends digests", fourth)
            .await
            .digest_resyncs,
        2
    );
    chain.top().wait_good(AT_TOP).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_backup_is_noticed_and_served() {
    let mut chain = Chain::start().await;
    chain.top().wait_good(AT_TOP).await;
    let backup = tempfile::TempDir::new().unwrap();
    chain.nodes[0].down().await;
    copy_folder(&chain.nodes[0].data(), backup.path());
    for _ in 0..2 {
        chain.nodes[0].up().await;
        chain.nodes[1].wait_link("line1", LinkState::Live).await;
        chain.top().wait_good(AT_TOP).await;
        chain.nodes[0].down().await;
    }
    assert!(chain.nodes[1].alarm("link.line1.restored").await.is_none());
    let last = chain.top().get(AT_TOP).unwrap().value;
    std::fs::remove_dir_all(chain.nodes[0].data()).unwrap();
    copy_folder(backup.path(), &chain.nodes[0].data());
    chain.nodes[0].up().await;
    chain.nodes[1].wait_link("line1", LinkState::Live).await;
    for id in ["link.line1.restored", "node.restored"] {
        let node = &chain.nodes[usize::from(id.starts_with("link"))];
        let alarm = node
            .alarm(id)
            .await
            .unwrap_or_else(|| panic!("no alarm {id}"));
        assert!(
            alarm["text"].as_str().unwrap().contains("earlier state"),
            "{alarm}"
        );
        let path = format!("alarms/{id}/acknowledge");
        assert_eq!(
            node.api(Method::POST, &path).send().await.unwrap().status(),
            204
        );
        assert!(node.alarm(id).await.is_none(), "seen by a person: {id}");
    }
    // What it says now counts at every level, and no alarm comes with its next start.
    let moved = |view: &mainstem_store::PointView| view.quality.is_good() && view.value != last;
    chain
        .top()
        .wait(AT_TOP, "good with a new value", moved)
        .await;
    chain.nodes[0].down().await;
    chain.nodes[0].up().await;
    chain.nodes[1].wait_link("line1", LinkState::Live).await;
    chain.top().wait_good(AT_TOP).await;
    assert!(chain.nodes[1].alarm("link.line1.restored").await.is_none());
}

fn two_routes(line: &TestNode, first: &Proxy, second: &Proxy, more: &str) -> String {
    let one = format!("address: https://{}", first.address());
    let both = format!(
        "address: [\"https://{}\", \"https://{}\"]",
        first.address(),
        second.address()
    );
    remote(
        "line1",
        &line.pin(),
        first.address(),
        &format!("{QUICK}{more}"),
    )
    .replace(&one, &both)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_route_takes_over_without_a_snapshot() {
    let line = line().await;
    let (first, second) = (
        Proxy::start(line.address()).await,
        Proxy::start(line.address()).await,
    );
    let plant = TestNode::start("plant1", &two_routes(&line, &first, &second, "")).await;
    plant.wait_good("line1.sim.count").await;
    plant.wait_link("line1", LinkState::Live).await;
    assert_eq!(plant.link("line1").address, first.address().to_string());
    for (cut, other) in [(&first, &second), (&second, &first)] {
        let last = plant.wait_good("line1.sim.count").await.value;
        cut.silence();
        cut.reset();
        let address = other.address().to_string();
        let taken = || Some(plant.link("line1")).filter(|view| view.address == address);
        eventually("the other route is active", taken).await;
        plant.wait_link("line1", LinkState::Live).await;
        let newer = |view: &mainstem_store::PointView| {
            let number = |value: &Option<Value>| value.as_ref().and_then(Value::as_f64);
            view.quality.is_good() && number(&view.value) > number(&last)
        };
        plant.wait("line1.sim.count", "newer", newer).await;
        cut.heal();
    }
    let counters = plant.link("line1").counters;
    assert_eq!(
        (counters.snapshots, counters.missed),
        (1, 0),
        "{counters:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_no_declared_pair_is_refused() {
    let mut original = line().await;
    original.down().await;
    let mut copy = original.copy();
    original.up().await;
    copy.up().await;
    let first = Proxy::start(original.address()).await;
    let second = Proxy::start(copy.address()).await;
    let plant = TestNode::start("plant1", &two_routes(&original, &first, &second, "")).await;
    let at = |proxy: &Proxy| {
        let address = proxy.address().to_string();
        Some(plant.link("line1")).filter(|v| v.address == address && v.state == LinkState::Live)
    };
    eventually("the original answers", || at(&first)).await;
    first.silence();
    // It could be the original after a restart: nobody can tell yet.
    eventually("the copy answers", || at(&second)).await;
    first.heal();
    second.silence();
    eventually("the original is back", || at(&first)).await;
    let alarm = plant.alarm("link.line1.twin").await.unwrap();
    assert!(
        alarm["text"].as_str().unwrap().contains("Two copies"),
        "{alarm}"
    );
    second.heal();
    first.silence();
    let is_refused = || Some(plant.link("line1")).filter(|v| v.state == LinkState::Refused);
    let view = eventually("the copy is refused", is_refused).await;
    assert!(
        view.cause
            .as_deref()
            .unwrap_or_default()
            .contains("another copy"),
        "{view:?}"
    );
    first.heal();
    eventually("the original is served on", || at(&first)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_entry_for_a_node_is_refused_and_the_first_undisturbed() {
    let line = line().await;
    let proxy = Proxy::start(line.address()).await;
    let one = remote("one", &line.pin(), line.address(), QUICK);
    let mut plant = TestNode::start("plant1", &one).await;
    plant.wait_good("one.sim.count").await;
    let before = plant.link("one").counters;
    let two = remote("two", &line.pin(), proxy.address(), QUICK);
    plant.reload(&format!("{one}{two}")).await;
    let view = plant.wait_link("two", LinkState::Refused).await;
    assert!(
        view.cause
            .as_deref()
            .unwrap_or_default()
            .contains("already below one"),
        "{view:?}"
    );
    let alarm = plant.alarm("link.two").await.unwrap();
    let text = alarm["text"].as_str().unwrap();
    assert!(
        text.contains("with two") && text.contains("below one"),
        "{text}"
    );
    plant.wait_good("one.sim.count").await;
    let after = plant.link("one").counters;
    assert_eq!(
        (after.snapshots, after.resumes),
        (before.snapshots, before.resumes)
    );
    assert!(plant.get("two.sim.count").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_without_discovery_is_not_in_the_topology() {
    let line = line().await;
    let more = format!("{QUICK}      discovery: false\n");
    let entry = remote("line1", &line.pin(), line.address(), &more);
    let plant = TestNode::start("plant1", &format!("{DEVICE}{entry}")).await;
    plant.wait_good("line1.sim.count").await;
    let answer = plant
        .api(Method::GET, "topology?datapoints=true")
        .send()
        .await
        .unwrap();
    let tree: Json = answer.json().await.unwrap();
    let names = |list: &str| -> Vec<String> {
        let items = tree[list].as_array().unwrap().iter();
        items
            .map(|item| item["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names("nodes"), ["plant1"]);
    assert_eq!(names("adapters"), ["sim"]);
    let points = tree["datapoints"]["items"].as_array().unwrap();
    let named = |name: &str| points.iter().any(|point| point["name"] == name);
    assert!(
        named("sim.count") && named("line1.connection") && !named("line1.sim.count"),
        "{tree}"
    );
    assert_eq!(
        tree["links"][0]["prefix"], "line1",
        "the link itself is there"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn digests_that_are_none_are_refused() {
    let line = line().await;
    let ask = |query: &str, body: Json| {
        let request = line.api(Method::POST, &format!("changes{query}"));
        request
            .header("accept", "application/x-ndjson")
            .json(&body)
            .send()
    };
    let body = |buckets: u32, text: &str| json!({"buckets": buckets, "define": text, "rows": text});
    let eight = "AAAAAAAAAAA=";
    let long = "A".repeat(200_000);
    let refused = [
        ("", body(1, "AAAA"), 422),
        ("", body(3, eight), 422),
        ("", body(8192, eight), 422),
        ("", body(1, &long), 413),
        ("", json!({"buckets": 1}), 400),
        ("?expand=true", body(1, eight), 400),
        ("?since=1-0000000000000001-1-1", body(1, eight), 400),
    ];
    for (query, body, status) in refused {
        let answer = ask(query, body.clone()).await.unwrap();
        assert_eq!(answer.status(), status, "{query}");
    }
    // Digests of what nobody has: everything is told.
    let answer = ask("?follow=false", body(1, eight)).await.unwrap();
    let text = answer.text().await.unwrap();
    assert!(
        text.contains("\"same\"") && text.contains("sim.setpoint"),
        "{text}"
    );
}
