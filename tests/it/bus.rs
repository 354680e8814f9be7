//! The bus of a whole node: listeners, tokens and roles, the API, metrics, the audit trail, reload,
//! and a foreign broker that is away.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::TestNode;

const PATIENCE: Duration = Duration::from_secs(20);
const ROLES: &str = "  operator: { topics: { publish: [ \"a/#\" ], subscribe: [ \"a/#\", \"b/+\" ] } }\n  \
                     bus: { topics: { publish: [ \"#\" ], subscribe: [ \"#\", \"$SYS/#\" ] } }\n";
const TOKENS: &str = "  - { name: op, role: operator, token: the-token-of-the-operator }\n  \
                      - { name: all, role: bus, token: the-token-of-everybody }\n";
const OP: &str = "the-token-of-the-operator";
const ALL: &str = "the-token-of-everybody";
const OPEN: &str = "bus:\n  embedded:\n    listen:\n      - { address: \"127.0.0.1:0\", tls: false }\n      \
                    - { address: \"127.0.0.1:0\", transport: websocket }\n";

/// A client of MQTT 3.1.1 that knows as much as is needed here.
struct Wire(TcpStream);

impl Wire {
    /// Comes with a token, and returns the answer's code.
    async fn dial(address: SocketAddr, token: &str) -> (Self, u8) {
        let mut wire = Self(TcpStream::connect(address).await.unwrap());
        let mut body = b"\0\x04MQTT\x04\xc2\0\x3c".to_vec();
        for part in ["client", "anybody", token] {
            body.extend(text(part));
        }
        wire.send(0x10, &body).await;
        let answer = wire.packet(0x20).await.unwrap();
        (wire, answer[1])
    }

    async fn send(&mut self, first: u8, body: &[u8]) {
        let mut packet = vec![first, u8::try_from(body.len()).unwrap()];
        packet.extend(body);
        self.0.write_all(&packet).await.unwrap();
    }

    /// The next packet of a kind; nothing when the broker has hung up.
    async fn packet(&mut self, kind: u8) -> Option<Vec<u8>> {
        let read = async {
            loop {
                let first = self.0.read_u8().await.ok()?;
                let length = usize::from(self.0.read_u8().await.ok()?);
                let mut body = vec![0; length];
                self.0.read_exact(&mut body).await.ok()?;
                if first & 0xf0 == kind {
                    return Some(body);
                }
            }
        };
        tokio::time::timeout(PATIENCE, read).await.unwrap()
    }

    async fn subscribe(&mut self, filter: &str) -> u8 {
        let mut body = vec![0, 1];
        body.extend(text(filter));
        body.push(1);
        self.send(0x82, &body).await;
        self.packet(0x90).await.unwrap()[2]
    }
}

fn text(text: &str) -> Vec<u8> {
    let mut out = u16::try_from(text.len()).unwrap().to_be_bytes().to_vec();
    out.extend(text.as_bytes());
    out
}

async fn status(node: &TestNode) -> Value {
    let answer = node.api(Method::GET, "bus").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

/// Publishes over the API, and returns the status.
async fn publish(node: &TestNode, token: &str, body: Value) -> u16 {
    let request = node.api_as(token, Method::POST, "bus/publish");
    request.json(&body).send().await.unwrap().status().as_u16()
}

async fn until<F: Future<Output = bool>>(what: &str, mut look: impl FnMut() -> F) {
    let end = tokio::time::Instant::now() + PATIENCE;
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    while !look().await {
        tick.tick().await;
        assert!(tokio::time::Instant::now() < end, "never: {what}");
    }
}

/// What is retained outlives the node; a listener that goes takes its clients.
async fn outlives(mut node: TestNode, mut wire: Wire) {
    node.down().await;
    assert!(wire.packet(0xf0).await.is_none());
    node.up().await;
    let address = status(&node).await["listeners"][0]["address"].clone();
    let address: SocketAddr = address.as_str().unwrap().parse().unwrap();
    let (mut wire, _) = Wire::dial(address, OP).await;
    assert_eq!(wire.subscribe("a/#").await, 1);
    let report = node.reload_sections(TOKENS).await;
    assert!(report.needs_restart.is_empty(), "{report:?}");
    assert!(wire.packet(0xf0).await.is_none());
    assert_eq!(status(&node).await["listeners"], json!([]));
    let limited = format!("{TOKENS}bus: {{ embedded: {{ clients: 5 }} }}\n");
    let report = node.reload_sections(&limited).await;
    assert_eq!(report.needs_restart, ["bus"]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_with_the_nodes_own_tokens() {
    let sections = format!("{TOKENS}{OPEN}");
    let node = TestNode::start_roles("[\"**\"]", ROLES, "line1", "", &sections).await;
    let bus = status(&node).await;
    assert_eq!(
        (&bus["kind"], &bus["state"]),
        (&json!("embedded"), &json!("up"))
    );
    let listeners = bus["listeners"].as_array().unwrap();
    assert_eq!(
        (&listeners[0]["tls"], &listeners[1]["tls"]),
        (&json!(false), &json!(true))
    );
    let address: SocketAddr = listeners[0]["address"].as_str().unwrap().parse().unwrap();
    let (_, code) = Wire::dial(address, "no-token-of-this-node").await;
    assert_eq!(code, 4, "bad user name or password");
    let (mut wire, code) = Wire::dial(address, OP).await;
    assert_eq!(code, 0);
    for (filter, granted) in [("a/#", 1), ("b/x", 1), ("b/#", 0x80), ("#", 0x80)] {
        assert_eq!(wire.subscribe(filter).await, granted, "{filter}");
    }
    // From the API to the client, and back.
    let body = json!({ "topic": "a/down", "payload": "x", "qos": 1, "retain": true });
    assert_eq!(publish(&node, OP, body.clone()).await, 204);
    assert!(wire.packet(0x30).await.unwrap().ends_with(b"x"));
    assert_eq!(
        publish(&node, OP, json!({ "topic": "c", "payload": "x" })).await,
        403
    );
    assert_eq!(publish(&node, ALL, json!({ "topic": "a/+" })).await, 422);
    assert_eq!(
        publish(&node, ALL, json!({ "topic": "a", "bytes": "0" })).await,
        422
    );
    let messages = node
        .api_as(ALL, Method::GET, "bus/messages?filter=a/%23")
        .send();
    let mut messages = messages.await.unwrap();
    assert_eq!(messages.status(), 200);
    let refused = node
        .api_as(OP, Method::GET, "bus/messages?filter=%23")
        .send()
        .await;
    assert_eq!(refused.unwrap().status(), 403);
    let mut up = text("a/up");
    up.extend(b"\xffraw");
    wire.send(0x30, &up).await;
    let mut told = String::new();
    while !told.contains("a/up") {
        let part = tokio::time::timeout(PATIENCE, messages.chunk())
            .await
            .unwrap();
        told += std::str::from_utf8(&part.unwrap().expect("it goes on")).unwrap();
    }
    assert!(
        told.contains("\"topic\":\"a/down\"") && told.contains("\"retained\":true"),
        "{told}"
    );
    assert!(
        told.contains("\"bytes\":\"ff726177\"") && told.contains("\"publisher\":\"op\""),
        "{told}"
    );
    drop(messages);
    is_counted_and_audited(&node).await;
    Box::pin(outlives(node, wire)).await;
}

async fn is_counted_and_audited(node: &TestNode) {
    until("metrics", async || {
        let metrics = node.metrics().await;
        metrics.contains("mainstem_bus_now{what=\"clients\"} 1")
            && metrics.contains("mainstem_bus_refused_total{what=\"subscribe\"} 2")
    })
    .await;
    let audit = node.data().join("audit.log");
    until("audited", async || {
        let audit = std::fs::read_to_string(&audit).unwrap();
        ["bus.login", "bus.subscribe", "b/#"]
            .iter()
            .all(|word| audit.contains(word))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_loses_his_token_is_sent_away() {
    let sections = format!("{TOKENS}{OPEN}");
    let mut node = TestNode::start_roles("[\"**\"]", ROLES, "line1", "", &sections).await;
    let address = status(&node).await["listeners"][0]["address"].clone();
    let address: SocketAddr = address.as_str().unwrap().parse().unwrap();
    let (mut wire, code) = Wire::dial(address, OP).await;
    assert_eq!(code, 0);
    node.reload_sections(OPEN).await;
    assert!(wire.packet(0xf0).await.is_none(), "his token is gone");
    let (_, code) = Wire::dial(address, OP).await;
    assert_eq!(code, 4);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_broker_that_is_away_is_an_alarm() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    let sections =
        format!("{TOKENS}bus: {{ external: {{ host: 127.0.0.1, port: {port}, tls: false }} }}\n");
    let node = TestNode::start_roles("[\"**\"]", ROLES, "line1", "", &sections).await;
    until("an alarm", async || node.alarm("bus.away").await.is_some()).await;
    let bus = status(&node).await;
    assert_eq!(
        (&bus["kind"], &bus["state"]),
        (&json!("external"), &json!("down"))
    );
    assert!(bus["cause"].as_str().unwrap().contains("refused"), "{bus}");
    assert_eq!(publish(&node, ALL, json!({ "topic": "a" })).await, 503);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_section_there_is_no_bus() {
    let node = TestNode::start_roles("[\"**\"]", ROLES, "line1", "", TOKENS).await;
    assert_eq!(status(&node).await["kind"], "none");
    assert_eq!(publish(&node, ALL, json!({ "topic": "a" })).await, 503);
    assert!(!node.data().join("bus").exists());
    node.stop().await;
}
