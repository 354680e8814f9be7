//! The rules that every kind keeps, with a program that is polled and one that sends by itself.

use std::path::PathBuf;
use std::time::Duration;

use mainstem_adapter::conformance::Fixture;
use mainstem_adapter::{AdapterRunner, AdapterSpec, BoxFuture, Kind};
use mainstem_model::{Access, Value};
use serde_json::json;

use super::guests::Guests;
use super::{endpoint, spec};
use crate::KIND;

const SILENCE: Duration = Duration::from_secs(1);

/// A program whose device is a file.
struct Peer {
    folder: tempfile::TempDir,
    mode: &'static str,
    /// Whether it comes by itself, over a wire that the tests have in place of the API.
    guests: Option<Guests>,
}

impl Peer {
    fn new(mode: &'static str) -> Self {
        let peer = Self {
            folder: tempfile::tempdir().unwrap(),
            mode,
            guests: None,
        };
        peer.device("run");
        peer
    }

    fn guest(mode: &'static str) -> Self {
        let guests = Some(Guests::default());
        Self {
            guests,
            ..Self::new(mode)
        }
    }

    /// At once and as a whole: the program reads it all the time.
    fn device(&self, state: &str) {
        let path = self.folder.path();
        std::fs::write(path.join("next"), state).unwrap();
        std::fs::rename(path.join("next"), path.join("device")).unwrap();
    }
}

impl Fixture for Peer {
    fn kind(&self) -> Kind {
        KIND
    }

    fn spec(&self) -> AdapterSpec {
        let home = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let folder = self.folder.path().to_str().unwrap();
        let command = json!(["python3", "tests/peer.py", folder, self.mode]);
        let is_guest = self.guests.is_some();
        let connection = json!({
            "command": if is_guest { json!([]) } else { command },
            "remote": is_guest,
            "intervalMs": 50,
            "silenceMs": u64::try_from(SILENCE.as_millis()).unwrap(),
            "answerTimeoutMs": u64::try_from(SILENCE.as_millis()).unwrap(),
        });
        spec(connection, &home)
    }

    fn bad_spec(&self) -> (AdapterSpec, Vec<&'static str>) {
        let mut spec = self.spec();
        spec.connection["command"] = json!([]);
        spec.connection["silenceMs"] = 1.into();
        spec.endpoints[1].operation = json!({ "adress": 1 });
        let pointers = vec![
            "/connection/command",
            "/connection/silenceMs",
            "/endpoints/1/operation",
        ];
        (spec, pointers)
    }

    fn bad_address(&self) -> (AdapterSpec, &'static str) {
        let mut spec = self.spec();
        spec.endpoints
            .push(endpoint("nowhere", "nowhere", Access::Read));
        (spec, "nowhere")
    }

    fn write(&self) -> (&'static str, Value) {
        ("inflow", Value::F64(4.5))
    }

    fn writes_seen(&self) -> usize {
        let seen = std::fs::read(self.folder.path().join("writes"));
        seen.map_or(0, |writes| writes.len())
    }

    fn silence_limit(&self) -> Duration {
        SILENCE
    }

    fn attach(&self, runner: &AdapterRunner) {
        if let Some(guests) = &self.guests {
            guests.come(&runner.door().unwrap(), self.folder.path(), self.mode);
        }
    }

    fn start(&mut self) -> BoxFuture<'_, ()> {
        self.device("run");
        Box::pin(async {})
    }

    fn stop<'a>(&'a mut self, _runner: &'a AdapterRunner) -> BoxFuture<'a, ()> {
        self.device("gone");
        Box::pin(async {})
    }

    fn freeze<'a>(&'a mut self, _runner: &'a AdapterRunner) -> BoxFuture<'a, ()> {
        self.device("frozen");
        Box::pin(async {})
    }

    fn garbage(&mut self) -> BoxFuture<'_, ()> {
        self.device("garbage");
        Box::pin(async {})
    }
}

mod polled {
    use super::Peer;

    mainstem_adapter::conformance_suite! { with_peer(all) Peer::new("polled") }
}

mod comes_and_is_polled {
    use super::Peer;

    mainstem_adapter::conformance_suite!(with_peer Peer::guest("polled");
        comes_online_with_values, bad_address_is_one_bad_point, write_is_answered_once,
        stop_is_prompt_and_final, closed_peer_is_found_and_found_again,
        half_open_peer_hits_the_timeout, write_is_answered_when_the_link_is_lost,
        garbage_does_no_harm, reconnects_leak_no_task,
    );
}

mod comes_and_sends {
    use super::Peer;

    mainstem_adapter::conformance_suite!(with_peer Peer::guest("sends");
        comes_online_with_values, bad_address_is_one_bad_point, write_is_answered_once,
        stop_is_prompt_and_final, closed_peer_is_found_and_found_again,
        half_open_peer_hits_the_timeout, write_is_answered_when_the_link_is_lost,
        garbage_does_no_harm, reconnects_leak_no_task,
    );
}

mod sends {
    use super::Peer;

    mainstem_adapter::conformance_suite!(with_peer Peer::new("sends");
        comes_online_with_values, bad_address_is_one_bad_point, write_is_answered_once,
        stop_is_prompt_and_final, closed_peer_is_found_and_found_again,
        half_open_peer_hits_the_timeout, write_is_answered_when_the_link_is_lost,
        garbage_does_no_harm, reconnects_leak_no_task,
    );
}
