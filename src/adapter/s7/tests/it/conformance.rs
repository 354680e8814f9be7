//! The conformance row, against a CPU behind a cable that can be cut.

use std::time::Duration;

use mainstem_adapter::conformance::{self, Fixture, Relay};
use mainstem_adapter::{AdapterRunner, AdapterSpec, BoxFuture, EndpointSpec, Kind, Scaling};
use mainstem_adapter_s7::KIND;
use mainstem_model::{Access, Value};
use serde_json::{Value as Json, json};

use crate::device::Device;
use crate::rig;

const TIMEOUT: Duration = Duration::from_millis(300);
const INTERVAL: Duration = Duration::from_millis(40);

struct Plc {
    cable: Relay,
    device: Option<Device>,
}

impl Plc {
    fn new() -> Self {
        Self {
            cable: Relay::new(),
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

fn spec(port: u16) -> AdapterSpec {
    let scaling = Some(Scaling {
        factor: 0.1,
        offset: 0.0,
    });
    let setpoint = json!({ "address": "DB1.DBW10", "dataType": "int" });
    conformance::spec(
        json!({
            "host": "127.0.0.1",
            "port": port,
            "operationTimeout": u64::try_from(TIMEOUT.as_millis()).unwrap(),
            "connectionTimeout": 1000,
        }),
        vec![
            endpoint(
                "temperature",
                Access::Read,
                json!({ "address": "DB1.DBD4" }),
            ),
            EndpointSpec {
                scaling,
                ..endpoint("setpoint", Access::ReadWrite, setpoint)
            },
            endpoint("motor", Access::ReadWrite, json!({ "address": "M3.5" })),
            endpoint("door", Access::Read, json!({ "address": "E0.2" })),
        ],
    )
}

impl Fixture for Plc {
    fn kind(&self) -> Kind {
        KIND
    }

    fn spec(&self) -> AdapterSpec {
        spec(self.cable.port())
    }

    fn bad_spec(&self) -> (AdapterSpec, Vec<&'static str>) {
        let mut spec = self.spec();
        spec.connection["operationTimeout"] = 5.into();
        spec.endpoints[0].operation["address"] = "DB1.DBQ0".into();
        spec.endpoints[1].operation["dataType"] = "money".into();
        let pointers = vec![
            "/connection/operationTimeout",
            "/endpoints/0/operation/address",
            "/endpoints/1/operation/dataType",
        ];
        (spec, pointers)
    }

    fn bad_address(&self) -> (AdapterSpec, &'static str) {
        let mut spec = self.spec();
        let operation = json!({ "address": "DB1.DBW200" });
        spec.endpoints
            .push(endpoint("nowhere", Access::Read, operation));
        (spec, "nowhere")
    }

    fn write(&self) -> (&'static str, Value) {
        ("setpoint", Value::F64(42.0))
    }

    fn writes_seen(&self) -> usize {
        self.device
            .as_ref()
            .map_or(0, |device| device.memory.lock().writes)
    }

    fn silence_limit(&self) -> Duration {
        TIMEOUT + INTERVAL
    }

    fn start(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            if self.device.is_none() {
                self.device = Some(Device::start().await);
            }
            let device = self.device.as_ref().unwrap();
            device.memory.lock().frozen = false;
            self.cable.start(device.address).await;
        })
    }

    fn stop<'a>(&'a mut self, _runner: &'a AdapterRunner) -> BoxFuture<'a, ()> {
        Box::pin(async {
            self.device = None;
            self.cable.stop().await;
        })
    }

    fn freeze<'a>(&'a mut self, _runner: &'a AdapterRunner) -> BoxFuture<'a, ()> {
        self.device.as_ref().unwrap().memory.lock().frozen = true;
        Box::pin(async {})
    }

    fn garbage(&mut self) -> BoxFuture<'_, ()> {
        self.cable.talk_nonsense();
        Box::pin(async {})
    }
}

mainstem_adapter::conformance_suite! { with_peer(all) Plc::new() }
