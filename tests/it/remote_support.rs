//! The API of a node below, over the link to it, while its administrator has opened it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::dial_up::{BELOW, UP_TOKEN, tokens, uplink, waiting};
use crate::links::{DEVICE, QUICK};
use crate::support::{TestNode, eventually, remote};

const ALICE: &str = "ms_test0005_the-token-of-alice-an-administrator";
const ALICE_LINE: &str =
    "  - { name: alice, role: admin, token: ms_test0005_the-token-of-alice-an-administrator }\n";

/// What the API of a node says to alice.
async fn as_alice(node: &TestNode, method: Method, path: &str, body: Value) -> (u16, Value) {
    let request = node
        .api_as(ALICE, method, path)
        .header("cookie", "x=1")
        .json(&body);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn get(node: &TestNode, path: &str) -> (u16, Value) {
    as_alice(node, Method::GET, path, json!(null)).await
}

async fn open(node: &TestNode, time: &str) {
    let (status, document) = node.ask("POST", "support", json!({"for": time})).await;
    assert_eq!(
        (status, &document["open"]),
        (200, &json!(true)),
        "{document}"
    );
}

/// The lines of a node's audit that have all the words.
async fn audited(node: &TestNode, words: &[&str]) {
    let path = node.node().facts().folder.join("audit.log");
    let what = format!("{}'s audit has a line with {words:?}", node.name);
    let found = || {
        let text = std::fs::read_to_string(&path).ok()?;
        let fits = |line: &&str| words.iter().all(|word| line.contains(word));
        text.lines().find(fits).map(str::to_owned)
    };
    eventually(&what, found).await;
}

/// A line that dials up to a plant, below a top that dials down.
async fn chain(role: &str) -> (TestNode, TestNode, TestNode) {
    let sections = format!("support: {{ role: {role} }}\n");
    let mut line = TestNode::start_with("line1", DEVICE, &sections).await;
    let entries = [waiting("line1", &line.pin()), waiting("plant", &line.pin())].concat();
    let sections = format!("{}support: {{ role: admin }}\n", tokens("line"));
    let plant = TestNode::start_roles("[\"**\"]", BELOW, "plant", &entries, &sections).await;
    let entry = uplink(plant.address(), &plant.pin(), UP_TOKEN, "");
    line.reload(&format!("{DEVICE}{entry}")).await;
    let entry = remote("plant", &plant.pin(), plant.address(), QUICK);
    let top = TestNode::start_with("top", &entry, ALICE_LINE).await;
    top.wait_good("plant.line1.sim.setpoint").await;
    (line, plant, top)
}

#[tokio::test(flavor = "multi_thread")]
async fn support_reaches_two_levels_down_while_both_are_open() {
    let (mut line, plant, top) = Box::pin(chain("admin")).await;
    let at_line = "remotes/plant/api/remotes/line1/api";
    let (status, problem) = get(&top, "remotes/plant/api/node").await;
    assert_eq!(
        (status, &problem["code"]),
        (403, &json!("support_closed")),
        "{problem}"
    );
    audited(&plant, &["support.request", "refused", "alice@top"]).await;
    open(&plant, "1h").await;
    let (status, node) = get(&top, "remotes/plant/api/node").await;
    assert_eq!((status, &node["name"]), (200, &json!("plant")), "{node}");
    let (status, problem) = get(&top, &format!("{at_line}/node")).await;
    assert_eq!(
        (status, &problem["code"]),
        (403, &json!("support_closed")),
        "{problem}"
    );
    open(&line, "1h").await;
    let (status, node) = get(&top, &format!("{at_line}/node")).await;
    assert_eq!((status, &node["name"]), (200, &json!("line1")), "{node}");

    let put = format!("{at_line}/datapoints/sim.setpoint?wait=5s");
    let (status, body) = as_alice(&top, Method::PUT, &put, json!({"value": 55.0})).await;
    assert_eq!((status, &body["state"]), (200, &json!("applied")), "{body}");
    audited(&top, &["support.request", "\"alice\"", "PUT", "200"]).await;
    let through = "alice@top, above@plant";
    audited(
        &line,
        &[
            "support.request",
            "support:alice@top",
            "PUT",
            "200",
            through,
        ],
    )
    .await;
    audited(&line, &["support:alice@top", "sim.setpoint", "applied"]).await;

    // What would outlast the time, or widen it, is not there.
    for (method, path) in [
        (Method::GET, "tokens"),
        (Method::POST, "support"),
        (Method::POST, "link/beat"),
    ] {
        let path = format!("{at_line}/{path}");
        let (status, _) = as_alice(&top, method, &path, json!({"for": "24h"})).await;
        assert_eq!(status, 404, "{path}");
    }
    let (status, problem) = get(&top, "remotes/nobody/api/node").await;
    assert_eq!((status, &problem["code"]), (404, &json!("unknown_name")));
    let (status, problem) = top.ask("GET", "remotes/plant/api/node", json!(null)).await;
    assert_eq!(
        (status, &problem["code"]),
        (403, &json!("forbidden")),
        "{problem}"
    );

    // A restart closes it.
    line.down().await;
    line.up().await;
    plant.wait_good("line1.sim.setpoint").await;
    let (status, problem) = get(&top, &format!("{at_line}/node")).await;
    assert_eq!(
        (status, &problem["code"]),
        (403, &json!("support_closed")),
        "{problem}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn support_has_the_rights_of_its_role_and_ends_in_time() {
    let (line, plant, top) = Box::pin(chain("viewer")).await;
    let plain = plant.ask("GET", "support", json!(null)).await;
    assert_eq!(plain.1["open"], false);
    for wrong in ["25h", "0s", "soon"] {
        let (status, _) = line.ask("POST", "support", json!({"for": wrong})).await;
        assert_eq!(status, 422, "{wrong}");
    }
    open(&line, "1h").await;
    let (status, alarms) = line.ask("GET", "alarms", json!(null)).await;
    assert!(
        status == 200 && alarms.to_string().contains("support.open"),
        "{alarms}"
    );
    open(&plant, "1h").await;
    // A viewer reads and does not write, whoever asks for it.
    let path = "remotes/plant/api/remotes/line1/api";
    let (status, _) = get(&top, &format!("{path}/datapoints/sim.setpoint")).await;
    assert_eq!(status, 200);
    let put = format!("{path}/datapoints/sim.setpoint");
    let (status, body) = as_alice(&top, Method::PUT, &put, json!({"value": 1.0})).await;
    assert_eq!((status, &body["code"]), (403, &json!("policy")), "{body}");

    // An endless answer ends when the node is closed.
    let stream = top.api_as(ALICE, Method::GET, &format!("{path}/changes"));
    let stream = stream.header("accept", "text/event-stream");
    let mut answer = stream.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.chunk().await.unwrap().is_some());
    let (status, document) = line.ask("DELETE", "support", json!(null)).await;
    assert_eq!((status, &document["open"]), (200, &json!(false)));
    while let Ok(Some(_)) = answer.chunk().await {}
    audited(&line, &["support.close", "done"]).await;

    open(&line, "1s").await;
    audited(&line, &["support.close", "expired"]).await;
    let (status, problem) = get(&top, &format!("{path}/node")).await;
    assert_eq!(
        (status, &problem["code"]),
        (403, &json!("support_closed")),
        "{problem}"
    );
}
