//! A runner over a database, and the databases.

use std::path::Path;
use std::time::Duration;

use mainstem_adapter::conformance::{Observed, Rig as Suite};
use mainstem_adapter::{AdapterSpec, AdapterState, AskError, EndpointSpec, WriteAnswer};
use mainstem_adapter_sql::KIND;
use mainstem_device::{MariadbServer, PostgresServer, Speed};
use mainstem_model::{Access, Quality, Reason, Sample, Value, ValueType};
use serde_json::{Value as Json, json};

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn endpoint(name: &str, access: Access, kind: &str, operation: Json) -> EndpointSpec {
    EndpointSpec {
        name: name.into(),
        operation,
        interval: None,
        access,
        value_type: Some(kind.parse::<ValueType>().unwrap()),
        unit: None,
        description: None,
        limits: None,
        scaling: None,
        time: None,
        stale_after: None,
        life: None,
    }
}

/// One value of one column, asked every 100 ms.
pub(crate) fn reads(name: &str, kind: &str, query: &str) -> EndpointSpec {
    let operation = json!({"query": query, "result": "value", "interval": 100});
    endpoint(name, Access::Read, kind, operation)
}

pub(crate) fn writes(name: &str, kind: &str, query: &str) -> EndpointSpec {
    endpoint(name, Access::Write, kind, json!({"query": query}))
}

pub(crate) fn spec(connection: Json, endpoints: Vec<EndpointSpec>) -> AdapterSpec {
    AdapterSpec {
        name: "mes".into(),
        connection,
        endpoints,
        folder: "unused".into(),
        home: "/".into(),
    }
}

/// The connection to a PostgreSQL server by a port.
pub(crate) fn to_postgres(port: u16) -> Json {
    json!({
        "driver": "postgres", "host": "127.0.0.1", "port": port, "username": "mainstem",
        "database": "mainstem", "connectTimeout": 1000, "statementTimeout": 500,
        "probeInterval": 200,
    })
}

pub(crate) fn to_mariadb(port: u16) -> Json {
    json!({
        "driver": "mariadb", "host": "127.0.0.1", "port": port, "username": "mainstem",
        "password": "secret", "database": "mainstem", "connectTimeout": 1000,
        "statementTimeout": 500, "probeInterval": 200,
    })
}

pub(crate) fn to_sqlite(file: &Path) -> Json {
    json!({"driver": "sqlite", "file": file, "statementTimeout": 500, "probeInterval": 200})
}

/// A server, or a loud word that there is none.
pub(crate) fn postgres(what: &str) -> Option<PostgresServer> {
    if !PostgresServer::is_installed() {
        left_out(&format!("{what}: no PostgreSQL is installed"));
        return None;
    }
    Some(PostgresServer::start(Speed::Fast).unwrap())
}

/// A server, or a loud word that there is none.
pub(crate) fn mariadb(what: &str) -> Option<MariadbServer> {
    if !MariadbServer::is_installed() {
        left_out(&format!("{what}: no MariaDB is installed"));
        return None;
    }
    Some(MariadbServer::start().unwrap())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test has no configuration but this"
)]
fn left_out(why: &str) {
    use std::io::Write;
    eprintln!("LEFT OUT: {why}");
    if let Ok(path) = std::env::var("MAINSTEM_SKIPPED") {
        let mut options = std::fs::OpenOptions::new();
        let file = options.append(true).create(true).open(path);
        writeln!(file.unwrap(), "{why}").unwrap();
    }
}

/// A runner with what it told.
pub(crate) struct Rig {
    pub(crate) suite: Suite,
}

impl Rig {
    pub(crate) fn start(spec: AdapterSpec) -> Self {
        Self {
            suite: Suite::start(KIND, spec),
        }
    }

    pub(crate) async fn online(&self) {
        let online = AdapterState::Online;
        self.suite.witness.until_state(online, PATIENCE).await;
    }

    /// Waits until a datapoint has a good value, and gives it.
    pub(crate) async fn good(&self, point: &str) -> Value {
        let good = |seen: &Observed| {
            let latest = seen.latest.get(&seen.find(point)?)?;
            let is_good = latest.quality == Quality::GOOD;
            latest.value.clone().filter(|_| is_good)
        };
        self.suite.witness.until(point, PATIENCE, good).await
    }

    pub(crate) async fn json(&self, point: &str) -> Json {
        match self.good(point).await {
            Value::Json(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn value(&self, point: &str, wanted: &Value) {
        let has = |seen: &Observed| (seen.value(point)? == *wanted).then_some(());
        let what = format!("{point} = {wanted:?}");
        self.suite.witness.until(&what, PATIENCE, has).await;
    }

    pub(crate) async fn reason(&self, point: &str, wanted: Reason) {
        let has = |seen: &Observed| {
            let latest = seen.latest.get(&seen.find(point)?)?;
            (latest.quality == Quality::of(wanted)).then_some(())
        };
        let what = format!("{point}: {wanted:?}");
        self.suite.witness.until(&what, PATIENCE, has).await;
    }

    /// All samples of a datapoint that had a value, in order.
    pub(crate) fn samples(&self, point: &str) -> Vec<Sample> {
        let seen = self.suite.witness.observed();
        let id = seen.find(point).unwrap();
        let own = seen.samples.into_iter().filter(|(of, _)| *of == id);
        own.map(|(_, sample)| sample)
            .filter(|sample| sample.value.is_some())
            .collect()
    }

    pub(crate) async fn write(&self, point: &str, value: Value) -> WriteAnswer {
        self.suite.write(point, value, PATIENCE).await
    }

    pub(crate) async fn ask(&self, point: &str, arguments: Json) -> Result<Json, AskError> {
        let point = self.suite.runner.point(point).unwrap();
        let deadline = self.suite.clock.monotonic().after(PATIENCE);
        self.suite.runner.ask(point, arguments, deadline).await
    }

    pub(crate) fn errors(&self, code: &str) -> u64 {
        let statistics = self.suite.runner.view().statistics;
        statistics.errors.get(code).copied().unwrap_or_default()
    }

    pub(crate) async fn stop(self) {
        self.suite.runner.stop().await;
    }
}

pub(crate) fn document(json: &Json) -> Value {
    Value::Json(json.to_string().into())
}

/// The clock is used by tests that only look at times.
pub(crate) fn micros(rig: &Rig) -> u64 {
    rig.suite.clock.monotonic().micros()
}
