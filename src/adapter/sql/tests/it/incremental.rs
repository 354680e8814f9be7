//! New rows only: each once, across cuts of the line, kills of the server and restarts of the node.

use std::net::SocketAddr;

use mainstem_adapter::AdapterSpec;
use mainstem_adapter::conformance::{Observed, Relay};
use mainstem_model::{Access, Value};
use serde_json::{Value as Json, json};

use crate::conformance::Server;
use crate::rig::{self, Rig, endpoint};

fn query(more: &Json) -> Json {
    let mut operation = json!({
        "query": "SELECT id, name FROM log WHERE id > @last ORDER BY id LIMIT 20",
        "result": "row", "interval": 100, "incremental": {"column": "id", "start": 0},
    });
    for (key, value) in more.as_object().unwrap() {
        operation[key] = value.clone();
    }
    operation
}

fn ids(rig: &Rig) -> Vec<i64> {
    let samples = rig.samples("log");
    let id = |value: &Value| match value {
        Value::Json(text) => serde_json::from_str::<Json>(text).unwrap()["id"].as_i64(),
        _ => None,
    };
    samples
        .iter()
        .map(|sample| id(sample.value.as_ref().unwrap()).unwrap())
        .collect()
}

async fn until_count(rig: &Rig, count: usize) {
    let point = rig.suite.runner.point("log").unwrap();
    let enough = |seen: &Observed| {
        let own = seen
            .samples
            .iter()
            .filter(|(of, sample)| *of == point && sample.value.is_some());
        (own.count() >= count).then_some(())
    };
    let what = format!("{count} rows");
    rig.suite
        .witness
        .until(&what, rig::PATIENCE * 2, enough)
        .await;
}

fn spec(folder: &tempfile::TempDir, connection: Json, operation: Json) -> AdapterSpec {
    let endpoints = vec![endpoint("log", Access::Read, "json", operation)];
    let mut spec = rig::spec(connection, endpoints);
    spec.folder = folder.path().join("mes");
    spec
}

async fn each_row_comes_once<S: Server>(server: S) {
    let folder = tempfile::tempdir().unwrap();
    server.sql("CREATE TABLE log (id integer PRIMARY KEY, name varchar(20))");
    let add = |from: usize, to: usize| {
        let rows: Vec<String> = (from..to).map(|id| format!("({id}, 'same')")).collect();
        server.sql(&format!("INSERT INTO log VALUES {}", rows.join(",")));
    };
    let mut cable = Relay::new();
    let far = SocketAddr::from(([127, 0, 0, 1], server.port()));
    cable.start(far).await;
    let spec = spec(&folder, S::connection(cable.port()), query(&json!({})));
    let rig = Rig::start(spec.clone());
    add(1, 51);
    until_count(&rig, 50).await;
    // The line is cut again and again while rows come.
    for round in 0..4 {
        add(51 + round * 25, 76 + round * 25);
        cable.stop().await;
        cable.start(far).await;
    }
    until_count(&rig, 150).await;
    server.stand(true);
    let waiting = mainstem_adapter::AdapterState::Waiting;
    rig.suite.witness.until_state(waiting, rig::PATIENCE).await;
    server.stand(false);
    rig.online().await;
    // Nothing new, and yet the datapoint is good again.
    rig.suite
        .witness
        .until("good without news", rig::PATIENCE, |seen: &Observed| {
            let quality = seen.quality(seen.find("log")?)?;
            quality.is_good().then_some(())
        })
        .await;
    assert_eq!(ids(&rig), (1..151).collect::<Vec<i64>>());
    rig.stop().await;
    // Another start of the node goes on where it was.
    add(151, 161);
    let again = Rig::start(spec);
    until_count(&again, 10).await;
    add(161, 162);
    until_count(&again, 11).await;
    assert_eq!(ids(&again), (151..162).collect::<Vec<i64>>());
    again.stop().await;
}

#[tokio::test]
async fn of_postgres() {
    if let Some(server) = rig::postgres("sql: new rows of PostgreSQL") {
        each_row_comes_once(server).await;
    }
}

#[tokio::test]
async fn of_mariadb() {
    if let Some(server) = rig::mariadb("sql: new rows of MariaDB") {
        each_row_comes_once(server).await;
    }
}

#[tokio::test]
async fn a_row_that_was_committed_late_is_found() {
    let Some(server) = rig::postgres("sql: rows that are committed late") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let sql = "CREATE TABLE log (id integer PRIMARY KEY, name text)";
    server.sql("mainstem", sql).unwrap();
    let more = json!({"incremental": {"column": "id", "start": 0, "lookback": 15}});
    let spec = spec(&folder, rig::to_postgres(server.port()), query(&more));
    let rig = Rig::start(spec);
    let add = |id: i32| {
        let sql = format!("INSERT INTO log VALUES ({id}, 'x')");
        server.sql("mainstem", &sql).unwrap();
    };
    add(1);
    add(4);
    until_count(&rig, 2).await;
    // As a transaction does that took its number first and was slower.
    add(3);
    until_count(&rig, 3).await;
    add(5);
    until_count(&rig, 4).await;
    assert_eq!(ids(&rig), [1, 4, 3, 5]);
    rig.stop().await;
}

#[tokio::test]
async fn lists_of_new_rows_and_times_as_keys() {
    let Some(server) = rig::mariadb("sql: times as keys") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let sql = "USE mainstem; SET time_zone = '+00:00';
        CREATE TABLE log (at timestamp(6) PRIMARY KEY, v integer);
        INSERT INTO log VALUES ('2026-01-01 00:00:00.000001', 1), ('2026-01-01 00:00:00.5', 2)";
    server.sql(sql).unwrap();
    let operation = json!({
        "query": "SELECT at, v FROM log WHERE at > @last ORDER BY at", "interval": 100,
        "timeColumn": "at", "incremental": {"column": "at", "start": "2026-01-01 00:00:00"},
    });
    let rig = Rig::start(spec(&folder, rig::to_mariadb(server.port()), operation));
    until_count(&rig, 1).await;
    let sql = "USE mainstem; SET time_zone = '+00:00'; INSERT INTO log VALUES
        ('2026-01-01 00:00:01', 3)";
    server.sql(sql).unwrap();
    until_count(&rig, 2).await;
    let samples = rig.samples("log");
    let lists: Vec<Json> = samples
        .iter()
        .map(|sample| match &sample.value {
            Some(Value::Json(text)) => serde_json::from_str(text).unwrap(),
            other => panic!("{other:?}"),
        })
        .collect();
    let wanted = json!([
        [{"at": "2026-01-01T00:00:00.000001Z", "v": 1}, {"at": "2026-01-01T00:00:00.500000Z", "v": 2}],
        [{"at": "2026-01-01T00:00:01.000000Z", "v": 3}],
    ]);
    assert_eq!(json!(lists), wanted);
    let at = "2026-01-01T00:00:01Z".parse().unwrap();
    assert_eq!(samples[1].source_time, Some(at));
    rig.stop().await;
}

#[tokio::test]
async fn rows_without_an_order_are_refused_rather_than_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    let sql = "CREATE TABLE log (id integer, name text); INSERT INTO log VALUES (2, 'b'), (1, 'a')";
    connection.execute_batch(sql).unwrap();
    let unordered = json!({"query": "SELECT id, name FROM log WHERE id > @last"});
    let spec = spec(&folder, rig::to_sqlite(&path), query(&unordered));
    let rig = Rig::start(spec);
    rig.reason("log", mainstem_model::Reason::BadType).await;
    assert!(rig.errors("rows_in_disorder") > 0);
    rig.stop().await;
}
