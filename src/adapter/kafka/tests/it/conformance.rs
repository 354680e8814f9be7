//! The rules that every kind keeps, with a foreign broker behind a cable.

use std::time::Duration;

use mainstem_adapter::conformance::{Fixture, Relay};
use mainstem_adapter::{AdapterRunner, AdapterSpec, BoxFuture, Kind};
use mainstem_adapter_kafka::KIND;
use mainstem_model::{Access, Value};
use serde_json::json;

use crate::peer::{Peer, endpoint, reads};

struct Cluster {
    peer: Peer,
    relay: Relay,
}

impl Cluster {
    /// Nothing where there is no broker.
    fn new(_: &str) -> Option<Self> {
        let peer = Peer::start(&["press"])?;
        peer.produce("press", r#"{"pressure":4.5,"pieces":12}"#);
        let relay = Relay::new();
        Some(Self { peer, relay })
    }
}

impl Fixture for Cluster {
    fn kind(&self) -> Kind {
        KIND
    }

    fn spec(&self) -> AdapterSpec {
        let written = json!({ "topic": "written", "key": "k" });
        let mut spec = self.peer.spec(vec![
            reads("pressure", "f64", "press", "/pressure"),
            reads("pieces", "u32", "press", "/pieces"),
            endpoint("order", Access::Write, Some("text"), written),
        ]);
        let here = format!("127.0.0.1:{}", self.relay.port());
        spec.connection["addresses"] = json!({ self.peer.address.as_str(): here });
        spec
    }

    fn bad_spec(&self) -> (AdapterSpec, Vec<&'static str>) {
        let mut spec = self.spec();
        spec.connection["brokers"] = json!(["kafka1"]);
        spec.connection["acks"] = json!("some");
        spec.endpoints[1].operation = json!({ "topic": "a b", "offset": 1 });
        let pointers = vec!["/connection/acks", "/endpoints/1/operation/offset"];
        (spec, pointers)
    }

    fn bad_address(&self) -> (AdapterSpec, &'static str) {
        let mut spec = self.spec();
        spec.endpoints
            .push(reads("nowhere", "f64", "nowhere", "/value"));
        (spec, "nowhere")
    }

    fn write(&self) -> (&'static str, Value) {
        ("order", Value::text("A-17"))
    }

    fn writes_seen(&self) -> usize {
        self.peer.written()
    }

    fn silence_limit(&self) -> Duration {
        Duration::from_millis(1100)
    }

    fn start(&mut self) -> BoxFuture<'_, ()> {
        let far = self.peer.address.parse().unwrap();
        Box::pin(self.relay.start(far))
    }

    fn stop<'a>(&'a mut self, _runner: &'a AdapterRunner) -> BoxFuture<'a, ()> {
        Box::pin(self.relay.stop())
    }

    fn freeze<'a>(&'a mut self, _runner: &'a AdapterRunner) -> BoxFuture<'a, ()> {
        self.relay.fall_silent();
        Box::pin(async {})
    }

    fn garbage(&mut self) -> BoxFuture<'_, ()> {
        self.relay.talk_nonsense();
        Box::pin(async {})
    }
}

mainstem_adapter::conformance_suite! { with_foreign(all) Cluster::new }
