//! Tokens, alarms, adapters and remotes.

use mainstem_telemetry::{Problem, Severity};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::Node;

#[tokio::test]
async fn tokens_are_made_used_and_revoked() {
    let node = Node::start().await;
    let admin = node.admin();
    let make = |body: Value| admin.post("/api/v1/tokens").json(&body);
    let response = make(json!({"name": "eyes", "role": "viewer"}))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 201);
    let made: Value = response.json().await.unwrap();
    let eyes = node.client(made["token"].as_str().unwrap());
    let mut lines = eyes.frames("/api/v1/changes").await;
    lines.until("end").await;
    let refused = eyes.problem(eyes.get("/api/v1/tokens")).await;
    assert_eq!(refused, (403, "forbidden".into()));
    let wrong = [
        (json!({"name": "eyes", "role": "viewer"}), 422),
        (json!({"name": "x", "role": "king"}), 422),
        (json!({"name": "x", "role": "viewer", "age": 5}), 400),
    ];
    for (body, status) in wrong {
        assert_eq!(admin.problem(make(body.clone())).await.0, status, "{body}");
    }
    let list = admin.document("/api/v1/tokens").await;
    let listed = list["items"].as_array().unwrap();
    assert_eq!(listed.len(), 2);
    assert!(!list.to_string().contains(made["token"].as_str().unwrap()));
    let path = format!("/api/v1/tokens/{}", made["info"]["id"].as_str().unwrap());
    let gone = admin.request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(gone.status(), 204);
    let again = admin.request(Method::DELETE, &path);
    assert_eq!(admin.problem(again).await, (404, "unknown_name".into()));
    // What was begun with it ends too.
    while lines.text().await.is_some() {}
    assert_eq!(eyes.problem(eyes.get("/api/v1/node")).await.0, 401);
}

#[tokio::test]
async fn alarms_are_seen_and_acknowledged() {
    let node = Node::start().await;
    let admin = node.admin();
    node.health.raise(Problem {
        id: "test.alarm".into(),
        severity: Severity::High,
        source: "test".into(),
        text: "It is wrong.".into(),
        action: "Mend it.".into(),
    });
    let list = admin.document("/api/v1/alarms").await;
    assert_eq!(list["items"][0]["active"], true);
    let path = "/api/v1/alarms/test.alarm/acknowledge";
    assert_eq!(admin.post(path).send().await.unwrap().status(), 204);
    assert_eq!(
        admin.document("/api/v1/alarms").await["items"][0]["acknowledged"],
        true
    );
    let eyes = node.client(&node.token("eyes", "viewer", None));
    assert_eq!(eyes.problem(eyes.post(path)).await.0, 403);
    for path in ["/api/v1/adapters/a", "/api/v1/remotes/a"] {
        assert_eq!(
            admin.problem(admin.get(path)).await,
            (404, "unknown_name".into())
        );
        let pause = admin.post(&format!("{path}/pause"));
        assert_eq!(admin.problem(pause).await, (404, "unknown_name".into()));
        let pause = eyes.post(&format!("{path}/pause"));
        assert_eq!(eyes.problem(pause).await, (403, "forbidden".into()));
    }
}
