//! Variables of server nodes with a foreign client: provided, received, both, and held writes.

use mainstem_bus::{Publication, Qos, Subscription, Topic, TopicFilter};
use serde_json::{Value, json};

use super::{Foreign, LINK_TOKEN, RESOURCES, Talk, TestNode, trusted, url};

const NODES: &str = "  ua: { type: Server::Opcua, properties: { port: 0 } }
  out: { type: Node::Opcua, properties: { parent: !ref ua, nodeType: Variable, browseName: out, \
nodeId: ns=1;s=out, dataType: Int32, initialValue: 5, operation: serverProvides } }
  in: { type: Node::Opcua, properties: { parent: !ref ua, nodeType: Variable, browseName: in, \
nodeId: ns=1;s=in, dataType: Int32, initialValue: 6, operation: serverReceives } }
  both: { type: Node::Opcua, properties: { parent: !ref ua, nodeType: Variable, \
browseName: both, nodeId: ns=1;s=both, dataType: Int32, initialValue: 5, \
operation: serverProvidesReceives } }
  held: { type: Node::Opcua, properties: { parent: !ref ua, nodeType: Variable, \
browseName: held, nodeId: ns=1;s=held, dataType: Int32, initialValue: 1, \
operation: transaction, transaction: { timeout: 1000 } } }\n";

async fn say(node: &TestNode, topic: &str, payload: Value) {
    let bus = node.node().parts().bus().unwrap();
    let publication = Publication {
        topic: Topic::new(topic).unwrap(),
        payload: payload.to_string().into(),
        qos: Qos::AtMostOnce,
        retain: false,
    };
    bus.publish(publication).await.unwrap();
}

/// Answers held writes: twice the value, or an error. Returns what was told on other topics.
async fn answer(node: &TestNode, messages: &mut Subscription, told: &mut Vec<(String, Value)>) {
    while let Some(message) = messages.next().await {
        let topic = message.topic.to_string();
        let said: Value = serde_json::from_slice(&message.payload).unwrap();
        if !topic.ends_with("/treq") {
            told.push((topic, said["value"].clone()));
            continue;
        }
        let mut reply = json!({"id": said["id"], "timestamp": said["timestamp"]});
        match said["value"].as_i64().unwrap() {
            0 => continue,
            400 => reply["error"] = json!({"code": 400, "message": "no"}),
            401 => reply["error"] = json!({"code": 0x801F_0000_u32, "message": "denied"}),
            value => reply["value"] = json!(value * 2),
        }
        say(node, &topic.replace("/treq", "/tres"), reply).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_are_provided_received_and_held() {
    let Some(client) = Foreign::new() else { return };
    let node = TestNode::start("plant1", &format!("{RESOURCES}{NODES}")).await;
    let url = url(&node).await;
    trusted(&node, &url, &client).await;
    let bus = node.node().parts().bus().unwrap();
    let filter = TopicFilter::new("services/plant1/#").unwrap();
    let mut messages = bus.subscribe(&[filter], 256).await.unwrap();
    let mut talk = Talk::begin(&client, &url, &["variables", "above", LINK_TOKEN]);
    assert_eq!(talk.next().await["watching"], true);
    say(&node, "services/plant1/out", json!({"value": 41})).await;
    talk.say().await;
    let mut told = Vec::new();
    let seen = tokio::select! {
        () = answer(&node, &mut messages, &mut told) => unreachable!("the bus stays"),
        seen = talk.next() => seen,
    };
    assert_eq!(
        seen["initial"],
        json!({"out": 5, "in": 6, "both": 5, "held": 1}),
        "{seen:#}"
    );
    assert_eq!(
        (&seen["provided"]["value"], &seen["provided"]["status"]),
        (&41.into(), &0.into())
    );
    for (what, status) in [
        ("write_provided", "BadNotWritable"),
        ("write_received", "Good"),
        ("write_both", "Good"),
        ("wrong_type", "BadTypeMismatch"),
        ("held", "Good"),
        ("held_error", "BadInternalError"),
        ("held_own_status", "BadUserAccessDenied"),
        ("held_silent", "BadTimeout"),
    ] {
        assert_eq!(seen[what], status, "{what}: {seen:#}");
    }
    for (what, value) in [
        ("received", 7),
        ("both", 8),
        ("answer", 42),
        ("answer_after", 42),
    ] {
        assert_eq!(seen[what], value, "{what}: {seen:#}");
    }
    let items = json!({"out": [5, 41], "in": [6, 7], "both": [5, 8], "held": [1, 42]});
    assert_eq!(seen["told"], items, "{seen:#}");
    let on_bus = [("in", 7), ("both", 8)];
    let on_bus = on_bus.map(|(name, value)| (format!("services/plant1/{name}"), json!(value)));
    assert!(
        on_bus.iter().all(|wanted| told.contains(wanted)),
        "{told:?}"
    );
    node.stop().await;
}
