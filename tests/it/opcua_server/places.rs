//! Datapoints that come and go, those of remotes, deadbands of percent, and history in parts.

use std::fmt::Write;

use mainstem_model::{Clock, Timestamp};
use mainstem_telemetry::SystemClock;
use serde_json::{Value, json};

use super::{Foreign, LINK_TOKEN, RESOURCES, SERVER, Talk, start, trusted, url};
use crate::support::proxy::Proxy;
use crate::support::{TestNode, remote};

const UNKNOWN: u64 = 0x8034_0000;
const NO_COMMUNICATION: u64 = 0x8031_0000;
/// More than two answers hold.
const ROWS: usize = 25_000;

/// Reads changes until one has a status.
async fn until(talk: &mut Talk, status: u64) -> Value {
    // Without the bits that say how full a queue was.
    let is = |told: &Value| told["status"].as_u64().map(|status| status & 0xFFFF_0000);
    talk.until(&format!("{status:x}"), |told| is(told) == Some(status))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn datapoints_vanish_and_come_while_they_are_watched() {
    let Some(client) = Foreign::new() else { return };
    let (mut node, url) = start().await;
    trusted(&node, &url, &client).await;
    let mut talk = Talk::begin(&client, &url, &["comings", "above", LINK_TOKEN]);
    assert_eq!(talk.next().await["before"], "BadNodeIdUnknown");
    assert_eq!(until(&mut talk, 0).await["value"], 5.0);
    let renamed = RESOURCES.replace("  still:", "  later:");
    node.reload(&format!("{renamed}{SERVER}")).await;
    assert!(until(&mut talk, UNKNOWN).await["value"].is_null());
    node.wait_good("sim.later").await;
    node.reload(&format!("{RESOURCES}{SERVER}")).await;
    assert_eq!(until(&mut talk, 0).await["value"], 5.0);
    node.reload(&format!("{renamed}{SERVER}")).await;
    node.wait_good("sim.later").await;
    until(&mut talk, UNKNOWN).await;
    talk.say().await;
    let seen = talk.next().await;
    assert_eq!(seen["later"]["value"], 5.0, "{seen:#}");
    let children = seen["children"].as_array().unwrap();
    assert!(children.contains(&json!("sim.later")), "{seen:#}");
    assert!(!children.contains(&json!("sim.still")), "{seen:#}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn datapoints_of_a_remote_are_written_and_doubted_with_its_link() {
    let Some(client) = Foreign::new() else { return };
    let line = TestNode::start("line1", RESOURCES).await;
    let proxy = Proxy::start(line.address()).await;
    let more = "      beat: 100ms\n      uncertain_after: 700ms\n      bad_after: 1s\n      \
                write: [\"**\"]\n";
    let entry = remote("line1", &line.pin(), proxy.address(), more);
    let plant = TestNode::start("plant1", &format!("{entry}{SERVER}")).await;
    plant.wait_good("line1.sim.level").await;
    let url = url(&plant).await;
    trusted(&plant, &url, &client).await;
    let mut talk = Talk::begin(&client, &url, &["remote", "above", LINK_TOKEN]);
    let begun = talk.next().await;
    let expected = json!({"id": "ns=2;s=line1.sim.level", "written": "Good"});
    assert_eq!(begun, expected);
    assert_eq!(
        line.get("sim.level").unwrap().value,
        Some(mainstem_model::Value::F64(33.0))
    );
    assert_eq!(until(&mut talk, 0).await["value"], 33.0);
    proxy.silence();
    assert!(until(&mut talk, NO_COMMUNICATION).await["value"].is_null());
    proxy.heal();
    assert_eq!(until(&mut talk, 0).await["value"], 33.0);
    proxy.silence();
    until(&mut talk, NO_COMMUNICATION).await;
    talk.say().await;
    let cut = talk.next().await;
    assert_eq!(cut["cut"], "BadNoCommunication", "{cut}");
    plant.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadband_of_percent_is_one_of_the_limits() {
    let Some(client) = Foreign::new() else { return };
    let (node, url) = start().await;
    trusted(&node, &url, &client).await;
    let seen = client.run(&url, "percent", "0").await;
    let levels: Vec<f64> = seen["levels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|level| level.as_f64().unwrap())
        .collect();
    // 0 to 30 in steps of 1, and a tenth of 100 has to be passed.
    assert_eq!(levels.first(), Some(&0.0), "{seen}");
    assert!((2..=3).contains(&levels.len()), "{seen}");
    assert!(
        levels.windows(2).all(|pair| pair[1] - pair[0] > 10.0),
        "{seen}"
    );
    assert_eq!(seen["without_limits"], "BadDeadbandFilterInvalid", "{seen}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn history_of_more_than_an_answer_comes_in_parts() {
    let Some(client) = Foreign::new() else { return };
    let loggers = "loggers:\n  commit: 10ms\n  rollups: 1s\n  reserve_percent: 0\n  record:\n    still: \
                   { datapoint: sim.still, kind: range }\n";
    let node = TestNode::start_with("plant1", &format!("{RESOURCES}{SERVER}"), loggers).await;
    node.wait_good("sim.still").await;
    let url = url(&node).await;
    trusted(&node, &url, &client).await;
    let begun = SystemClock.now().micros() - 3_000_000_000;
    let mut table = "time,value\r\n".to_owned();
    for row in 0..ROWS {
        let time = Timestamp::from_micros(begun + i64::try_from(row).unwrap() * 100_000);
        write!(table, "{time},{row}\r\n").unwrap();
    }
    let post = node.api(reqwest::Method::POST, "loggers/still/samples");
    let post = post.header("content-type", "text/csv").body(table);
    let stored: Value = post.send().await.unwrap().json().await.unwrap();
    assert_eq!(stored["stored"], ROWS, "{stored}");
    let seen = client.run(&url, "parts", "0").await;
    let sizes: Vec<u64> = serde_json::from_value(seen["sizes"].clone()).unwrap();
    assert_eq!(sizes[..2], [10_000, 10_000], "{seen}");
    assert_eq!(sizes.len(), 3, "{seen}");
    assert!(seen["rows"].as_u64() >= Some(ROWS as u64), "{seen}");
    assert_eq!(
        (&seen["sorted"], &seen["in_order"]),
        (&true.into(), &true.into()),
        "{seen}"
    );
    for what in ["after_release", "strange"] {
        assert_eq!(seen[what], "BadContinuationPointInvalid", "{seen}");
    }
    node.stop().await;
}
