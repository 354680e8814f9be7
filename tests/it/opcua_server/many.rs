//! Ten thousand monitored items of one client.

use std::fmt::Write;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Foreign, LINK_TOKEN, SERVER, Talk, TestNode, trusted, url};

const ITEMS: u64 = 10_000;
const POINTS: usize = 1_000;
/// Resident bytes that an item may cost the whole node, the library's part included.
const BYTES_AN_ITEM_MAX: u64 = 16 * 1024;
const PATIENCE: Duration = Duration::from_secs(30);

/// Resident bytes of this process, which is the node's: the client has one of its own.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.unwrap().parse::<u64>().unwrap() * 1024
}

async fn items(node: &TestNode) -> u64 {
    let (_, state) = node.ask("GET", "opcua-server", Value::Null).await;
    state["items"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_items_are_watched_and_forgotten() {
    let Some(client) = Foreign::new() else { return };
    let mut resources =
        "  many: { type: Connection, properties: { protocol: simulator } }\n".to_owned();
    for number in 0..POINTS {
        writeln!(
            resources,
            "  p{number}: {{ type: Endpoint, properties: {{ protocol: simulator, connection: !ref many, \
             subscribe: {{ signal: constant, value: {number} }} }} }}"
        )
        .unwrap();
    }
    let node = TestNode::start("plant1", &format!("{resources}{SERVER}")).await;
    node.wait_good(&format!("many.p{}", POINTS - 1)).await;
    let url = url(&node).await;
    trusted(&node, &url, &client).await;
    let before = resident();
    let number = ITEMS.to_string();
    let mut talk = Talk::begin(&client, &url, &["many", "above", LINK_TOKEN, &number]);
    assert_eq!(talk.next().await["watching"], true);
    assert_eq!(items(&node).await, ITEMS);
    let cost = resident().saturating_sub(before) / ITEMS;
    assert!(cost <= BYTES_AN_ITEM_MAX, "{cost} bytes an item");
    talk.say().await;
    let seen = talk.next().await;
    // Shown where a runner shows the output of tests that pass.
    eprintln!("{cost} bytes an item; {seen}");
    assert_eq!(
        (&seen["made"], &seen["bad"]),
        (&ITEMS.into(), &0.into()),
        "{seen}"
    );
    assert!(seen["seen"].as_u64() >= Some(ITEMS), "{seen}");
    let begun = Instant::now();
    while items(&node).await > 0 {
        assert!(
            begun.elapsed() < PATIENCE,
            "items of nobody are still watched"
        );
    }
    node.stop().await;
}
