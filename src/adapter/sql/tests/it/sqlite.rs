//! SQLite: every storage class, files that are none, statements without an end.

use mainstem_adapter::{AdapterState, WriteAnswer};
use mainstem_model::{Access, Reason, Value};
use serde_json::json;

use crate::rig::{self, Rig, endpoint, reads, to_sqlite, writes};

fn database(folder: &tempfile::TempDir) -> (std::path::PathBuf, rusqlite::Connection) {
    let path = folder.path().join("db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    (path, connection)
}

#[tokio::test]
async fn every_storage_class_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let (path, connection) = database(&folder);
    connection
        .execute_batch(
            "CREATE TABLE t (i, r, t, b, n);
             INSERT INTO t VALUES (-9223372036854775808, 0.5, 'ä''', x'00ff10', NULL);",
        )
        .unwrap();
    let whole = json!({"query": "SELECT * FROM t", "result": "row", "interval": 100});
    let endpoints = vec![
        endpoint("row", Access::Read, "json", whole),
        reads("i", "i64", "SELECT i FROM t"),
        reads("b", "bytes", "SELECT b FROM t"),
        reads("n", "f64", "SELECT n FROM t"),
        reads("at", "time", "SELECT '2026-01-02 03:04:05'"),
    ];
    let rig = Rig::start(rig::spec(to_sqlite(&path), endpoints));
    let wanted = json!({"i": i64::MIN, "r": 0.5, "t": "ä'", "b": "AP8Q", "n": null});
    assert_eq!(rig.json("row").await, wanted);
    rig.value("i", &Value::Int(i64::MIN)).await;
    rig.value("b", &Value::Bytes([0, 255, 16].into())).await;
    rig.reason("n", Reason::BadSource).await;
    rig.value("at", &Value::Time("2026-01-02T03:04:05Z".parse().unwrap()))
        .await;
    rig.stop().await;
}

#[tokio::test]
async fn a_statement_without_an_end_is_ended_and_delays_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _connection) = database(&folder);
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)
        SELECT count(*) FROM n";
    let endpoints = vec![
        reads("endless", "i64", endless),
        reads("large", "bytes", "SELECT zeroblob(200000000)"),
        reads("quick", "f64", "SELECT julianday('now')"),
    ];
    let rig = Rig::start(rig::spec(to_sqlite(&path), endpoints));
    rig.reason("endless", Reason::DeviceError).await;
    rig.reason("large", Reason::BadType).await;
    rig.good("quick").await;
    assert_eq!(rig.suite.runner.standing().state, AdapterState::Online);
    let began = rig::micros(&rig);
    rig.suite.runner.stop().await;
    let took = rig::micros(&rig) - began;
    assert!(took < 2_000_000, "stop waited for the statement: {took} µs");
}

#[tokio::test]
async fn files_that_are_no_database_are_told_and_none_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text");
    std::fs::write(&text, "no database at all ".repeat(100)).unwrap();
    for path in [folder.path().join("absent"), text] {
        let endpoints = vec![reads("one", "i64", "SELECT 1")];
        let rig = Rig::start(rig::spec(to_sqlite(&path), endpoints));
        let lost = |seen: &mainstem_adapter::conformance::Observed| {
            let cause = seen.standings.last()?.cause.clone()?;
            (cause.code == "no_connection").then_some(())
        };
        rig.suite
            .witness
            .until("no database", rig::PATIENCE, lost)
            .await;
        rig.stop().await;
    }
    assert!(!folder.path().join("absent").exists());
}

#[tokio::test]
async fn another_file_in_its_place_is_read_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    let (path, connection) = database(&folder);
    connection
        .execute_batch("CREATE TABLE t (v); INSERT INTO t VALUES (1)")
        .unwrap();
    let rig = Rig::start(rig::spec(
        to_sqlite(&path),
        vec![reads("v", "i64", "SELECT v FROM t")],
    ));
    rig.value("v", &Value::Int(1)).await;
    let other = folder.path().join("other");
    let made = rusqlite::Connection::open(&other).unwrap();
    made.execute_batch("CREATE TABLE t (v); INSERT INTO t VALUES (2)")
        .unwrap();
    drop((made, connection));
    std::fs::rename(&other, &path).unwrap();
    rig.value("v", &Value::Int(2)).await;
    rig.stop().await;
}

#[tokio::test]
async fn a_locked_file_refuses_a_write() {
    let folder = tempfile::tempdir().unwrap();
    let (path, connection) = database(&folder);
    connection.execute_batch("CREATE TABLE t (v)").unwrap();
    let endpoints = vec![writes("w", "i64", "INSERT INTO t VALUES (@value)")];
    let rig = Rig::start(rig::spec(to_sqlite(&path), endpoints));
    rig.online().await;
    connection.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let refused = rig.write("w", Value::Int(1)).await;
    assert!(
        matches!(&refused, WriteAnswer::Refused { message, .. } if message.contains("locked")),
        "{refused:?}"
    );
    connection.execute_batch("COMMIT").unwrap();
    let applied = rig.write("w", Value::Int(1)).await;
    assert_eq!(applied, WriteAnswer::Applied { verified: false });
    let count = "SELECT count(*) FROM t";
    let count: i64 = connection.query_row(count, [], |row| row.get(0)).unwrap();
    assert_eq!(count, 1);
    rig.stop().await;
}
