//! Where data loggers keep what they record.

use mainstem_datalogger::TlsMode;
use mainstem_datalogger::config::StoreConfig;

use super::load_text;

fn file(store: &str) -> String {
    format!("version: 1\nnode: {{ name: line1 }}\nloggers:\n  store: {store}\n")
}

fn problem(store: &str) -> String {
    let problems = load_text(&file(store)).unwrap_err();
    problems.to_json().to_string()
}

#[test]
fn a_store_is_sqlite_or_a_server_that_is_known() {
    let kept = |store: &str| load_text(&file(store)).unwrap().loggers.unwrap().store;
    assert_eq!(kept("sqlite"), StoreConfig::Sqlite);
    let pin = format!("sha256:{}", "0".repeat(64));
    let asked = format!("{{ postgres: {{ host: db, pin: \"{pin}\", password: secret-word }} }}");
    let StoreConfig::Postgres(server) = kept(&asked) else {
        panic!("{asked}");
    };
    assert_eq!((server.port, server.tls), (5432, TlsMode::Verify));
    assert_eq!(
        (server.schema.as_str(), server.spool),
        ("mainstem", 4 << 30)
    );
    assert!(!format!("{server:?}").contains("secret-word"));
    kept("{ postgres: { host: /run/postgresql } }");
    kept("{ postgres: { host: db, tls: off } }");
}

#[test]
fn a_server_that_nobody_vouches_for_is_a_problem() {
    assert!(problem("{ postgres: { host: db } }").contains("who is the PostgreSQL server?"));
    let lacking = problem("{ postgres: { host: db, ca: nowhere.pem } }");
    assert!(
        lacking.contains("there is no file `nowhere.pem`"),
        "{lacking}"
    );
    assert!(problem("{ postgres: { host: db, tls: off, schema: \"a; b\" } }").contains("schema"));
    assert!(problem("{ postgres: { host: db, tls: off, spool: 1 MiB } }").contains("spool"));
    problem("mysql");
}
