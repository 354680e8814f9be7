//! Datapoints of the node, written out: types and names as the server's own client shows them,
//! outages, a full spool, lines that the server does not take.

use mainstem_adapter::{AdapterState, Outgoing};
use mainstem_device::InfluxServer;
use mainstem_model::{Quality, Reason, Timestamp, Value};
use serde_json::{Value as Json, json};

use crate::rig::{self, Rig, spec};

const T0: i64 = 1_767_323_045_000_000;

fn all() -> Json {
    json!({"datapoints": [{"include": ["**"]}]})
}

/// What the server's client prints for a query, without the line of names.
fn rows(server: &InfluxServer, query: &str) -> Vec<String> {
    let said = server.influx(query).unwrap();
    said.lines().skip(1).map(str::to_owned).collect()
}

async fn count(rig: &Rig, server: &InfluxServer, measurement: &str, wanted: usize) {
    let query = format!("SELECT count(value) FROM \"{measurement}\"");
    rig.until(&format!("{wanted} points"), || {
        let found = rows(server, &query);
        let found = found.first().and_then(|row| row.rsplit(',').next());
        found.and_then(|count| count.parse().ok()).unwrap_or(0) == wanted
    })
    .await;
}

#[tokio::test]
async fn every_type_and_name_is_what_the_client_shows() {
    let Some(server) = rig::influx("influxdb: types that are written") else {
        return;
    };
    let datapoints = json!({"datapoints": [
        {"include": ["!line1.secret.**", "line1.**"], "measurement": "a, b={1}",
         "tags": {"the machine": "m {2}=,", "none": "{9}"}, "field": "f {last}"},
        {"include": ["**"]},
    ]});
    let rig = Rig::start(spec(server.port(), &datapoints, Vec::new()));
    rig.state(AdapterState::Online).await;
    rig.sample("line1.press.force", Value::F64(1.5), T0);
    rig.sample("line1.secret.x", Value::Int(1), T0);
    let text = "a \"quoted\", \\ back = slash\nand line";
    for (name, value) in [
        ("i", Value::Int(i64::MIN)),
        ("u", Value::UInt(7)),
        ("f", Value::F64(0.1)),
        ("g", Value::F32(0.1)),
        ("whole", Value::F64(5.0)),
        ("b", Value::Bool(true)),
        ("t", Value::text(text)),
        ("by", Value::Bytes([0, 255].into())),
        ("j", Value::Json(r#"{"a":"b"}"#.into())),
        ("last", Value::Int(1)),
    ] {
        rig.sample(name, value, T0 + 1);
    }
    count(&rig, &server, "last", 1).await;
    let at = (T0 + 1) * 1000;
    for (name, wanted) in [
        ("i", "-9223372036854775808"),
        ("u", "7"),
        ("f", "0.1"),
        ("g", "0.1"),
        ("whole", "5"),
        ("b", "true"),
        ("by", "AP8="),
    ] {
        let found = rows(&server, &format!("SELECT * FROM \"{name}\""));
        assert_eq!(found, [format!("{name},{at},{wanted}")]);
    }
    // The client's CSV doubles quotes; JSON is easier to compare for the texts.
    let texts = |name: &str| {
        let mut client = server.client();
        let query = format!("SELECT value FROM \"{name}\"");
        let output = client
            .args(["-format", "json", "-execute", &query])
            .output()
            .unwrap();
        let json: Json = serde_json::from_slice(&output.stdout).unwrap();
        json["results"][0]["series"][0]["values"][0][1].clone()
    };
    assert_eq!(texts("t"), text);
    assert_eq!(texts("j"), r#"{"a":"b"}"#);
    rules_decide(&server);
    rig.runner.stop().await;
}

/// The names that the first rule makes, and what it leaves to the second.
fn rules_decide(server: &InfluxServer) {
    let types = rows(server, "SHOW FIELD KEYS FROM whole");
    assert_eq!(types, ["whole,value,float"], "whole floats stay floats");
    let found = rows(
        server,
        "SELECT \"f force\", \"the machine\" FROM \"a, b=line1\"",
    );
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].contains("1.5") && found[0].contains("m press=,"),
        "{found:?}"
    );
    let secret = rows(server, "SELECT * FROM \"line1.secret.x\"");
    assert_eq!(
        secret.len(),
        1,
        "the second rule takes what the first leaves"
    );
}

#[tokio::test]
async fn only_good_values_of_others_are_written() {
    let Some(server) = rig::influx("influxdb: what is not written") else {
        return;
    };
    let rig = Rig::start(spec(server.port(), &all(), Vec::new()));
    rig.state(AdapterState::Online).await;
    let wanted = rig.wanted.lock().clone().unwrap();
    assert!(
        wanted.allows("line1.x") && !wanted.allows("influx.x"),
        "no circle"
    );
    rig.sample("a", Value::F64(f64::NAN), T0);
    rig.tell(Outgoing {
        name: "a".into(),
        value: Some(Value::F64(1.0)),
        quality: Quality::of(Reason::DeviceDown),
        time: Timestamp::from_micros(T0),
    });
    rig.sample("a", Value::F64(2.0), T0 + 1);
    count(&rig, &server, "a", 1).await;
    assert_eq!(rig.errors("not_writable"), 1);
    rig.runner.stop().await;
}

#[tokio::test]
async fn nothing_is_lost_while_the_server_is_away() {
    let Some(mut server) = rig::influx("influxdb: outages") else {
        return;
    };
    let rig = Rig::start(spec(server.port(), &all(), Vec::new()));
    rig.state(AdapterState::Online).await;
    let send = |from: i64, to: i64| {
        for number in from..to {
            rig.sample("n", Value::Int(number), T0 + number);
        }
    };
    send(0, 100);
    count(&rig, &server, "n", 100).await;
    server.freeze();
    send(100, 200);
    rig.state(AdapterState::Waiting).await;
    send(200, 300);
    server.thaw();
    count(&rig, &server, "n", 300).await;
    server.kill();
    rig.state(AdapterState::Waiting).await;
    send(300, 2300);
    server.up().unwrap();
    count(&rig, &server, "n", 2300).await;
    let sum = rows(&server, "SELECT sum(value) FROM n");
    assert!(sum[0].ends_with(&(2299 * 2300 / 2).to_string()), "{sum:?}");
    assert_eq!(rig.errors("lines_dropped"), 0);
    rig.runner.stop().await;
}

#[tokio::test]
async fn a_full_spool_drops_the_oldest_and_counts_them() {
    let Some(mut server) = rig::influx("influxdb: a full spool") else {
        return;
    };
    let mut more = all();
    more["maxBufferLines"] = 50.into();
    server.kill();
    let rig = Rig::start(spec(server.port(), &more, Vec::new()));
    rig.state(AdapterState::Waiting).await;
    for number in 0..80 {
        rig.sample("n", Value::Int(number), T0 + number);
    }
    rig.until("30 are dropped", || rig.errors("lines_dropped") == 30)
        .await;
    server.up().unwrap();
    count(&rig, &server, "n", 50).await;
    let first = rows(&server, "SELECT min(value) FROM n");
    assert!(first[0].ends_with(",30"), "{first:?}");
    rig.runner.stop().await;
}

#[tokio::test]
async fn a_line_that_is_refused_costs_no_other() {
    let Some(server) = rig::influx("influxdb: refused lines") else {
        return;
    };
    // The server keeps the first type of a field.
    server.influx("INSERT n value=1i 1").unwrap();
    let rig = Rig::start(spec(server.port(), &all(), Vec::new()));
    rig.state(AdapterState::Online).await;
    for number in 0..100 {
        let value = match number {
            17 | 60 => Value::text("no number"),
            _ => Value::Int(number),
        };
        rig.sample("n", value, T0 + number);
    }
    rig.sample("other", Value::Int(1), T0);
    count(&rig, &server, "other", 1).await;
    count(&rig, &server, "n", 99).await;
    rig.until("both are counted", || rig.errors("line_refused") == 2)
        .await;
    rig.runner.stop().await;
}

#[tokio::test]
async fn a_database_that_comes_later_gets_everything() {
    let Some(server) = rig::influx("influxdb: a database that comes later") else {
        return;
    };
    server.influx("DROP DATABASE plant").unwrap();
    let rig = Rig::start(spec(server.port(), &all(), Vec::new()));
    rig.state(AdapterState::Online).await;
    rig.sample("n", Value::Int(1), T0);
    rig.until("it is refused", || rig.errors("refused") > 1)
        .await;
    rig.sample("n", Value::Int(2), T0 + 1);
    server.influx("CREATE DATABASE plant").unwrap();
    count(&rig, &server, "n", 2).await;
    rig.runner.stop().await;
}
