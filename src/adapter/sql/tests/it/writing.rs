//! Writes: parameters by name, what is refused and in whose words, questions with parameters.

use mainstem_adapter::{AskError, WriteAnswer};
use mainstem_model::{Access, Value};
use serde_json::json;

use crate::conformance::Server;
use crate::rig::{self, Rig, document, endpoint, writes};

const APPLIED: WriteAnswer = WriteAnswer::Applied { verified: false };

/// A text that would do harm if it were put into a statement.
const EVIL: &str = "x'); DROP TABLE parts; -- \" \\' $1 ? @name \u{1F600}";

async fn writes_are_parametrised<S: Server>(server: S, duplicate: &str, overflow: &str) {
    server.sql("CREATE TABLE parts (number integer PRIMARY KEY, name varchar(200), line integer)");
    let insert = "INSERT INTO parts VALUES (@number, @name, @line)";
    let insert = json!({"query": insert, "parameters": {"line": 4}});
    let update = "UPDATE parts SET name = @value WHERE number = 1";
    let update = json!({"query": update, "mustAffect": true});
    let read = "SELECT number, name, line FROM parts WHERE number = @number";
    let read = json!({"query": read, "result": "row"});
    let both = json!({
        "query": "SELECT line FROM parts WHERE number = 1", "result": "value", "interval": 100,
        "writeQuery": "UPDATE parts SET line = @value WHERE number = 1",
    });
    let endpoints = vec![
        endpoint("insert", Access::Write, "json", insert),
        endpoint("update", Access::Write, "text", update),
        endpoint("part", Access::Read, "json", read),
        endpoint("line", Access::ReadWrite, "i32", both),
        writes("wrong", "i64", "INSERT INTO nowhere VALUES (@value)"),
    ];
    let rig = Rig::start(rig::spec(S::connection(server.port()), endpoints));
    rig.online().await;
    let refused = |answer: WriteAnswer| match answer {
        WriteAnswer::Refused { code, message } => (code, message),
        other => panic!("{other:?}"),
    };
    let (code, _) = refused(rig.write("update", Value::text("nobody")).await);
    assert_eq!(code, "no_row");
    // What is fixed in the node file stays, whoever writes.
    let part = json!({"number": 1, "name": EVIL, "line": 99});
    assert_eq!(rig.write("insert", document(&part)).await, APPLIED);
    let (code, message) = refused(rig.write("insert", document(&part)).await);
    assert_eq!(code, duplicate, "{message}");
    let (code, message) = refused(rig.write("insert", document(&json!({"number": 2}))).await);
    assert!(
        code == "missing_parameter" && message.contains("`name`"),
        "{message}"
    );
    let large = json!({"number": 99_999_999_999_i64, "name": null});
    let (code, message) = refused(rig.write("insert", document(&large)).await);
    assert_eq!(code, overflow, "{message}");
    let (_, message) = refused(rig.write("wrong", Value::Int(1)).await);
    assert!(message.contains("nowhere"), "{message}");
    let asked = rig.ask("part", json!({"parameters": {"number": 1}})).await;
    assert_eq!(asked, Ok(json!({"number": 1, "name": EVIL, "line": 4})));
    assert_eq!(
        rig.ask("part", json!({"parameters": {"number": 7}})).await,
        Ok(json!(null))
    );
    let nothing = rig.ask("part", json!({})).await;
    assert!(
        matches!(nothing, Err(AskError::Refused { code: 400, .. })),
        "{nothing:?}"
    );
    // The same value again is found, so it counts as a row everywhere.
    assert_eq!(rig.write("update", Value::text("bolt")).await, APPLIED);
    assert_eq!(rig.write("update", Value::text("bolt")).await, APPLIED);
    rig.value("line", &Value::Int(4)).await;
    assert_eq!(rig.write("line", Value::Int(5)).await, APPLIED);
    rig.value("line", &Value::Int(5)).await;
    assert_eq!(server.sql("SELECT count(*) FROM parts").trim(), "1");
    rig.stop().await;
}

#[tokio::test]
async fn of_postgres() {
    if let Some(server) = rig::postgres("sql: writes to PostgreSQL") {
        writes_are_parametrised(server, "23505", "22003").await;
    }
}

#[tokio::test]
async fn of_mariadb() {
    if let Some(server) = rig::mariadb("sql: writes to MariaDB") {
        writes_are_parametrised(server, "1062", "1264").await;
    }
}

#[tokio::test]
async fn every_type_can_be_written_to_postgres() {
    let Some(server) = rig::postgres("sql: types that are written") else {
        return;
    };
    let sql = "CREATE TABLE t (b boolean, i smallint, f float8, n numeric, x text, d date,
        tz timestamptz, js jsonb, li integer[], u uuid, by bytea)";
    server.sql("mainstem", sql).unwrap();
    let all = "INSERT INTO t VALUES (@b, @i, @f, @n, @x, @d, @tz, @js, @li, @u, @by)";
    let endpoints = vec![
        writes("all", "json", all),
        writes("bytes", "bytes", "INSERT INTO t (by) VALUES (@value)"),
    ];
    let rig = Rig::start(rig::spec(rig::to_postgres(server.port()), endpoints));
    rig.online().await;
    let row = json!({
        "b": true, "i": -5, "f": 0.1, "n": "12345678901234567890.5", "x": "ä", "d": "2026-01-02",
        "tz": "2026-01-02T03:04:05Z", "js": {"a": [1]}, "li": "{1,2}",
        "u": "01234567-89ab-cdef-0123-456789abcdef", "by": "\\x00ff",
    });
    assert_eq!(rig.write("all", document(&row)).await, APPLIED);
    assert_eq!(
        rig.write("bytes", Value::Bytes([1, 2].into())).await,
        APPLIED
    );
    let found = "SET TIME ZONE 'UTC'; SELECT * FROM t ORDER BY b NULLS LAST";
    let found = server.sql("mainstem", found).unwrap();
    let wanted = "t|-5|0.1|12345678901234567890.5|ä|2026-01-02|2026-01-02 03:04:05+00|\
        {\"a\": [1]}|{1,2}|01234567-89ab-cdef-0123-456789abcdef|\\x00ff\n||||||||||\\x0102";
    assert_eq!(found, wanted);
    rig.stop().await;
}

#[tokio::test]
async fn a_write_that_waits_for_a_lock_is_refused_and_not_done() {
    let Some(server) = rig::postgres("sql: locks") else {
        return;
    };
    server
        .sql("mainstem", "CREATE TABLE t (v integer)")
        .unwrap();
    let endpoints = vec![writes("w", "i32", "INSERT INTO t VALUES (@value)")];
    let rig = Rig::start(rig::spec(rig::to_postgres(server.port()), endpoints));
    rig.online().await;
    let mut locker = server.psql("mainstem");
    let script = "BEGIN; LOCK TABLE t; SELECT 'locked'; SELECT pg_sleep(30);";
    let mut locker = locker.args(["-c", script]).spawn().unwrap();
    let locked = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted
        AND relation = 't'::regclass";
    let until = std::time::Instant::now() + rig::PATIENCE;
    while server.sql("mainstem", locked).unwrap() != "1" {
        assert!(std::time::Instant::now() < until, "never locked");
    }
    let answer = rig.write("w", Value::Int(1)).await;
    assert!(
        matches!(&answer, WriteAnswer::Refused { code, .. } if code == "57014" || code == "55P03"),
        "{answer:?}"
    );
    locker.kill().unwrap();
    locker.wait().unwrap();
    let sleeper =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%'
        AND pid <> pg_backend_pid()";
    server.sql("mainstem", sleeper).unwrap();
    assert_eq!(rig.write("w", Value::Int(2)).await, APPLIED);
    assert_eq!(server.sql("mainstem", "SELECT sum(v) FROM t").unwrap(), "2");
    rig.stop().await;
}
