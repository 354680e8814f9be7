//! Writes of clients and the statuses that tell what became of them.

use mainstem_model::WriteState;
use mainstem_store::Outcome;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Client, Node};

async fn put(client: &Client, path: &str, body: &Value) -> (u16, Value) {
    let path = format!("/api/v1/datapoints/{path}");
    let response = client
        .request(Method::PUT, &path)
        .json(body)
        .send()
        .await
        .unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn each_outcome_has_its_status() {
    let node = Node::start().await;
    node.define_setpoint("plc.setpoint");
    node.define("plc.t", 1);
    let mut owner = node.store.register_owner(node.source, false);
    let device = tokio::spawn(async move {
        while let Some(order) = owner.orders.recv().await {
            let outcome = match order.value.as_f64() {
                Some(1.0) => Outcome::new(WriteState::Applied),
                Some(2.0) => Outcome::because(WriteState::Rejected, "illegal_value", "exception 3"),
                _ => continue,
            };
            drop(order.reply.send(outcome));
        }
    });
    let admin = node.admin();
    let (status, document) = put(&admin, "plc.setpoint", &json!({"value": 1.0})).await;
    assert_eq!(
        (status, &document["state"]),
        (200, &"applied".into()),
        "{document}"
    );
    let id = document["id"].as_str().unwrap();
    let kept = admin.document(&format!("/api/v1/writes/{id}")).await;
    assert_eq!(kept["state"], "applied");
    let (status, document) = put(&admin, "plc.setpoint", &json!({"value": 2.0})).await;
    assert_eq!((status, &document["code"]), (409, &"device_refused".into()));
    assert_eq!(document["outcome"]["reason"], "illegal_value");
    // Nobody answers: its outcome stays unknown.
    let (status, document) = put(&admin, "plc.setpoint", &json!({"value": 3.0})).await;
    assert_eq!(
        (status, &document["outcome"]["state"]),
        (504, &"unknown".into()),
        "{document}"
    );
    let cases = [
        ("plc.nothing", json!({"value": 1}), 404, "unknown_name"),
        ("plc.setpoint", json!({"value": "warm"}), 422, "bad_value"),
        ("plc.setpoint", json!({"value": 1e9}), 422, "bad_value"),
        ("plc.t0", json!({"value": 1}), 403, "policy"),
        ("plc.setpoint", json!({}), 400, "bad_json"),
        ("plc.setpoint?wait=1", json!({"value": 1}), 400, "bad_query"),
        ("a..b", json!({"value": 1}), 400, "bad_path"),
    ];
    for (path, body, expected, code) in cases {
        let (status, document) = put(&admin, path, &body).await;
        assert_eq!(
            (status, &document["code"]),
            (expected, &code.into()),
            "{path} {document}"
        );
    }
    let viewer = node.client(&node.token("eyes", "viewer", None));
    let (status, _) = put(&viewer, "plc.setpoint", &json!({"value": 1.0})).await;
    assert_eq!(status, 403);
    device.abort();
}

#[tokio::test]
async fn a_key_is_one_write_and_an_open_one_is_accepted() {
    let node = Node::start().await;
    node.define_setpoint("plc.setpoint");
    let mut owner = node.store.register_owner(node.source, false);
    let admin = node.admin();
    let send = |value: f64| {
        let path = "/api/v1/datapoints/plc.setpoint?wait=0s";
        let request = admin
            .request(Method::PUT, path)
            .header("idempotency-key", "k1");
        request.json(&json!({"value": value})).send()
    };
    let response = send(1.0).await.unwrap();
    assert_eq!(response.status(), 202);
    let place = response.headers()["location"].to_str().unwrap().to_owned();
    let order = owner.orders.recv().await.unwrap();
    assert_eq!(admin.document(&place).await["key"], "k1");
    order.reply.send(Outcome::new(WriteState::Applied)).unwrap();
    let applied = async {
        while admin.document(&place).await["state"] != "applied" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::harness::PATIENCE, applied)
        .await
        .expect("it stayed open");
    assert_eq!(send(1.0).await.unwrap().status(), 200);
    assert!(owner.orders.try_recv().is_err());
    let reused = send(2.0).await.unwrap();
    assert_eq!(reused.status(), 422);
    assert!(
        reused
            .text()
            .await
            .unwrap()
            .contains("idempotency_key_reused")
    );
}

#[tokio::test]
async fn a_batch_is_many_writes() {
    let node = Node::start().await;
    node.define_setpoint("plc.setpoint");
    let admin = node.admin();
    let item = json!({"name": "plc.setpoint", "value": 1.0});
    let body = json!({"writes": [item, {"name": "plc.none", "value": 1}]});
    let response = admin
        .post("/api/v1/writes")
        .json(&body)
        .send()
        .await
        .unwrap();
    let document: Value = response.json().await.unwrap();
    // Nothing carries it out here.
    assert_eq!(document["items"][0]["status"], 503, "{document}");
    assert_eq!(document["items"][0]["write"]["reason"], "no_owner");
    assert_eq!(document["items"][1]["status"], 404);
    let many = |count: usize| json!({"writes": vec![item.clone(); count]});
    let ask = |count: usize| admin.post("/api/v1/writes").json(&many(count)).send();
    assert_eq!(ask(256).await.unwrap().status(), 200);
    assert_eq!(ask(257).await.unwrap().status(), 400);
    let list = admin.document("/api/v1/writes?limit=5").await;
    assert_eq!(list["items"].as_array().unwrap().len(), 5);
    assert!(list["next"].is_string());
}

#[tokio::test]
async fn the_journal_is_searched() {
    let node = Node::start().await;
    node.define_setpoint("plc.setpoint");
    node.define_setpoint("plc.other");
    let mut owner = node.store.register_owner(node.source, false);
    let device = tokio::spawn(async move {
        while let Some(order) = owner.orders.recv().await {
            drop(order.reply.send(Outcome::new(WriteState::Applied)));
        }
    });
    let admin = node.admin();
    for (name, value) in [
        ("plc.setpoint", 1.0),
        ("plc.other", 2.0),
        ("plc.setpoint", 1e9),
    ] {
        put(&admin, name, &json!({ "value": value })).await;
    }
    let found = async |query: &str| {
        let document = admin.document(&format!("/api/v1/writes?{query}")).await;
        let items = document["items"].as_array().unwrap();
        items
            .iter()
            .map(|item| item["value"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(found("name=plc.setpoint").await.len(), 2);
    assert_eq!(found("glob=!plc.setpoint,**").await, [json!("2.0")]);
    assert_eq!(found("state=rejected").await.len(), 1);
    assert_eq!(found("principal=admin&state=applied").await.len(), 2);
    assert_eq!(found("principal=bob").await.len(), 0);
    assert_eq!(found("to=2001-01-01T00:00:00Z").await.len(), 0);
    assert_eq!(found("from=2001-01-01T00:00:00Z&limit=2").await.len(), 2);
    let all = admin.document("/api/v1/writes").await;
    assert_eq!(all["items"][0]["principal"], "admin");
    let kept = &all["kept"];
    assert_eq!(
        (&kept["writes"], &kept["kept_for"]),
        (&json!(3), &json!("24 h"))
    );
    assert!(
        kept["oldest"].is_string() && kept["writes_max"] == 50_000,
        "{kept}"
    );
    for bad in ["name=a&glob=b", "state=done", "from=soon", "name=a..b"] {
        let refused = admin
            .problem(admin.get(&format!("/api/v1/writes?{bad}")))
            .await;
        assert_eq!(refused, (400, "bad_query".into()), "{bad}");
    }
    device.abort();
}
