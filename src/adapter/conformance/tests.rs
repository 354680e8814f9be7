//! The suite under test: a small line protocol over TCP has to pass every rule, and adapters with
//! one fault each have to be caught.

mod line_kind;
mod line_peer;

use std::time::Duration;

use line_kind::{KIND, REQUEST_TIMEOUT, spec};
use line_peer::LinePeer;
use mainstem_model::Value;

use super::*;
use crate::{AdapterRunner, AdapterSpec, BoxFuture, Kind};

struct Line {
    kind: Kind,
    peer: LinePeer,
}

impl Line {
    fn new() -> Self {
        Self {
            kind: KIND,
            peer: LinePeer::new(),
        }
    }

    fn with_fault(fault: &'static str) -> Self {
        Self {
            kind: Kind {
                name: fault,
                build: line_kind::build_for(fault),
                ..KIND
            },
            ..Self::new()
        }
    }
}

impl Fixture for Line {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn spec(&self) -> AdapterSpec {
        spec(self.peer.port(), &["temperature", "setpoint"])
    }

    fn bad_spec(&self) -> (AdapterSpec, Vec<&'static str>) {
        let mut spec = spec(0, &["temperature"]);
        spec.endpoints[0].operation = serde_json::json!({"key": 7});
        (spec, vec!["/connection/port", "/endpoints/0/operation/key"])
    }

    fn bad_address(&self) -> (AdapterSpec, &'static str) {
        (
            spec(self.peer.port(), &["temperature", "nowhere", "setpoint"]),
            "nowhere",
        )
    }

    fn write(&self) -> (&'static str, Value) {
        ("setpoint", Value::F64(42.0))
    }

    fn writes_seen(&self) -> usize {
        self.peer.writes_seen()
    }

    fn silence_limit(&self) -> Duration {
        REQUEST_TIMEOUT
    }

    fn start(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(self.peer.start())
    }

    fn stop<'a>(&'a mut self, _runner: &'a AdapterRunner) -> BoxFuture<'a, ()> {
        Box::pin(self.peer.stop())
    }

    fn freeze<'a>(&'a mut self, _runner: &'a AdapterRunner) -> BoxFuture<'a, ()> {
        self.peer.fall_silent();
        Box::pin(async {})
    }

    fn garbage(&mut self) -> BoxFuture<'_, ()> {
        self.peer.talk_garbage();
        Box::pin(async {})
    }
}

crate::conformance_suite! { with_peer(all) Line::new() }

/// Each fault is caught by its rule.
mod caught {
    use super::*;

    fn faulty(fault: &'static str) -> Box<Line> {
        Box::new(Line::with_fault(fault))
    }

    #[tokio::test]
    #[should_panic(expected = "no problem at /endpoints/0/operation/key")]
    async fn first_problem_only() {
        crate::conformance::bad_configuration_reports_all_problems(faulty("first problem only"))
            .await;
    }

    #[tokio::test]
    #[should_panic(expected = "one bad, the others good")]
    async fn dies_of_one_address() {
        crate::conformance::bad_address_is_one_bad_point(faulty("dies of one address")).await;
    }

    #[tokio::test]
    #[should_panic(expected = "the device's own count")]
    async fn says_applied_and_did_nothing() {
        crate::conformance::write_is_answered_once(faulty("says applied")).await;
    }

    #[tokio::test]
    #[should_panic(expected = "Applied")]
    async fn says_applied_to_a_dead_link() {
        crate::conformance::write_is_answered_when_the_link_is_lost(faulty("says applied")).await;
    }

    #[tokio::test]
    #[should_panic(expected = "the silence is told")]
    async fn waits_for_ever() {
        crate::conformance::half_open_peer_hits_the_timeout(faulty("waits for ever")).await;
    }

    #[tokio::test]
    #[should_panic(expected = "stop took")]
    async fn ignores_stop() {
        crate::conformance::stop_is_prompt_and_final(faulty("ignores stop")).await;
    }

    #[tokio::test]
    #[should_panic(expected = "after 10 reconnects")]
    async fn leaves_tasks() {
        crate::conformance::reconnects_leak_no_task(faulty("leaves tasks")).await;
    }
}
