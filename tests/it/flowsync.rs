//! Held requests over three real levels: answered above, answered below, with a link that is cut in
//! the middle.

mod foreign;

use std::time::{Duration, Instant};

use mainstem_bus::{Publication, Qos, Subscription, Topic, TopicFilter};
use mainstem_remote::LinkState;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::proxy::Proxy;
use crate::support::{TestNode, eventually, remote};

const PATIENCE: Duration = Duration::from_secs(20);
/// Link times short enough for a test.
const QUICK: &str = "      beat: 100ms\n      uncertain_after: 700ms\n      bad_after: 1s\n";

/// An HTTP server with one transaction node.
fn node(id: &str, timeout: u32, answered_by: &str) -> String {
    format!(
        "  mes: {{ type: Server::Http, properties: {{ basePath: mes }} }}\n  {id}:\n    type: Node::Http\n    \
         properties:\n      parent: !ref mes\n      method: POST\n      route: /{id}\n      \
         operation: transaction\n      transaction: {{ timeout: {timeout}, timeoutErrorCode: 504, \
         timeoutErrorMessage: nobody, answeredBy: \"{answered_by}\" }}\n"
    )
}

/// line1 → plant → top, each link through a proxy.
struct Tree {
    line: TestNode,
    plant: TestNode,
    top: TestNode,
    /// Between plant and line, and between top and plant.
    proxies: [Proxy; 2],
}

/// What differs from test to test.
struct Wish<'a> {
    line: &'a str,
    top: &'a str,
    /// The write filter of the plant's remote entry.
    write: &'a str,
    from_below: &'a str,
}

async fn tree(wish: Wish<'_>) -> Tree {
    // The starts of three nodes are a large future; the tests around it shall stay small.
    Box::pin(grow(wish)).await
}

async fn grow(wish: Wish<'_>) -> Tree {
    let line = TestNode::start("line1", wish.line).await;
    let low = Proxy::start(line.address()).await;
    let more = format!("{QUICK}      write: {}\n", wish.write);
    let entry = remote("line1", &line.pin(), low.address(), &more);
    let plant = TestNode::start("plant", &entry).await;
    let high = Proxy::start(plant.address()).await;
    let more = format!("{QUICK}      write: [\"**\"]\n");
    let entry = remote("plant", &plant.pin(), high.address(), &more);
    let sections = format!("flowsync: {{ from_below: {} }}\n", wish.from_below);
    let top = TestNode::start_with("top", &format!("{entry}{}", wish.top), &sections).await;
    plant.wait_link("line1", LinkState::Live).await;
    top.wait_link("plant", LinkState::Live).await;
    Tree {
        line,
        plant,
        top,
        proxies: [low, high],
    }
}

async fn listen(node: &TestNode, filter: &str) -> Subscription {
    let filter = TopicFilter::new(filter).unwrap();
    node.node()
        .parts()
        .bus()
        .unwrap()
        .subscribe(&[filter], 64)
        .await
        .unwrap()
}

async fn say(node: &TestNode, topic: &str, payload: &Value) {
    let publication = Publication {
        topic: Topic::new(topic).unwrap(),
        payload: payload.to_string().into(),
        qos: Qos::AtMostOnce,
        retain: false,
    };
    node.node()
        .parts()
        .bus()
        .unwrap()
        .publish(publication)
        .await
        .unwrap();
}

/// The next request on a bus, with its topic.
async fn asked(requests: &mut Subscription) -> (String, Value) {
    let message = tokio::time::timeout(PATIENCE, requests.next())
        .await
        .unwrap()
        .unwrap();
    let topic = message
        .topic
        .as_str()
        .strip_suffix("/treq")
        .unwrap()
        .to_owned();
    (topic, serde_json::from_slice(&message.payload).unwrap())
}

/// Answers the next request, and says what it was.
async fn respond(node: &TestNode, requests: &mut Subscription, member: Value) -> (String, Value) {
    let (topic, request) = asked(requests).await;
    let mut reply = json!({"id": request["id"], "timestamp": request["timestamp"]});
    for (name, value) in member.as_object().unwrap() {
        reply[name] = value.clone();
    }
    say(node, &format!("{topic}/tres"), &reply).await;
    (topic, request["value"].clone())
}

async fn post(node: &TestNode, path: &str, body: Value) -> (u16, Value) {
    let request = node.api(Method::POST, &format!("../../data/mes/{path}"));
    let answer = request.json(&body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// The records of an action in a node's audit trail, once there are so many.
async fn audited(node: &TestNode, action: &str, count: usize) -> Vec<Value> {
    let path = node.data().join("audit.log");
    eventually(&format!("{count} records of {action}"), || {
        let text = std::fs::read_to_string(&path).unwrap();
        let lines = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let found: Vec<Value> = lines
            .filter(|line| line.to_string().contains(action))
            .collect();
        (found.len() >= count).then_some(found)
    })
    .await
}

async fn nothing_held(node: &TestNode) {
    let began = Instant::now();
    loop {
        let (_, page) = node.ask("GET", "flowsync/transactions", Value::Null).await;
        if page["open_count"] == 0 {
            return;
        }
        assert!(
            began.elapsed() < PATIENCE,
            "{} still holds {page}",
            node.name
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_a_line_is_answered_at_the_top() {
    let line = node("order", 15_000, "above");
    let tree = tree(Wish {
        line: &line,
        top: "",
        write: "[]",
        from_below: "[\"plant.line1.**\"]",
    })
    .await;
    let mut requests = listen(&tree.top, "#").await;
    for (member, expected) in [
        (
            json!({"value": {"recipe": "blue"}}),
            (200, json!({"recipe": "blue"})),
        ),
        (
            json!({"error": {"code": 409, "message": "no material"}}),
            (
                409,
                json!({"error": {"code": 409, "message": "no material"}}),
            ),
        ),
    ] {
        let mut own = listen(&tree.line, "#").await;
        let (answer, (topic, value)) = tokio::join!(
            post(&tree.line, "order", json!({"article": 17})),
            respond(&tree.top, &mut requests, member),
        );
        assert_eq!((answer, value), (expected, json!({"article": 17})));
        assert_eq!(topic, "plant/line1/services/line1/order");
        // Its own bus was told nothing.
        say(&tree.line, "end", &json!(1)).await;
        assert_eq!(own.next().await.unwrap().topic.as_str(), "end");
        requests = listen(&tree.top, "+/+/+/+/+/treq").await;
    }
    let records = audited(&tree.line, "flowsync.above", 2).await;
    let record = records[0].to_string();
    assert!(
        record.contains("bus@top") && record.contains("plant"),
        "{record}"
    );
    assert_eq!(records.len(), 2);
    nothing_held(&tree.line).await;
    nothing_held(&tree.top).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_while_it_is_answered_above_ends_at_the_deadline() {
    let line = node("order", 1500, "above");
    let tree = tree(Wish {
        line: &line,
        top: "",
        write: "[]",
        from_below: "[\"**\"]",
    })
    .await;
    let mut requests = listen(&tree.top, "+/+/+/+/+/treq").await;
    let began = Instant::now();
    let (answer, (topic, late)) = tokio::join!(post(&tree.line, "order", json!(1)), async {
        let told = asked(&mut requests).await;
        tree.proxies[0].silence();
        say(
            &tree.top,
            &format!("{}/tres", told.0),
            &json!({"id": told.1["id"], "value": 1}),
        )
        .await;
        told
    });
    assert_eq!(
        answer,
        (504, json!({"error": {"code": 504, "message": "nobody"}}))
    );
    assert!(
        began.elapsed() >= Duration::from_millis(1500),
        "{:?}",
        began.elapsed()
    );
    tree.proxies[0].heal();
    tree.proxies[0].reset();
    tree.plant.wait_link("line1", LinkState::Live).await;
    // The late reply answers nobody, and not the next request.
    say(&tree.top, &format!("{topic}/tres"), &late).await;
    let (answer, _) = tokio::join!(
        post(&tree.line, "order", json!(2)),
        respond(&tree.top, &mut requests, json!({"value": "second"})),
    );
    assert_eq!(answer, (200, json!("second")));
    nothing_held(&tree.line).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_is_asked_for_it_tells_the_requests_of_nodes_below() {
    let line = node("order", 2000, "above");
    let tree = tree(Wish {
        line: &line,
        top: "",
        write: "[]",
        from_below: "[\"!plant.line1.order\", \"**\"]",
    })
    .await;
    let mut requests = listen(&tree.top, "#").await;
    assert_eq!(post(&tree.line, "order", json!(1)).await.0, 504);
    say(&tree.top, "end", &json!(1)).await;
    assert_eq!(requests.next().await.unwrap().topic.as_str(), "end");
    // Who may answer events answers it without a bus.
    let answer = async {
        let event = eventually("the event at the top", || {
            tree.top
                .node()
                .store()
                .open_events()
                .iter()
                .find(|event| event.data.get().contains("\"value\":2"))
                .map(|event| event.id)
        })
        .await;
        let path = format!("events/{event}/reply");
        tree.top
            .ask("POST", &path, json!({"data": {"by": "hand"}}))
            .await
    };
    let (held, answered) = tokio::join!(post(&tree.line, "order", json!(2)), answer);
    assert_eq!((held, answered.0), ((200, json!({"by": "hand"})), 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_at_the_top_is_answered_at_a_line() {
    let (line, top) = (
        node("fetch", 60_000, "here"),
        node("recipe", 15_000, "below:plant.line1.fetch"),
    );
    let tree = tree(Wish {
        line: &line,
        top: &top,
        write: "[\"**\"]",
        from_below: "[]",
    })
    .await;
    let mut requests = listen(&tree.line, "services/#").await;
    let (answer, (topic, value)) = tokio::join!(
        post(&tree.top, "recipe", json!({"article": 17})),
        respond(&tree.line, &mut requests, json!({"value": {"recipe": 3}})),
    );
    assert_eq!(
        (answer, value),
        ((200, json!({"recipe": 3})), json!({"article": 17}))
    );
    assert_eq!(topic, "services/line1/fetch");
    let record = audited(&tree.top, "flowsync.below", 1).await;
    assert!(
        record[0].to_string().contains("top > plant > line1"),
        "{record:?}"
    );
    audited(&tree.line, "flowsync.hold", 1).await;
    nothing_held(&tree.line).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_while_it_is_answered_below_is_told_at_once() {
    let (line, top) = (
        node("fetch", 60_000, "here"),
        node("recipe", 60_000, "below:plant.line1.fetch"),
    );
    let tree = tree(Wish {
        line: &line,
        top: &top,
        write: "[\"**\"]",
        from_below: "[]",
    })
    .await;
    let mut requests = listen(&tree.line, "services/line1/fetch/treq").await;
    for proxy in &tree.proxies {
        let (answer, _) = tokio::join!(post(&tree.top, "recipe", json!(1)), async {
            asked(&mut requests).await;
            proxy.reset();
        });
        assert_eq!(
            (answer.0, &answer.1["code"], &answer.1["told"]),
            (503, &json!("no_bus"), &json!(true))
        );
        nothing_held(&tree.line).await;
        tree.plant.wait_link("line1", LinkState::Live).await;
        tree.top.wait_link("plant", LinkState::Live).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_deadline_counts_and_every_hop_has_its_say() {
    let (line, top) = (
        node("fetch", 60_000, "here"),
        node("recipe", 500, "below:plant.line1.fetch"),
    );
    let mut tree = tree(Wish {
        line: &line,
        top: &top,
        write: "[\"**\"]",
        from_below: "[]",
    })
    .await;
    let began = Instant::now();
    let answer = post(&tree.top, "recipe", json!(1)).await;
    assert_eq!(
        answer,
        (504, json!({"error": {"code": 504, "message": "nobody"}}))
    );
    assert!(began.elapsed() >= Duration::from_millis(500));
    nothing_held(&tree.line).await;
    let entry = tree
        .plant
        .resources()
        .replace("write: [\"**\"]", "write: [\"!fetch\", \"**\"]");
    tree.plant.reload(&entry).await;
    tree.plant.wait_link("line1", LinkState::Live).await;
    let began = Instant::now();
    let (status, body) = loop {
        let (status, body) = post(&tree.top, "recipe", json!(1)).await;
        if status != 503 || began.elapsed() > PATIENCE {
            break (status, body);
        }
    };
    assert_eq!(status, 403, "{body}");
    assert!(body.to_string().contains("fetch"), "{body}");
}
