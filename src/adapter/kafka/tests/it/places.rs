//! Reading goes on behind the last message, over restarts, and misses none.

use mainstem_adapter::conformance::{Observed, Rig};
use mainstem_adapter_kafka::KIND;
use mainstem_model::{Access, Value};
use serde_json::json;

use crate::peer::{PATIENCE, Peer, endpoint};

/// The messages that a session brought.
fn texts(seen: &Observed) -> Vec<String> {
    let values = seen
        .samples
        .iter()
        .filter_map(|(_, sample)| match &sample.value {
            Some(Value::Text(text)) => Some(text.to_string()),
            _ => None,
        });
    values.collect()
}

async fn brings(rig: &Rig, wanted: &[&str]) {
    let all = |seen: &Observed| (texts(seen) == wanted).then_some(());
    rig.witness
        .until(&format!("{wanted:?}"), PATIENCE, all)
        .await;
}

#[tokio::test]
async fn what_came_while_nobody_listened_is_read_afterwards_and_nothing_twice() {
    let Some(peer) = Peer::start(&["kept"]) else {
        return;
    };
    peer.produce("kept", "before");
    let operation = json!({ "topic": "kept", "format": "raw" });
    let spec = peer.spec(vec![endpoint(
        "kept",
        Access::Read,
        Some("text"),
        operation,
    )]);
    let file = spec.folder.join("offsets");
    let rig = Rig::start(KIND, spec.clone());
    // `latest` is kept as well as any other place, so that nothing from then on is missed.
    while !file.exists() {
        tokio::task::yield_now().await;
    }
    peer.produce("kept", "one");
    brings(&rig, &["one"]).await;
    rig.runner.stop().await;
    peer.produce("kept", "two");
    peer.produce("kept", "three");
    let rig = Rig::start(KIND, spec.clone());
    brings(&rig, &["two", "three"]).await;
    rig.runner.stop().await;
    // A damaged file is put aside, and reading begins where the file says.
    std::fs::write(&file, "nonsense").unwrap();
    let mut spec = spec;
    spec.endpoints[0].operation["from"] = json!("earliest");
    let rig = Rig::start(KIND, spec.clone());
    brings(&rig, &["before", "one", "two", "three"]).await;
    rig.runner.stop().await;
    // A place that the broker does not have: reading begins anew, and that is told.
    let places = br#"{"kept":{"0":1000,"1":0,"2":0,"3":0}}"#;
    mainstem_adapter::write_checked(&file, places, 0o600).unwrap();
    let rig = Rig::start(KIND, spec);
    brings(&rig, &["before", "one", "two", "three"]).await;
    let errors = rig.runner.view().statistics.errors;
    assert_eq!(errors.get("offset_out_of_range"), Some(&1), "{errors:?}");
    rig.runner.stop().await;
}
