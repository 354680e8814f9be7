//! Server nodes below `/data`, over the embedded broker.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mainstem_bus::embedded::{Gate, Guest, Limits, Login, NotAdmitted, Refused};
use mainstem_bus::{
    Bus, EmbeddedBus, EmbeddedSetup, Publication, Qos, Subscription, Topic, TopicFilter,
    TopicRights,
};
use mainstem_flowsync::{FlowLimits, FlowSetup, FlowSync, NodeSpec};
use mainstem_http::{DataNode, DataUse};
use mainstem_model::Name;
use mainstem_telemetry::{Metrics, SystemClock};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Client, Node, PATIENCE};

/// Nobody comes from outside.
struct Closed;

impl Gate for Closed {
    fn admit(&self, _login: &Login<'_>) -> Result<Guest, NotAdmitted> {
        Err(NotAdmitted::Unknown)
    }

    fn rights(&self, _principal: &str) -> Option<Arc<TopicRights>> {
        None
    }

    fn refused(&self, _refused: &Refused, _more: u64) {}
}

struct Scene {
    node: Node,
    bus: Arc<EmbeddedBus>,
    flow: Arc<FlowSync>,
    _folder: tempfile::TempDir,
}

async fn scene(limits: FlowLimits) -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let bus = EmbeddedBus::start(EmbeddedSetup {
        folder: folder.path().join("bus"),
        node: uuid::Uuid::from_u128(7),
        limits: Limits::default(),
        gate: Arc::new(Closed),
    });
    let bus = Arc::new(bus.await.unwrap());
    let flow = Arc::new(FlowSync::start(FlowSetup {
        bus: Arc::clone(&bus) as _,
        clock: Arc::new(SystemClock),
        limits,
        metrics: Metrics::new(),
    }));
    let node = Node::start().await;
    drop(node.flow.set(Arc::clone(&flow)));
    Scene {
        node,
        bus,
        flow,
        _folder: folder,
    }
}

fn topic(text: &str) -> Topic {
    Topic::new(text).unwrap()
}

impl Scene {
    /// A transaction at `/data/<path>` on the topic `t/<last level>`.
    async fn transaction(&self, method: Method, path: &str, timeout: u64) -> DataNode {
        let name = path.rsplit('/').next().unwrap();
        let mut spec = NodeSpec::new(Name::new(name).unwrap(), topic(&format!("t/{name}")));
        spec.timeout = Duration::from_millis(timeout);
        spec.timeout_error_code = 408;
        spec.timeout_error_message = "too late".into();
        let held = Arc::new(self.flow.node(spec).unwrap());
        assert!(held.ready(PATIENCE).await);
        node(method, path, DataUse::Transaction(held))
    }

    async fn listen(&self, filter: &str) -> Subscription {
        let filter = TopicFilter::new(filter).unwrap();
        self.bus.subscribe(&[filter], 64).await.unwrap()
    }

    async fn say(&self, at: &str, payload: &str) {
        let publication = Publication {
            topic: topic(at),
            payload: payload.to_owned().into(),
            qos: Qos::AtMostOnce,
            retain: false,
        };
        self.bus.publish(publication).await.unwrap();
    }

    /// Answers the next request with a member that takes the place of `value`.
    async fn answer(&self, asked: &mut Subscription, member: Value) -> Value {
        let request = next(asked).await;
        let mut reply = json!({"id": request["id"], "timestamp": request["timestamp"]});
        for (name, value) in member.as_object().unwrap() {
            reply[name] = value.clone();
        }
        let name = request["topic"]
            .as_str()
            .unwrap()
            .strip_suffix("treq")
            .unwrap();
        self.say(&format!("{name}tres"), &reply.to_string()).await;
        request
    }

    async fn until(&self, what: impl Fn(&FlowSync) -> bool) {
        let began = Instant::now();
        while !what(&self.flow) {
            assert!(
                began.elapsed() < PATIENCE,
                "it did not come: {:?}",
                self.flow.nodes()
            );
            tokio::task::yield_now().await;
        }
    }
}

async fn next(asked: &mut Subscription) -> Value {
    let message = tokio::time::timeout(PATIENCE, asked.next())
        .await
        .unwrap()
        .unwrap();
    let mut document: Value = serde_json::from_slice(&message.payload).unwrap();
    document["topic"] = message.topic.as_str().into();
    document
}

fn node(method: Method, path: &str, does: DataUse) -> DataNode {
    DataNode {
        name: Name::new(path.rsplit('/').next().unwrap()).unwrap(),
        method,
        path: format!("/data/{path}"),
        body_bytes_max: 1000,
        does,
    }
}

async fn told(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (
        status,
        serde_json::from_str(&text).unwrap_or(Value::String(text)),
    )
}

#[tokio::test]
async fn a_request_is_held_and_answered_over_the_bus() {
    let scene = scene(FlowLimits::default()).await;
    let order = scene.transaction(Method::POST, "Flow/Order", 20_000).await;
    let asked_for = scene
        .transaction(Method::GET, "flow/parts/:part/state", 20_000)
        .await;
    scene.node.api.set_data(vec![order, asked_for]);
    let mut asked = scene.listen("t/+/treq").await;
    let admin = scene.node.admin();
    let body = json!({"machineState": 1, "logs": ["a"]});
    let (answer, request) = tokio::join!(
        told(admin.post("/data/flow/ORDER/").json(&body)),
        scene.answer(&mut asked, json!({"value": {"recipe": "blue"}})),
    );
    assert_eq!(answer, (200, json!({"recipe": "blue"})));
    assert_eq!(
        (&request["value"], &request["topic"]),
        (&body, &json!("t/Order/treq"))
    );
    assert!(request["timestamp"].as_i64().unwrap() > 1_700_000_000_000);
    let (answer, request) = tokio::join!(
        told(admin.get("/data/flow/parts/A%207/state?deep=1&x=a&x=b")),
        scene.answer(&mut asked, json!({"value": null})),
    );
    assert_eq!(answer, (200, Value::Null));
    let expected = json!({"query": {"deep": "1", "x": ["a", "b"]}, "params": {"part": "A 7"}});
    assert_eq!(request["value"], expected);
}

#[tokio::test]
async fn errors_come_as_the_responder_wants_them() {
    let scene = scene(FlowLimits::default()).await;
    let order = scene.transaction(Method::POST, "flow/order", 20_000).await;
    let short = scene.transaction(Method::GET, "flow/short", 50).await;
    scene.node.api.set_data(vec![order, short]);
    let mut asked = scene.listen("t/order/treq").await;
    let admin = scene.node.admin();
    for (code, status) in [(json!(409), 409), (json!(7), 500), (json!("x"), 500)] {
        let error = json!({"error": {"code": code, "message": "no material"}});
        let (answer, _) = tokio::join!(
            told(admin.post("/data/flow/order").json(&1)),
            scene.answer(&mut asked, error),
        );
        let expected = if code == "x" { json!(500) } else { code };
        let body = json!({"error": {"code": expected, "message": "no material"}});
        assert_eq!(answer, (status, body));
    }
    let began = Instant::now();
    let answer = told(admin.get("/data/flow/short")).await;
    assert_eq!(
        answer,
        (408, json!({"error": {"code": 408, "message": "too late"}}))
    );
    assert!(began.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn what_is_no_request_to_a_server_node_is_refused() {
    let scene = scene(FlowLimits::default()).await;
    let order = scene.transaction(Method::POST, "flow/order", 50).await;
    scene.node.api.set_data(vec![order]);
    let admin = scene.node.admin();
    let order = || admin.post("/data/flow/order");
    let cases = [
        (admin.get("/data/flow/nothing"), 404, "not_found"),
        (admin.get("/data/flow/%2F"), 400, "bad_path"),
        (
            order()
                .body("x".repeat(1001))
                .header("content-type", "application/json"),
            413,
            "body_too_large",
        ),
        (
            order().body("{").header("content-type", "application/json"),
            400,
            "bad_json",
        ),
        (
            order()
                .body("[".repeat(100))
                .header("content-type", "application/json"),
            400,
            "bad_json",
        ),
        (
            order().body("text").header("content-type", "text/plain"),
            415,
            "unsupported_media_type",
        ),
    ];
    for (request, status, code) in cases {
        assert_eq!(admin.problem(request).await, (status, code.to_owned()));
    }
    let other = admin.get("/data/flow/order").send().await.unwrap();
    assert_eq!(
        (other.status().as_u16(), &other.headers()["allow"]),
        (405, &"POST".parse().unwrap())
    );
    assert_eq!(scene.flow.open_count(), 0);
}

#[tokio::test]
async fn rights_go_by_the_path_and_refusals_are_noted() {
    let scene = scene(FlowLimits::default()).await;
    let order = scene.transaction(Method::POST, "flow/order", 50).await;
    let state = scene.transaction(Method::GET, "flow/state", 50).await;
    let secret = scene.transaction(Method::GET, "secret/state", 50).await;
    scene.node.api.set_data(vec![order, state, secret]);
    let token = scene.node.token("mes", "caller", None);
    let mes = scene.node.client(&token);
    assert_eq!(told(mes.post("/data/FLOW/order").json(&1)).await.0, 408);
    assert_eq!(told(mes.get("/data/flow/state")).await.0, 408);
    for (request, status) in [
        (mes.get("/data/secret/state"), 403),
        (mes.get("/data/secret/nothing"), 403),
        (mes.post("/data/flow/state").json(&1), 403),
        (scene.node.client("wrong").get("/data/flow/state"), 401),
    ] {
        assert_eq!(told(request).await.0, status);
    }
    let basic = |user: &str, token: &str| {
        let url = scene.node.url("/data/flow/state");
        mes.http.get(url).basic_auth(user, Some(token))
    };
    assert_eq!(told(basic("mes", &token)).await.0, 408);
    assert_eq!(told(basic("other", &token)).await.0, 401);
    assert_eq!(told(basic("mes", "wrong")).await.0, 401);
    let viewer = scene.node.client(&scene.node.token("eyes", "viewer", None));
    assert_eq!(told(viewer.get("/data/flow/state")).await.0, 403);
    let refused = scene.node.metrics.counter("data_refused", "").get();
    assert_eq!(refused, 4);
    scene
        .until(|_| scene.node.audit().contains("data.read"))
        .await;
    let audit = scene.node.audit();
    assert!(
        audit.contains("data/secret/state") && audit.contains("denied"),
        "{audit}"
    );
}

#[tokio::test]
async fn what_is_not_held_is_told_or_shown() {
    let scene = scene(FlowLimits::default()).await;
    let flow = &scene.flow;
    let teller = |at: &str| Some(Arc::new(flow.teller(topic(at), Qos::AtLeastOnce, false)));
    let watcher = |at: &str| Some(Arc::new(flow.watcher(&topic(at))));
    let exchange = |teller, watcher| DataUse::Exchange { teller, watcher };
    scene.node.api.set_data(vec![
        node(Method::POST, "in", exchange(teller("t/in"), None)),
        node(Method::GET, "out", exchange(None, watcher("t/out"))),
        node(
            Method::PUT,
            "both",
            exchange(teller("t/both"), watcher("t/both")),
        ),
    ]);
    let admin = scene.node.admin();
    let mut heard = scene.listen("t/#").await;
    assert_eq!(
        told(admin.post("/data/in").json(&json!({"a": 1}))).await,
        (204, json!(""))
    );
    let message = next(&mut heard).await;
    assert_eq!(
        (&message["topic"], &message["value"]),
        (&json!("t/in"), &json!({"a": 1}))
    );
    assert!(message["timestamp"].is_i64() && message["id"].is_null());
    assert_eq!(
        admin.problem(admin.get("/data/out")).await,
        (404, "no_value".to_owned())
    );
    for (payload, value) in [
        (r#"{"timestamp":1,"value":[2]}"#, json!([2])),
        ("17", json!(17)),
    ] {
        scene.say("t/out", payload).await;
        let began = Instant::now();
        while told(admin.get("/data/out")).await != (200, value.clone()) {
            assert!(began.elapsed() < PATIENCE, "{payload}");
        }
    }
    let began = Instant::now();
    while told(admin.request(Method::PUT, "/data/both").json(&5)).await != (200, json!(5)) {
        assert!(began.elapsed() < PATIENCE);
    }
}

#[tokio::test]
async fn who_goes_away_gives_his_place_back() {
    let scene = scene(FlowLimits::default()).await;
    let order = scene.transaction(Method::POST, "flow/order", 20_000).await;
    scene.node.api.set_data(vec![order]);
    let builder = || reqwest::Client::builder().tls_backend_preconfigured(scene.node.tls());
    for http in [builder().http1_only().build(), builder().build()] {
        let client = Client {
            http: http.unwrap(),
            ..scene.node.admin()
        };
        let request = client.post("/data/flow/order").json(&1).send();
        let mut request = Box::pin(request);
        tokio::select! {
            _ = &mut request => panic!("it was answered"),
            () = scene.until(|flow| flow.open_count() == 1) => {}
        }
        drop((request, client));
        scene.until(|flow| flow.open_count() == 0).await;
    }
    let ended = scene.flow.ended(10);
    let gone: Vec<&str> = ended.iter().map(|ended| ended.ending.as_str()).collect();
    assert_eq!(gone, ["gone", "gone"]);
}

#[tokio::test]
async fn the_table_is_bounded_and_a_stop_answers_what_is_held() {
    let limits = FlowLimits {
        open_per_node: 2,
        ..FlowLimits::default()
    };
    let scene = scene(limits).await;
    let order = scene.transaction(Method::POST, "flow/order", 20_000).await;
    scene.node.api.set_data(vec![order]);
    let admin = scene.node.admin();
    let ask = || admin.post("/data/flow/order").json(&1);
    let held = async { tokio::join!(told(ask()), told(ask())) };
    let others = async {
        scene.until(|flow| flow.open_count() == 2).await;
        assert_eq!(admin.problem(ask()).await, (503, "busy".to_owned()));
        let page = admin.document("/api/v1/flowsync/transactions").await;
        assert_eq!(
            (&page["open_count"], &page["open"][0]["state"]),
            (&json!(2), &json!("held"))
        );
        let nodes = admin.document("/api/v1/flowsync/nodes").await;
        let node = &nodes["items"][0];
        assert_eq!(
            (&node["topic"], &node["open"], &node["refused"]),
            (&json!("t/order"), &json!(2), &json!(1))
        );
        let blind = scene
            .node
            .client(&scene.node.token("blind", "caller", None));
        assert_eq!(
            blind.document("/api/v1/flowsync/nodes").await["items"],
            json!([])
        );
        scene.flow.stop().await;
    };
    let ((first, second), ()) = tokio::join!(held, others);
    for (status, problem) in [first, second] {
        assert_eq!((status, &problem["code"]), (503, &json!("stopping")));
    }
    let page = scene
        .node
        .admin()
        .document("/api/v1/flowsync/transactions")
        .await;
    assert_eq!(page["ended"][0]["state"], "stopped");
}

#[tokio::test]
async fn without_the_bus_it_is_said_at_once() {
    let scene = scene(FlowLimits::default()).await;
    let order = scene.transaction(Method::POST, "flow/order", 20_000).await;
    scene.node.api.set_data(vec![order]);
    let admin = scene.node.admin();
    let ask = || admin.post("/data/flow/order").json(&1);
    let (held, ()) = tokio::join!(told(ask()), async {
        scene.until(|flow| flow.open_count() == 1).await;
        scene.bus.stop(PATIENCE).await;
    });
    assert_eq!(
        (held.0, &held.1["code"], &held.1["told"]),
        (503, &json!("no_bus"), &json!(true))
    );
    let refused = told(ask()).await;
    assert_eq!((refused.0, &refused.1["told"]), (503, &json!(false)));
}
