//! States come as they change; the rules that have a meaning for this kind.

use std::time::Duration;

use mainstem_adapter::conformance::{Fixture, Observed, Rig};
use mainstem_adapter::{
    AdapterRunner, AdapterSpec, BoxFuture, EndpointSpec, Kind, ResourceState, RunnerOptions, States,
};
use mainstem_model::{Access, Reason, Value};
use serde_json::json;

use crate::KIND;

const LIMIT: Duration = Duration::from_secs(20);

fn endpoint(name: &str, resource: &str) -> EndpointSpec {
    EndpointSpec {
        name: name.into(),
        operation: json!({ "resourceId": resource }),
        interval: None,
        access: Access::Read,
        value_type: None,
        unit: None,
        description: None,
        limits: None,
        scaling: None,
        time: None,
        stale_after: None,
        life: None,
    }
}

fn spec(endpoints: Vec<EndpointSpec>) -> AdapterSpec {
    AdapterSpec {
        name: "states".into(),
        connection: json!({}),
        endpoints,
        folder: "unused".into(),
        home: "unused".into(),
    }
}

fn tell(states: &States, resource: &str, word: &'static str, is_wanted: bool) {
    states.tell(resource, ResourceState { word, is_wanted });
}

/// What a datapoint showed so far.
fn words(seen: &Observed, name: &str) -> Vec<String> {
    let Some(point) = seen.find(name) else {
        return Vec::new();
    };
    let of_it = seen.samples.iter().filter(|(of, _)| *of == point);
    of_it
        .filter_map(|(_, sample)| match &sample.value {
            Some(Value::Text(text)) => Some(text.to_string()),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn every_change_is_told_in_its_order() {
    let states = States::default();
    states.begin("line1", |_| true);
    tell(&states, "press", "connecting", false);
    let endpoints = vec![
        endpoint("press", "line1-press"),
        endpoint("whole", "line1"),
        endpoint("other", "line1-other"),
    ];
    let options = RunnerOptions {
        states: states.clone(),
        ..RunnerOptions::default()
    };
    let rig = Rig::with_options(KIND, spec(endpoints), options);
    let first = |seen: &Observed| (words(seen, "whole") == ["deviated"]).then_some(());
    rig.witness.until("the first states", LIMIT, first).await;
    let is_bad = |seen: &Observed| {
        let quality = seen.quality(seen.find("other")?)?;
        (quality.reason == Reason::BadAddress).then_some(())
    };
    rig.witness.until("there is no other", LIMIT, is_bad).await;
    for word in ["connected", "disconnected", "reconnecting", "connected"] {
        tell(&states, "press", word, word == "connected");
    }
    tell(&states, "other", "enabled", true);
    let wanted = [
        "connecting",
        "connected",
        "disconnected",
        "reconnecting",
        "connected",
    ];
    let told = |seen: &Observed| (words(seen, "press") == wanted).then_some(());
    rig.witness.until("all changes", LIMIT, told).await;
    let whole = ["deviated", "enabled", "deviated", "enabled"];
    let told = |seen: &Observed| (words(seen, "whole") == whole).then_some(());
    rig.witness.until("the whole", LIMIT, told).await;
    let told = |seen: &Observed| (words(seen, "other") == ["enabled"]).then_some(());
    rig.witness.until("the new one", LIMIT, told).await;
    rig.runner.stop().await;
}

#[tokio::test]
async fn who_misses_changes_sees_the_whole_again() {
    let states = States::default();
    states.begin("line1", |_| true);
    tell(&states, "press", "connecting", false);
    let options = RunnerOptions {
        states: states.clone(),
        ..RunnerOptions::default()
    };
    let rig = Rig::with_options(KIND, spec(vec![endpoint("press", "press")]), options);
    let first = |seen: &Observed| (words(seen, "press") == ["connecting"]).then_some(());
    rig.witness.until("the first state", LIMIT, first).await;
    // One thread runs all of this: the adapter hears nothing until this one waits.
    for _ in 0..3000 {
        tell(&states, "press", "disconnected", false);
        tell(&states, "press", "reconnecting", false);
    }
    tell(&states, "press", "connected", true);
    let last = |seen: &Observed| (words(seen, "press").last()? == "connected").then_some(());
    rig.witness.until("the last state", LIMIT, last).await;
    assert!(rig.runner.view().statistics.overruns > 0);
    rig.runner.stop().await;
}

struct Whole;

impl Fixture for Whole {
    fn kind(&self) -> Kind {
        KIND
    }

    fn spec(&self) -> AdapterSpec {
        spec(Vec::new())
    }

    fn bad_spec(&self) -> (AdapterSpec, Vec<&'static str>) {
        let mut written = endpoint("written", "press");
        written.access = Access::Write;
        let mut spec = spec(vec![endpoint("empty", ""), written]);
        spec.connection = json!({ "host": "x" });
        let pointers = vec![
            "/connection",
            "/endpoints/0/operation/resourceId",
            "/endpoints/1/operation",
        ];
        (spec, pointers)
    }

    fn start(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    fn stop<'a>(&'a mut self, _runner: &'a AdapterRunner) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }
}

mod conformance {
    use super::Whole;

    mainstem_adapter::conformance_suite!(in_process Whole;
        bad_configuration_reports_all_problems, stop_is_prompt_and_final,
    );
}
