//! Streams as this and older versions sent them, and the table that each has to end in.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mainstem_model::{
    Access, Definition, Limits, Name, NodeId, Quality, Reason, Role, Sample, Scalar, Timestamp,
    Value, ValueType,
};
use mainstem_remote::Mirror;
use mainstem_store::{
    Filter, ListQuery, MirrorRow, MirrorVariable, NewSource, PointId, SourceId, Stamp, Store,
    StoreLimits, StoreSetup,
};
use mainstem_telemetry::SystemClock;
use mainstem_wire::{Epoch, decode_line, to_json_value};
use serde_json::json;

use crate::support::TestNode;

/// The name of the node that was recorded, and its prefix where the streams are applied.
const LINE: &str = "line1";

fn recordings() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/compat")
}

/// The datapoints and variables of a store below a prefix, without it.
fn table(store: &Store, prefix: &str) -> serde_json::Value {
    let query = ListQuery {
        limit: 10_000,
        ..ListQuery::default()
    };
    let (views, _) = store.list(&query, &Filter::everything());
    let below = |name: &Name| match prefix {
        "" => Some(name.to_string()),
        _ => Some(name.strip(prefix)?.to_owned()),
    };
    let (variables, _) = store.list_variables(&query, &Filter::everything());
    let variables = variables.into_iter().filter_map(|view| {
        let row = json!({
            "value": &*view.value,
            "status": view.quality.status.as_str(),
            "reason": view.quality.reason.as_str(),
            "source_time": view.source_time,
        });
        Some((format!("variable {}", below(&view.name)?), row))
    });
    let rows: BTreeMap<String, serde_json::Value> = views
        .into_iter()
        .filter_map(|view| {
            let name = below(&view.name)?;
            let row = json!({
                "type": view.definition.value_type,
                "unit": view.definition.unit,
                "access": view.definition.access,
                "value": view.value.as_ref().map(to_json_value),
                "status": view.quality.status.as_str(),
                "reason": view.quality.reason.as_str(),
                "source_time": view.value.is_some().then_some(view.source_time),
            });
            Some((name, row))
        })
        .chain(variables)
        .collect();
    json!(rows)
}

/// A concentrator without a network: its store, and the mirror of its one remote.
fn concentrator() -> (Arc<Store>, Mirror) {
    let store = Store::new(StoreSetup {
        node: NodeId(uuid::Uuid::from_u128(9)),
        name: "plant1".into(),
        instance: 1,
        epoch: Epoch {
            counter: 1,
            random: 1,
        },
        clock: Arc::new(SystemClock),
        limits: StoreLimits::default(),
    });
    let link = store.put_own_source(None, LINE, Role::Link, Quality::GOOD, false);
    let mirror = Mirror::new(Arc::clone(&store), link, LINE, Filter::everything());
    (store, mirror)
}

fn apply(mirror: &mut Mirror, stream: &str) {
    mirror.begin();
    for line in stream.lines() {
        let line = decode_line(line.as_bytes()).unwrap_or_else(|error| panic!("{error}: {line}"));
        mirror.line(&line).unwrap();
    }
    mirror.flush();
}

/// The streams of one recording, in their order.
pub(super) fn streams_of(version: u32) -> Vec<PathBuf> {
    sorted(&recordings().join(version.to_string()), "ndjson")
}

fn sorted(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| match extension {
        "" => path.is_dir(),
        _ => path.extension().is_some_and(|found| found == extension),
    });
    paths.sort();
    paths
}

/// Compares datapoint by datapoint, so that a difference can be read.
fn assert_same(found: &serde_json::Value, expected: &serde_json::Value, path: &Path) {
    for (name, row) in expected.as_object().unwrap() {
        assert_eq!(&found[name], row, "{name} after {}", path.display());
    }
    let count = |table: &serde_json::Value| table.as_object().unwrap().len();
    assert_eq!(
        count(found),
        count(expected),
        "{found} after {}",
        path.display()
    );
}

#[test]
fn streams_of_every_version_end_in_their_tables() {
    let versions = sorted(&recordings(), "");
    assert!(!versions.is_empty(), "no recordings");
    for version in versions {
        let (store, mut mirror) = concentrator();
        let streams = sorted(&version, "ndjson");
        assert!(streams.len() >= 5, "{} is not whole", version.display());
        for path in streams {
            let missed = mirror.counters().missed;
            let stream = fs::read_to_string(&path).unwrap();
            apply(&mut mirror, &stream);
            let expected = fs::read_to_string(path.with_extension("json")).unwrap();
            let expected: serde_json::Value = serde_json::from_str(&expected).unwrap();
            assert_same(&table(&store, LINE), &expected, &path);
            let has_gap = stream.contains("{\"gap\":");
            assert_eq!(mirror.counters().missed > missed, has_gap);
            // A second time the same brings nothing: what is not newer is dropped.
            let changes = mirror.counters().changes;
            apply(&mut mirror, &stream);
            assert_eq!(mirror.counters().changes, changes, "{}", path.display());
            assert_same(&table(&store, LINE), &expected, &path);
        }
        assert_eq!(mirror.counters().bad_values, 0);
        assert_eq!(mirror.counters().left_out, 0);
    }
}

/// A node whose feed is written by hand, and the folder that its streams go into.
struct Recorder {
    line: TestNode,
    folder: PathBuf,
    streams: usize,
    cursor: Option<String>,
}

impl Recorder {
    async fn start() -> Self {
        let number = sorted(&recordings(), "").len() + 1;
        let folder = recordings().join(number.to_string());
        fs::create_dir_all(&folder).unwrap();
        Self {
            // A small log, so that a gap costs few samples.
            line: TestNode::start(LINE, "feed: { log_bytes: 1 MiB }\n").await,
            folder,
            streams: 0,
            cursor: None,
        }
    }

    fn store(&self) -> &Arc<Store> {
        self.line.node().store()
    }

    fn define(&self, source: SourceId, name: &str, definition: Definition) -> PointId {
        let name = Name::new(name).unwrap();
        self.store().define(source, &name, definition).unwrap()
    }

    fn set(&self, source: SourceId, point: PointId, sample: Sample) {
        self.store().apply(source, &mut vec![(point, sample)]);
    }

    /// Fetches what came since the last time, as a polled link does, and the table beside it.
    async fn record(&mut self, what: &str) {
        self.streams += 1;
        let mut query = "delivery=every&follow=false".to_owned();
        if let Some(cursor) = &self.cursor {
            query.push_str(&format!("&since={cursor}"));
        }
        let stream = self.line.frames(&query).await;
        let last: serde_json::Value = serde_json::from_str(stream.lines().last().unwrap()).unwrap();
        self.cursor = Some(last["cursor"].as_str().unwrap().to_owned());
        let name = format!("{}-{what}", self.streams);
        fs::write(self.folder.join(&name).with_extension("ndjson"), stream).unwrap();
        let table = serde_json::to_string_pretty(&table(self.store(), "")).unwrap();
        fs::write(self.folder.join(name).with_extension("json"), table + "\n").unwrap();
    }
}

fn moment(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp::from_millis(1_795_161_600_000 + seconds * 1000))
}

fn good(value: Value, seconds: i64) -> Sample {
    Sample::good(value, moment(seconds))
}

fn f64_in(unit: &str) -> Definition {
    Definition::new(Scalar::F64).unit(unit)
}

/// One value of every type, an array, and a datapoint without a value.
fn every_type(recorder: &Recorder, plc: SourceId) {
    let values: [(&str, Value); 16] = [
        ("bool", Value::Bool(true)),
        ("i8", Value::Int(-128)),
        ("i16", Value::Int(-300)),
        ("i32", Value::Int(-70_000)),
        ("i64", Value::Int(i64::MIN)),
        ("u8", Value::UInt(255)),
        ("u16", Value::UInt(65_535)),
        ("u32", Value::UInt(4_000_000_000)),
        ("u64", Value::UInt(u64::MAX)),
        ("f32", Value::F32(0.1)),
        ("f64", Value::F64(f64::INFINITY)),
        ("text", Value::text("Grüße \"1\"")),
        ("bytes", Value::Bytes([0, 255].as_slice().into())),
        ("time", Value::Time(moment(1).unwrap())),
        ("json", Value::Json("{\"a\":[1,null]}".into())),
        (
            "i16[]",
            Value::Array([Value::Int(1), Value::Int(-1)].into()),
        ),
    ];
    for (value_type, value) in values {
        let name = format!("plc.types.{}", value_type.replace("[]", "s"));
        let value_type: ValueType = value_type.parse().unwrap();
        let point = recorder.define(plc, &name, Definition::new(value_type));
        recorder.set(plc, point, good(value, 0));
    }
    recorder.define(plc, "plc.types.none", Definition::new(Scalar::Text));
}

/// A node below the recorded one, whose samples have numbers of their own.
fn cell(recorder: &Recorder) -> (SourceId, PointId) {
    let store = recorder.store();
    let link = store.put_own_source(None, "cell", Role::Link, Quality::GOOD, false);
    let node = NodeId(uuid::Uuid::from_u128(0xce11));
    let epoch = Epoch {
        counter: 4,
        random: 0x1234_5678_9abc_def0,
    };
    let source = NewSource {
        parent: Some(link),
        node,
        name: "drive".into(),
        role: Role::Adapter,
        epoch,
        quality: Quality::GOOD,
        complete: true,
        remote_id: Some(0),
    };
    let source = store.put_mirror_source(source, true).id;
    let name = Name::new("cell.drive.speed").unwrap();
    let point = store
        .define_mirror(source, &name, f64_in("rpm"), 0)
        .unwrap();
    (link, point)
}

/// A row of that node, from the given life of it.
fn cell_row(recorder: &Recorder, (link, point): (SourceId, PointId), epoch: u32, origin: u64) {
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let row = MirrorRow {
        point,
        quality: Quality::GOOD,
        epoch,
        origin,
        time: moment(2).unwrap().micros(),
        value: Some(Value::F64(origin as f64)),
    };
    recorder
        .store()
        .apply_mirror(link, &mut vec![row], false, None);
}

/// Sets a variable of the recorded node.
fn variable(recorder: &Recorder, name: &str, text: &str) {
    let name = Name::new(name).unwrap();
    recorder.store().set_variable(&name, text.into()).unwrap();
}

/// A variable of the node below, from the given life of it.
fn cell_variable(recorder: &Recorder, (link, point): (SourceId, PointId), epoch: u32, origin: u64) {
    let source = recorder.store().point_by_id(point).unwrap().source;
    let told = MirrorVariable {
        name: Name::new("cell.status.text").unwrap(),
        value: format!("text {origin}").into(),
        source,
        time: moment(2).unwrap(),
        stamp: Stamp { epoch, origin },
    };
    recorder
        .store()
        .put_mirror_variable(link, told, false)
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "records the streams of this version into a new folder; see tests/fixtures/compat"]
async fn record() {
    let mut recorder = Recorder::start().await;
    let store = Arc::clone(recorder.store());
    let plc = store.put_own_source(None, "plc", Role::Adapter, Quality::GOOD, true);
    let unit = store.put_own_source(Some(plc), "unit2", Role::Device, Quality::GOOD, true);
    every_type(&recorder, plc);
    let temperature = recorder.define(plc, "plc.temperature", f64_in("°C").description("flow"));
    let mut limited = Definition::new(Scalar::F64).unit("°C").limits(Limits {
        min: Some(20.0),
        max: Some(95.5),
    });
    limited.access = Access::ReadWrite;
    let setpoint = recorder.define(plc, "plc.setpoint", limited);
    let pressure = recorder.define(unit, "plc.unit2.pressure", f64_in("bar"));
    for (point, source, value) in [(temperature, plc, 40.5), (setpoint, plc, 60.0)] {
        recorder.set(source, point, good(Value::F64(value), 1));
    }
    recorder.set(unit, pressure, good(Value::F64(1.25), 1));
    let cell = cell(&recorder);
    cell_row(&recorder, cell, 3, 77);
    variable(&recorder, "status.text", "läuft \"1\"");
    variable(&recorder, "status.color", "green");
    cell_variable(&recorder, cell, 3, 79);
    recorder.record("snapshot").await;

    for (step, value) in (2_i32..).zip([40.75, 41.0, 41.5]) {
        let step = i64::from(step);
        recorder.set(plc, temperature, good(Value::F64(value), step));
    }
    let broken = Sample::without_value(Quality::of(Reason::DeviceError), None);
    recorder.set(plc, setpoint, broken);
    store.set_status(unit, Quality::of(Reason::DeviceDown));
    cell_row(&recorder, cell, 3, 78);
    cell_row(&recorder, cell, 4, 1);
    let fresh = recorder.define(plc, "plc.fresh", Definition::new(Scalar::U16));
    recorder.set(plc, fresh, good(Value::UInt(7), 5));
    variable(&recorder, "status.text", "steht");
    cell_variable(&recorder, cell, 4, 2);
    recorder.record("resume").await;

    store.remove_points(&[fresh]);
    store.remove_source(unit);
    recorder.define(plc, "plc.temperature", f64_in("K"));
    let color = Name::new("status.color").unwrap();
    store.remove_variable(&color).unwrap();
    recorder.record("removal").await;

    let temperature = store.point("plc.temperature").unwrap().id;
    store.remove_points(&[setpoint]);
    for count in 0..20_000_i32 {
        recorder.set(plc, temperature, good(Value::F64(count.into()), 6));
    }
    variable(&recorder, "status.page", "overview");
    recorder.record("gap").await;

    // Another life of the node, in which it has one of its datapoints only, and its variables.
    recorder.line.down().await;
    recorder.line.up().await;
    let store = Arc::clone(recorder.store());
    let plc = store.put_own_source(None, "plc", Role::Adapter, Quality::GOOD, true);
    let temperature = recorder.define(plc, "plc.temperature", f64_in("K"));
    recorder.set(plc, temperature, good(Value::F64(300.0), 7));
    let page = Name::new("status.page").unwrap();
    store.remove_variable(&page).unwrap();
    recorder.cursor = None;
    recorder.record("restart").await;
}
