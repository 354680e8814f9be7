//! Methods and variables of the node file: calls that are held until somebody on the bus answers.

use std::sync::Arc;
use std::time::Duration;

use mainstem_bus::{Bus, Publication, Qos, Topic, TopicFilter};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{Foreign, LINK_TOKEN, RESOURCES, Talk, TestNode, trusted, url};
use crate::support::remote;

pub(super) const NODES: &str = "  ua: { type: Server::Opcua, properties: { port: 0 } }
  mes: { type: Node::Opcua, properties: { parent: !ref ua, nodeType: Object, browseName: MES, \
nodeId: ns=1;s=mes } }
  order: { type: Node::Opcua, properties: { parent: !ref mes, nodeType: Method, \
browseName: order, nodeId: ns=1;s=order, operation: transaction, transaction: { timeout: 1000 }, \
inputArguments: [ { name: number, dataType: Int64 }, { name: colour, dataType: String } ], \
outputArguments: [ { name: accepted, dataType: Boolean }, { name: total, dataType: UInt64 } ] } }
  slow: { type: Node::Opcua, properties: { parent: !ref mes, nodeType: Method, \
browseName: slow, nodeId: ns=1;s=slow, operation: transaction, transaction: { timeout: 20000 }, \
inputArguments: [ { name: number, dataType: Int64 } ], \
outputArguments: [ { name: number, dataType: Int64 } ] } }
  speed: { type: Node::Opcua, properties: { parent: !ref mes, nodeType: Variable, \
browseName: speed, nodeId: ns=1;s=speed, dataType: Int32, initialValue: 5, \
operation: serverProvidesReceives } }\n";

/// Answers every request of the two methods.
async fn answer(bus: Arc<dyn Bus>) {
    let filters = [TopicFilter::new("#").unwrap()];
    let mut messages = bus.subscribe(&filters, 4096).await.unwrap();
    let mut replies = JoinSet::new();
    while let Some(message) = messages.next().await {
        let topic = message.topic.to_string();
        let Some(node) = topic.strip_suffix("/treq") else {
            continue;
        };
        let request: Value = serde_json::from_slice(&message.payload).unwrap();
        let (bus, reply) = (
            Arc::clone(&bus),
            Topic::new(&format!("{node}/tres")).unwrap(),
        );
        let is_slow = node.ends_with("slow");
        replies.spawn(async move {
            let number = request["value"]["number"].clone();
            let mut told = json!({"id": request["id"], "timestamp": request["timestamp"]});
            match number.as_str().unwrap() {
                _ if is_slow => {
                    tokio::time::sleep(Duration::from_secs(2)).await;
                    told["value"] = json!([number]);
                }
                "0" => return,
                "400" => told["error"] = json!({"code": 400, "message": "no such order"}),
                "401" => told["error"] = json!({"code": 0x801F_0000_u32, "message": "denied"}),
                _ => told["value"] = json!({"total": "18446744073709551615", "accepted": true}),
            }
            let payload = serde_json::to_vec(&told).unwrap();
            bus.publish(Publication {
                topic: reply,
                payload: payload.into(),
                qos: Qos::AtMostOnce,
                retain: false,
            })
            .await
            .unwrap();
        });
    }
}

/// The same until what is returned is dropped.
pub(super) fn answering(bus: Arc<dyn Bus>) -> JoinSet<()> {
    let mut answering = JoinSet::new();
    answering.spawn(answer(bus));
    answering
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_held_and_answered_over_the_bus() {
    let Some(client) = Foreign::new() else { return };
    let node = TestNode::start("plant1", &format!("{RESOURCES}{NODES}")).await;
    node.wait_good("sim.level").await;
    let url = url(&node).await;
    trusted(&node, &url, &client).await;
    let bus = node
        .node()
        .parts()
        .bus()
        .expect("a node with server nodes has a bus");
    let answering = answering(bus);
    let arguments = ["call", "above", LINK_TOKEN, "200"];
    let called = client.run_as(&url, &arguments).await;
    // Past the capture of the test runner.
    eprintln!("{called}");
    assert_eq!(called["by_name"], json!([true, u64::MAX]), "{called:#}");
    for (what, status) in [
        ("error", "BadInternalError"),
        ("own_status", "BadUserAccessDenied"),
        ("silent", "BadTimeout"),
        ("too_few", "BadArgumentsMissing"),
        ("wrong_type", "BadInvalidArgument"),
    ] {
        assert_eq!(called[what], status, "{what}: {called:#}");
    }
    assert_eq!(called["held_right"], 200, "{called:#}");
    // Side by side, not one after the other.
    assert!(called["held_for"].as_f64() < Some(20.0), "{called:#}");
    assert!(called["reads"].as_u64() > Some(20), "{called:#}");
    let (_, past) = node
        .ask(
            "GET",
            "flowsync/transactions?node=slow&limit=1",
            Value::Null,
        )
        .await;
    assert_eq!(past["ended"][0]["protocol"], "opcua", "{past:#}");
    drop(answering);
    node.stop().await;
}

/// What a node holds, and what it held last, once something is so.
async fn transactions(node: &TestNode, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    let begun = std::time::Instant::now();
    loop {
        let path = "flowsync/transactions?node=slow";
        let (_, page) = node.ask("GET", path, Value::Null).await;
        if is(&page) {
            return page;
        }
        // Less than the method's own timeout, so that it is not that which ends it.
        assert!(
            begun.elapsed() < Duration::from_secs(12),
            "not {what}: {page:#}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_frees_its_call_at_once() {
    let Some(client) = Foreign::new() else { return };
    let node = TestNode::start("plant1", &format!("{RESOURCES}{NODES}")).await;
    let url = url(&node).await;
    trusted(&node, &url, &client).await;
    let mut talk = Talk::begin(&client, &url, &["hold", "above", LINK_TOKEN]);
    assert_eq!(talk.next().await["calling"], true);
    transactions(&node, "held", |page| page["open_count"] == 1).await;
    talk.kill().await;
    let page = transactions(&node, "free", |page| page["open_count"] == 0).await;
    assert_eq!(page["ended"][0]["state"], "gone", "{page:#}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_at_a_line_is_answered_above() {
    let Some(client) = Foreign::new() else { return };
    let nodes = NODES.replace("timeout: 1000 }", "timeout: 15000, answeredBy: above }");
    let line = TestNode::start("line1", &format!("{RESOURCES}{nodes}")).await;
    let entry = remote("line1", &line.pin(), line.address(), "");
    let sections = "flowsync: { from_below: [\"line1.**\"] }\n";
    let plant = TestNode::start_with("plant1", &entry, sections).await;
    plant.wait_good("line1.sim.level").await;
    let url = url(&line).await;
    trusted(&line, &url, &client).await;
    let answering = answering(plant.node().parts().bus().unwrap());
    let called = client.run(&url, "above", "0").await;
    assert_eq!(called["answer"], json!([true, u64::MAX]), "{called:#}");
    assert_eq!(called["error"], "BadInternalError", "{called:#}");
    drop(answering);
    plant.stop().await;
    line.stop().await;
}
