//! What the doctor finds at one node.

use mainstem_model::{Quality, Reason, Sample};
use mainstem_telemetry::{Problem, Severity};
use serde_json::{Value, json};

use crate::harness::Node;

fn findings(report: &Value) -> Vec<(&str, &str)> {
    let found = report["findings"].as_array().unwrap().iter();
    found
        .map(|finding| {
            let text = |name: &str| finding[name].as_str().unwrap_or_default();
            (text("id"), text("severity"))
        })
        .collect()
}

#[tokio::test]
async fn a_node_that_is_well_says_so() {
    let node = Node::start().await;
    let points = node.define("plc.t", 2);
    node.set(&points, 1.0);
    let report = node.admin().document("/api/v1/doctor").await;
    assert_eq!(report["healthy"], true, "{report:#}");
    assert_eq!(findings(&report), []);
    assert_eq!(
        report["nodes"],
        json!([{"name": "line1", "state": "answered"}])
    );
}

#[tokio::test]
async fn alarms_and_bad_datapoints_are_found_with_examples_that_the_caller_may_see() {
    let node = Node::start().await;
    let points = node.define("plc.t", 5);
    let bad = Sample::without_value(Quality::of(Reason::DeviceError), None);
    let mut batch: Vec<_> = points.iter().map(|&id| (id, bad.clone())).collect();
    node.store.apply(node.source, &mut batch);
    node.health.raise(Problem {
        id: "audit".into(),
        severity: Severity::Critical,
        source: "audit".into(),
        text: "The audit cannot be written.".into(),
        action: "Make room.".into(),
    });
    let report = node.admin().document("/api/v1/doctor").await;
    assert_eq!(report["healthy"], false);
    let expected = [("audit", "critical"), ("datapoints.device_error", "high")];
    assert_eq!(findings(&report), expected);
    let found = &report["findings"][1];
    assert_eq!(
        (&found["count"], found["examples"].as_array().unwrap().len()),
        (&json!(5), 3)
    );
    node.health.clear("audit");
    let report = node.admin().document("/api/v1/doctor").await;
    assert_eq!(findings(&report), [("datapoints.device_error", "high")]);
    node.set(&points, 1.0);
    assert_eq!(
        node.admin().document("/api/v1/doctor").await["healthy"],
        true
    );
}

#[tokio::test]
async fn a_neighbour_needs_the_right_to_ask_and_may_say_more_than_is_known() {
    let node = Node::start().await;
    let ask = json!({"budget_us": 100_000, "passed": 200, "mood": "curious"});
    let link = node.client(&node.token("plant1", "concentrator", None));
    let answer = link
        .post("/api/v1/link/doctor")
        .json(&ask)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["nodes"][0]["name"], "line1");
    let viewer = node.client(&node.token("eyes", "viewer", None));
    let refused = viewer
        .problem(viewer.post("/api/v1/link/doctor").json(&ask))
        .await;
    assert_eq!(refused, (403, "forbidden".into()));
    let unknown = viewer.problem(viewer.get("/api/v1/doctor?deep=true")).await;
    assert_eq!(unknown, (400, "bad_query".into()));
}
