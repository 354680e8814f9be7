//! The conformance row, against the simulated device behind a cable that can be cut.

use std::net::SocketAddr;
use std::time::Duration;

use mainstem_adapter::conformance::{Fixture, Observed, Relay, Rig};
use mainstem_adapter::{
    AdapterRunner, AdapterSpec, AdapterState, BoxFuture, EndpointSpec, Kind, WriteAnswer,
};
use mainstem_device::{NAMESPACE_URI, OpcuaDevice, OpcuaOptions, PlantClock, SharedPlant};
use mainstem_model::{Access, Reason, Value};
use serde_json::json;
use tempfile::TempDir;

use super::harness::{PATIENCE, endpoint};
use crate::KIND;

const KEEP_ALIVE_MS: u64 = 200;
const REQUEST_TIMEOUT_MS: u64 = 500;

struct Plc {
    cable: Relay,
    folder: TempDir,
    plant: SharedPlant,
    // The plant lives as long as its clock.
    clock: Option<PlantClock>,
    device: Option<OpcuaDevice>,
}

impl Plc {
    fn new() -> Self {
        Self {
            cable: Relay::new(),
            folder: tempfile::tempdir().unwrap(),
            plant: SharedPlant::new(7),
            clock: None,
            device: None,
        }
    }
}

fn node(name: &str) -> String {
    format!("nsu={NAMESPACE_URI};s={name}")
}

fn subscribed(name: &str, value_type: &str, access: Access, node_name: &str) -> EndpointSpec {
    let operation = json!({ "nodeId": node(node_name), "publishInterval": 100 });
    endpoint(name, value_type, access, operation)
}

impl Fixture for Plc {
    fn kind(&self) -> Kind {
        KIND
    }

    fn spec(&self) -> AdapterSpec {
        let polled = json!({ "nodeId": node("Pressure"), "interval": 100 });
        AdapterSpec {
            name: "press".into(),
            connection: json!({
                "securityPolicy": "None",
                "host": "127.0.0.1",
                "port": self.cable.port(),
                "keepAlive": KEEP_ALIVE_MS,
                "requestTimeout": REQUEST_TIMEOUT_MS,
            }),
            endpoints: vec![
                subscribed("temperature", "f64", Access::Read, "Temperature"),
                subscribed("setpoint", "f64", Access::ReadWrite, "TemperatureSetpoint"),
                subscribed("batch", "text", Access::Read, "Batch"),
                endpoint("pressure", "f32", Access::Read, polled),
            ],
            folder: self.folder.path().join("adapter"),
            home: std::path::PathBuf::new(),
        }
    }

    fn bad_spec(&self) -> (AdapterSpec, Vec<&'static str>) {
        let mut spec = self.spec();
        spec.connection["keepAlive"] = 1.into();
        spec.endpoints[0].operation["nodeId"] = "Temperature".into();
        spec.endpoints[1].operation["publishInterval"] = 1.into();
        let pointers = vec![
            "/connection/keepAlive",
            "/endpoints/0/operation/nodeId",
            "/endpoints/1/operation/publishInterval",
        ];
        (spec, pointers)
    }

    fn bad_address(&self) -> (AdapterSpec, &'static str) {
        let mut spec = self.spec();
        let nowhere = subscribed("nowhere", "f64", Access::Read, "Nowhere");
        spec.endpoints.push(nowhere);
        (spec, "nowhere")
    }

    fn write(&self) -> (&'static str, Value) {
        ("setpoint", Value::F64(42.0))
    }

    fn writes_seen(&self) -> usize {
        let device = self.device.as_ref().unwrap();
        usize::try_from(device.write_count("TemperatureSetpoint")).unwrap()
    }

    fn silence_limit(&self) -> Duration {
        // A second answer may be waited for while a poll is under way.
        Duration::from_millis(KEEP_ALIVE_MS + 2 * REQUEST_TIMEOUT_MS)
    }

    fn start(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let plant = self.plant.clone();
            self.clock
                .get_or_insert_with(|| PlantClock::start(vec![plant]));
            if self.device.is_none() {
                let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
                let options = OpcuaOptions::new(any, self.folder.path().join("device"));
                let device = OpcuaDevice::start(options, self.plant.clone()).await;
                self.device = Some(device.unwrap());
            }
            let far = self.device.as_ref().unwrap().address();
            self.cable.start(far).await;
        })
    }

    fn stop<'a>(&'a mut self, _runner: &'a AdapterRunner) -> BoxFuture<'a, ()> {
        // The device itself stays: the crate's other tests restart servers.
        Box::pin(self.cable.stop())
    }

    fn freeze<'a>(&'a mut self, _runner: &'a AdapterRunner) -> BoxFuture<'a, ()> {
        self.cable.fall_silent();
        Box::pin(async {})
    }

    fn garbage(&mut self) -> BoxFuture<'_, ()> {
        self.cable.talk_nonsense();
        Box::pin(async {})
    }
}

mainstem_adapter::conformance_suite! { with_peer(all) Plc::new() }

#[tokio::test]
async fn a_constant_value_is_kept_from_becoming_stale_by_signs_of_life() {
    let mut plc = Plc::new();
    plc.start().await;
    let mut spec = plc.spec();
    // Nobody writes the setpoint, so the server sends it once and then only signs of life.
    spec.endpoints = vec![EndpointSpec {
        stale_after: Some(Duration::from_secs(1)),
        ..subscribed("setpoint", "f64", Access::Read, "TemperatureSetpoint")
    }];
    let rig = Rig::start(KIND, spec);
    let is_kept = |seen: &Observed| {
        let stale = seen
            .samples
            .iter()
            .filter(|(_, sample)| sample.quality.reason == Reason::Stale);
        assert_eq!(stale.count(), 0, "{seen:?}");
        // The first is the value's own; each of the others lies half a second later.
        (*seen.confirmations.get(&None)? > 6).then_some(seen.samples.len())
    };
    let samples = rig
        .witness
        .until("six signs of life", PATIENCE, is_kept)
        .await;
    assert_eq!(samples, 1, "it was sent once");
    rig.runner.stop().await;
}

#[tokio::test]
async fn what_ends_the_session_is_counted_once() {
    let mut plc = Plc::new();
    plc.start().await;
    let rig = Rig::start(KIND, plc.spec());
    let is_good = |seen: &Observed| {
        let point = seen.find("pressure")?;
        seen.quality(point)?.is_good().then_some(())
    };
    rig.witness.until("good", PATIENCE, is_good).await;
    let before = rig.runner.view().statistics.errors;
    assert!(before.is_empty(), "{before:?}");
    let applied = rig.write("setpoint", Value::F64(30.0), PATIENCE).await;
    assert_eq!(applied, WriteAnswer::Applied { verified: true });
    // A write, its type known, and perhaps a poll are under way when the connection closes.
    plc.freeze(&rig.runner).await;
    let write = rig.write("setpoint", Value::F64(31.0), PATIENCE);
    let write = tokio::spawn(write);
    plc.stop(&rig.runner).await;
    let answer = write.await.unwrap();
    assert!(!matches!(answer, WriteAnswer::Applied { .. }), "{answer:?}");
    let lost = |seen: &Observed| {
        let last = seen.standings.last()?;
        last.cause.as_ref().map(|cause| cause.code)
    };
    let code = rig.witness.until("lost", PATIENCE, lost).await;
    // Whether a poll or the session's own loop meets the end first is not ours to say.
    rig.runner.pause();
    rig.witness
        .until_state(AdapterState::Paused, PATIENCE)
        .await;
    let errors = rig.runner.view().statistics.errors;
    assert_eq!(errors.get(code), Some(&1), "{errors:?}");
    let tries = ["connection_refused", code];
    let others = errors.keys().filter(|code| !tries.contains(code));
    assert_eq!(others.count(), 0, "{errors:?}");
    rig.runner.stop().await;
}
