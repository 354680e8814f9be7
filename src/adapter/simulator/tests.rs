//! The conformance row of the simulator, and its faults.

use std::time::Duration;

use mainstem_adapter::conformance::{Fixture, Observed, Rig};
use mainstem_adapter::{
    AdapterRunner, AdapterSpec, AdapterState, BoxFuture, EndpointSpec, Kind, WriteAnswer,
};
use mainstem_model::{Access, Quality, Reason, Value};
use serde_json::json;

use super::*;

const LIMIT: Duration = Duration::from_secs(60);
/// Long enough for the waits between tries to be seen growing.
const LOSS_S: f64 = 3.0;

fn endpoint(name: &str, operation: serde_json::Value) -> EndpointSpec {
    let is_setpoint = operation["signal"] == "setpoint";
    EndpointSpec {
        name: name.into(),
        operation,
        interval: None,
        access: if is_setpoint {
            Access::ReadWrite
        } else {
            Access::Read
        },
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

fn spec() -> AdapterSpec {
    let wave = |signal| json!({"signal": signal, "min": -1.0, "max": 1.0, "period_s": 10.0});
    AdapterSpec {
        name: "sim".into(),
        connection: json!({"seed": 3, "interval_ms": 100}),
        endpoints: vec![
            endpoint("sine", wave("sine")),
            endpoint("triangle", wave("triangle")),
            endpoint("square", wave("square")),
            endpoint("ramp", wave("ramp")),
            endpoint("counter", json!({"signal": "counter", "interval": 5})),
            endpoint(
                "walk",
                json!({"signal": "walk", "min": 0, "max": 9, "step": 1}),
            ),
            endpoint(
                "state",
                json!({"signal": "states", "states": ["a", "b"], "dwell_s": 1}),
            ),
            endpoint("constant", json!({"signal": "constant", "value": 7})),
            endpoint("setpoint", json!({"signal": "setpoint", "initial": 20})),
            endpoint(
                "actual",
                json!({"signal": "follow", "of": "setpoint", "lag_s": 5}),
            ),
        ],
        folder: std::path::PathBuf::new(),
        home: std::path::PathBuf::new(),
    }
}

/// The simulator is its own peer, so the rules about writes that a peer counts, about silence and
/// about garbage have no meaning for it; its own tests below stand for them.
struct Simulated;

impl Fixture for Simulated {
    fn kind(&self) -> Kind {
        KIND
    }

    fn spec(&self) -> AdapterSpec {
        spec()
    }

    fn bad_spec(&self) -> (AdapterSpec, Vec<&'static str>) {
        let mut spec = spec();
        spec.connection = json!({"seed": 3, "interval_ms": 1});
        spec.endpoints = vec![
            endpoint(
                "a",
                json!({"signal": "sine", "min": 2, "max": 1, "period_s": 0}),
            ),
            endpoint("a", json!({"signal": "noise"})),
            endpoint("faults.bad", json!({"signal": "constant", "value": []})),
            EndpointSpec {
                access: Access::ReadWrite,
                ..endpoint("b", json!({"signal": "counter", "stepp": 1}))
            },
            EndpointSpec {
                access: Access::Write,
                ..endpoint("c", json!({"signal": "follow", "of": "c", "lag_s": 1}))
            },
        ];
        let pointers = vec![
            "/connection/interval_ms",
            "/endpoints/0/operation/min",
            "/endpoints/0/operation/period_s",
            "/endpoints/1/operation",
            "/endpoints/2/name",
            "/endpoints/2/operation/value",
            "/endpoints/3/operation",
            "/endpoints/4/access",
            "/endpoints/4/operation/of",
        ];
        (spec, pointers)
    }

    fn write(&self) -> (&'static str, Value) {
        ("setpoint", Value::F64(55.5))
    }

    fn start(&mut self) -> BoxFuture<'_, ()> {
        // A simulated loss ends by itself.
        Box::pin(async {})
    }

    fn stop<'a>(&'a mut self, runner: &'a AdapterRunner) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let request = mainstem_adapter::WriteRequest {
                point: runner.point("faults.disconnect").unwrap(),
                value: Value::F64(LOSS_S),
                deadline: mainstem_model::Monotonic::from_micros(u64::MAX),
            };
            let answer = runner.write(request).await;
            assert_eq!(answer, WriteAnswer::Applied { verified: true });
        })
    }
}

mod conformance {
    use super::*;

    mainstem_adapter::conformance_suite!(in_process Simulated;
        bad_configuration_reports_all_problems,
        comes_online_with_values,
        closed_peer_is_found_and_found_again,
        stop_is_prompt_and_final,
        reconnects_leak_no_task,
    );
}

async fn good(rig: &Rig) {
    let is_good = |seen: &Observed| {
        let point = seen.find("sine")?;
        seen.quality(point)?.is_good().then_some(())
    };
    rig.witness.until("good", LIMIT, is_good).await;
}

async fn own_quality(rig: &Rig, name: &str, wanted: Quality) {
    let is_so = |seen: &Observed| {
        let sample = seen.latest.get(&seen.find(name)?)?;
        (sample.quality == wanted).then_some(())
    };
    rig.witness.until("quality", LIMIT, is_so).await;
}

#[tokio::test(start_paused = true)]
async fn a_setpoint_keeps_what_is_written_and_is_followed() {
    let rig = Rig::start(KIND, spec());
    good(&rig).await;
    let answer = rig.write("setpoint", Value::Int(80), LIMIT).await;
    assert_eq!(answer, WriteAnswer::Applied { verified: true });
    assert_eq!(
        rig.witness.observed().value("setpoint"),
        Some(Value::F64(80.0))
    );
    let arrived = |seen: &Observed| {
        let actual = seen.value("actual")?.as_f64()?;
        ((actual - 80.0).abs() < 0.5).then_some(())
    };
    rig.witness
        .until("the follower arrives", LIMIT, arrived)
        .await;
    assert_eq!(rig.runner.view().statistics.writes, 1);
    rig.runner.stop().await;
}

#[tokio::test(start_paused = true)]
async fn only_setpoints_and_faults_are_writable() {
    let rig = Rig::start(KIND, spec());
    good(&rig).await;
    for (name, value) in [
        ("sine", Value::F64(1.0)),
        ("faults.disconnect", Value::F64(-1.0)),
    ] {
        let answer = rig.write(name, value, LIMIT).await;
        assert!(
            matches!(answer, WriteAnswer::Refused { .. }),
            "{name}: {answer:?}"
        );
    }
    assert_eq!(rig.runner.standing().state, AdapterState::Online);
    rig.runner.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_bad_device_says_so_and_recovers() {
    let rig = Rig::start(KIND, spec());
    good(&rig).await;
    rig.write("faults.bad", Value::Bool(true), LIMIT).await;
    let bad = Quality::of(Reason::BadSource);
    own_quality(&rig, "sine", bad).await;
    own_quality(&rig, "constant", bad).await;
    own_quality(&rig, "faults.bad", Quality::GOOD).await;
    rig.write("faults.bad", Value::Bool(false), LIMIT).await;
    own_quality(&rig, "constant", Quality::GOOD).await;
    rig.runner.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_frozen_device_answers_and_is_found_by_its_life_datapoint() {
    let mut spec = spec();
    let counter = spec
        .endpoints
        .iter_mut()
        .find(|endpoint| endpoint.name == "counter")
        .unwrap();
    counter.life = Some(Duration::from_secs(2));
    let rig = Rig::start(KIND, spec);
    good(&rig).await;
    rig.write("faults.freeze", Value::Bool(true), LIMIT).await;
    let status = |wanted: Reason| {
        move |seen: &Observed| (seen.statuses[&None].reason == wanted).then_some(())
    };
    rig.witness
        .until("frozen", LIMIT, status(Reason::Frozen))
        .await;
    assert_eq!(
        rig.runner.standing().state,
        AdapterState::Online,
        "it still answers"
    );
    rig.write("faults.freeze", Value::Bool(false), LIMIT).await;
    rig.witness.until("alive", LIMIT, status(Reason::Ok)).await;
    rig.runner.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_tells_the_same_story() {
    let mut stories = Vec::new();
    for _ in 0..2 {
        let rig = Rig::start(KIND, spec());
        let enough = |seen: &Observed| {
            let walk = seen.find("walk")?;
            let samples = seen.samples.iter().filter(|(point, _)| *point == walk);
            let values: Vec<_> = samples.map(|(_, sample)| sample.value.clone()).collect();
            (values.len() >= 50).then(|| values[..50].to_vec())
        };
        stories.push(rig.witness.until("fifty steps", LIMIT, enough).await);
        rig.runner.stop().await;
    }
    assert_eq!(stories[0], stories[1]);
}

#[test]
fn nothing_is_a_valid_connection() {
    let spec = AdapterSpec {
        connection: json!(null),
        endpoints: vec![],
        ..spec()
    };
    let built = (KIND.build)(&spec);
    assert_eq!(
        built.ok().unwrap().points.len(),
        3,
        "the faults are always there"
    );
}
