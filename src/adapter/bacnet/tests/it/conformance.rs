//! The conformance row, against bacpypes3 behind a cable that can be cut.

use std::time::Duration;

use mainstem_adapter::conformance::Fixture;
use mainstem_adapter::{AdapterRunner, AdapterSpec, BoxFuture, EndpointSpec, Kind, Scaling};
use mainstem_adapter_bacnet::KIND;
use mainstem_model::{Access, Value};
use serde_json::{Value as Json, json};

use crate::cable::{Cable, Mood};
use crate::foreign::{Foreign, is_there};
use crate::rig;

/// A machine that is busy with other tests answers late.
const TIMEOUT: Duration = Duration::from_millis(700);
const INTERVAL: Duration = Duration::from_millis(50);

struct AirHandler {
    cable: Cable,
    device: Option<Foreign>,
}

impl AirHandler {
    fn new() -> Self {
        Self {
            cable: Cable::new(),
            device: None,
        }
    }
}

fn endpoint(name: &str, access: Access, operation: Json) -> EndpointSpec {
    EndpointSpec {
        name: name.into(),
        interval: Some(INTERVAL),
        ..rig::endpoint(access, operation)
    }
}

fn object(kind: &str, instance: u32) -> Json {
    json!({ "objectType": kind, "objectInstance": instance })
}

fn spec(port: u16) -> AdapterSpec {
    let scaling = Some(Scaling {
        factor: 0.5,
        offset: 0.0,
    });
    AdapterSpec {
        name: "ahu".into(),
        connection: json!({
            "deviceInstance": 2101,
            "deviceAddress": format!("127.0.0.1:{port}"),
            "timeout": u64::try_from(TIMEOUT.as_millis()).unwrap(),
            "retries": 0,
        }),
        endpoints: vec![
            endpoint("temperature", Access::Read, object("analog-input", 1)),
            EndpointSpec {
                scaling,
                ..endpoint("setpoint", Access::ReadWrite, object("analog-value", 1))
            },
            endpoint("fan", Access::ReadWrite, object("binary-output", 1)),
            endpoint("name", Access::Read, object("characterstring-value", 1)),
        ],
        folder: "unused".into(),
        home: std::path::PathBuf::new(),
    }
}

impl Fixture for AirHandler {
    fn kind(&self) -> Kind {
        KIND
    }

    fn spec(&self) -> AdapterSpec {
        spec(self.cable.port)
    }

    fn bad_spec(&self) -> (AdapterSpec, Vec<&'static str>) {
        let mut spec = self.spec();
        spec.connection["timeout"] = 5.into();
        spec.endpoints[0].operation["objectType"] = "thermometer".into();
        spec.endpoints[1].operation["dataType"] = "money".into();
        spec.endpoints[2].operation["property"] = "colour".into();
        let pointers = vec![
            "/connection/timeout",
            "/endpoints/0/operation/objectType",
            "/endpoints/1/operation/dataType",
            "/endpoints/2/operation/property",
        ];
        (spec, pointers)
    }

    fn bad_address(&self) -> (AdapterSpec, &'static str) {
        let mut spec = self.spec();
        let operation = object("analog-input", 77);
        spec.endpoints
            .push(endpoint("nowhere", Access::Read, operation));
        (spec, "nowhere")
    }

    fn write(&self) -> (&'static str, Value) {
        ("setpoint", Value::F64(21.0))
    }

    fn writes_seen(&self) -> usize {
        self.cable.writes()
    }

    fn silence_limit(&self) -> Duration {
        TIMEOUT + INTERVAL
    }

    fn start(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            if self.device.is_none() {
                self.device = Foreign::start(&[]).await;
            }
            self.cable.plug(self.device.as_ref().unwrap().port);
        })
    }

    fn stop<'a>(&'a mut self, _runner: &'a AdapterRunner) -> BoxFuture<'a, ()> {
        Box::pin(async {
            self.device = None;
        })
    }

    fn freeze<'a>(&'a mut self, _runner: &'a AdapterRunner) -> BoxFuture<'a, ()> {
        self.cable.mood(Mood::Silent);
        Box::pin(async {})
    }

    fn garbage(&mut self) -> BoxFuture<'_, ()> {
        self.cable.mood(Mood::Nonsense);
        Box::pin(async {})
    }
}

fn air_handler(_: &str) -> Option<AirHandler> {
    is_there().then(AirHandler::new)
}

mainstem_adapter::conformance_suite! { with_foreign(all) air_handler }
