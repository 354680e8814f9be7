//! The Modbus server of a whole node, with foreign clients: pymodbus (`tests/interop`) and mbpoll.

mod hostile;
mod writes;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::skipped::skipped;
use crate::support::TestNode;

const PATIENCE: Duration = Duration::from_secs(60);
const ROLES: &str = "  scada: { read: [ \"!sim.secret\", \"sim.**\" ], \
write: [ sim.level, sim.speed ] }\n";
const DEVICE: &str = "  sim: { type: Connection, properties: { protocol: simulator } }
  level: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, access: rw, \
limits: { min: 0, max: 100 }, subscribe: { signal: setpoint, initial: 20.5, interval: 20ms } } }
  speed: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, access: rw, \
subscribe: { signal: setpoint, initial: -7, interval: 20ms } } }
  locked: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, access: rw, \
subscribe: { signal: setpoint, initial: 3 } } }
  secret: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, \
subscribe: { signal: constant, value: 9 } } }
  flag: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, \
subscribe: { signal: constant, value: true } } }
  text: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, \
subscribe: { signal: constant, value: words } } }
  big: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, \
subscribe: { signal: constant, value: 70000 } } }\n";
const NODES: &[(&str, &str)] = &[
    (
        "level",
        "table: holdingRegisters, address: 0, type: f32, access: rw, status: 2",
    ),
    (
        "level",
        "table: holdingRegisters, address: 4, type: f32, wordOrder: little",
    ),
    (
        "level",
        "table: inputRegisters, address: 0, type: i16, scaling: { factor: 0.1 }, status: 1",
    ),
    (
        "speed",
        "table: holdingRegisters, address: 6, type: i16, access: rw",
    ),
    (
        "locked",
        "table: holdingRegisters, address: 7, type: i16, access: rw",
    ),
    ("flag", "table: coils, address: 0"),
    ("flag", "table: discreteInputs, address: 9, status: 10"),
    (
        "text",
        "table: holdingRegisters, address: 20, type: text, length: 4",
    ),
    ("secret", "table: holdingRegisters, address: 30"),
    ("big", "table: holdingRegisters, address: 40, type: u16"),
    (
        "big",
        "table: holdingRegisters, address: 42, type: f64, wordOrder: little, byteOrder: big",
    ),
    ("nowhere", "table: holdingRegisters, address: 50"),
];

/// The resources of a node: its device, a server with these options, and nodes in it.
pub(super) fn resources(options: &str) -> String {
    let mut text = DEVICE.to_owned();
    text.push_str(&format!(
        "  scada: {{ type: Server::Modbus, properties: {{ port: 0, role: scada, {options} }} }}\n"
    ));
    for (number, (datapoint, what)) in NODES.iter().enumerate() {
        text.push_str(&format!(
            "  r{number}: {{ type: Cybus::Node::Modbus, properties: {{ parent: !ref scada, \
             datapoint: sim.{datapoint}, {what} }} }}\n"
        ));
    }
    text
}

/// A node with such a server, and where it listens.
pub(super) async fn start(options: &str) -> (TestNode, SocketAddr) {
    let node = TestNode::start_roles("[\"**\"]", ROLES, "line1", &resources(options), "").await;
    for name in ["sim.level", "sim.speed", "sim.big", "sim.text", "sim.flag"] {
        node.wait_good(name).await;
    }
    let address = address(&node).await;
    (node, address)
}

/// Where the node's server listens.
pub(super) async fn address(node: &TestNode) -> SocketAddr {
    let (_, list) = node.ask("GET", "modbus-servers", Value::Null).await;
    let text = list["items"][0]["address"].as_str();
    text.unwrap_or_else(|| panic!("{list}")).parse().unwrap()
}

/// A foreign client at work.
pub(super) struct Foreign {
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl Foreign {
    pub(super) fn connect(address: SocketAddr) -> Option<Self> {
        Self::start(&["127.0.0.1", &address.port().to_string()])
    }

    fn start(arguments: &[&str]) -> Option<Self> {
        #[expect(
            clippy::disallowed_methods,
            reason = "a test has no configuration but this"
        )]
        let Some(python) = std::env::var_os("MAINSTEM_PYTHON") else {
            skipped(
                "the Modbus server with pymodbus",
                "MAINSTEM_PYTHON is not set",
            );
            return None;
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/modbus_client.py");
        let mut command = Command::new(python);
        command.arg(script).args(arguments).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        Some(Self {
            stdin: process.stdin.take().unwrap(),
            lines: BufReader::new(process.stdout.take().unwrap()).lines(),
            _process: process,
        })
    }

    pub(super) async fn ask(&mut self, wish: Value) -> Value {
        self.stdin
            .write_all(format!("{wish}\n").as_bytes())
            .await
            .unwrap();
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await;
        let line = line.expect("the client answers").unwrap();
        serde_json::from_str(&line.expect("the client goes on")).unwrap()
    }

    pub(super) async fn read(&mut self, fc: u8, address: u16, count: u16) -> Value {
        self.ask(json!({ "do": "read", "fc": fc, "address": address, "count": count }))
            .await
    }

    pub(super) async fn write(&mut self, fc: u8, address: u16, values: &[u16]) -> Value {
        self.ask(json!({ "do": "write", "fc": fc, "address": address, "values": values }))
            .await
    }

    /// Asks until the answer is as wanted.
    pub(super) async fn until(&mut self, wish: Value, is: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let answer = self.ask(wish.clone()).await;
            if is(&answer) {
                return answer;
            }
            assert!(begun.elapsed() < PATIENCE, "{wish}: {answer}");
        }
    }
}

/// Waits until a datapoint has a value.
pub(super) async fn wait_number(node: &TestNode, name: &str, wanted: f64) {
    let is_so = |view: &mainstem_store::PointView| {
        let number = view.value.as_ref().and_then(mainstem_model::Value::as_f64);
        number.is_some_and(|number| (number - wanted).abs() < 1e-6)
    };
    node.wait(name, &format!("{wanted}"), is_so).await;
}

/// What a read answers that is to have a type.
fn typed(fc: u8, address: u16, count: u16, kind: &str, order: &str) -> Value {
    json!({ "do": "read", "fc": fc, "address": address, "count": count, "as": kind, "order": order })
}

/// Requests, the exception that each is answered by, and why.
fn refused() -> [(Value, u8, &'static str); 6] {
    [
        (
            json!({ "do": "read", "fc": 3, "address": 0, "count": 4 }),
            2,
            "a gap",
        ),
        (
            json!({ "do": "read", "fc": 3, "address": 100, "count": 1 }),
            2,
            "nothing there",
        ),
        (
            json!({ "do": "read", "fc": 3, "address": 30, "count": 1 }),
            2,
            "the role may not",
        ),
        (
            json!({ "do": "read", "fc": 3, "address": 40, "count": 1 }),
            4,
            "does not fit",
        ),
        (
            json!({ "do": "read", "fc": 3, "address": 50, "count": 1 }),
            4,
            "no such datapoint",
        ),
        (
            json!({ "do": "read", "fc": 3, "address": 0, "count": 1, "unit": 7 }),
            11,
            "no such unit",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_client_reads_every_table_in_every_order() {
    let (node, address) = start("allow: [ 127.0.0.1 ]").await;
    let Some(mut client) = Foreign::connect(address) else {
        return;
    };
    let reads = [
        (typed(3, 0, 2, "FLOAT32", "big"), json!(20.5)),
        (typed(3, 4, 2, "FLOAT32", "little"), json!(20.5)),
        (typed(4, 0, 1, "INT16", "big"), json!(205)),
        (typed(3, 6, 1, "INT16", "big"), json!(-7)),
        (typed(3, 42, 4, "FLOAT64", "little"), json!(70000.0)),
        (typed(3, 20, 4, "STRING", "big"), json!("words")),
    ];
    for (wish, value) in reads {
        let answer = client.ask(wish.clone()).await;
        assert_eq!(answer["value"], value, "{wish}: {answer}");
    }
    assert_eq!(client.read(1, 0, 1).await["values"], json!([true]));
    assert_eq!(client.read(2, 9, 2).await["values"], json!([true, true]));
    // Value and status together, and the status of what is good.
    assert_eq!(client.read(3, 0, 3).await["values"], json!([0x41A4, 0, 0]));
    // A server of one unit answers whoever names none.
    let wish = json!({ "do": "read", "fc": 3, "address": 6, "count": 1, "unit": 255 });
    assert_eq!(client.ask(wish).await["values"], json!([65_529]));
    let named = client
        .ask(json!({ "do": "identify", "level": 2, "object": 0 }))
        .await;
    assert_eq!(
        (&named["objects"]["0"], &named["objects"]["5"]),
        (&json!("mainstem"), &json!("line1"))
    );

    for (wish, exception, why) in refused() {
        let answer = client.ask(wish.clone()).await;
        assert_eq!(answer["exception"], exception, "{why}: {wish}: {answer}");
    }
    let (_, list) = node.ask("GET", "modbus-servers", Value::Null).await;
    let server = &list["items"][0];
    assert_eq!(
        (&server["nodes"], &server["connections"]),
        (&12.into(), &1.into()),
        "{list}"
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_not_good_is_refused_or_told_with_its_status() {
    for (options, is_told) in [("exception", false), ("lastValue, gaps: zero", true)] {
        let options = format!("allow: [ \"*\" ], notGood: {options}");
        let (node, address) = start(&options).await;
        let Some(mut client) = Foreign::connect(address) else {
            return;
        };
        let wish = json!({ "do": "read", "fc": 3, "address": 0, "count": 3 });
        assert_eq!(
            client.ask(wish.clone()).await["values"],
            json!([0x41A4, 0, 0])
        );
        let body = json!({ "value": 30 });
        let (status, answer) = node.put("sim.faults.disconnect", body, "").await;
        assert_eq!(status, 200, "{answer}");
        let status = |answer: &Value| answer["values"][2].as_u64();
        if is_told {
            let lost = |answer: &Value| status(answer).is_some_and(|status| status > 0);
            let told = client.until(wish.clone(), lost).await;
            assert_eq!(told["values"][0], 0x41A4, "the last value stays: {told}");
            // A gap is zero, what never had a value too, and what does not fit.
            assert_eq!(client.read(3, 2, 2).await["values"][1], 0);
            assert_eq!(client.read(3, 50, 1).await["values"], json!([0]));
            assert_eq!(client.read(3, 40, 1).await["values"], json!([0]));
            assert_eq!(
                client.read(3, 100, 1).await["exception"],
                2,
                "nothing but gaps"
            );
        } else {
            client.until(wish, |answer| answer["exception"] == 4).await;
            let alone = client.read(3, 2, 1).await;
            assert!(
                alone["values"][0].as_u64().unwrap() > 0,
                "a status can be read: {alone}"
            );
        }
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_speaks_tls_with_the_certificate_of_the_node() {
    let (node, address) = start("allow: [ \"*\" ], tls: true").await;
    let authority = node.node().facts().ca_file.display().to_string();
    let port = address.port().to_string();
    let Some(mut client) = Foreign::start(&["localhost", &port, &authority]) else {
        return;
    };
    let answer = client.ask(typed(3, 0, 2, "FLOAT32", "big")).await;
    assert_eq!(answer["value"], 20.5, "{answer}");
    let mut plain = Foreign::connect(address).unwrap();
    assert!(plain.read(3, 0, 2).await["lost"].is_string());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mbpoll_reads_and_writes() {
    let (node, address) = start("allow: [ 127.0.0.0/8 ]").await;
    let port = address.port().to_string();
    let run = async |arguments: &[&str]| {
        let mut command = Command::new("mbpoll");
        // Addresses from 0, once, unit 1, no words but the answer.
        command.args(["-0", "-1", "-a", "1", "-p", &port]);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = tokio::time::timeout(PATIENCE, command.output())
            .await
            .unwrap();
        output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let read = ["-r", "0", "-c", "1", "-t", "4:float", "-B", "127.0.0.1"];
    let Ok(told) = run(&read).await else {
        skipped("the Modbus server with mbpoll", "mbpoll is not installed");
        return;
    };
    assert!(told.contains("20.5"), "{told}");
    let told = run(&["-r", "6", "-t", "4", "127.0.0.1", "1234"])
        .await
        .unwrap();
    assert!(told.contains("Written 1 references"), "{told}");
    wait_number(&node, "sim.speed", 1234.0).await;
    let told = run(&["-r", "0", "-c", "1", "-t", "0", "127.0.0.1"])
        .await
        .unwrap();
    assert!(told.contains("[0]:") && told.contains('1'), "{told}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_off_unless_the_file_has_it_and_reloads() {
    let mut node = TestNode::start_roles("[\"**\"]", ROLES, "line1", DEVICE, "").await;
    let (_, list) = node.ask("GET", "modbus-servers", Value::Null).await;
    assert_eq!(list["items"], json!([]), "{list}");
    let report = node.reload(&resources("allow: [ \"*\" ]")).await;
    assert!(
        report.started.contains(&"modbus-server.scada".to_owned()),
        "{report:?}"
    );
    let first = address(&node).await;
    // What did not change is not touched.
    node.reload(&format!(
        "{}  more: {{ type: Connection, properties: {{ protocol: simulator }} }}\n",
        resources("allow: [ \"*\" ]")
    ))
    .await;
    assert_eq!(address(&node).await, first);
    node.reload(&resources("allow: [ \"*\" ], targetState: disabled"))
        .await;
    let (_, list) = node.ask("GET", "modbus-servers", Value::Null).await;
    assert_eq!(list["items"], json!([]), "{list}");
    assert!(tokio::net::TcpStream::connect(first).await.is_err());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_taken_is_said_and_hinders_nothing_else() {
    let mut node = TestNode::start_roles("[\"**\"]", ROLES, "line1", DEVICE, "").await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let wrong = resources("allow: [ \"*\" ]").replace("port: 0", &format!("port: {port}"));
    let report = node.reload(&wrong).await;
    assert_eq!(report.failed.len(), 1, "{report:?}");
    let alarm = node
        .alarm("part.modbus-server.scada")
        .await
        .expect("an alarm");
    assert!(alarm.to_string().contains("cannot listen"), "{alarm}");
    node.reload(DEVICE).await;
    assert!(node.alarm("part.modbus-server.scada").await.is_none());
    node.stop().await;
}
