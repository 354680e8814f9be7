//! `tests/interop/reader.py`, which was written from `api-spec/remote-protocol.md` alone: it has to
//! show what the node itself shows, through cuts, silence and restarts.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use mainstem_store::{Filter, ListQuery};
use mainstem_wire::to_json_value;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::golden;
use crate::skipped::skipped;
use crate::support::proxy::Proxy;
use crate::support::{LINK_TOKEN, TestNode};

/// The longest that something may take that has to happen.
const PATIENCE: Duration = Duration::from_secs(30);
const READER: &str = "tests/interop/reader.py";
/// Lines that a second implementation may take at the most.
const READER_LINES_MAX: usize = 150;

const DEVICE: &str = "  sim: { type: Connection, properties: { protocol: simulator, connection: { interval_ms: 100 } } }
  count: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, subscribe: { signal: counter, step: 1 } } }
  wave: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, subscribe: { signal: sine, min: 0, max: 9, period_s: 2 } } }
  setpoint: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, subscribe: { signal: setpoint, initial: 20 }, access: rw } }
";

fn python() -> Option<PathBuf> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test has no configuration but this"
    )]
    std::env::var_os("MAINSTEM_PYTHON").map(PathBuf::from)
}

/// The running reader.
struct Reader {
    _process: Child,
    requests: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Reader {
    fn start(python: &Path, line: &TestNode, proxy: &Proxy) -> Self {
        let address = proxy.address();
        let mut process = Command::new(python)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(READER))
            .args([address.ip().to_string(), address.port().to_string()])
            .arg(&line.node().facts().ca_file)
            .arg(LINK_TOKEN)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self {
            requests: process.stdin.take().unwrap(),
            answers: BufReader::new(process.stdout.take().unwrap()).lines(),
            _process: process,
        }
    }

    /// What it shows now: names with value, source time and quality, and what it says about its link.
    async fn look(&mut self) -> (Value, Value) {
        self.requests.write_all(b"\n").await.unwrap();
        let mut table = serde_json::Map::new();
        loop {
            let line = self.answers.next_line().await.unwrap();
            let line: Value = serde_json::from_str(&line.expect("the reader ended")).unwrap();
            let Value::Array(row) = &line else {
                return (Value::Object(table), line);
            };
            table.insert(row[0].as_str().unwrap().to_owned(), json!(row[1..]));
        }
    }

    /// Waits until what it shows is as wanted.
    async fn wait(&mut self, what: &str, is: impl Fn(&Value, &Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let (table, link) = self.look().await;
            if is(&table, &link) {
                return link;
            }
            assert!(begun.elapsed() < PATIENCE, "not {what}: {link} {table:#}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until it shows what the node shows, all of it at one moment.
    async fn wait_same(&mut self, line: &TestNode) -> Value {
        self.wait("what the node shows", |table, link| {
            link["link"] == json!([0, "ok"]) && *table == own_table(line)
        })
        .await
    }
}

/// What the node's own API shows.
fn own_table(line: &TestNode) -> Value {
    let query = ListQuery {
        limit: 1000,
        ..ListQuery::default()
    };
    let (views, _) = line.node().store().list(&query, &Filter::everything());
    let rows = views.into_iter().map(|view| {
        let value = view.value.as_ref().map(to_json_value);
        let quality = json!([view.quality.status as u8, view.quality.reason.as_str()]);
        let time = view.source_time.micros();
        (view.name.to_string(), json!([value, time, quality]))
    });
    Value::Object(rows.collect())
}

fn number(link: &Value, key: &str) -> u64 {
    link[key].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_written_from_the_document_shows_what_the_node_shows() {
    let Some(python) = python() else {
        return skipped(
            "the reader that was written from api-spec/remote-protocol.md",
            "MAINSTEM_PYTHON is not set",
        );
    };
    let mut line = TestNode::start("line1", DEVICE).await;
    line.wait_good("sim.count").await;
    let proxy = Proxy::start(line.address()).await;
    let mut reader = Reader::start(&python, &line, &proxy);
    let begun = reader.wait_same(&line).await;
    assert_eq!(
        (number(&begun, "snapshots"), number(&begun, "resumes")),
        (1, 0)
    );

    for round in 1..=2 {
        proxy.reset();
        let is_back = |_: &Value, link: &Value| number(link, "resumes") == round;
        reader.wait("resumed", is_back).await;
        reader.wait_same(&line).await;
    }
    let resumed = reader
        .wait("beating", |_, link| number(link, "beats") > 2)
        .await;
    assert_eq!(
        (number(&resumed, "snapshots"), number(&resumed, "missed")),
        (1, 0)
    );
    let repeated = |link: &Value| number(link, "rows") - number(link, "changes");
    assert_eq!(repeated(&resumed), repeated(&begun), "{begun} {resumed}");

    // Nothing comes any more and nobody says so: after two seconds it no longer trusts what it has.
    proxy.silence();
    let distrusts = |table: &Value, link: &Value| {
        link["link"] == json!([1, "link_quiet"]) && table["sim.count"][2] == link["link"]
    };
    reader.wait("uncertain", distrusts).await;
    proxy.heal();
    reader.wait_same(&line).await;

    // The state of a source is that of all that hangs on it.
    line.node().parts().pause_adapter("sim").unwrap();
    let is_off = |view: &mainstem_store::PointView| !view.quality.is_good();
    line.wait("sim.count", "switched off", is_off).await;
    reader.wait_same(&line).await;
    line.node().parts().resume_adapter("sim").unwrap();
    line.wait_good("sim.count").await;
    reader.wait_same(&line).await;

    // Another life of the node: the cursor is gone, a snapshot brings what there is.
    line.down().await;
    line.up().await;
    line.wait_good("sim.count").await;
    let is_new = |_: &Value, link: &Value| number(link, "snapshots") == 2;
    reader.wait("a second snapshot", is_new).await;
    reader.wait_same(&line).await;
}

/// Applies streams from files with the reader's own hands, and tells the table after each.
const APPLY: &str = "
import json, sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
from reader import GRADES, Mirror
mirror = Mirror('', 0, None, '')
for path in sys.argv[2:]:
    mirror.begin(None, None)
    for line in open(path, encoding='utf-8'):
        if not line.startswith('{\"cursor'):
            mirror.line(json.loads(line))
    shown = {}
    for name, point in mirror.table.items():
        grade, reason = mirror.effective(point, (0, 'ok'), 0)
        shown[name] = [point['value'], GRADES[grade], reason]
    print(json.dumps(shown))
";

#[tokio::test]
async fn the_reader_takes_recorded_streams_as_this_build_does() {
    let Some(python) = python() else {
        return skipped(
            "recorded streams at the reader that was written from the document",
            "MAINSTEM_PYTHON is not set",
        );
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let streams = golden::streams_of(1);
    let output = Command::new(python)
        .args(["-c", APPLY])
        .arg(root.join(READER).parent().unwrap())
        .args(&streams)
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let tables = String::from_utf8(output.stdout).unwrap();
    assert_eq!(tables.lines().count(), streams.len());
    for (table, stream) in tables.lines().zip(streams) {
        let table: Value = serde_json::from_str(table).unwrap();
        let expected = std::fs::read_to_string(stream.with_extension("json")).unwrap();
        let expected: Value = serde_json::from_str(&expected).unwrap();
        let rows = expected.as_object().unwrap().iter().map(|(name, row)| {
            let row = json!([row["value"], row["status"], row["reason"]]);
            (name.clone(), row)
        });
        assert_eq!(table, Value::Object(rows.collect()), "{}", stream.display());
    }
}

#[test]
fn the_reader_is_short() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(READER);
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().count();
    assert!(lines <= READER_LINES_MAX, "{lines} lines");
}
