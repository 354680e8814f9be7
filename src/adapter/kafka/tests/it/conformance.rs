//! The rules that every kind keeps, with a foreign broker behind a cable.

use std::time::Duration;

use mainstem_adapter::conformance::{self, Fixture, Relay};
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
    fn new() -> Option<Self> {
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

/// The suite, where there is a broker.
macro_rules! rules {
    ($($rule:ident),+ $(,)?) => {
        $(#[tokio::test]
        async fn $rule() {
            if let Some(cluster) = Cluster::new() {
                conformance::$rule(Box::new(cluster)).await;
            }
        })+
    };
}

rules!(
    bad_configuration_reports_all_problems,
    comes_online_with_values,
    bad_address_is_one_bad_point,
    write_is_answered_once,
    write_is_answered_when_the_link_is_lost,
    closed_peer_is_found_and_found_again,
    half_open_peer_hits_the_timeout,
    garbage_does_no_harm,
    stop_is_prompt_and_final,
    reconnects_leak_no_task,
);
