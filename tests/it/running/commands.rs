//! The commands about the bus, held requests and mappings, at a real node.

use std::time::Instant;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::{PATIENCE, Running};

const RESOURCES: &str = "  web: { type: Server::Http, properties: { basePath: mes } }
  order: { type: Node::Http, properties: { parent: !ref web, method: POST, route: /order, \
operation: transaction, transaction: { timeout: 20000 } } }
  answers: { type: Mapping, properties: { mappings: [
    { subscribe: { endpoint: !ref order }, publish: { endpoint: !ref order },
      rules: [ { transform: { expression: '{\"id\": id, \"value\": {\"got\": value.article}}' } } ] },
    { subscribe: { topic: a/+x }, publish: { topic: 'b/{x}', retain: true } } ] } }\n";

/// Waits until a command says what is wanted.
async fn until(node: &Running, arguments: &[&str], is: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let (exit, said) = node.command(arguments).await;
        if exit == 0 && is(&said) {
            return said;
        }
        assert!(begun.elapsed() < PATIENCE, "{arguments:?}: {exit} {said:#}");
    }
}

/// Posts an order over the node's socket.
async fn order(node: &Running) -> String {
    let path = node.folder.path().join("data/mainstem.sock");
    let mut socket = UnixStream::connect(path).await.unwrap();
    let body = r#"{"article": 17}"#;
    let request = format!(
        "POST /data/mes/order HTTP/1.1\r\nhost: line1\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bus_and_what_stands_on_it_can_be_looked_at() {
    let node = Running::start(RESOURCES);
    let is_ready = |said: &Value| {
        let ways = &said["items"][0]["items"];
        ways[0]["ready"] == true && ways[1]["ready"] == true
    };
    until(&node, &["mappings", "list"], is_ready).await;
    until(&node, &["flowsync", "list"], |said| {
        said["items"][0]["ready"] == true
    })
    .await;
    let (exit, bus) = node.command(&["bus", "status"]).await;
    assert_eq!(
        (exit, &bus["kind"], &bus["state"]),
        (0, &json!("embedded"), &json!("up")),
        "{bus:#}"
    );
    // A message through a mapping, which the broker keeps.
    assert_eq!(node.command(&["bus", "pub", "a/oven", "hot"]).await.0, 0);
    let told = until(&node, &["bus", "sub", "b/#", "-n", "1"], |_| true).await;
    assert_eq!(
        (&told["topic"], &told["payload"]),
        (&json!("b/oven"), &json!("hot")),
        "{told:#}"
    );
    let (exit, said) = node.command(&["bus", "pub", "a/+", "x"]).await;
    assert!(
        exit != 0 && said.to_string().contains('+'),
        "{exit} {said:#}"
    );
    // A request that is held and answered, and seen as it ends.
    let arguments = ["flowsync", "watch", "order", "--count", "1"];
    let watch = node.command(&arguments);
    let ask = async {
        let begun = Instant::now();
        let mut tick = tokio::time::interval(std::time::Duration::from_millis(500));
        // The watch tells what ends after it began, which nobody sees from outside.
        for _ in 0..8 {
            tick.tick().await;
            let answer = order(&node).await;
            assert!(
                answer.contains("200") && answer.ends_with(r#"{"got":17}"#),
                "{answer}"
            );
            assert!(begun.elapsed() < PATIENCE);
        }
    };
    let ((exit, seen), ()) = tokio::join!(watch, ask);
    assert_eq!(
        (exit, &seen["state"], &seen["node"]),
        (0, &json!("answered"), &json!("order")),
        "{seen:#}"
    );
    let (_, shown) = node
        .command(&["flowsync", "show", "order", "--limit", "3"])
        .await;
    assert_eq!(
        shown["ended"].as_array().map(Vec::len),
        Some(3),
        "{shown:#}"
    );
    for what in ["show", "watch"] {
        let (exit, said) = node.command(&["flowsync", what, "odrer"]).await;
        assert_eq!(exit, 3, "{what}: {said:#}");
    }
    let (_, list) = node.command(&["mappings", "list"]).await;
    assert_eq!(list["items"][0]["items"][1]["published"], 1, "{list:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_can_be_tried_without_a_node() {
    let node = Running::start(RESOURCES);
    let file = node.file();
    let attempt = ["mappings", "try", file.to_str().unwrap(), "--input"];
    let (exit, tried) = node
        .command_as(&[&attempt[..], &[r#"{"id": "x", "value": {"article": 3}}"#]].concat())
        .await;
    let published = json!({"topic": "services/line1/order/tres",
        "payload": {"id": "x", "value": {"got": 3}}});
    assert_eq!(
        (exit, &tried["items"][0]["publish"]),
        (0, &published),
        "{tried:#}"
    );
    let (exit, tried) = node
        .command_as(&[&attempt[..], &["no JSON"]].concat())
        .await;
    assert_eq!(exit, 1, "{tried:#}");
    assert!(
        tried["items"][0]["fault"].to_string().contains("JSON"),
        "{tried:#}"
    );
    let other = [&attempt[..], &["1", "--item", "1"]].concat();
    assert_eq!(node.command_as(&other).await.0, 2, "on which topic?");
}
