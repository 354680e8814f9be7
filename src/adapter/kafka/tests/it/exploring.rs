//! The first hour with a cluster: its topics, and what is in one of them.

use std::sync::Arc;
use std::time::Duration;

use mainstem_adapter::conformance::TokioClock;
use mainstem_adapter::explore::{BrowseAsk, BrowseLimits, Finds, Wish, attempt};
use mainstem_adapter::{AdapterSpec, Explore, Trace};
use mainstem_adapter_kafka::KIND;
use mainstem_model::{Clock, Value};

use crate::peer::{PATIENCE, Peer};

fn explore() -> &'static dyn Explore {
    KIND.explore.unwrap()
}

fn spec(peer: &Peer) -> AdapterSpec {
    let mut spec = peer.spec(Vec::new());
    let url = format!("kafka://{}", peer.address);
    spec.connection = explore().connection(&url).unwrap();
    spec
}

#[tokio::test]
async fn topics_are_found_and_tried() {
    let Some(peer) = Peer::start(&["press", "other"]) else {
        return;
    };
    peer.produce("press", r#"{"pressure":4.5}"#);
    let clock: Arc<dyn Clock> = Arc::new(TokioClock::new());
    let trace = Trace::new(Arc::clone(&clock));
    let limits = BrowseLimits {
        found_max: 10,
        visited_max: 10,
        depth_max: 1,
        time_max: PATIENCE,
    };
    let mut finds = Finds::new(limits, |_| {});
    let ask = BrowseAsk {
        spec: spec(&peer),
        start: None,
        patience: Duration::from_secs(5),
        trace: trace.clone(),
        clock: Arc::clone(&clock),
    };
    explore().browse(&ask, &mut finds).await.unwrap();
    let mut names: Vec<&str> = finds.found().iter().map(|found| &*found.address).collect();
    names.sort_unstable();
    assert_eq!(names, ["other", "press", "written"]);
    let wish = Wish {
        address: "press#/pressure",
        count: 1,
        data_type: Some("f64"),
    };
    let targets = explore().targets(&wish).unwrap();
    let tried = attempt(&KIND, spec(&peer), targets, PATIENCE, trace, clock);
    let answers = tried.await.unwrap().answers;
    assert_eq!(answers[0].value, Some(Value::F64(4.5)));
    assert!(explore().connection("http://somewhere").is_err());
}
