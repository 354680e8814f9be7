//! librdkafka's mock cluster and its clients: a broker and a client by somebody else, over sockets.

use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use mainstem_adapter::conformance::python;
use mainstem_adapter::{AdapterSpec, EndpointSpec};
use mainstem_model::Access;
use parking_lot::Mutex;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
const PEER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../../tests/interop/kafka_broker.py"
);

pub(crate) struct Peer {
    /// Where the broker says that it is.
    pub(crate) address: String,
    pub(crate) folder: TempDir,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    child: Child,
}

impl Peer {
    /// A broker with these topics, or nothing and a word about it if no Python was named.
    pub(crate) fn start(topics: &[&str]) -> Option<Self> {
        let python = python("Kafka against librdkafka")?;
        let folder = TempDir::new().unwrap();
        let mut child = Command::new(python)
            .arg(PEER)
            .args(topics)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let address = line(&mut output);
        Some(Self {
            address,
            folder,
            pipes: Mutex::new((input, output)),
            child,
        })
    }

    pub(crate) fn command(&self, command: &Json) -> Json {
        let (input, output) = &mut *self.pipes.lock();
        writeln!(input, "{command}").unwrap();
        serde_json::from_str(&line(output)).unwrap()
    }

    /// A message without anything special.
    pub(crate) fn produce(&self, topic: &str, value: &str) {
        let command = json!({ "op": "produce", "topic": topic, "value": value, "partition": 0 });
        self.command(&command);
    }

    /// How many messages the topic `written` has.
    pub(crate) fn written(&self) -> usize {
        let count = self.command(&json!({ "op": "count", "topic": "written" }));
        usize::try_from(count.as_u64().unwrap()).unwrap()
    }

    /// A connection to it.
    pub(crate) fn spec(&self, endpoints: Vec<EndpointSpec>) -> AdapterSpec {
        let connection = json!({
            "brokers": [self.address],
            "maxWaitMs": 100,
            "requestTimeoutMs": 1000,
            "connectTimeoutMs": 2000,
        });
        spec(connection, endpoints, &self.folder)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn line(output: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert!(line.ends_with('\n'), "the peer has ended");
    line.trim_end().to_owned()
}

pub(crate) fn spec(
    connection: Json,
    endpoints: Vec<EndpointSpec>,
    folder: &TempDir,
) -> AdapterSpec {
    AdapterSpec {
        name: "kafka".into(),
        connection,
        endpoints,
        folder: folder.path().join("adapter"),
        home: folder.path().to_owned(),
    }
}

/// An endpoint, its operation in full.
pub(crate) fn endpoint(
    name: &str,
    access: Access,
    kind: Option<&str>,
    operation: Json,
) -> EndpointSpec {
    EndpointSpec {
        name: name.into(),
        operation,
        interval: None,
        access,
        value_type: kind.map(|kind| kind.parse().unwrap()),
        unit: None,
        description: None,
        limits: None,
        scaling: None,
        time: None,
        stale_after: None,
        life: None,
    }
}

/// One that reads a topic from its beginning, each time.
pub(crate) fn reads(name: &str, kind: &str, topic: &str, pointer: &str) -> EndpointSpec {
    let operation = json!({
        "topic": topic, "from": "earliest", "keep": false, "pointer": pointer,
    });
    endpoint(name, Access::Read, Some(kind), operation)
}
