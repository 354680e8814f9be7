//! The conformance row, against a real server behind a cable that can be cut.

use std::net::SocketAddr;
use std::time::Duration;

use mainstem_adapter::conformance::{Fixture, Relay};
use mainstem_adapter::{AdapterRunner, AdapterSpec, BoxFuture, Kind};
use mainstem_adapter_influxdb::KIND;
use mainstem_device::InfluxServer;
use mainstem_model::{Access, Value};
use serde_json::json;

use crate::rig::{self, endpoint, reads};

struct Plugged {
    cable: Relay,
    server: InfluxServer,
}

impl Plugged {
    fn new(server: InfluxServer) -> Self {
        server.influx("INSERT stock count=7i").unwrap();
        Self {
            cable: Relay::new(),
            server,
        }
    }
}

impl Fixture for Plugged {
    fn kind(&self) -> Kind {
        KIND
    }

    fn spec(&self) -> AdapterSpec {
        let all = json!({"query": "SELECT * FROM stock", "interval": 100});
        let endpoints = vec![
            reads("stock", "i64", "SELECT last(count) FROM stock"),
            endpoint("all", Access::Read, "json", all),
            endpoint(
                "order",
                Access::Write,
                "f64",
                json!({"measurement": "orders"}),
            ),
        ];
        rig::spec(self.cable.port(), &json!({}), endpoints)
    }

    fn bad_spec(&self) -> (AdapterSpec, Vec<&'static str>) {
        let mut spec = self.spec();
        spec.connection["precision"] = "minutes".into();
        spec.endpoints[0].operation["measurement"] = "x".into();
        spec.endpoints[1].operation["language"] = "flux".into();
        let pointers = vec![
            "/connection/precision",
            "/endpoints/0/operation/measurement",
        ];
        spec.endpoints[1].operation["language"] = "influxql".into();
        (spec, pointers)
    }

    fn bad_address(&self) -> (AdapterSpec, &'static str) {
        let mut spec = self.spec();
        spec.endpoints.push(reads(
            "nowhere",
            "f64",
            "SELECT x FROM \"nowhere\".\"y\".\"z\"",
        ));
        (spec, "nowhere")
    }

    fn write(&self) -> (&'static str, Value) {
        ("order", Value::F64(42.5))
    }

    fn writes_seen(&self) -> usize {
        let said = self
            .server
            .influx("SELECT count(value) FROM orders WHERE value = 42.5");
        let said = said.unwrap();
        let count = said.lines().last().and_then(|line| line.rsplit(',').next());
        count
            .and_then(|count| count.parse().ok())
            .unwrap_or_default()
    }

    fn silence_limit(&self) -> Duration {
        // A request and the probe behind it.
        Duration::from_millis(1500)
    }

    fn start(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.server.thaw();
            let address = SocketAddr::from(([127, 0, 0, 1], self.server.port()));
            self.cable.start(address).await;
        })
    }

    fn stop<'a>(&'a mut self, _runner: &'a AdapterRunner) -> BoxFuture<'a, ()> {
        Box::pin(self.cable.stop())
    }

    fn freeze<'a>(&'a mut self, _runner: &'a AdapterRunner) -> BoxFuture<'a, ()> {
        self.server.freeze();
        Box::pin(async {})
    }

    fn garbage(&mut self) -> BoxFuture<'_, ()> {
        self.cable.talk_nonsense();
        Box::pin(async {})
    }
}

fn plugged(rule: &str) -> Option<Plugged> {
    rig::influx(&format!("influxdb {rule}")).map(Plugged::new)
}

mainstem_adapter::conformance_suite! { with_foreign(all) plugged }
