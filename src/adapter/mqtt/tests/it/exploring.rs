//! The first hour with Mosquitto: a topic is tried, and all topics are listened for.

use std::sync::Arc;
use std::time::Duration;

use mainstem_adapter::conformance::TokioClock;
use mainstem_adapter::explore::{BrowseAsk, BrowseLimits, Cut, ExploreError, Finds, Wish, attempt};
use mainstem_adapter::{AdapterSpec, Explore, Trace};
use mainstem_adapter_mqtt::KIND;
use mainstem_model::Clock;

use crate::broker::{Broker, is_here};
use crate::rig::PATIENCE;

fn explore() -> &'static dyn Explore {
    KIND.explore.unwrap()
}

fn spec(broker: &Broker) -> AdapterSpec {
    let url = format!("mqtt://127.0.0.1:{}", broker.port);
    AdapterSpec {
        name: "try".into(),
        connection: explore().connection(&url).unwrap(),
        endpoints: Vec::new(),
        folder: "unused".into(),
        home: "unused".into(),
    }
}

fn filled() -> Option<Broker> {
    if !is_here() {
        return None;
    }
    let broker = Broker::start();
    broker.publish("plant/line1/temperature", b"21.5", &["-r"]);
    broker.publish(
        "plant/line1/state",
        br#"{"motor": {"speed": 3}, "on": true}"#,
        &["-r"],
    );
    broker.publish("plant/line1/raw", &[0xFF, 0], &["-r"]);
    Some(broker)
}

#[tokio::test]
async fn a_topic_is_tried_and_traced() {
    let Some(broker) = filled() else { return };
    let clock: Arc<dyn Clock> = Arc::new(TokioClock::new());
    let trace = Trace::new(Arc::clone(&clock));
    let mut reader = trace.read().unwrap();
    let wish = Wish {
        address: "plant/line1/state",
        count: 1,
        data_type: None,
    };
    let targets = explore().targets(&wish).unwrap();
    let read = attempt(
        &KIND,
        spec(&broker),
        targets,
        PATIENCE,
        trace.clone(),
        Arc::clone(&clock),
    )
    .await
    .unwrap();
    let rows = explore().interpret(&wish, &read.answers);
    let shown: Vec<_> = rows
        .iter()
        .map(|row| (&*row.address, &*row.views[0].label))
        .collect();
    let expected = [
        ("plant/line1/state#/motor/speed", "f64"),
        ("plant/line1/state#/on", "bool"),
    ];
    assert_eq!(shown, expected);
    let mut texts = Vec::new();
    while let Some(frame) = reader.try_next() {
        texts.push(frame.text);
    }
    let has = |part: &str| texts.iter().any(|text| text.contains(part));
    assert!(
        has("SUBSCRIBE plant/line1/state") && has("PUBLISH plant/line1/state"),
        "{texts:?}"
    );

    let wish = Wish {
        address: "plant/nobody",
        ..wish
    };
    let targets = explore().targets(&wish).unwrap();
    let patience = Duration::from_millis(300);
    let nothing = attempt(&KIND, spec(&broker), targets, patience, trace, clock).await;
    assert!(
        matches!(nothing, Err(ExploreError::Silent(_))),
        "{nothing:?}"
    );
}

#[tokio::test]
async fn topics_are_listened_for_within_limits() {
    let Some(broker) = filled() else { return };
    let clock: Arc<dyn Clock> = Arc::new(TokioClock::new());
    let ask = BrowseAsk {
        spec: spec(&broker),
        start: Some("plant/#".to_owned()),
        patience: PATIENCE,
        trace: Trace::new(Arc::clone(&clock)),
        clock,
    };
    let limits = |found_max| BrowseLimits {
        found_max,
        visited_max: 100,
        depth_max: 10,
        time_max: Duration::from_secs(2),
    };
    let mut finds = Finds::new(limits(100), |_| {});
    explore().browse(&ask, &mut finds).await.unwrap();
    let mut found: Vec<_> = finds
        .found()
        .iter()
        .map(|found| (found.path.join("."), found.sample.clone().unwrap()))
        .collect();
    found.sort();
    let expected = [
        ("plant.line1.raw", "2 bytes"),
        ("plant.line1.state.motor.speed", "3.0"),
        ("plant.line1.state.on", "true"),
        ("plant.line1.temperature", "21.5"),
    ];
    assert_eq!(
        found,
        expected.map(|(path, sample)| (path.to_owned(), sample.to_owned()))
    );
    assert_eq!(finds.cuts(), [Cut::Time]);

    let mut finds = Finds::new(limits(1), |_| {});
    explore().browse(&ask, &mut finds).await.unwrap();
    assert_eq!(finds.found().len(), 1);
    assert!(finds.cuts().contains(&Cut::Found));
}
