//! What the description announces of numbers, texts and answers is what the server keeps.

use mainstem_model::limits::NAME_BYTES_MAX;
use mainstem_write::{BUDGET_MAX, KEY_BYTES_MAX, ORIGINATORS_MAX};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::Node;

#[tokio::test]
async fn members_of_another_form_are_refused() {
    let node = Node::start().await;
    let admin = node.admin();
    let write = |key: &str, value: Value| {
        let mut body = json!({"writes": []});
        body[key] = value;
        body
    };
    let keyed = |key: &str| json!({"writes": [{"name": "a", "value": 1, "key": key}]});
    let longest = BUDGET_MAX.as_millis().to_string().parse::<u64>().unwrap();
    let cases = [
        (write("deadline_ms", longest.into()), 200, ""),
        (write("deadline_ms", 5.0.into()), 200, ""),
        (
            write("deadline_ms", (longest + 1).into()),
            422,
            "bad_member",
        ),
        (write("deadline_ms", 0.into()), 422, "bad_member"),
        (write("deadline_ms", 0.5.into()), 400, "bad_json"),
        (write("deadline", "10min".into()), 200, ""),
        (write("deadline", "601s".into()), 422, "bad_member"),
        (write("deadline", "".into()), 400, "bad_json"),
        (write("deadline", "1h 30min".into()), 400, "bad_json"),
        (keyed(&"k".repeat(KEY_BYTES_MAX)), 200, ""),
        (keyed(&"k".repeat(KEY_BYTES_MAX + 1)), 400, "bad_json"),
        (keyed(""), 400, "bad_json"),
        (keyed("a\n"), 400, "bad_json"),
        // Only one of the two counts, but both must be right.
        (
            json!({"writes": [], "deadline": "5s", "deadline_ms": 0}),
            422,
            "bad_member",
        ),
    ];
    for (body, status, code) in cases {
        let response = admin
            .post("/api/v1/writes")
            .json(&body)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), status, "{body}");
        let document: Value = response.json().await.unwrap();
        assert_eq!(
            document["code"].as_str().unwrap_or_default(),
            code,
            "{body}"
        );
    }
}

#[tokio::test]
async fn links_keep_the_announced_numbers() {
    let node = Node::start().await;
    let link = node.client(&node.token("plant1", "concentrator", None));
    let beat = |uncertainty: &str| {
        let body = format!(
            r#"{{"session":1.0,"applied":0,"sent":0,"sent_wall":-1.0,"uncertainty":{uncertainty},"new":1}}"#
        );
        link.post("/api/v1/link/beat")
            .header("content-type", "application/json")
            .body(body)
            .send()
    };
    for (uncertainty, status) in [
        ("18446744073709551615", 200),
        ("18446744073709551616", 400),
        ("-1", 400),
        ("null", 200),
    ] {
        assert_eq!(
            beat(uncertainty).await.unwrap().status(),
            status,
            "{uncertainty}"
        );
    }
    let write = |originators: usize| {
        let body = json!({"id": uuid::Uuid::new_v4(), "name": "a", "value": 1, "session": 0,
            "sent": 0, "budget_us": 0, "originators": vec!["x"; originators]});
        link.post("/api/v1/link/writes").json(&body).send()
    };
    assert_eq!(write(ORIGINATORS_MAX).await.unwrap().status(), 200);
    assert_eq!(write(ORIGINATORS_MAX + 1).await.unwrap().status(), 400);
    let doctor = |passed: &str| {
        let body = format!(r#"{{"budget_us":1e3,"passed":{passed},"new":1}}"#);
        link.post("/api/v1/link/doctor")
            .header("content-type", "application/json")
            .body(body)
            .send()
    };
    for (passed, status) in [("7.0", 200), ("4294967296", 400), ("-1", 400)] {
        assert_eq!(doctor(passed).await.unwrap().status(), status, "{passed}");
    }
}

#[tokio::test]
async fn support_has_the_announced_methods_and_asks_who() {
    let node = Node::start().await;
    let document = node.client("none").document("/api/v1/openapi.json").await;
    let link = node.client(&node.token("plant1", "concentrator", None));
    for (shown, path) in [
        (
            "/api/v1/link/support/{path}",
            "/api/v1/link/support/datapoints",
        ),
        (
            "/api/v1/remotes/{name}/api/{path}",
            "/api/v1/remotes/a/api/b",
        ),
    ] {
        let described = document["paths"][shown].as_object().unwrap();
        for method in ["GET", "PUT", "POST", "DELETE", "PATCH", "TRACE"] {
            let is_described = described.contains_key(&method.to_lowercase());
            let asked = link.request(method.parse().unwrap(), path).send();
            let answer = asked.await.unwrap();
            assert_eq!(answer.status() != 405, is_described, "{method} {path}");
            assert_eq!(answer.headers().contains_key("allow"), !is_described);
        }
    }
    let path = "/api/v1/link/support/datapoints";
    let longest = "x".repeat(256);
    for (who, status) in [
        (None, 422),
        (Some(""), 422),
        (Some("a@b,"), 422),
        (Some("a@b"), 403),
        (Some(&*longest), 403),
    ] {
        let asked = link.get(path);
        let asked = match who {
            Some(who) => asked.header("mainstem-originators", who),
            None => asked,
        };
        let answer = asked.send().await.unwrap();
        // 403: nobody has opened the node.
        assert_eq!(answer.status(), status, "{who:?}");
    }
}

#[tokio::test]
async fn a_token_that_cannot_be_made_says_why() {
    let node = Node::start().await;
    let admin = node.admin();
    let cases = [
        json!({"name": "", "role": "viewer"}),
        json!({"name": "x", "role": ""}),
        json!({"name": "x", "role": "viewer", "provide": ""}),
        json!({"name": "x", "role": "viewer", "expires": "2000-01-01T00:00:00Z"}),
    ];
    for body in cases {
        let response = admin
            .post("/api/v1/tokens")
            .json(&body)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 422, "{body}");
        let problem: Value = response.json().await.unwrap();
        assert_eq!(
            problem["title"], "A member of the request cannot be used",
            "{body}"
        );
    }
    let body = json!({"name": "x", "role": "viewer", "expires": "2199-01-01T00:00:00Z"});
    let made = admin
        .post("/api/v1/tokens")
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(made.status(), 201);
}

#[tokio::test]
async fn the_description_has_the_limits_of_the_program() {
    let node = Node::start().await;
    let document = node.client("none").document("/api/v1/openapi.json").await;
    let schemas = &document["components"]["schemas"];
    for body in ["WriteRequestDocument", "BatchWriteDocument"] {
        let longest = schemas[body]["properties"]["deadline_ms"]["maximum"].as_u64();
        assert_eq!(longest.map(u128::from), Some(BUDGET_MAX.as_millis()));
    }
    let originators = &schemas["LinkWrite"]["properties"]["originators"]["maxItems"];
    assert_eq!(*originators, ORIGINATORS_MAX);
    assert_eq!(schemas["Beat"]["additionalProperties"], true);
    let kind = &schemas["EventRequestDocument"]["properties"]["kind"];
    assert_eq!(kind["maxLength"], NAME_BYTES_MAX);
    assert!(kind["pattern"].as_str().unwrap().ends_with("{0,15}$"));
    assert_eq!(schemas["NewTokenDocument"]["additionalProperties"], false);
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            for (status, answer) in operation["responses"].as_object().unwrap() {
                let reference = answer["$ref"].as_str().unwrap_or_default();
                let shared = reference.rsplit('/').next().unwrap_or_default();
                let answer = match document["components"]["responses"].get(shared) {
                    Some(shared) => shared,
                    None => answer,
                };
                let is_error = status.parse::<u16>().is_ok_and(|status| status >= 400);
                let text = answer["content"].get("application/problem+json");
                let plain = path == "/readyz";
                assert_eq!(
                    text.is_some(),
                    (is_error || status == "default") && !plain,
                    "{method} {path} {status}"
                );
            }
        }
    }
}

#[tokio::test]
async fn addresses_keep_the_announced_limits() {
    let node = Node::start().await;
    let admin = node.admin();
    let document = admin.document("/api/v1/openapi.json").await;
    for path in ["/api/v1/datapoints", "/api/v1/writes"] {
        let parameters = document["paths"][path]["get"]["parameters"]
            .as_array()
            .unwrap();
        let limit = parameters
            .iter()
            .find(|one| one["name"] == "limit")
            .unwrap();
        let most = limit["schema"]["maximum"].as_u64().unwrap();
        for (limit, status) in [(0, 400), (1, 200), (most, 200), (most + 1, 400)] {
            let answer = admin
                .get(&format!("{path}?limit={limit}"))
                .send()
                .await
                .unwrap();
            assert_eq!(answer.status(), status, "{path} {limit}");
        }
    }
    for (wait, status) in [("", 400), ("5", 400), ("PT5S", 400), ("5s", 404)] {
        let path = format!("/api/v1/datapoints/plc.none?wait={wait}");
        let put = admin.request(Method::PUT, &path).json(&json!({"value": 1}));
        assert_eq!(put.send().await.unwrap().status(), status, "{wait}");
    }
}
