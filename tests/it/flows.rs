//! The flows of docs/flows, each run as its page is written: its node file, its curl, its responder.

mod mes;
mod method;

use std::time::{Duration, Instant};

use mainstem_bus::{Publication, Qos, Topic, TopicFilter};
use mes::Mes;
use serde_json::{Value, json};

use crate::skipped::skipped;
use crate::support::TestNode;
use crate::support::mosquitto::Login;
use crate::support::page::{Page, curl};
use crate::support::shell::Shell;

const PATIENCE: Duration = Duration::from_secs(20);
const TOKEN: &str = "the-token-of-the-responder";

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

async fn online(node: &TestNode, adapter: &str) {
    let until = Instant::now() + PATIENCE;
    while node.node().parts().adapter(adapter).unwrap().state.as_str() != "online" {
        assert!(Instant::now() < until, "the connection is up in time");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Asks the responder, past the node, until it answers.
async fn answers(node: &TestNode, topic: &str) {
    let bus = node.node().parts().bus().unwrap();
    let filter = TopicFilter::new(&format!("{topic}/tres")).unwrap();
    let mut replies = bus.subscribe(&[filter], 8).await.unwrap();
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    let until = Instant::now() + PATIENCE;
    loop {
        tokio::select! {
            reply = replies.next() => {
                let reply: Value = serde_json::from_slice(&reply.unwrap().payload).unwrap();
                assert_eq!(reply["id"], "there?");
                return;
            }
            _ = tick.tick() => {
                assert!(Instant::now() < until, "nobody answers");
                let publication = Publication {
                    topic: Topic::new(&format!("{topic}/treq")).unwrap(),
                    payload: json!({"id": "there?"}).to_string().into(),
                    qos: Qos::AtMostOnce,
                    retain: false,
                };
                bus.publish(publication).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_bare_transaction() {
    let page = Page::read("flows/1-bare-transaction");
    let listen = page.section("bus").replace(":1883", ":0");
    let sections = format!("  - {{ name: mes, role: mes, token: {TOKEN} }}\nbus:\n{listen}");
    let roles = page.section("roles").leak();
    let resources = page.section("resources");
    let node = TestNode::start_roles("[\"**\"]", roles, "line1", &resources, &sections).await;
    let port = node.bus_port().await;
    let login = Login { port, token: TOKEN };
    // The responder looks the same whether the programs that it calls are there or not.
    if login
        .publish("services/line1/exampleNode/tres", "1", &[])
        .await
        .is_none()
    {
        skipped("flow 1", "mosquitto-clients is not installed");
        return;
    }
    let commands = page.commands(0).replace("1883", &port.to_string());
    let responder = Shell::run(&commands, TOKEN);
    answers(&node, "services/line1/exampleNode").await;
    let Some(said) = curl(&node, &page.commands(1)).await else {
        return;
    };
    assert_eq!(said, (200, r#"{"accepted": true}"#.to_owned()));
    drop(responder);
    node.stop().await;
}

#[tokio::test]
async fn a_node_answers_itself() {
    let page = Page::read("flows/2-node-answers");
    let node = TestNode::start("line1", &page.section("resources")).await;
    ready(&node).await;
    let Some(said) = curl(&node, &page.commands(0)).await else {
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
    let page = Page::read("flows/3-error");
    let node = TestNode::start("line1", &page.section("resources")).await;
    ready(&node).await;
    let Some((status, said)) = curl(&node, &page.commands(0)).await else {
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
    let page = Page::read("flows/4-timeout");
    let node = TestNode::start("line1", &page.section("resources")).await;
    let begin = Instant::now();
    let Some((status, said)) = curl(&node, &page.commands(0)).await else {
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
    let page = Page::read("flows/5-full-http");
    let mes = Mes::start().await;
    let written = page
        .section("resources")
        .replace("8080", &mes.port().to_string());
    let node = TestNode::start("line1", &written).await;
    ready(&node).await;
    online(&node, "mes").await;
    let Some(said) = curl(&node, &page.commands(0)).await else {
        return;
    };
    assert_eq!(said, (200, r#"{"order":1,"article":"A7"}"#.to_owned()));
    let other = page.commands(0).replace("A7", "");
    let (status, said) = curl(&node, &other).await.unwrap();
    assert_eq!(status, 422, "{said}");
    assert!(said.contains("no article"), "{said}");
    node.stop().await;
}
