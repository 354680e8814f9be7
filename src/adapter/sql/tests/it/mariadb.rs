//! MariaDB: every data type as its own client wrote it, TLS, limits.

use mainstem_model::{Access, Reason, Value};
use serde_json::json;

use crate::rig::{self, Rig, endpoint, reads, to_mariadb};

#[tokio::test]
async fn every_type_is_what_the_client_wrote() {
    let Some(server) = rig::mariadb("sql: types of MariaDB") else {
        return;
    };
    let sql = "USE mainstem; SET time_zone = '+02:00';
        CREATE TABLE t (b boolean, i1 tinyint, u2 smallint unsigned, i3 mediumint, i4 int,
            i8 bigint, u8 bigint unsigned, f4 float, f8 double, n decimal(30,10), bi bit(12),
            txt text, vc varchar(9), ch char(3), by_ blob, vb varbinary(4), js json, ts timestamp(6),
            dt datetime(3), d date, ti time(6), y year, e enum('red','grün'), s set('a','b'),
            nul text);
        INSERT INTO t VALUES (true, -128, 65535, -8388608, 2147483647, -9223372036854775808,
            18446744073709551615, 0.1, 1e300, 12345678901234567890.0123456789, b'101010101010',
            'ä\\n\"''', 'vc', 'c', x'00ff10', x'01', '{\"a\": [1,  2]}',
            '2026-01-02 03:04:05.678901', '1999-12-31 23:59:59.5', '1969-07-20',
            '-838:59:58.000001', 2026, 'grün', 'a,b', NULL);";
    server.sql(sql).unwrap();
    let whole = json!({"query": "SELECT * FROM t", "result": "row", "interval": 100});
    let mut endpoints = vec![endpoint("row", Access::Read, "json", whole)];
    let singles = [
        ("b", "bool", Value::Bool(true)),
        ("u8", "u64", Value::UInt(u64::MAX)),
        ("i8", "i64", Value::Int(i64::MIN)),
        ("f4", "f32", Value::F32(0.1)),
        ("n", "text", Value::text("12345678901234567890.0123456789")),
        ("bi", "u16", Value::UInt(0b1010_1010_1010)),
        ("by_", "bytes", Value::Bytes([0, 255, 16].into())),
        (
            "ts",
            "time",
            Value::Time("2026-01-02T01:04:05.678901Z".parse().unwrap()),
        ),
        (
            "dt",
            "time",
            Value::Time("1999-12-31T23:59:59.5Z".parse().unwrap()),
        ),
    ];
    for (column, kind, _) in &singles {
        endpoints.push(reads(column, kind, &format!("SELECT {column} FROM t")));
    }
    endpoints.push(reads("nul", "text", "SELECT nul FROM t"));
    let rig = Rig::start(rig::spec(to_mariadb(server.port()), endpoints));
    let wanted = json!({
        "b": 1, "i1": -128, "u2": 65535, "i3": -8388608, "i4": 2147483647, "i8": i64::MIN,
        "u8": u64::MAX, "f4": 0.1, "f8": 1e300, "n": "12345678901234567890.0123456789",
        "bi": 2730, "txt": "ä\n\"'", "vc": "vc", "ch": "c", "by_": "AP8Q", "vb": "AQ==",
        "js": "{\"a\": [1,  2]}", "ts": "2026-01-02T01:04:05.678901Z",
        "dt": "1999-12-31 23:59:59.500000", "d": "1969-07-20", "ti": "-838:59:58.000001",
        "y": 2026, "e": "grün", "s": "a,b", "nul": null,
    });
    assert_eq!(rig.json("row").await, wanted);
    for (column, _, value) in &singles {
        rig.value(column, value).await;
    }
    rig.reason("nul", Reason::BadSource).await;
    rig.stop().await;
}

#[tokio::test]
async fn answers_are_bounded_and_slow_statements_are_ended() {
    let Some(server) = rig::mariadb("sql: bounds of MariaDB") else {
        return;
    };
    let mut connection = to_mariadb(server.port());
    connection["maxRows"] = 10.into();
    connection["maxBytes"] = 4096.into();
    let many = json!({"query": "SELECT seq FROM seq_1_to_1000000", "interval": 100});
    let endpoints = vec![
        endpoint("many", Access::Read, "json", many),
        reads("first", "i64", "SELECT seq FROM seq_1_to_100"),
        reads("large", "text", "SELECT repeat('x', 5000)"),
        reads("huge", "text", "SELECT repeat('x', 10000000)"),
        reads(
            "slow",
            "i64",
            "SELECT count(*) FROM seq_1_to_100000000000 WHERE seq % 3 = 1",
        ),
        reads("quick", "text", "SELECT now(6)"),
    ];
    let rig = Rig::start(rig::spec(connection, endpoints));
    rig.reason("many", Reason::BadType).await;
    rig.value("first", &Value::Int(1)).await;
    rig.reason("large", Reason::BadType).await;
    rig.reason("huge", Reason::BadType).await;
    rig.reason("slow", Reason::DeviceError).await;
    rig.good("quick").await;
    rig.stop().await;
}

#[tokio::test]
async fn tls_is_checked_by_authority() {
    let Some(mut server) = rig::mariadb("sql: TLS of MariaDB") else {
        return;
    };
    let pair = || rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let (own, other) = (pair(), pair());
    let certificate = server.place("server.crt", &own.cert.pem()).unwrap();
    let stranger = server.place("other.crt", &other.cert.pem()).unwrap();
    let key = server
        .place("server.key", &own.signing_key.serialize_pem())
        .unwrap();
    server.kill();
    server.set(&[
        format!("--ssl-cert={}", certificate.display()),
        format!("--ssl-key={}", key.display()),
    ]);
    server.up().unwrap();
    let encrypted = "SELECT variable_value <> '' FROM information_schema.session_status
        WHERE variable_name = 'Ssl_cipher'";
    let mut connection = to_mariadb(server.port());
    connection["host"] = "localhost".into();
    connection["tls"] = json!({"ca": certificate});
    let endpoints = vec![reads("ssl", "bool", encrypted)];
    let rig = Rig::start(rig::spec(connection.clone(), endpoints.clone()));
    rig.value("ssl", &Value::Bool(true)).await;
    rig.stop().await;
    connection["tls"] = json!({"ca": stranger});
    let rig = Rig::start(rig::spec(connection, endpoints));
    let refused = |seen: &mainstem_adapter::conformance::Observed| {
        let cause = seen.standings.last()?.cause.clone()?;
        (cause.code == "no_connection").then_some(())
    };
    rig.suite
        .witness
        .until("a stranger", rig::PATIENCE, refused)
        .await;
    rig.stop().await;
}

#[tokio::test]
async fn a_url_says_everything_and_a_wrong_password_is_told() {
    let Some(server) = rig::mariadb("sql: urls") else {
        return;
    };
    let url = |password: &str| {
        let port = server.port();
        json!({"url": format!("mariadb://mainstem:{password}@127.0.0.1:{port}/mainstem")})
    };
    let endpoints = vec![reads("one", "i64", "SELECT 1")];
    let rig = Rig::start(rig::spec(url("s%65cret"), endpoints.clone()));
    rig.value("one", &Value::Int(1)).await;
    rig.stop().await;
    let rig = Rig::start(rig::spec(url("hunter2"), endpoints));
    let refused = |seen: &mainstem_adapter::conformance::Observed| {
        let cause = seen.standings.last()?.cause.clone()?;
        (cause.code == "login_refused").then_some(cause.message)
    };
    let said = rig
        .suite
        .witness
        .until("refused", rig::PATIENCE, refused)
        .await;
    assert!(said.contains("1045") && !said.contains("hunter2"), "{said}");
    rig.stop().await;
}
