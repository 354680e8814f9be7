//! Methods and variables of the node file: calls that are held until somebody on the bus answers.

use std::sync::Arc;
use std::time::Duration;

use mainstem_bus::{Bus, Publication, Qos, Topic, TopicFilter};
use serde_json::{Value, json};

use super::{Foreign, LINK_TOKEN, RESOURCES, TestNode, trusted, url};

const NODES: &str = "  ua: { type: Server::Opcua, properties: { port: 0 } }
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
        tokio::spawn(async move {
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
    let answering = tokio::spawn(answer(bus));
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
    answering.abort();
    node.stop().await;
}
