//! The conformance rows: PostgreSQL and MariaDB behind a cable that can be cut, and a file of
//! SQLite, which has no cable.

use std::net::SocketAddr;
use std::time::Duration;

use mainstem_adapter::conformance::{Fixture, Relay};
use mainstem_adapter::{AdapterRunner, AdapterSpec, BoxFuture, Kind};
use mainstem_adapter_sql::KIND;
use mainstem_device::{MariadbServer, PostgresServer};
use mainstem_model::{Access, Value};
use serde_json::{Value as Json, json};

use crate::rig::{self, endpoint, reads, writes};

const TABLES: &str = "CREATE TABLE stock (id integer PRIMARY KEY, count integer);
    INSERT INTO stock VALUES (1, 7);
    CREATE TABLE orders (amount double precision);";

/// A server behind a cable.
pub(crate) trait Server: Send {
    fn port(&self) -> u16;
    fn sql(&self, statements: &str) -> String;
    fn stand(&self, still: bool);
    fn connection(port: u16) -> Json;
}

impl Server for PostgresServer {
    fn port(&self) -> u16 {
        self.port()
    }

    fn sql(&self, statements: &str) -> String {
        self.sql("mainstem", statements).unwrap()
    }

    fn stand(&self, still: bool) {
        if still { self.freeze() } else { self.thaw() }
    }

    fn connection(port: u16) -> Json {
        rig::to_postgres(port)
    }
}

impl Server for MariadbServer {
    fn port(&self) -> u16 {
        self.port()
    }

    fn sql(&self, statements: &str) -> String {
        self.sql(&format!("USE mainstem; {statements}")).unwrap()
    }

    fn stand(&self, still: bool) {
        if still { self.freeze() } else { self.thaw() }
    }

    fn connection(port: u16) -> Json {
        rig::to_mariadb(port)
    }
}

struct Plugged<S> {
    cable: Relay,
    server: S,
}

impl<S: Server> Plugged<S> {
    fn new(server: S) -> Self {
        server.sql(TABLES);
        Self {
            cable: Relay::new(),
            server,
        }
    }
}

fn endpoints() -> Vec<mainstem_adapter::EndpointSpec> {
    let all = json!({"query": "SELECT id, count FROM stock", "interval": 100});
    vec![
        reads("stock", "i64", "SELECT count FROM stock WHERE id = 1"),
        endpoint("all", Access::Read, "json", all),
        writes("order", "f64", "INSERT INTO orders VALUES (@value)"),
    ]
}

fn bad(mut spec: AdapterSpec) -> (AdapterSpec, Vec<&'static str>) {
    spec.connection["maxRows"] = 0.into();
    spec.endpoints[0].operation["query"] = "SELECT 1; SELECT 2".into();
    spec.endpoints[1].operation["timeColum"] = "at".into();
    let pointers = vec![
        "/connection/maxRows",
        "/endpoints/0/operation/query",
        "/endpoints/1/operation/timeColum",
    ];
    (spec, pointers)
}

impl<S: Server + Sync> Fixture for Plugged<S> {
    fn kind(&self) -> Kind {
        KIND
    }

    fn spec(&self) -> AdapterSpec {
        rig::spec(S::connection(self.cable.port()), endpoints())
    }

    fn bad_spec(&self) -> (AdapterSpec, Vec<&'static str>) {
        bad(self.spec())
    }

    fn bad_address(&self) -> (AdapterSpec, &'static str) {
        let mut spec = self.spec();
        spec.endpoints
            .push(reads("nowhere", "f64", "SELECT x FROM nowhere"));
        (spec, "nowhere")
    }

    fn write(&self) -> (&'static str, Value) {
        ("order", Value::F64(42.5))
    }

    fn writes_seen(&self) -> usize {
        let count = self
            .server
            .sql("SELECT count(*) FROM orders WHERE amount = 42.5");
        count.trim().parse().unwrap()
    }

    fn silence_limit(&self) -> Duration {
        // The statement's own time and what the server has to end it.
        Duration::from_millis(1000)
    }

    fn start(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.server.stand(false);
            let address = SocketAddr::from(([127, 0, 0, 1], self.server.port()));
            self.cable.start(address).await;
        })
    }

    fn stop<'a>(&'a mut self, _runner: &'a AdapterRunner) -> BoxFuture<'a, ()> {
        Box::pin(self.cable.stop())
    }

    fn freeze<'a>(&'a mut self, _runner: &'a AdapterRunner) -> BoxFuture<'a, ()> {
        self.server.stand(true);
        Box::pin(async {})
    }

    fn garbage(&mut self) -> BoxFuture<'_, ()> {
        self.cable.talk_nonsense();
        Box::pin(async {})
    }
}

mod on_postgres {
    use super::*;

    fn postgres(rule: &str) -> Option<Plugged<PostgresServer>> {
        rig::postgres(&format!("sql on_postgres {rule}")).map(Plugged::new)
    }

    mainstem_adapter::conformance_suite! { with_foreign(all) postgres }
}

mod on_mariadb {
    use super::*;

    fn mariadb(rule: &str) -> Option<Plugged<MariadbServer>> {
        rig::mariadb(&format!("sql on_mariadb {rule}")).map(Plugged::new)
    }

    mainstem_adapter::conformance_suite!(with_foreign mariadb;
        comes_online_with_values,
        bad_address_is_one_bad_point,
        write_is_answered_once,
        write_is_answered_when_the_link_is_lost,
        closed_peer_is_found_and_found_again,
        half_open_peer_hits_the_timeout,
        garbage_does_no_harm,
        stop_is_prompt_and_final,
        reconnects_leak_no_task,
    );
}

/// A file of SQLite.
struct Filed {
    folder: tempfile::TempDir,
}

impl Filed {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn open(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.path().join("db")).unwrap()
    }
}

impl Fixture for Filed {
    fn kind(&self) -> Kind {
        KIND
    }

    fn spec(&self) -> AdapterSpec {
        let connection = rig::to_sqlite(&self.folder.path().join("db"));
        rig::spec(connection, endpoints())
    }

    fn bad_spec(&self) -> (AdapterSpec, Vec<&'static str>) {
        bad(self.spec())
    }

    fn bad_address(&self) -> (AdapterSpec, &'static str) {
        let mut spec = self.spec();
        spec.endpoints
            .push(reads("nowhere", "f64", "SELECT x FROM nowhere"));
        (spec, "nowhere")
    }

    fn write(&self) -> (&'static str, Value) {
        ("order", Value::F64(42.5))
    }

    fn writes_seen(&self) -> usize {
        let count = "SELECT count(*) FROM orders";
        let count: i64 = self.open().query_row(count, [], |row| row.get(0)).unwrap();
        usize::try_from(count).unwrap()
    }

    fn start(&mut self) -> BoxFuture<'_, ()> {
        self.open().execute_batch(TABLES).unwrap();
        Box::pin(async {})
    }
}

mod on_sqlite {
    use super::*;

    mainstem_adapter::conformance_suite!(with_peer Filed::new();
        bad_configuration_reports_all_problems,
        comes_online_with_values,
        bad_address_is_one_bad_point,
        write_is_answered_once,
        stop_is_prompt_and_final,
    );
}
