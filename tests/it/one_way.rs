//! Links over which no write can be carried: either side alone suffices.

use serde_json::json;

use crate::links::DEVICE;
use crate::support::{LINK_TOKEN, TestNode, remote};

const TIMES: &str = "      beat: 100ms\n      uncertain_after: 700ms\n      bad_after: 1s\n";
const READ_TOKEN: &str = "ms_test0004_a-token-that-only-reads-over-links";

/// Writes at the top; the state, reason and hop of the outcome, and what an explanation says.
async fn refusal(top: &TestNode) -> (String, String, String) {
    let name = "plant.line1.sim.setpoint";
    top.wait_good(name).await;
    let (_, body) = top.put(name, json!({"value": 44.0}), "wait=5s").await;
    let outcome = &body["outcome"];
    assert_eq!(outcome["state"], "rejected", "{body}");
    let ask = json!({"name": name, "value": 44.0});
    let (_, explained) = top.ask("POST", "writes/explain", ask).await;
    let refused = &explained["refused"];
    assert_eq!(explained["allowed"], false, "{explained}");
    assert_eq!(
        (&refused["reason"], &refused["hop"]),
        (&outcome["reason"], &outcome["hop"]),
        "{explained} {body}"
    );
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    (
        text(&outcome["reason"]),
        text(&outcome["hop"]),
        text(&refused["rule"]),
    )
}

async fn top_of(plant: &TestNode) -> TestNode {
    let write = format!("{TIMES}      write: [\"**\"]\n");
    let entry = remote("plant", &plant.pin(), plant.address(), &write);
    TestNode::start("top", &entry).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reading_side_alone_makes_a_link_one_way() {
    let line = TestNode::start("line1", DEVICE).await;
    let more = format!("{TIMES}      one_way: true\n");
    let plant = TestNode::start(
        "plant",
        &remote("line1", &line.pin(), line.address(), &more),
    )
    .await;
    let top = top_of(&plant).await;
    let told = refusal(&top).await;
    assert_eq!(
        told,
        ("one_way".into(), "plant.line1".into(), "one_way".into())
    );
    let value = line.get("sim.setpoint").unwrap().value;
    assert_eq!(value, Some(mainstem_model::Value::F64(20.0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_alone_makes_a_link_one_way() {
    let roles = "  reader: { read: [\"**\"], link: read }\n";
    let token = format!("  - {{ name: reader, role: reader, token: {READ_TOKEN} }}\n");
    let line = TestNode::start_roles("[\"**\"]", roles, "line1", DEVICE, &token).await;
    let more = format!("{TIMES}      write: [\"**\"]\n");
    let entry = remote("line1", &line.pin(), line.address(), &more);
    let plant = TestNode::start("plant", &entry.replace(LINK_TOKEN, READ_TOKEN)).await;
    let top = top_of(&plant).await;
    let told = refusal(&top).await;
    assert_eq!(
        told,
        ("one_way".into(), "plant.line1".into(), "one_way".into())
    );
    let audit = line.node().facts().folder.join("audit.log");
    let noted = || {
        std::fs::read_to_string(&audit)
            .ok()
            .filter(|text| text.contains("denied"))
    };
    crate::support::eventually("the refusal is in the line's audit", noted).await;
}

#[test]
fn both_words_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.yaml");
    let problems = |text: &str| {
        let text = format!("version: 1\nnode: {{ name: a }}\n{text}");
        std::fs::write(&path, text).unwrap();
        let loaded = mainstem_config::load(&path, mainstem::app::kinds());
        loaded
            .err()
            .map(|problems| problems.to_string())
            .unwrap_or_default()
    };
    let found = problems("roles: { r: { link: read, write: [\"**\"] } }\n");
    assert!(found.contains("`link: read`"), "{found}");
    let found = problems("roles: { r: { link: reading } }\n");
    assert!(found.contains("link"), "{found}");
    let pin = format!("sha256:{}", "0".repeat(64));
    let entry = |more: &str| {
        format!(
            "resources:\n  x:\n    type: Remote\n    properties: {{ token: abc, pin: \"{pin}\", {more} }}\n"
        )
    };
    let address = "address: https://a:1";
    let found = problems(&entry(&format!(
        "{address}, one_way: true, write: [\"**\"]"
    )));
    assert!(found.contains("one_way"), "{found}");
    let found = problems(&entry(&format!("{address}, dial: up")));
    assert!(found.contains("`dial: up`"), "{found}");
    let found = problems(&entry("mode: stream"));
    assert!(found.contains("`address` is missing"), "{found}");
    let found = problems("roles: { r: { dial_up: linw1 } }\n");
    assert!(found.contains("linw1"), "{found}");
    let found = problems(&entry(&format!(
        "{address}, proxy: \"http://user:geheim@\""
    )));
    assert!(
        found.contains("proxy") && !found.contains("geheim"),
        "{found}"
    );
    assert_eq!(problems(&entry("dial: up")), "");
}
