//! GUI variables over the API: who may see and set them, limits, hostile names and texts.

use mainstem_model::{Name, Quality, Reason, Role};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Client, Lines, Node};

async fn put(client: &Client, name: &str, body: &Value) -> (u16, Value) {
    let path = format!("/api/v1/variables/{name}");
    let request = client.request(Method::PUT, &path).json(body);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn set(client: &Client, name: &str, text: &str) {
    let (status, document) = put(client, name, &json!({ "value": text })).await;
    assert_eq!(status, 200, "{name} {document:#}");
}

async fn remove(client: &Client, name: &str) -> u16 {
    let path = format!("/api/v1/variables/{name}");
    let response = client.request(Method::DELETE, &path).send().await.unwrap();
    response.status().as_u16()
}

#[tokio::test]
async fn a_variable_is_set_shown_listed_and_removed() {
    let node = Node::start().await;
    let admin = node.admin();
    let (status, document) = put(&admin, "status.text", &json!({ "value": "läuft\n" })).await;
    assert_eq!((status, &document["state"]), (200, &"applied".into()));
    assert_eq!(document["kind"], "variable");
    set(&admin, "status.color", "red").await;
    let shown = admin.document("/api/v1/variables/status.text").await;
    assert_eq!(shown["value"], "läuft\n");
    assert_eq!(shown["quality"]["status"], "good");
    assert_eq!(shown["owner"], "line1");
    let first = admin.document("/api/v1/variables?limit=1").await;
    assert_eq!(first["items"][0]["name"], "status.color");
    let next = first["next"].as_str().unwrap();
    let rest = admin
        .document(&format!("/api/v1/variables?after={next}"))
        .await;
    assert_eq!(rest["items"].as_array().unwrap().len(), 1);
    let of_glob = admin.document("/api/v1/variables?glob=!*.color,**").await;
    assert_eq!(of_glob["items"][0]["name"], "status.text");
    let of_prefix = admin.document("/api/v1/variables?prefix=status.c").await;
    assert_eq!(of_prefix["items"].as_array().unwrap().len(), 1);
    // It is no datapoint.
    assert_eq!(
        admin
            .get("/api/v1/datapoints/status.text")
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
    assert_eq!(remove(&admin, "status.text").await, 204);
    assert_eq!(remove(&admin, "status.text").await, 404);
    let id = document["id"].as_str().unwrap();
    let kept = admin.document(&format!("/api/v1/writes/{id}")).await;
    assert_eq!(kept["kind"], "variable");
}

#[tokio::test]
async fn rights_over_variables_are_their_own() {
    let node = Node::start().await;
    set(&node.admin(), "status.text", "on").await;
    let viewer = node.client(&node.token("eyes", "viewer", None));
    assert_eq!(
        viewer.document("/api/v1/variables/status.text").await["value"],
        "on"
    );
    let (status, document) = put(&viewer, "status.text", &json!({ "value": "off" })).await;
    assert_eq!((status, &document["code"]), (403, &"policy".into()));
    let said = document["outcome"]["message"].as_str().unwrap();
    assert!(said.contains("variables, write"), "{said}");
    assert_eq!(remove(&viewer, "status.text").await, 403);
    // A role that says nothing about variables sees none, and learns of none.
    let blind = node.client(&node.token("mes", "datapoints", None));
    let list = blind.document("/api/v1/variables").await;
    assert_eq!(list["items"], json!([]));
    for name in ["status.text", "status.none"] {
        let (status, document) = put(&blind, name, &json!({ "value": "x" })).await;
        assert_eq!((status, &document["code"]), (404, &"unknown_name".into()));
        assert_eq!(remove(&blind, name).await, 404);
        let path = format!("/api/v1/variables/{name}");
        assert_eq!(blind.get(&path).send().await.unwrap().status(), 404);
    }
    let mut frames = blind.frames("/api/v1/changes?follow=false").await;
    for line in frames.until("cursor").await {
        assert!(line["variable"].is_null(), "{line}");
    }
    assert_eq!(&*node.store.variable("status.text").unwrap().value, "on");
}

#[tokio::test]
async fn hostile_names_and_texts_are_refused_and_do_no_harm() {
    let node = Node::start().await;
    let admin = node.admin();
    let cases = [
        ("alone", json!("x"), 422, "bad_member"),
        ("a..b", json!("x"), 400, "bad_path"),
        ("a.%00", json!("x"), 400, "bad_path"),
        ("a.%FF", json!("x"), 400, "bad_path"),
        ("a.%2A%2A", json!("x"), 400, "bad_path"),
        ("a.b", json!(7), 422, "bad_value"),
        ("a.b", json!(null), 422, "bad_value"),
        ("a.b", json!(["x"]), 422, "bad_value"),
        ("a.b", json!("x".repeat(65_537)), 422, "bad_value"),
    ];
    for (name, value, expected, code) in cases {
        let (status, document) = put(&admin, name, &json!({ "value": value })).await;
        assert_eq!(
            (status, &document["code"]),
            (expected, &code.into()),
            "{name} {document}"
        );
    }
    let deep = ["a"; 9].join(".");
    assert_eq!(put(&admin, &deep, &json!({ "value": "x" })).await.0, 422);
    assert_eq!(put(&admin, "a.b", &json!({})).await.0, 400);
    assert_eq!(
        put(&admin, "a.b", &json!({ "value": "x".repeat(600_000) }))
            .await
            .0,
        413
    );
    assert_eq!(node.store.statistics().variables, 0);
    // What is odd but right comes back as it was.
    let odd = format!("\u{0}\u{1b}[2J\"\\</script>{}", "\u{1}".repeat(65_000));
    set(&admin, "a.b", &odd).await;
    assert_eq!(admin.document("/api/v1/variables/a.b").await["value"], odd);
}

#[tokio::test]
async fn below_a_link_that_carries_nothing_nothing_is_set() {
    let node = Node::start().await;
    let link = node.store.put_own_source(
        None,
        "cell",
        Role::Link,
        Quality::of(Reason::LinkDown),
        false,
    );
    let (status, document) = put(&node.admin(), "cell.a.b", &json!({ "value": "x" })).await;
    assert_eq!(
        (status, &document["code"]),
        (503, &"not_reachable".into()),
        "{document}"
    );
    assert!(node.store.variable("cell.a.b").is_none());
    node.store.remove_source(link);
}

#[tokio::test]
async fn frames_tell_variables_and_with_expand_their_quality() {
    let node = Node::start().await;
    let admin = node.admin();
    set(&admin, "status.text", "one").await;
    let mut plain = admin.frames("/api/v1/changes").await;
    let snapshot = plain.until("end").await;
    let told: Vec<&Value> = snapshot
        .iter()
        .filter(|line| !line["variable"].is_null())
        .collect();
    assert_eq!(told.len(), 1);
    assert_eq!(
        (&told[0]["c"], &told[0]["variable"][0]["value"]),
        (&json!(1), &json!("one"))
    );
    assert!(told[0]["variable"][0]["quality"].is_null());
    set(&admin, "status.text", "two").await;
    let news = plain.until("variable").await.pop().unwrap();
    assert_eq!(
        (&news["variable"][0]["value"], &news["c"]),
        (&json!("two"), &Value::Null)
    );
    let mut expanded = admin.frames("/api/v1/changes?expand=true").await;
    let told = expanded.until("variable").await.pop().unwrap();
    assert_eq!(told["variable"][0]["quality"], 0);
    expanded.until("end").await;
    let own = node.store.own_source();
    node.store.set_status(own, Quality::of(Reason::Stale));
    let told = expanded.until("variable").await.pop().unwrap();
    assert_eq!(
        told["variable"][0]["quality"],
        Quality::of(Reason::Stale).code()
    );
    let name = Name::new("status.text").unwrap();
    node.store.remove_variable(&name).unwrap();
    let told = plain.until("variable").await.pop().unwrap();
    assert_eq!(told["variable"][0]["value"], Value::Null);
}

#[tokio::test]
async fn a_long_poll_tells_variables_apart_from_datapoints() {
    let node = Node::start().await;
    let points = node.define("plc.t", 2);
    let admin = node.admin();
    set(&admin, "status.gone", "x").await;
    let begun = admin.document("/api/v1/changes?wait=0s").await;
    assert!(begun["variables"].is_null(), "{begun}");
    let cursor = begun["cursor"].as_str().unwrap();
    node.set(&points, 1.0);
    for name in ["status.a", "status.b"] {
        set(&admin, name, "x").await;
    }
    assert_eq!(remove(&admin, "status.gone").await, 204);
    let path = format!("/api/v1/changes?since={cursor}&wait=5s");
    let news = admin.document(&path).await;
    assert_eq!(news["items"].as_array().unwrap().len(), 2, "{news}");
    let names: Vec<&Value> = news["variables"]
        .as_array()
        .unwrap()
        .iter()
        .map(|variable| &variable["name"])
        .collect();
    assert_eq!(names, [&json!("status.a"), &json!("status.b")]);
    assert_eq!(news["variables_removed"], json!(["status.gone"]));
    // Only those that were asked for.
    let path = "/api/v1/changes?wait=0s&glob=status.a,plc.**";
    let cursor = admin.document(path).await["cursor"]
        .as_str()
        .unwrap()
        .to_owned();
    for name in ["status.a", "status.b"] {
        set(&admin, name, "y").await;
    }
    let news = admin.document(&format!("{path}&since={cursor}")).await;
    assert_eq!(news["variables"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn events_tell_variables_and_their_removal() {
    let node = Node::start().await;
    let admin = node.admin();
    set(&admin, "status.text", "one").await;
    let request = admin.get("/api/v1/changes");
    let response = request
        .header("accept", "text/event-stream")
        .send()
        .await
        .unwrap();
    let mut events = Lines::new(response);
    assert_eq!(event(&mut events, "variable").await["value"], "one");
    set(&admin, "status.text", "two").await;
    assert_eq!(event(&mut events, "variable").await["value"], "two");
    assert_eq!(remove(&admin, "status.text").await, 204);
    let removed = event(&mut events, "variable_removed").await;
    assert_eq!(removed["name"], "status.text");
}

/// The data of the next event of a kind.
async fn event(events: &mut Lines, kind: &str) -> Value {
    let wanted = format!("event: {kind}");
    while events.text().await.expect("the events ended") != wanted {}
    let data = events.text().await.unwrap();
    serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap()
}

#[tokio::test]
async fn a_batch_and_an_explanation_may_be_about_variables() {
    let node = Node::start().await;
    let admin = node.admin();
    let body = json!({"writes": [
        {"kind": "variable", "name": "status.text", "value": "x"},
        {"kind": "table", "name": "status.text", "value": "x"},
    ]});
    let refused = admin
        .post("/api/v1/writes")
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 400);
    let body = json!({"writes": [{"kind": "variable", "name": "status.text", "value": "x"}]});
    let answer = admin
        .post("/api/v1/writes")
        .json(&body)
        .send()
        .await
        .unwrap();
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["items"][0]["write"]["state"], "applied", "{answer}");
    let body = json!({"kind": "variable", "name": "status.text", "value": 7});
    let answer = admin
        .post("/api/v1/writes/explain")
        .json(&body)
        .send()
        .await
        .unwrap();
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["refused"]["rule"], "type", "{answer}");
}
