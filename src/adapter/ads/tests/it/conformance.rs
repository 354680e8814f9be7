//! The conformance row, against pyads' test server behind a cable that can be cut; against the
//! tests' own PLC where there is no Python.

use std::net::SocketAddr;
use std::time::Duration;

use mainstem_adapter::conformance::{self, Fixture, Relay};
use mainstem_adapter::{AdapterRunner, AdapterSpec, BoxFuture, EndpointSpec, Kind, Scaling};
use mainstem_adapter_ads::KIND;
use mainstem_model::{Access, Value};
use serde_json::{Value as Json, json};

use crate::device::Device;
use crate::foreign::Foreign;
use crate::rig;

// A foreign peer in Python takes its time on a busy machine.
const TIMEOUT: Duration = Duration::from_millis(1500);
const INTERVAL: Duration = Duration::from_millis(100);

enum Peer {
    Foreign(Box<Foreign>),
    Own(Device),
}

struct Plc {
    cable: Relay,
    peer: Option<Peer>,
}

impl Plc {
    fn new() -> Self {
        Self {
            cable: Relay::new(),
            peer: None,
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

impl Fixture for Plc {
    fn kind(&self) -> Kind {
        KIND
    }

    fn spec(&self) -> AdapterSpec {
        let scaling = Some(Scaling {
            factor: 0.1,
            offset: 0.0,
        });
        let speed = json!({ "symbolName": "MAIN.fSpeed" });
        let setpoint = json!({ "symbolName": "MAIN.nSetpoint", "dataType": "INT" });
        conformance::spec(
            json!({
                "host": "127.0.0.1",
                "netId": "5.1.2.3.1.1",
                "routerTcpPort": self.cable.port(),
                "timeoutDelay": u64::try_from(TIMEOUT.as_millis()).unwrap(),
                "connectionTimeout": 3000,
            }),
            vec![
                endpoint("speed", Access::Read, speed),
                EndpointSpec {
                    scaling,
                    ..endpoint("setpoint", Access::ReadWrite, setpoint)
                },
                endpoint(
                    "again",
                    Access::Read,
                    json!({ "symbolName": "MAIN.nSetpoint" }),
                ),
            ],
        )
    }

    fn bad_spec(&self) -> (AdapterSpec, Vec<&'static str>) {
        let mut spec = self.spec();
        spec.connection["timeoutDelay"] = 5.into();
        spec.endpoints[0].operation["symbolName"] = "nine lives".into();
        spec.endpoints[1].operation["dataType"] = "MONEY".into();
        let pointers = vec![
            "/connection/timeoutDelay",
            "/endpoints/0/operation/symbolName",
            "/endpoints/1/operation/dataType",
        ];
        (spec, pointers)
    }

    fn bad_address(&self) -> (AdapterSpec, &'static str) {
        let mut spec = self.spec();
        let operation = json!({ "symbolName": "MAIN.nNowhere", "dataType": "INT" });
        spec.endpoints
            .push(endpoint("nowhere", Access::Read, operation));
        (spec, "nowhere")
    }

    fn write(&self) -> (&'static str, Value) {
        ("setpoint", Value::F64(42.0))
    }

    fn writes_seen(&self) -> usize {
        match &self.peer {
            Some(Peer::Foreign(foreign)) => foreign.writes().len(),
            Some(Peer::Own(device)) => device.memory.lock().writes,
            None => 0,
        }
    }

    fn silence_limit(&self) -> Duration {
        TIMEOUT + INTERVAL
    }

    fn start(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            if self.peer.is_none() {
                self.peer = Some(match Foreign::start().await {
                    Some(foreign) => Peer::Foreign(Box::new(foreign)),
                    None => Peer::Own(Device::start().await),
                });
            }
            let port = match self.peer.as_ref().unwrap() {
                Peer::Foreign(foreign) => foreign.port,
                Peer::Own(device) => device.port(),
            };
            self.cable
                .start(SocketAddr::from(([127, 0, 0, 1], port)))
                .await;
        })
    }

    fn stop<'a>(&'a mut self, _runner: &'a AdapterRunner) -> BoxFuture<'a, ()> {
        // The process goes on; what the adapter sees of it is the cable.
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
