//! The first hour with a service: its answers come apart, and no secret is told.

use std::sync::Arc;
use std::time::Duration;

use mainstem_adapter::conformance::TokioClock;
use mainstem_adapter::explore::{BrowseAsk, BrowseLimits, Finds, Wish, attempt};
use mainstem_adapter::{AdapterSpec, Explore, Trace};
use mainstem_adapter_http::KIND;
use mainstem_model::Clock;
use serde_json::json;

use crate::rig::PATIENCE;
use crate::service::{Service, reply};

fn explore() -> &'static dyn Explore {
    KIND.explore.unwrap()
}

async fn service() -> (Service, AdapterSpec) {
    let service = Service::start(|seen| match seen.line.as_str() {
        line if line.starts_with("GET /api/state") => reply(
            "200 OK",
            r#"{"motor": {"on": true, "speed": 3}, "name": "x"}"#,
        ),
        line if line.starts_with("HEAD") => reply("200 OK", ""),
        _ => reply("404 Not Found", "nothing here"),
    })
    .await;
    let url = format!("http://127.0.0.1:{}/api", service.address.port());
    let mut connection = explore().connection(&url).unwrap();
    connection["auth"] = json!({"username": "u", "password": "s3cret"});
    let spec = AdapterSpec {
        name: "try".into(),
        connection,
        endpoints: Vec::new(),
        folder: "unused".into(),
        home: "unused".into(),
    };
    (service, spec)
}

#[tokio::test]
async fn an_answer_is_tried_and_traced() {
    let (_service, spec) = service().await;
    let clock: Arc<dyn Clock> = Arc::new(TokioClock::new());
    let trace = Trace::new(Arc::clone(&clock));
    let mut reader = trace.read().unwrap();
    let wish = Wish {
        address: "/state?key=s3cret",
        count: 1,
        data_type: None,
    };
    let targets = explore().targets(&wish).unwrap();
    let read = attempt(&KIND, spec, targets, PATIENCE, trace, clock)
        .await
        .unwrap();
    let rows = explore().interpret(&wish, &read.answers);
    let shown: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row.address.rsplit('#').next().unwrap(),
                &*row.views[0].label,
            )
        })
        .collect();
    let expected = [
        ("/motor/on", "bool"),
        ("/motor/speed", "f64"),
        ("/name", "text"),
    ];
    assert_eq!(shown, expected);
    let mut texts = Vec::new();
    while let Some(frame) = reader.try_next() {
        let bytes = String::from_utf8_lossy(&frame.bytes).into_owned();
        assert!(!frame.text.contains("s3cret") && !bytes.contains("s3cret"));
        texts.push(frame.text);
    }
    assert_eq!(texts[0], "GET /api/state");
    assert_eq!(texts[1], "GET /api/state: 48 bytes");
}

#[tokio::test]
async fn a_document_is_browsed_within_limits() {
    let (_service, spec) = service().await;
    let clock: Arc<dyn Clock> = Arc::new(TokioClock::new());
    let ask = |start: &str| BrowseAsk {
        spec: spec.clone(),
        start: Some(start.to_owned()),
        patience: PATIENCE,
        trace: Trace::new(Arc::clone(&clock)),
        clock: Arc::clone(&clock),
    };
    let limits = BrowseLimits {
        found_max: 2,
        visited_max: 10,
        depth_max: 10,
        time_max: Duration::from_secs(10),
    };
    let mut finds = Finds::new(limits, |_| {});
    explore().browse(&ask("/state"), &mut finds).await.unwrap();
    let paths: Vec<_> = finds
        .found()
        .iter()
        .map(|found| found.path.join("."))
        .collect();
    assert_eq!(paths, ["state.motor.on", "state.motor.speed"]);
    assert_eq!(finds.cuts().len(), 1);
    let error = explore()
        .browse(&ask("/nothing"), &mut finds)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("bad_address"), "{error}");
}
