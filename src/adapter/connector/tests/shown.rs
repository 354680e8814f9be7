//! The connectors that the documentation shows, run as they are.
#![allow(clippy::unwrap_used, reason = "a test")]

mod spec;

use std::path::PathBuf;
use std::time::Duration;

use mainstem_adapter::conformance::{Observed, Rig};
use mainstem_adapter::{AdapterSpec, WriteAnswer};
use mainstem_model::{Access, Reason, Value};
use serde_json::json;
use spec::{endpoint, spec};

use mainstem_adapter_connector::KIND;

const LIMIT: Duration = Duration::from_secs(20);

fn home() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../examples")
}

fn python() -> AdapterSpec {
    let command = ["python3", "connectors/tank.py"];
    let connection = json!({ "command": command, "config": { "litres": 500 }, "intervalMs": 100 });
    spec(connection, &home())
}

fn rust() -> AdapterSpec {
    let program = env!("CARGO_BIN_EXE_connector-example");
    spec(json!({ "command": [program] }), &home())
}

async fn fills_and_obeys(mut spec: AdapterSpec) {
    spec.endpoints
        .push(endpoint("nowhere", "nowhere", Access::Read));
    let rig = Rig::start(KIND, spec);
    let rises = |seen: &Observed| {
        let level = seen.find("level")?;
        let of_level = seen.samples.iter().filter(|(point, _)| *point == level);
        let values: Vec<f64> = of_level
            .filter_map(|(_, s)| s.value.as_ref()?.as_f64())
            .collect();
        (values.len() >= 3 && values.is_sorted() && values[2] > values[0]).then_some(())
    };
    rig.witness.until("the level rises", LIMIT, rises).await;
    let is_told = |seen: &Observed| {
        let quality = seen.quality(seen.find("nowhere")?)?;
        (quality.reason == Reason::BadAddress).then_some(())
    };
    rig.witness
        .until("the wrong address is told", LIMIT, is_told)
        .await;
    let answer = rig.write("inflow", Value::F64(7.5), LIMIT).await;
    assert_eq!(answer, WriteAnswer::Applied { verified: true });
    let is_set = |seen: &Observed| {
        let sample = seen.latest.get(&seen.find("inflow")?)?;
        (sample.value == Some(Value::F64(7.5))).then_some(())
    };
    rig.witness.until("the inflow is read", LIMIT, is_set).await;
    rig.runner.stop().await;
}

#[tokio::test]
async fn the_example_in_python_is_a_connector() {
    fills_and_obeys(python()).await;
}

#[tokio::test]
async fn the_example_in_rust_is_a_connector() {
    fills_and_obeys(rust()).await;
}

#[test]
fn the_examples_are_short() {
    for name in ["tank.py", "tank.rs", "remote_tank.py"] {
        let text = std::fs::read_to_string(home().join("connectors").join(name)).unwrap();
        assert!(text.lines().count() <= 100, "{name}");
    }
}
