//! The conformance rows of both kinds, against a machine behind a cable that can be cut. They are
//! only read, so the rules about writes have no meaning for them.

use std::time::Duration;

use mainstem_adapter::conformance::{self, Fixture, Program, Relay};
use mainstem_adapter::{AdapterRunner, AdapterSpec, BoxFuture, Kind};
use mainstem_adapter_mtconnect::{AGENT, SHDR};
use serde_json::{Value as Json, json};

use crate::rig::{agent_port, machine, read};

struct Mill {
    kind: Kind,
    cable: Relay,
    machine: Option<Program>,
}

/// Nothing where there is no machine.
fn mill(kind: Kind) -> Option<Mill> {
    conformance::python("MTConnect against a machine in Python")?;
    Some(Mill {
        kind,
        cable: Relay::new(),
        machine: None,
    })
}

impl Mill {
    fn connection(&self) -> Json {
        let (host, port) = ("127.0.0.1", self.cable.port());
        match self.kind.name {
            "shdr" => json!({ "host": host, "port": port, "timeout": 800, "pingInterval": 100 }),
            _ => json!({
                "host": host, "port": port, "timeout": 800, "heartbeat": 200, "interval": 20,
            }),
        }
    }
}

impl Fixture for Mill {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn spec(&self) -> AdapterSpec {
        let mut endpoints = vec![
            read("Xact", "sample"),
            read("execution", "event"),
            read("Ppos", "vector"),
        ];
        for (endpoint, name) in endpoints.iter_mut().zip(["x", "execution", "position"]) {
            endpoint.name = name.into();
        }
        AdapterSpec {
            name: "mill".into(),
            connection: self.connection(),
            endpoints,
            folder: "unused".into(),
            home: std::path::PathBuf::new(),
        }
    }

    fn bad_spec(&self) -> (AdapterSpec, Vec<&'static str>) {
        let mut spec = self.spec();
        spec.connection["timeout"] = 5.into();
        spec.endpoints[0].operation["dataType"] = "money".into();
        spec.endpoints[1].operation["colour"] = "red".into();
        let pointers = vec![
            "/connection/timeout",
            "/endpoints/0/operation/dataType",
            "/endpoints/1/operation/colour",
        ];
        (spec, pointers)
    }

    fn bad_address(&self) -> (AdapterSpec, &'static str) {
        let mut spec = self.spec();
        let mut nowhere = read("nothing", "event");
        nowhere.name = "nowhere".into();
        spec.endpoints.push(nowhere);
        (spec, "nowhere")
    }

    fn silence_limit(&self) -> Duration {
        Duration::from_millis(1_500)
    }

    fn start(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            if self.machine.is_none() {
                self.machine = machine(&[]).await;
            }
            let machine = self.machine.as_ref().unwrap();
            let port = match self.kind.name {
                "shdr" => machine.port(),
                _ => agent_port(machine),
            };
            self.cable.start(([127, 0, 0, 1], port).into()).await;
        })
    }

    fn stop<'a>(&'a mut self, _runner: &'a AdapterRunner) -> BoxFuture<'a, ()> {
        Box::pin(async {
            self.machine = None;
            self.cable.stop().await;
        })
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

mod of_shdr {
    use super::*;

    fn shdr(_: &str) -> Option<Mill> {
        mill(SHDR)
    }

    mainstem_adapter::conformance_suite!(with_foreign shdr;
        bad_configuration_reports_all_problems,
        comes_online_with_values,
        bad_address_is_one_bad_point,
        closed_peer_is_found_and_found_again,
        half_open_peer_hits_the_timeout,
        garbage_does_no_harm,
        stop_is_prompt_and_final,
        reconnects_leak_no_task,
    );
}

mod of_agents {
    use super::*;

    fn agent(_: &str) -> Option<Mill> {
        mill(AGENT)
    }

    mainstem_adapter::conformance_suite!(with_foreign agent;
        bad_configuration_reports_all_problems,
        comes_online_with_values,
        bad_address_is_one_bad_point,
        closed_peer_is_found_and_found_again,
        half_open_peer_hits_the_timeout,
        garbage_does_no_harm,
        stop_is_prompt_and_final,
        reconnects_leak_no_task,
    );
}
