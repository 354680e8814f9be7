//! The conformance row, against a service behind a cable that can be cut.

use std::time::Duration;

use mainstem_adapter::conformance::{Fixture, Relay};
use mainstem_adapter::{AdapterRunner, AdapterSpec, BoxFuture, Kind};
use mainstem_adapter_http::KIND;
use mainstem_model::{Access, Value};
use serde_json::json;

use crate::rig;
use crate::service::{Seen, Service, reply};

struct Mes {
    cable: Relay,
    service: Option<Service>,
}

impl Mes {
    fn new() -> Self {
        Self {
            cable: Relay::new(),
            service: None,
        }
    }
}

fn answer(seen: &Seen) -> String {
    match seen.line.split(' ').nth(1).unwrap_or_default() {
        "/stock" => reply("200 OK", r#"{"items":[{"count":7}]}"#),
        "/setpoint" => reply("200 OK", "42.5"),
        "/" => reply("200 OK", ""),
        _ => reply("404 Not Found", "nothing here"),
    }
}

impl Fixture for Mes {
    fn kind(&self) -> Kind {
        KIND
    }

    fn spec(&self) -> AdapterSpec {
        let stock = json!({"path": "/stock", "pointer": "/items/0/count", "interval": 100});
        let setpoint = json!({"path": "/setpoint", "interval": 100});
        let endpoints = vec![
            rig::endpoint("stock", Access::Read, "i64", stock),
            rig::endpoint("setpoint", Access::Read, "f64", setpoint),
            rig::endpoint("order", Access::Write, "f64", json!({"path": "/setpoint"})),
        ];
        rig::spec(self.cable.port(), &json!({}), endpoints)
    }

    fn bad_spec(&self) -> (AdapterSpec, Vec<&'static str>) {
        let mut spec = self.spec();
        spec.connection["pin"] = "sha256:x".into();
        spec.endpoints[0].operation["pointer"] = "items".into();
        let pointers = vec!["/connection/pin", "/endpoints/0/operation/pointer"];
        (spec, pointers)
    }

    fn bad_address(&self) -> (AdapterSpec, &'static str) {
        let mut spec = self.spec();
        let operation = json!({"path": "/nowhere", "interval": 100});
        let nowhere = rig::endpoint("nowhere", Access::Read, "f64", operation);
        spec.endpoints.push(nowhere);
        (spec, "nowhere")
    }

    fn write(&self) -> (&'static str, Value) {
        ("order", Value::F64(42.0))
    }

    fn writes_seen(&self) -> usize {
        self.service
            .as_ref()
            .map_or(0, |service| service.count("POST /setpoint"))
    }

    fn silence_limit(&self) -> Duration {
        // A poll and the probe behind it.
        Duration::from_millis(1200)
    }

    fn start(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            if self.service.is_none() {
                self.service = Some(Service::start(answer).await);
            }
            if let Some(service) = &self.service {
                service.freeze(false);
                self.cable.start(service.address).await;
            }
        })
    }

    fn stop<'a>(&'a mut self, _runner: &'a AdapterRunner) -> BoxFuture<'a, ()> {
        Box::pin(async {
            if let Some(service) = self.service.take() {
                service.stop();
            }
            self.cable.stop().await;
        })
    }

    fn freeze<'a>(&'a mut self, _runner: &'a AdapterRunner) -> BoxFuture<'a, ()> {
        if let Some(service) = &self.service {
            service.freeze(true);
        }
        Box::pin(async {})
    }

    fn garbage(&mut self) -> BoxFuture<'_, ()> {
        self.cable.talk_nonsense();
        Box::pin(async {})
    }
}

mainstem_adapter::conformance_suite! { with_peer(all) Mes::new() }
