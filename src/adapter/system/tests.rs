//! The conformance row of the system kind, and what it shows.

use std::time::Duration;

use mainstem_adapter::conformance::{Fixture, Observed, Rig};
use mainstem_adapter::{AdapterSpec, AdapterState, BoxFuture, EndpointSpec, Kind, WriteAnswer};
use mainstem_model::{Access, Quality, Reason, Timestamp, Value};
use parking_lot::Mutex;
use serde_json::json;

use super::*;

const LIMIT: Duration = Duration::from_secs(60);

fn spec(connection: serde_json::Value) -> AdapterSpec {
    AdapterSpec {
        name: "system".into(),
        connection,
        endpoints: vec![],
        folder: std::env::temp_dir().join("not-made-yet"),
        home: std::path::PathBuf::new(),
    }
}

/// The machine has no connection that could be lost, falls silent or be written, so only the
/// rules about configuration, values, addresses and stop have a meaning.
struct ThisMachine;

impl Fixture for ThisMachine {
    fn kind(&self) -> Kind {
        KIND
    }

    fn spec(&self) -> AdapterSpec {
        spec(json!({"interval_ms": 500, "disks": {"root": "/"}}))
    }

    fn unsure(&self) -> Vec<&'static str> {
        vec!["clock.synchronised"]
    }

    fn bad_spec(&self) -> (AdapterSpec, Vec<&'static str>) {
        let disks = json!({"a.b": "/", "free": "/", "c": "relative", "x/y z": "/"});
        let endpoint = EndpointSpec {
            name: "x".into(),
            operation: json!({}),
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
        };
        let spec = AdapterSpec {
            endpoints: vec![endpoint],
            ..spec(json!({"interval_ms": 10, "disks": disks}))
        };
        let pointers = vec![
            "/connection/interval_ms",
            "/connection/disks/a.b",
            "/connection/disks/free",
            "/connection/disks/c",
            "/connection/disks/x~1y z",
            "/endpoints/0",
        ];
        (spec, pointers)
    }

    fn bad_address(&self) -> (AdapterSpec, &'static str) {
        (
            spec(json!({"disks": {"gone": "/no/such/folder"}})),
            "disk.gone.free",
        )
    }

    fn start(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

mod conformance {
    use super::*;

    mainstem_adapter::conformance_suite!(in_process ThisMachine;
        bad_configuration_reports_all_problems,
        comes_online_with_values,
        stop_is_prompt_and_final,
    );
}

#[tokio::test]
async fn a_missing_disk_is_two_bad_datapoints() {
    let (bad, _) = ThisMachine.bad_address();
    let rig = Rig::start(KIND, bad);
    let is_so = |seen: &Observed| {
        let quality = |name: &str| seen.quality(seen.find(name)?);
        let is_bad = quality("disk.gone.free")? == Quality::of(Reason::DeviceError)
            && quality("disk.gone.free.percent")? == Quality::of(Reason::DeviceError);
        (is_bad && quality("disk.free")?.is_good()).then_some(())
    };
    rig.witness.until("one disk is gone", LIMIT, is_so).await;
    assert_eq!(rig.runner.standing().state, AdapterState::Online);
    rig.runner.stop().await;
}

#[tokio::test(start_paused = true)]
async fn time_moves_and_nothing_is_writable() {
    let rig = Rig::start(KIND, ThisMachine.spec());
    let first = rig
        .witness
        .until("time", LIMIT, |seen| seen.value("time"))
        .await;
    let later = |seen: &Observed| seen.value("time").filter(|time| *time != first);
    rig.witness.until("the time moves", LIMIT, later).await;
    let answer = rig.write("time", Value::Time(rig.clock.now()), LIMIT).await;
    assert!(matches!(answer, WriteAnswer::Refused { .. }), "{answer:?}");
    rig.runner.stop().await;
}

#[test]
fn every_datapoint_says_what_it_is() {
    let built = (KIND.build)(&ThisMachine.spec()).ok().unwrap();
    assert_eq!(built.points.len(), 17 + 4);
    for point in built.points {
        assert!(point.definition.description.is_some(), "{}", point.name);
        assert!(
            mainstem_model::Name::local(&point.name).is_ok(),
            "{}",
            point.name
        );
    }
}

/// Writes down what it was told, and sets nothing.
struct Recording;

static TOLD: Mutex<Vec<Timestamp>> = Mutex::new(Vec::new());

impl setting::WallClock for Recording {
    fn check(&self) -> Result<(), setting::SetError> {
        Ok(())
    }

    fn set(&mut self, to: Timestamp) -> std::io::Result<()> {
        TOLD.lock().push(to);
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn time_is_set_where_the_configuration_says_so() {
    let kind = Kind {
        build: |spec| plan::build_with(spec, Box::new(Recording)),
        ..KIND
    };
    let rig = Rig::start(kind, spec(json!({"interval_ms": 500, "set_clock": true})));
    let seen = |seen: &Observed| seen.value("time");
    rig.witness.until("time", LIMIT, seen).await;
    let to = Timestamp::from_millis(1_800_000_000_000);
    let answer = rig.write("time", Value::Time(to), LIMIT).await;
    assert_eq!(answer, WriteAnswer::Applied { verified: false });
    assert_eq!(*TOLD.lock(), [to]);
    // A moment that no clock has, and a datapoint that is no clock.
    let never = rig
        .write("time", Value::Time(Timestamp::default()), LIMIT)
        .await;
    let WriteAnswer::Refused { code, .. } = never else {
        panic!("{never:?}")
    };
    assert_eq!(code, "implausible_time");
    let other = rig.write("boot.time", Value::Time(to), LIMIT).await;
    assert!(matches!(other, WriteAnswer::Refused { .. }), "{other:?}");
    assert_eq!(TOLD.lock().len(), 1);
    rig.runner.stop().await;
}
