//! The conformance row, against the simulated device behind a cable that can be cut.

use std::net::SocketAddr;
use std::time::Duration;

use mainstem_adapter::conformance::{Fixture, Relay};
use mainstem_adapter::{AdapterRunner, AdapterSpec, BoxFuture, EndpointSpec, Kind, Scaling};
use mainstem_adapter_modbus::KIND;
use mainstem_device::{DEFAULT_UNIT, ModbusDevice, SharedPlant, Table};
use mainstem_model::{Access, Value};
use serde_json::{Value as Json, json};

use crate::rig;

const SOCKET_TIMEOUT: Duration = Duration::from_millis(300);
const INTERVAL: Duration = Duration::from_millis(40);

struct Plc {
    cable: Relay,
    plant: SharedPlant,
    device: Option<ModbusDevice>,
}

impl Plc {
    fn new() -> Self {
        Self {
            cable: Relay::new(),
            plant: SharedPlant::new(7),
            device: None,
        }
    }

    fn device(&self) -> &ModbusDevice {
        self.device.as_ref().unwrap()
    }
}

fn endpoint(name: &str, access: Access, operation: Json) -> EndpointSpec {
    EndpointSpec {
        name: name.into(),
        interval: Some(INTERVAL),
        ..rig::endpoint(access, operation)
    }
}

fn tenths(endpoint: EndpointSpec) -> EndpointSpec {
    let scaling = Some(Scaling {
        factor: 0.1,
        offset: 0.0,
    });
    EndpointSpec {
        scaling,
        ..endpoint
    }
}

fn spec(port: u16) -> AdapterSpec {
    let int16 = |fc: u8| json!({ "fc": fc, "address": 0, "dataType": "int16BE" });
    let float = json!({ "fc": 4, "address": 7, "dataType": "floatBE" });
    let motor = json!({ "fc": 1, "address": 0 });
    AdapterSpec {
        name: "plc".into(),
        connection: json!({
            "host": "127.0.0.1",
            "port": port,
            "socketTimeout": u64::try_from(SOCKET_TIMEOUT.as_millis()).unwrap(),
        }),
        endpoints: vec![
            tenths(endpoint("temperature", Access::Read, int16(4))),
            endpoint("speed", Access::Read, float),
            tenths(endpoint("setpoint", Access::ReadWrite, int16(3))),
            endpoint("motor", Access::ReadWrite, motor),
        ],
        folder: "unused".into(),
        home: std::path::PathBuf::new(),
    }
}

impl Fixture for Plc {
    fn kind(&self) -> Kind {
        KIND
    }

    fn spec(&self) -> AdapterSpec {
        spec(self.cable.port())
    }

    fn bad_spec(&self) -> (AdapterSpec, Vec<&'static str>) {
        let mut spec = spec(self.cable.port());
        spec.connection["socketTimeout"] = 5.into();
        spec.endpoints[0].operation["fc"] = 9.into();
        spec.endpoints[1].operation["address"] = 65_536.into();
        let pointers = vec![
            "/connection/socketTimeout",
            "/endpoints/0/operation/fc",
            "/endpoints/1/operation/address",
        ];
        (spec, pointers)
    }

    fn bad_address(&self) -> (AdapterSpec, &'static str) {
        let mut spec = self.spec();
        let operation = json!({ "fc": 4, "address": 23, "dataType": "uint16BE" });
        spec.endpoints
            .push(endpoint("nowhere", Access::Read, operation));
        (spec, "nowhere")
    }

    fn write(&self) -> (&'static str, Value) {
        ("setpoint", Value::F64(42.0))
    }

    fn writes_seen(&self) -> usize {
        let count = self
            .device()
            .write_count(DEFAULT_UNIT, Table::HoldingRegisters, 0);
        usize::try_from(count).unwrap()
    }

    fn silence_limit(&self) -> Duration {
        SOCKET_TIMEOUT + INTERVAL
    }

    fn start(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            if self.device.is_none() {
                let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
                let device = ModbusDevice::start(any, self.plant.clone()).await;
                self.device = Some(device.unwrap());
            }
            self.device().faults().thaw();
            let far = self.device().address();
            self.cable.start(far).await;
        })
    }

    fn stop<'a>(&'a mut self, _runner: &'a AdapterRunner) -> BoxFuture<'a, ()> {
        Box::pin(async {
            // The device itself goes, and the cable's port with it.
            if let Some(device) = self.device.take() {
                device.stop().await;
            }
            self.cable.stop().await;
        })
    }

    fn freeze<'a>(&'a mut self, _runner: &'a AdapterRunner) -> BoxFuture<'a, ()> {
        self.device().faults().freeze();
        Box::pin(async {})
    }

    fn garbage(&mut self) -> BoxFuture<'_, ()> {
        self.cable.talk_nonsense();
        Box::pin(async {})
    }
}

mainstem_adapter::conformance_suite! { with_peer(all) Plc::new() }
