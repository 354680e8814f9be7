//! The conformance row, against Mosquitto behind a cable that can be cut.

use std::time::Duration;

use mainstem_adapter::conformance::{Fixture, Relay};
use mainstem_adapter::{AdapterRunner, AdapterSpec, BoxFuture, Kind};
use mainstem_adapter_mqtt::KIND;
use mainstem_model::{Access, Value};
use serde_json::json;

use crate::broker::{Broker, Ear};
use crate::rig;

struct Hall {
    cable: Relay,
    peer: Option<(Broker, Ear)>,
    version: &'static str,
    /// Writes that brokers before this one have seen.
    before: usize,
}

impl Hall {
    fn new(version: &'static str) -> Self {
        Self {
            cable: Relay::new(),
            peer: None,
            version,
            before: 0,
        }
    }
}

impl Fixture for Hall {
    fn kind(&self) -> Kind {
        KIND
    }

    fn spec(&self) -> AdapterSpec {
        let pieces = json!({"topic": "hall/state", "pointer": "/counters/pieces"});
        let endpoints = vec![
            rig::endpoint(
                "temperature",
                Access::Read,
                "f64",
                json!({"topic": "hall/t"}),
            ),
            rig::endpoint("pieces", Access::Read, "u32", pieces),
            rig::endpoint(
                "setpoint",
                Access::Write,
                "f64",
                json!({"topic": "hall/setpoint"}),
            ),
        ];
        rig::spec(
            self.cable.port(),
            &json!({"version": self.version}),
            endpoints,
        )
    }

    fn bad_spec(&self) -> (AdapterSpec, Vec<&'static str>) {
        let mut spec = self.spec();
        spec.connection["scheme"] = "mqtts".into();
        spec.endpoints[0].operation["topic"] = "a#".into();
        spec.endpoints[1].operation["pointer"] = "counters".into();
        spec.endpoints[2].operation["topic"] = "hall/+".into();
        let pointers = vec![
            "/connection/tls",
            "/endpoints/0/operation/topic",
            "/endpoints/1/operation/pointer",
            "/endpoints/2/operation/topic",
        ];
        (spec, pointers)
    }

    fn bad_address(&self) -> (AdapterSpec, &'static str) {
        let mut spec = self.spec();
        let nowhere = json!({"topic": "hall/nowhere"});
        spec.endpoints
            .push(rig::endpoint("nowhere", Access::Read, "f64", nowhere));
        (spec, "nowhere")
    }

    fn write(&self) -> (&'static str, Value) {
        ("setpoint", Value::F64(42.0))
    }

    fn writes_seen(&self) -> usize {
        let here = self.peer.as_ref();
        self.before + here.map_or(0, |(broker, ear)| ear.settled(broker))
    }

    fn silence_limit(&self) -> Duration {
        // Two keepalives.
        Duration::from_secs(11)
    }

    fn start(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            if self.peer.is_none() {
                let broker = Broker::start();
                broker.publish("hall/t", br#"{"value":21.5}"#, &["-r"]);
                broker.publish("hall/state", br#"{"counters":{"pieces":7}}"#, &["-r"]);
                let ear = Ear::start(&broker, "hall/setpoint");
                self.peer = Some((broker, ear));
            }
            if let Some((broker, _)) = &self.peer {
                broker.signal("CONT");
                self.cable.start(([127, 0, 0, 1], broker.port).into()).await;
            }
        })
    }

    fn stop<'a>(&'a mut self, _runner: &'a AdapterRunner) -> BoxFuture<'a, ()> {
        Box::pin(async {
            // It may be frozen, and then nothing more can be asked of it.
            self.before += self.peer.as_ref().map_or(0, |(_, ear)| ear.count());
            drop(self.peer.take());
            self.cable.stop().await;
        })
    }

    fn freeze<'a>(&'a mut self, _runner: &'a AdapterRunner) -> BoxFuture<'a, ()> {
        if let Some((broker, _)) = &self.peer {
            broker.signal("STOP");
        }
        Box::pin(async {})
    }

    fn garbage(&mut self) -> BoxFuture<'_, ()> {
        self.cable.talk_nonsense();
        Box::pin(async {})
    }
}

mod three {
    use super::Hall;

    mainstem_adapter::conformance_suite! { with_peer(all) Hall::new("3.1.1") }
}

mod five {
    use super::Hall;

    mainstem_adapter::conformance_suite!(with_peer Hall::new("5");
        comes_online_with_values,
        write_is_answered_once,
        write_is_answered_when_the_link_is_lost,
        closed_peer_is_found_and_found_again,
        garbage_does_no_harm,
        stop_is_prompt_and_final,
    );
}
