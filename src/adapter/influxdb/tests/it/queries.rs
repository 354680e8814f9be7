//! Queries and writes of endpoints, against values that the server's own client wrote.

use mainstem_adapter::{AdapterState, AskError, WriteAnswer};
use mainstem_device::InfluxServer;
use mainstem_model::{Access, Reason, Value};
use serde_json::json;

use crate::rig::{self, Rig, endpoint, reads, spec};

#[tokio::test]
async fn every_type_is_what_the_client_wrote() {
    let Some(server) = rig::influx("influxdb: types that are read") else {
        return;
    };
    let line = "INSERT m,line=a\\ b f=0.5,i=-9223372036854775808i,b=true,s=\"ä \\\"x\\\"\" 1767323045123456789";
    server.influx(line).unwrap();
    let row = json!({"query": "SELECT * FROM m", "result": "row", "interval": 100});
    let none = json!({"query": "SELECT f FROM nothing", "interval": 100});
    let endpoints = vec![
        endpoint("row", Access::Read, "json", row),
        endpoint("none", Access::Read, "json", none),
        reads("f", "f64", "SELECT last(f) FROM m"),
        reads("i", "i64", "SELECT i FROM m"),
        reads("b", "bool", "SELECT b FROM m"),
        reads("s", "text", "SELECT s FROM m"),
        reads("absent", "f64", "SELECT f FROM nothing"),
        reads("wrong", "f64", "SELECT FROM WHERE"),
        reads("other", "i64", "SELECT s FROM m"),
    ];
    let rig = Rig::start(spec(server.port(), &json!({}), endpoints));
    let wanted = json!({
        "time": "2026-01-02T03:04:05.123456789Z", "b": true, "f": 0.5, "i": i64::MIN,
        "line": "a b", "s": "ä \"x\"",
    });
    rig.value("row", &Value::Json(wanted.to_string().into()))
        .await;
    rig.value("none", &Value::Json("[]".into())).await;
    rig.value("f", &Value::F64(0.5)).await;
    rig.value("i", &Value::Int(i64::MIN)).await;
    rig.value("b", &Value::Bool(true)).await;
    rig.value("s", &Value::text("ä \"x\"")).await;
    rig.reason("absent", Reason::BadSource).await;
    rig.reason("wrong", Reason::DeviceError).await;
    rig.reason("other", Reason::BadType).await;
    let seen = rig.witness.observed();
    let time = seen.latest[&seen.find("i").unwrap()].source_time.unwrap();
    assert_eq!(time.to_string(), "2026-01-02T03:04:05.123456Z");
    rig.runner.stop().await;
}

#[tokio::test]
async fn parameters_are_bound_and_never_put_into_the_query() {
    let Some(server) = rig::influx("influxdb: parameters") else {
        return;
    };
    server.influx("INSERT m,line=a v=1").unwrap();
    server.influx("INSERT m,line=b v=2").unwrap();
    let asked = json!({
        "query": "SELECT v FROM m WHERE line = @line", "result": "value", "column": "v",
    });
    let endpoints = vec![endpoint("v", Access::Read, "f64", asked)];
    let rig = Rig::start(spec(server.port(), &json!({}), endpoints));
    rig.state(AdapterState::Online).await;
    let ask = |line: &str| rig.ask("v", json!({"parameters": {"line": line}}));
    assert_eq!(ask("b").await, Ok(json!(2)));
    assert_eq!(
        ask("' OR 1=1; DROP MEASUREMENT m; --").await,
        Ok(json!(null))
    );
    assert_eq!(ask("a").await, Ok(json!(1)));
    let nothing = rig.ask("v", json!({})).await;
    assert!(
        matches!(nothing, Err(AskError::Refused { .. })),
        "{nothing:?}"
    );
    rig.runner.stop().await;
}

#[tokio::test]
async fn writes_are_points_or_refused_in_the_servers_words() {
    let Some(server) = rig::influx("influxdb: writes") else {
        return;
    };
    let single = json!({"measurement": "single", "tags": {"line": "1"}});
    let endpoints = vec![
        endpoint("single", Access::Write, "f64", single),
        endpoint(
            "whole",
            Access::Write,
            "json",
            json!({"measurement": "a whole"}),
        ),
        endpoint(
            "typed",
            Access::Write,
            "text",
            json!({"measurement": "single"}),
        ),
    ];
    let rig = Rig::start(spec(server.port(), &json!({}), endpoints));
    rig.state(AdapterState::Online).await;
    let applied = WriteAnswer::Applied { verified: false };
    assert_eq!(rig.write("single", Value::F64(1.5)).await, applied);
    let point = json!({
        "fields": {"a": 5, "b": "x, y=\"z\""}, "tags": {"part": "7 8"}, "timestamp": 1767323045123_i64,
    });
    let point = Value::Json(point.to_string().into());
    assert_eq!(rig.write("whole", point).await, applied);
    let refused = rig.write("typed", Value::text("x")).await;
    assert!(
        matches!(&refused, WriteAnswer::Refused { code, message } if code == "400"
            && message.contains("field type conflict")),
        "{refused:?}"
    );
    let refused = rig.write("whole", Value::Json("{}".into())).await;
    assert!(
        matches!(&refused, WriteAnswer::Refused { code, .. } if code == "not_writable"),
        "{refused:?}"
    );
    let found = server.influx("SELECT a, b, part FROM \"a whole\"").unwrap();
    assert!(
        found.contains("1767323045123000000,5,") && found.contains("7 8"),
        "{found}"
    );
    rig.runner.stop().await;
}

#[tokio::test]
async fn a_login_is_needed_where_the_server_wants_one() {
    if rig::influx("influxdb: logins").is_none() {
        return;
    }
    let server = InfluxServer::with("auth-enabled = true").unwrap();
    let mut admin = server.client();
    let made = "CREATE USER me WITH PASSWORD 'it''s' WITH ALL PRIVILEGES";
    let made = made.replace("''", "\\'");
    assert!(admin.args(["-execute", &made]).status().unwrap().success());
    let endpoints = || {
        let show = json!({"query": "SHOW DATABASES", "interval": 100, "result": "value"});
        vec![endpoint("names", Access::Read, "json", show)]
    };
    let rig = Rig::start(spec(server.port(), &json!({}), endpoints()));
    rig.reason("names", Reason::DeviceError).await;
    rig.runner.stop().await;
    let login = json!({"username": "me", "password": "it's"});
    let rig = Rig::start(spec(server.port(), &login, endpoints()));
    rig.value("names", &Value::Json("null".into())).await;
    rig.runner.stop().await;
}
