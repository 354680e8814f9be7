//! The flows of docs/flows, each run as its page is written, with curl as the caller.

use std::process::Stdio;
use std::time::{Duration, Instant};

use mainstem_bus::{Publication, Qos, Topic, TopicFilter};
use mes::Mes;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::skipped::skipped;
use crate::support::{LINK_TOKEN, TestNode};

mod mes;

const PATIENCE: Duration = Duration::from_secs(20);

/// The `resources:` of a page; its section `bus:` has an address that a test cannot have.
fn resources(page: &str) -> String {
    let path = format!("{}/docs/flows/{page}.md", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let block = text.split("```yaml\n").nth(1).unwrap();
    let block = block.split("```").next().unwrap();
    let (_, resources) = block.split_once("resources:\n").unwrap();
    resources.to_owned()
}

/// What curl says, with the status; nothing if there is no curl here.
async fn curl(node: &TestNode, path: &str, body: Option<Value>) -> Option<(u16, String)> {
    let ca = node.node().facts().ca_file.clone();
    let mut curl = Command::new("curl");
    curl.args([
        "-sS",
        "--max-time",
        "15",
        "-w",
        "\n%{http_code}",
        "--cacert",
    ])
    .arg(ca)
    .args(["-H", &format!("Authorization: Bearer {LINK_TOKEN}")])
    .stdout(Stdio::piped());
    if let Some(body) = body {
        curl.args([
            "-H",
            "Content-Type: application/json",
            "-d",
            &body.to_string(),
        ]);
    }
    curl.arg(format!("https://{}/data/flowsync/{path}", node.address()));
    let Ok(output) = curl.output().await else {
        skipped("flows", "curl is not installed");
        return None;
    };
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap();
    Some((status.parse().unwrap(), body.to_owned()))
}

async fn ready(node: &TestNode) {
    let until = Instant::now() + PATIENCE;
    while let Some(mappings) = node.node().parts().mappings() {
        let views = mappings.views();
        if views
            .iter()
            .flat_map(|view| &view.items)
            .all(|item| item.is_ready)
        {
            return;
        }
        assert!(Instant::now() < until, "{views:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_bare_transaction() {
    let node = TestNode::start("line1", &resources("1-bare-transaction")).await;
    let bus = node.node().parts().bus().unwrap();
    let filter = TopicFilter::new("services/line1/exampleNode/treq").unwrap();
    let mut requests = bus.subscribe(&[filter], 8).await.unwrap();
    let responder = tokio::spawn(async move {
        let message = requests.next().await.unwrap();
        let request: Value = serde_json::from_slice(&message.payload).unwrap();
        assert_eq!(request["value"], json!({"order": 4711}));
        let answer = json!({"id": request["id"], "timestamp": 1, "value": {"accepted": true}});
        let publication = Publication {
            topic: Topic::new("services/line1/exampleNode/tres").unwrap(),
            payload: answer.to_string().into(),
            qos: Qos::AtMostOnce,
            retain: false,
        };
        bus.publish(publication).await.unwrap();
    });
    let Some(said) = curl(&node, "example1", Some(json!({"order": 4711}))).await else {
        return;
    };
    assert_eq!(said, (200, r#"{"accepted":true}"#.to_owned()));
    responder.await.unwrap();
    node.stop().await;
}

#[tokio::test]
async fn a_node_answers_itself() {
    let node = TestNode::start("line1", &resources("2-node-answers")).await;
    ready(&node).await;
    let Some(said) = curl(&node, "example2", Some(json!({"numbers": [1, 2, 3]}))).await else {
        return;
    };
    assert_eq!(said, (200, r#"{"sum":6}"#.to_owned()));
    let (status, page) = node.ask("GET", "mappings", Value::Null).await;
    let item = &page["items"][0]["items"][0];
    assert_eq!((status, &item["published"]), (200, &json!(1)), "{page}");
    node.stop().await;
}

#[tokio::test]
async fn an_error_has_its_code_and_message() {
    let node = TestNode::start("line1", &resources("3-error")).await;
    ready(&node).await;
    let Some((status, said)) = curl(&node, "example3", None).await else {
        return;
    };
    assert_eq!(status, 500);
    assert!(
        said.contains("This is an error message to your HTTP GET request."),
        "{said}"
    );
    node.stop().await;
}

#[tokio::test]
async fn a_timeout_has_its_code_and_message() {
    let node = TestNode::start("line1", &resources("4-timeout")).await;
    let begin = Instant::now();
    let Some((status, said)) = curl(&node, "example4", None).await else {
        return;
    };
    assert_eq!(status, 408);
    assert!(said.contains("This is a custom timeout message."), "{said}");
    assert!(
        begin.elapsed() >= Duration::from_secs(2),
        "{:?}",
        begin.elapsed()
    );
    node.stop().await;
}

#[tokio::test]
async fn a_rest_service_answers() {
    let mes = Mes::start().await;
    let written = resources("5-full-http").replace("8080", &mes.port().to_string());
    let node = TestNode::start("line1", &written).await;
    ready(&node).await;
    let until = Instant::now() + PATIENCE;
    while node.node().parts().adapter("mes").unwrap().state.as_str() != "online" {
        assert!(Instant::now() < until, "the connection is up in time");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let Some(said) = curl(&node, "example5", Some(json!({"article": "A7"}))).await else {
        return;
    };
    assert_eq!(said, (200, r#"{"order":1,"article":"A7"}"#.to_owned()));
    let (status, said) = curl(&node, "example5", Some(json!({"article": ""})))
        .await
        .unwrap();
    assert_eq!(status, 422, "{said}");
    assert!(said.contains("no article"), "{said}");
    node.stop().await;
}
