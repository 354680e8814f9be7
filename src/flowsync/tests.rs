//! Holding over a bus inside the test: every message is seen, and may be lost or kept back.

mod hub;

use std::sync::Arc;
use std::time::{Duration, Instant};

use mainstem_bus::{Topic, TopicFilter};
use mainstem_model::Name;
use mainstem_telemetry::{Metrics, SystemClock};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use crate::{
    Caller, Ending, FlowLimits, FlowSetup, FlowSync, Node, NodeSpec, Outcome, Protocol, Stray,
};
use hub::Hub;

const PATIENCE: Duration = Duration::from_secs(5);

struct Scene {
    hub: Arc<Hub>,
    flow: FlowSync,
}

fn scene(limits: FlowLimits) -> Scene {
    let hub = Hub::new();
    let flow = FlowSync::start(FlowSetup {
        bus: Arc::clone(&hub) as _,
        clock: Arc::new(SystemClock),
        limits,
        metrics: Metrics::new(),
    });
    Scene { hub, flow }
}

impl Scene {
    async fn node(&self, topic: &str, timeout: Duration) -> Arc<Node> {
        let name = Name::new(&topic.replace('/', ".")).unwrap();
        let mut spec = NodeSpec::new(name, Topic::new(topic).unwrap());
        spec.timeout = timeout;
        spec.timeout_error_code = 408;
        let node = self.flow.node(spec).unwrap();
        assert!(node.ready(PATIENCE).await);
        Arc::new(node)
    }

    fn stray(&self, node: &str, why: Stray) -> u64 {
        let nodes = self.flow.nodes();
        let node = nodes
            .iter()
            .find(|view| view.name.as_str() == node)
            .unwrap();
        node.strays.iter().find(|(kind, _)| *kind == why).unwrap().1
    }

    fn endings(&self) -> Vec<Ending> {
        self.flow
            .ended(100)
            .iter()
            .map(|ended| ended.ending)
            .collect()
    }

    async fn until(&self, what: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !what(self) {
            assert!(
                began.elapsed() < PATIENCE,
                "it did not come: {:?}",
                self.flow.nodes()
            );
            tokio::task::yield_now().await;
        }
    }
}

fn bob() -> Caller {
    Caller {
        principal: "bob".into(),
        protocol: Protocol::Http,
    }
}

fn raw(value: &Value) -> Box<RawValue> {
    to_raw_value(value).unwrap()
}

fn id_of(request: &[u8]) -> String {
    let document: Value = serde_json::from_slice(request).unwrap();
    document["id"].as_str().unwrap().to_owned()
}

fn reply(id: &str, value: i64) -> Vec<u8> {
    json!({"id": id, "timestamp": 1, "value": value})
        .to_string()
        .into_bytes()
}

fn spawn_hold(node: &Arc<Node>) -> tokio::task::JoinHandle<Outcome> {
    let node = Arc::clone(node);
    // The test itself waits for it.
    #[expect(clippy::disallowed_methods, reason = "the test joins it")]
    tokio::task::spawn(async move { node.hold(&raw(&json!({"a": 1})), bob()).await })
}

async fn requests(hub: &Hub, topic: &str) -> mainstem_bus::Subscription {
    use mainstem_bus::Bus;
    let filter = TopicFilter::new(&format!("{topic}/treq")).unwrap();
    hub.subscribe(&[filter], 64).await.unwrap()
}

#[tokio::test]
async fn a_request_is_told_and_answered() {
    let scene = scene(FlowLimits::default());
    let node = scene.node("services/mes/order", PATIENCE).await;
    let mut asked = requests(&scene.hub, "services/mes/order").await;
    let held = spawn_hold(&node);
    let request = asked.next().await.unwrap();
    let document: Value = serde_json::from_slice(&request.payload).unwrap();
    assert_eq!(document["value"], json!({"a": 1}));
    assert!(document["timestamp"].as_i64().unwrap() > 1_700_000_000_000);
    assert_eq!(scene.flow.open(10)[0].id.to_string(), document["id"]);
    scene.hub.say(
        "services/mes/order/tres",
        &reply(document["id"].as_str().unwrap(), 42),
    );
    let Outcome::Value(value) = held.await.unwrap() else {
        panic!("no value");
    };
    assert_eq!((value.get(), scene.flow.open_count()), ("42", 0));
    assert_eq!(scene.endings(), [Ending::Answered]);
    scene.flow.stop().await;
}

#[tokio::test]
async fn a_reply_that_comes_before_the_acknowledgement_counts() {
    let scene = scene(FlowLimits::default());
    let node = scene.node("a", PATIENCE).await;
    scene.hub.answer_within_publish();
    let outcome = node.hold(&raw(&json!(1)), bob()).await;
    assert!(matches!(outcome, Outcome::Value(_)), "{outcome:?}");
}

#[tokio::test]
async fn what_answers_nobody_is_counted_by_kind() {
    let scene = scene(FlowLimits::default());
    let (a, b) = (
        scene.node("a", PATIENCE).await,
        scene.node("b", PATIENCE).await,
    );
    let (mut asked, mut other) = (
        requests(&scene.hub, "a").await,
        requests(&scene.hub, "b").await,
    );
    let (held, held_b) = (spawn_hold(&a), spawn_hold(&b));
    let id = id_of(&asked.next().await.unwrap().payload);
    let id_b = id_of(&other.next().await.unwrap().payload);
    scene.hub.say("a/tres", b"{");
    scene
        .hub
        .say("a/tres", &reply("cb75f252-ebd8-4b33-b39d-b74953c6c99c", 1));
    scene.hub.say("a/tres", &reply(&id_b, 1));
    scene.hub.say_retained("a/tres", &reply(&id, 1));
    scene
        .hub
        .say("a/tres", json!({"id": id}).to_string().as_bytes());
    scene.until(|s| s.stray("a", Stray::Malformed) == 2).await;
    assert!(!held.is_finished() && !held_b.is_finished());
    scene.hub.say("a/tres", &reply(&id, 2));
    scene.hub.say("a/tres", &reply(&id, 3));
    let Outcome::Value(value) = held.await.unwrap() else {
        panic!("no value");
    };
    assert_eq!(value.get(), "2");
    scene.until(|s| s.stray("a", Stray::Doubled) == 1).await;
    for why in [Stray::Unknown, Stray::Foreign, Stray::Retained] {
        assert_eq!(scene.stray("a", why), 1, "{why:?}");
    }
    assert_eq!(scene.stray("a", Stray::Late), 0);
    assert_eq!(scene.flow.open_count(), 1);
    b.end();
    assert!(matches!(
        held_b.await.unwrap(),
        Outcome::TimedOut { .. } | Outcome::Stopping
    ));
}

#[tokio::test]
async fn nobody_answers_until_the_deadline() {
    let scene = scene(FlowLimits::default());
    let node = scene.node("a", Duration::from_millis(80)).await;
    let mut asked = requests(&scene.hub, "a").await;
    let began = Instant::now();
    let outcome = node.hold(&raw(&json!(1)), bob()).await;
    let took = began.elapsed();
    assert!(
        matches!(outcome, Outcome::TimedOut { code: 408, .. }),
        "{outcome:?}"
    );
    assert!(
        took >= Duration::from_millis(80) && took < Duration::from_secs(2),
        "{took:?}"
    );
    let id = id_of(&asked.next().await.unwrap().payload);
    scene.hub.say("a/tres", &reply(&id, 1));
    scene.until(|s| s.stray("a", Stray::Late) == 1).await;
    assert_eq!(scene.endings(), [Ending::TimedOut]);
}

#[tokio::test]
async fn a_budget_shortens_the_timeout() {
    let scene = scene(FlowLimits::default());
    let node = scene.node("a", PATIENCE).await;
    let began = Instant::now();
    let budget = Duration::from_millis(50);
    let outcome = node.hold_within(&raw(&json!(1)), bob(), budget).await;
    assert!(matches!(outcome, Outcome::TimedOut { .. }), "{outcome:?}");
    assert!(began.elapsed() < PATIENCE);
}

#[tokio::test]
async fn the_table_is_bounded_and_whoever_goes_gives_his_place_back() {
    let limits = FlowLimits {
        open: 3,
        open_per_node: 2,
        history: 10,
        ..FlowLimits::default()
    };
    let scene = scene(limits);
    let (a, b) = (
        scene.node("a", PATIENCE).await,
        scene.node("b", PATIENCE).await,
    );
    let first = spawn_hold(&a);
    let second = spawn_hold(&a);
    scene.until(|s| s.flow.open_count() == 2).await;
    assert!(matches!(
        a.hold(&raw(&json!(1)), bob()).await,
        Outcome::Busy
    ));
    let third = spawn_hold(&b);
    scene.until(|s| s.flow.open_count() == 3).await;
    assert!(matches!(
        b.hold(&raw(&json!(1)), bob()).await,
        Outcome::Busy
    ));
    first.abort();
    scene.until(|s| s.flow.open_count() == 2).await;
    assert_eq!(scene.endings(), [Ending::Gone]);
    let again = spawn_hold(&a);
    scene.until(|s| s.flow.open_count() == 3).await;
    scene.flow.stop().await;
    for held in [second, third, again] {
        assert!(matches!(held.await.unwrap(), Outcome::Stopping));
    }
    assert!(matches!(
        a.hold(&raw(&json!(1)), bob()).await,
        Outcome::Stopping | Outcome::BusAway { .. }
    ));
}

#[tokio::test]
async fn without_the_bus_a_request_fails_at_once() {
    let scene = scene(FlowLimits::default());
    let node = scene.node("a", PATIENCE).await;
    let held = spawn_hold(&node);
    scene.until(|s| s.flow.open_count() == 1).await;
    scene.hub.fall("the broker was restarted");
    let began = Instant::now();
    let Outcome::BusAway { cause, told: true } = held.await.unwrap() else {
        panic!("it was not told");
    };
    assert_eq!(&*cause, "the broker was restarted");
    let refused = node.hold(&raw(&json!(1)), bob()).await;
    assert!(
        matches!(refused, Outcome::BusAway { told: false, .. }),
        "{refused:?}"
    );
    assert!(began.elapsed() < Duration::from_secs(2));
    scene.hub.rise();
    let mut asked = requests(&scene.hub, "a").await;
    let held = spawn_hold(&node);
    let id = id_of(&asked.next().await.unwrap().payload);
    scene.hub.say("a/tres", &reply(&id, 1));
    assert!(matches!(held.await.unwrap(), Outcome::Value(_)));
}

#[tokio::test]
async fn a_server_node_that_is_taken_away_answers_what_it_holds() {
    let scene = scene(FlowLimits::default());
    let node = scene.node("a", PATIENCE).await;
    let weak = Arc::downgrade(&node);
    let held = spawn_hold(&node);
    scene.until(|s| s.flow.open_count() == 1).await;
    node.end();
    assert!(matches!(held.await.unwrap(), Outcome::Stopping));
    drop(node);
    assert!(weak.upgrade().is_none() && scene.flow.nodes().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_without_a_responder_end_at_their_deadline() {
    let scene = scene(FlowLimits::default());
    let node = scene.node("a", Duration::from_millis(1500)).await;
    let waits: Vec<_> = (0..5000)
        .map(|_| {
            let node = Arc::clone(&node);
            #[expect(clippy::disallowed_methods, reason = "the test joins it")]
            tokio::task::spawn(async move {
                let began = Instant::now();
                let outcome = node.hold(&raw(&json!(1)), bob()).await;
                assert!(matches!(outcome, Outcome::TimedOut { .. }), "{outcome:?}");
                began.elapsed()
            })
        })
        .collect();
    for wait in waits {
        let took = wait.await.unwrap();
        assert!(took >= Duration::from_millis(1500), "{took:?}");
        // The machine of the tests may be busy; the bench holds the 100 ms.
        assert!(took < Duration::from_millis(3500), "{took:?}");
    }
    assert_eq!(scene.flow.open_count(), 0);
}
