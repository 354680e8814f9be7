//! Mappings over a real broker in this process.

use std::sync::Arc;
use std::time::Duration;

use mainstem_bus::embedded::{Gate, Guest, Limits, Login, NotAdmitted, Refused};
use mainstem_bus::{
    Bus, EmbeddedBus, EmbeddedSetup, Publication, Qos, Subscription, Topic, TopicFilter,
    TopicRights,
};
use mainstem_model::Clock;
use mainstem_service::{InputBuffering, TargetState, TopicTemplate};
use mainstem_service::{Mapping, MappingItem, Publish, RuleSection, Subscribe, TopicPattern};
use mainstem_telemetry::{Health, Metrics, SystemClock};
use parking_lot::Mutex;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;

const PATIENCE: Duration = Duration::from_secs(10);

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

#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl StartupNotice for Told {
    fn passed(&self, mapping: &str, from: &str, to: &str) {
        self.0.lock().push(format!("{mapping}: {from} -> {to}"));
    }
}

struct Scene {
    bus: Arc<EmbeddedBus>,
    mappings: Mappings,
    health: Health,
    told: Arc<Told>,
    _folder: tempfile::TempDir,
}

async fn scene() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let node = Uuid::from_u128(7);
    let bus = EmbeddedBus::start(EmbeddedSetup {
        folder: folder.path().join("bus"),
        node,
        limits: Limits::default(),
        gate: Arc::new(Closed),
    });
    let bus = Arc::new(bus.await.unwrap());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let health = Health::new(Arc::clone(&clock));
    let told = Arc::new(Told::default());
    let mappings = Mappings::start(MappingsSetup {
        bus: Arc::clone(&bus) as _,
        node,
        clock,
        metrics: Metrics::new(),
        health: health.clone(),
        notice: Arc::clone(&told) as _,
    });
    Scene {
        bus,
        mappings: mappings.unwrap(),
        health,
        told,
        _folder: folder,
    }
}

impl Scene {
    async fn say(&self, topic: &str, payload: &str, retain: bool) {
        let publication = Publication {
            topic: Topic::new(topic).unwrap(),
            payload: payload.to_owned().into(),
            qos: Qos::AtMostOnce,
            retain,
        };
        self.bus.publish(publication).await.unwrap();
    }

    async fn hear(&self, filter: &str) -> Subscription {
        let filter = TopicFilter::new(filter).unwrap();
        self.bus.subscribe(&[filter], 10_000).await.unwrap()
    }

    /// Takes over mappings, and waits until all are subscribed.
    async fn run(&self, mappings: &[Mapping]) {
        self.mappings.apply(mappings).await;
        self.until(|views| {
            let all = views.iter().filter(|view| view.is_enabled);
            all.flat_map(|view| &view.items).all(|item| item.is_ready)
        })
        .await;
    }

    async fn until(&self, what: impl Fn(&[MappingView]) -> bool) {
        let until = tokio::time::Instant::now() + PATIENCE;
        while !what(&self.mappings.views()) {
            assert!(
                tokio::time::Instant::now() < until,
                "{:?}",
                self.mappings.views()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn item(&self) -> ItemView {
        self.mappings.views()[0].items[0].clone()
    }
}

fn mapping(id: &str, from: &str, to: &str, rules: Value) -> Mapping {
    let sections: Vec<RuleSection> = serde_json::from_value(rules).unwrap();
    let subscribe = Subscribe {
        pattern: TopicPattern::new(from).unwrap(),
        endpoint: None,
        qos: mainstem_service::Qos::default(),
        label: None,
    };
    let publish = Publish {
        topic: TopicTemplate::new(to).unwrap(),
        endpoint: None,
        qos: mainstem_service::Qos::default(),
        retain: false,
    };
    let rules = sections
        .into_iter()
        .map(|section| section.resolve().unwrap());
    Mapping {
        id: id.into(),
        items: vec![MappingItem {
            subscribe: vec![subscribe],
            publish,
            rules: rules.collect(),
            startup_events: false,
        }],
        target_state: TargetState::Enabled,
        input_buffering: InputBuffering::default(),
    }
}

async fn next(subscription: &mut Subscription) -> (String, String) {
    let message = tokio::time::timeout(PATIENCE, subscription.next());
    let message = message.await.expect("a message in time").unwrap();
    let payload = String::from_utf8(message.payload.to_vec()).unwrap();
    (message.topic.to_string(), payload)
}

#[tokio::test]
async fn messages_go_through_in_order() {
    let scene = scene().await;
    let double = json!([{"transform": {"expression": "{'n': n * 2}"}}]);
    scene
        .run(&[mapping("m", "in/+line", "out/{line}", double)])
        .await;
    let mut out = scene.hear("out/#").await;
    for n in 0..500 {
        scene.say("in/a", &format!("{{\"n\":{n}}}"), false).await;
    }
    for n in 0..500 {
        assert_eq!(
            next(&mut out).await,
            ("out/a".into(), format!("{{\"n\":{}}}", n * 2))
        );
    }
    let item = scene.item();
    assert_eq!((item.received, item.published, item.failed), (500, 500, 0));
    scene.mappings.stop().await;
}

#[tokio::test]
async fn what_was_kept_from_before_has_no_effect_unless_told_so() {
    let scene = scene().await;
    scene.say("in/x", "1", true).await;
    let mut out = scene.hear("plc/set").await;
    scene
        .run(&[mapping("m", "in/x", "plc/set", json!([]))])
        .await;
    scene.until(|views| views[0].items[0].retained == 1).await;
    scene.say("in/x", "2", false).await;
    assert_eq!(next(&mut out).await.1, "2", "the kept 1 wrote nothing");
    assert!(scene.told.0.lock().is_empty());

    let mut told_so = mapping("m", "in/x", "plc/set", json!([]));
    told_so.items[0].startup_events = true;
    scene.run(&[told_so]).await;
    assert_eq!(next(&mut out).await.1, "1");
    assert_eq!(*scene.told.0.lock(), ["m: in/x -> plc/set"]);
}

#[tokio::test]
async fn faults_are_counted_and_said() {
    let scene = scene().await;
    let rules = json!([{"transform": {"expression": "value * 2"}}]);
    scene.run(&[mapping("m", "in", "out", rules)]).await;
    let mut out = scene.hear("out").await;
    scene.say("in", r#"{"value": "x"}"#, false).await;
    scene.say("in", "no json", false).await;
    scene.say("in", r#"{"value": 4}"#, false).await;
    assert_eq!(next(&mut out).await.1, "8", "the mapping goes on");
    let item = scene.item();
    assert_eq!((item.received, item.published, item.failed), (3, 1, 2));
    assert!(item.last_error.unwrap().1.contains("no JSON"));
    let problem = scene.health.get("mapping.m.failing").unwrap();
    assert!(problem.active && problem.problem.text.contains("The mapping m fails"));
    scene.mappings.apply(&[]).await;
    assert!(
        scene
            .health
            .get("mapping.m.failing")
            .is_none_or(|problem| !problem.active)
    );
}

#[tokio::test]
async fn a_mapping_that_feeds_itself_is_slowed_down_and_said() {
    let scene = scene().await;
    // Nobody can tell from the file that `{x}` leads back.
    let rules = json!([{"setContextVars": {"vars": {"x": "'a'"}}}]);
    scene
        .run(&[mapping("m", "ring/+", "ring/{x}", rules)])
        .await;
    scene.say("ring/a", "1", false).await;
    scene.until(|views| views[0].items[0].looping > 0).await;
    let item = scene.item();
    assert!(
        item.published <= u64::from(crate::LOOP_RATE_MAX) + 64,
        "{item:?}"
    );
    assert!(item.last_error.unwrap().1.contains("may feed itself"));
}

#[tokio::test]
async fn bursts_go_without_another_message() {
    let scene = scene().await;
    let rules = json!([{"burst": {"interval": 50}}, {"transform": {"expression": "$count($)"}}]);
    scene.run(&[mapping("m", "in", "out", rules)]).await;
    let mut out = scene.hear("out").await;
    for _ in 0..3 {
        scene.say("in", "1", false).await;
    }
    assert_eq!(next(&mut out).await.1, "3");
}

#[tokio::test]
async fn what_did_not_change_is_not_touched() {
    let scene = scene().await;
    let keep = mapping("keep", "a", "b", json!([{"collect": {}}]));
    scene
        .run(&[keep.clone(), mapping("go", "c", "d", json!([]))])
        .await;
    let mut out = scene.hear("b").await;
    scene.say("a", "1", false).await;
    assert_eq!(next(&mut out).await.1, r#"{"a":1}"#);
    scene
        .run(&[keep, mapping("new", "e", "f", json!([]))])
        .await;
    let ids: Vec<String> = scene
        .mappings
        .views()
        .into_iter()
        .map(|view| view.id)
        .collect();
    assert_eq!(ids, ["keep", "new"]);
    assert_eq!(
        scene.mappings.views()[0].items[0].published,
        1,
        "its counters go on"
    );
    // What is disabled is shown, and does nothing.
    let mut off = mapping("off", "a", "x", json!([]));
    off.target_state = TargetState::Disabled;
    scene.run(&[off]).await;
    assert!(!scene.mappings.views()[0].is_enabled);
}

#[tokio::test]
async fn a_slow_expression_ends_and_the_next_message_goes_on() {
    let scene = scene().await;
    let rules = json!([{"transform": {
        "expression": "$ = 1 ? ($f := function($x) { $f($x + 1) }; $f(0)) : $"
    }}]);
    scene.run(&[mapping("m", "in", "out", rules)]).await;
    let mut out = scene.hear("out").await;
    scene.say("in", "1", false).await;
    scene.say("in", "2", false).await;
    assert_eq!(next(&mut out).await.1, "2");
    assert!(scene.item().last_error.unwrap().1.contains("timeout"));
}
