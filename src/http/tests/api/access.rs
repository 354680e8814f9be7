//! Who may come in, and what is asked wrongly.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::harness::Node;

#[tokio::test]
async fn a_token_is_needed() {
    let node = Node::start().await;
    let stranger = node.client("not a token");
    let refused = stranger.problem(stranger.get("/api/v1/node")).await;
    assert_eq!(refused, (401, "unauthorized".into()));
    let document = node.admin().document("/api/v1/node").await;
    assert_eq!(document["name"], "line1");
    let bare = stranger
        .http
        .get(node.url("/api/v1/node"))
        .send()
        .await
        .unwrap();
    assert_eq!(bare.status(), 401);
    assert!(bare.headers().contains_key("www-authenticate"));
    assert_eq!(bare.version(), http::Version::HTTP_2);
}

#[tokio::test]
async fn a_token_is_for_some_addresses_only() {
    let node = Node::start().await;
    let admin = node.admin();
    let create = |name: &str, from: serde_json::Value| {
        let body = serde_json::json!({"name": name, "role": "viewer", "from": from});
        admin.post("/api/v1/tokens").json(&body)
    };
    for bad in [serde_json::json!([]), serde_json::json!(["10.0.0.0/33"])] {
        let refused = admin.problem(create("bad", bad)).await;
        assert_eq!(refused, (422, "bad_member".into()));
    }
    let text = |answer: serde_json::Value| answer["token"].as_str().unwrap().to_owned();
    let here = serde_json::json!(["10.0.0.0/8", "::ffff:127.0.0.1", "::1"]);
    let made = create("here", here).send().await.unwrap();
    let here = node.client(&text(made.json().await.unwrap()));
    here.document("/api/v1/node").await;
    let made = create("there", serde_json::json!(["10.0.0.0/8"]))
        .send()
        .await
        .unwrap();
    let there = node.client(&text(made.json().await.unwrap()));
    for _ in 0..3 {
        let refused = there.problem(there.get("/api/v1/node")).await;
        assert_eq!(refused, (403, "address".into()));
    }
    assert_eq!(node.metrics.counter("http_addresses_refused", "").get(), 3);
    let list = admin.document("/api/v1/tokens").await;
    let listed = list["items"].as_array().unwrap();
    let of = |name: &str| listed.iter().find(|one| one["name"] == name).unwrap()["from"].clone();
    assert_eq!(of("there"), serde_json::json!(["10.0.0.0/8"]));
    assert!(of("admin").is_null());
}

#[tokio::test]
async fn failures_are_throttled_and_the_right_token_is_not() {
    let node = Node::start().await;
    let stranger = node.client("guess");
    for _ in 0..10 {
        assert_eq!(stranger.problem(stranger.get("/api/v1/node")).await.0, 401);
    }
    let response = stranger.get("/api/v1/node").send().await.unwrap();
    assert_eq!(response.status(), 429);
    assert!(response.headers().contains_key("retry-after"));
    node.admin().document("/api/v1/node").await;
}

#[tokio::test]
async fn what_is_unknown_is_named() {
    let node = Node::start().await;
    let admin = node.admin();
    let cases = [
        ("/api/v1/nothing", 404, "not_found"),
        ("/api/v1/node?x=1", 400, "bad_query"),
        ("/api/v1/datapoints?limit=0", 400, "bad_query"),
        ("/api/v1/datapoints?limit=10001", 400, "bad_query"),
        ("/api/v1/datapoints?limit=-1", 400, "bad_query"),
        ("/api/v1/datapoints?after=a..b", 400, "bad_query"),
        ("/api/v1/datapoints/a..b", 400, "bad_path"),
        ("/api/v1/datapoints/%FF", 400, "bad_path"),
        ("/api/v1/datapoints/..%2f..%2fetc", 400, "bad_path"),
        ("/api/v1/datapoints/a", 404, "unknown_name"),
        ("/api/v1/changes?since=x", 400, "bad_cursor"),
        ("/api/v1/changes?wait=soon", 400, "bad_query"),
        ("/api/v1/changes?prefix=a&glob=b", 400, "bad_query"),
    ];
    for (path, status, code) in cases {
        let problem = admin.problem(admin.get(path)).await;
        assert_eq!(problem, (status, code.to_owned()), "{path}");
    }
    let response = admin.get("/api/v1/node?limit=1").send().await.unwrap();
    assert!(response.text().await.unwrap().contains("limit"));
    let wrong = admin.post("/api/v1/node").send().await.unwrap();
    assert_eq!(wrong.status(), 405);
    assert!(wrong.headers().contains_key("allow"));
}

#[tokio::test]
async fn the_socket_file_is_the_administrators_door() {
    let node = Node::start().await;
    let mut stream = tokio::net::UnixStream::connect(node.socket())
        .await
        .unwrap();
    let request = b"GET /api/v1/node HTTP/1.1\r\nhost: node\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(node.socket())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o660);
}
