//! PostgreSQL: every data type as its own client wrote it, TLS, a server that ends.

use mainstem_model::{Access, Reason, Timestamp, Value};
use serde_json::json;

use crate::rig::{self, Rig, endpoint, reads, to_postgres};

#[tokio::test]
async fn every_type_is_what_psql_wrote() {
    let Some(server) = rig::postgres("sql: types of PostgreSQL") else {
        return;
    };
    let sql = "CREATE TYPE colour AS ENUM ('red', 'grün');
        CREATE DOMAIN share AS numeric(5,2) CHECK (value >= 0);
        CREATE TABLE t (b boolean, i2 smallint, i4 integer, i8 bigint, f4 real, f8 float8,
            n numeric, m numeric(30,10), txt text, vc varchar(9), ch char(3), by bytea, js json,
            jb jsonb, tz timestamptz, ts timestamp, d date, ti time, iv interval, u uuid,
            c colour, s share, li integer[], lt text[], nul text);
        INSERT INTO t VALUES (true, -32768, 2147483647, -9223372036854775808, 0.1, 1e300,
            'NaN', 12345678901234567890.0123456789, E'ä\\n\"''', 'vc', 'c', '\\x00ff10',
            '{\"a\": [1,  2]}', '{\"b\": null}', '2026-01-02 03:04:05.678901+02',
            '1999-12-31 23:59:59.5', '1969-07-20', '23:59:59.000001',
            '1 year 2 months 3 days 04:05:06.7', '01234567-89ab-cdef-0123-456789abcdef',
            'grün', 99.90, '{1,NULL,-3}', '{}', NULL);";
    server.sql("mainstem", sql).unwrap();
    let whole = json!({"query": "SELECT * FROM t", "result": "row", "interval": 100});
    let mut endpoints = vec![endpoint("row", Access::Read, "json", whole)];
    let singles = [
        ("b", "bool", Value::Bool(true)),
        ("i2", "i16", Value::Int(-32768)),
        ("i8", "i64", Value::Int(i64::MIN)),
        ("f4", "f32", Value::F32(0.1)),
        ("f8", "f64", Value::F64(1e300)),
        ("s", "f64", Value::F64(99.9)),
        ("m", "text", Value::text("12345678901234567890.0123456789")),
        ("by", "bytes", Value::Bytes([0, 255, 16].into())),
        ("jb", "json", Value::Json(r#"{"b": null}"#.into())),
        (
            "tz",
            "time",
            Value::Time("2026-01-02T01:04:05.678901Z".parse().unwrap()),
        ),
        (
            "ts",
            "time",
            Value::Time("1999-12-31T23:59:59.5Z".parse().unwrap()),
        ),
    ];
    for (column, kind, _) in &singles {
        endpoints.push(reads(column, kind, &format!("SELECT {column} FROM t")));
    }
    endpoints.push(reads("li", "json", "SELECT li FROM t"));
    endpoints.push(reads("nul", "text", "SELECT nul FROM t"));
    endpoints.push(reads("ip", "text", "SELECT inet '10.0.0.1'"));
    endpoints.push(reads("cast", "text", "SELECT host(inet '10.0.0.1')"));
    let rig = Rig::start(rig::spec(to_postgres(server.port()), endpoints));
    let wanted = json!({
        "b": true, "i2": -32768, "i4": 2147483647, "i8": i64::MIN, "f4": 0.1, "f8": 1e300,
        "n": "NaN", "m": "12345678901234567890.0123456789", "txt": "ä\n\"'", "vc": "vc",
        "ch": "c  ", "by": "AP8Q", "js": {"a": [1, 2]}, "jb": {"b": null},
        "tz": "2026-01-02T01:04:05.678901Z", "ts": "1999-12-31T23:59:59.500000",
        "d": "1969-07-20", "ti": "23:59:59.000001", "iv": "P1Y2M3DT14706.700000S",
        "u": "01234567-89ab-cdef-0123-456789abcdef", "c": "grün", "s": "99.90",
        "li": [1, null, -3], "lt": [], "nul": null,
    });
    assert_eq!(rig.json("row").await, wanted);
    for (column, _, value) in &singles {
        rig.value(column, value).await;
    }
    assert_eq!(rig.json("li").await, json!([1, null, -3]));
    rig.reason("nul", Reason::BadSource).await;
    rig.reason("ip", Reason::DeviceError).await;
    rig.value("cast", &Value::text("10.0.0.1")).await;
    rig.stop().await;
}

#[tokio::test]
async fn rows_have_their_own_time_and_are_as_many_as_allowed() {
    let Some(server) = rig::postgres("sql: bounds of answers") else {
        return;
    };
    let mut connection = to_postgres(server.port());
    connection["maxRows"] = 10.into();
    connection["maxBytes"] = 4096.into();
    let timed = json!({
        "query": "SELECT 1 AS v, timestamptz '2026-01-02 03:04:05+00' AS at",
        "result": "value", "timeColumn": "at", "interval": 100,
    });
    let many = json!({"query": "SELECT generate_series(1, 11) AS n", "interval": 100});
    let enough = json!({"query": "SELECT generate_series(1, 10) AS n", "interval": 100});
    let endpoints = vec![
        endpoint("timed", Access::Read, "i64", timed),
        endpoint("many", Access::Read, "json", many),
        endpoint("enough", Access::Read, "json", enough),
        reads("first", "i64", "SELECT generate_series(1, 100000)"),
        reads("large", "text", "SELECT repeat('x', 5000)"),
        // What the library would keep whole is cut off on the wire.
        reads("huge", "text", "SELECT repeat('x', 20000000)"),
        reads("quiet", "i64", "SELECT count(*) FROM pg_class WHERE false"),
        reads("none", "i64", "SELECT 1 WHERE false"),
    ];
    let rig = Rig::start(rig::spec(connection, endpoints));
    rig.value("timed", &Value::Int(1)).await;
    let sample = rig.samples("timed").pop().unwrap();
    let at: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
    assert_eq!(sample.source_time, Some(at));
    rig.reason("many", Reason::BadType).await;
    assert_eq!(rig.json("enough").await.as_array().unwrap().len(), 10);
    rig.value("first", &Value::Int(1)).await;
    rig.reason("large", Reason::BadType).await;
    rig.reason("huge", Reason::BadType).await;
    rig.value("quiet", &Value::Int(0)).await;
    rig.reason("none", Reason::BadSource).await;
    assert!(rig.errors("too_many_rows") > 0 && rig.errors("too_large") > 0);
    rig.stop().await;
}

#[tokio::test]
async fn a_slow_statement_is_ended_by_the_server_and_delays_nobody() {
    let Some(server) = rig::postgres("sql: slow statements") else {
        return;
    };
    let endpoints = vec![
        reads("slow", "text", "SELECT pg_sleep(60)::text"),
        reads(
            "quick",
            "f64",
            "SELECT extract(epoch FROM clock_timestamp())::float8",
        ),
    ];
    let rig = Rig::start(rig::spec(to_postgres(server.port()), endpoints));
    rig.reason("slow", Reason::DeviceError).await;
    // While the next slow one runs, the quick one goes on.
    let before = rig.samples("quick").len();
    let more = |seen: &mainstem_adapter::conformance::Observed| {
        let id = seen.find("quick")?;
        let count = seen.samples.iter().filter(|(of, _)| *of == id).count();
        (count > before + 5).then_some(())
    };
    rig.suite.witness.until("more", rig::PATIENCE, more).await;
    let standing = rig.suite.runner.standing();
    assert_eq!(standing.state, mainstem_adapter::AdapterState::Online);
    rig.stop().await;
    // The server has none of ours left over that still sleeps.
    let left = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%'
        AND state = 'active' AND pid <> pg_backend_pid()";
    let until = std::time::Instant::now() + rig::PATIENCE;
    while server.sql("mainstem", left).unwrap() != "0" {
        assert!(std::time::Instant::now() < until, "it sleeps on");
    }
}

#[tokio::test]
async fn a_killed_server_is_found_again() {
    let Some(mut server) = rig::postgres("sql: a killed server") else {
        return;
    };
    let endpoints = vec![reads("one", "i64", "SELECT 1")];
    let rig = Rig::start(rig::spec(to_postgres(server.port()), endpoints));
    rig.value("one", &Value::Int(1)).await;
    server.kill();
    let waiting = mainstem_adapter::AdapterState::Waiting;
    rig.suite.witness.until_state(waiting, rig::PATIENCE).await;
    server.up().unwrap();
    rig.online().await;
    rig.good("one").await;
    rig.stop().await;
}

#[tokio::test]
async fn tls_is_checked_by_authority_and_by_key() {
    let Some(mut server) = rig::postgres("sql: TLS of PostgreSQL") else {
        return;
    };
    let own = rcgen::generate_simple_self_signed(vec!["127.0.0.1".into()]).unwrap();
    let certificate = server.place("server.crt", &own.cert.pem()).unwrap();
    let key = server
        .place("server.key", &own.signing_key.serialize_pem())
        .unwrap();
    server.kill();
    server.set(&[
        "ssl=on".into(),
        format!("ssl_cert_file={}", certificate.display()),
        format!("ssl_key_file={}", key.display()),
    ]);
    server.up().unwrap();
    let encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let mut connection = to_postgres(server.port());
    connection["tls"] = json!({"ca": certificate});
    let endpoints = vec![reads("ssl", "bool", encrypted)];
    let rig = Rig::start(rig::spec(connection.clone(), endpoints.clone()));
    rig.value("ssl", &Value::Bool(true)).await;
    rig.stop().await;
    connection["tls"] = json!({"pin": format!("sha256:{}", "0".repeat(64))});
    let rig = Rig::start(rig::spec(connection, endpoints));
    let refused = |seen: &mainstem_adapter::conformance::Observed| {
        let cause = seen.standings.last()?.cause.clone()?;
        (cause.code == "no_connection").then_some(())
    };
    rig.suite
        .witness
        .until("another key", rig::PATIENCE, refused)
        .await;
    rig.stop().await;
}

#[tokio::test]
async fn a_wrong_login_is_told_with_the_servers_words() {
    let Some(server) = rig::postgres("sql: logins of PostgreSQL") else {
        return;
    };
    let mut connection = to_postgres(server.port());
    connection["username"] = "nobody_like_this".into();
    let rig = Rig::start(rig::spec(connection, vec![reads("one", "i64", "SELECT 1")]));
    let refused = |seen: &mainstem_adapter::conformance::Observed| {
        let cause = seen.standings.last()?.cause.clone()?;
        (cause.code == "login_refused").then_some(cause.message)
    };
    let said = rig
        .suite
        .witness
        .until("refused", rig::PATIENCE, refused)
        .await;
    assert!(
        said.contains("nobody_like_this") && said.contains("28000"),
        "{said}"
    );
    rig.stop().await;
}
