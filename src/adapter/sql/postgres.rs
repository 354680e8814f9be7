//! PostgreSQL, by tokio-postgres: values go as texts that the server reads, answers come in its
//! binary form.

mod column;
mod meter;
mod numeric;
mod text;

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use mainstem_adapter::BoxFuture;
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::Severity;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use self::meter::{Allowance, Meter, Wire};
use self::text::TextParam;
use crate::cell::Cell;
use crate::driver::{Answer, Bounds, Failure, Gathered, Link, Setup};
use crate::param::Param;
use crate::statement::Statement;
use crate::target::Server;

/// Bytes that a login may take.
const LOGIN_BYTES_MAX: u64 = 1 << 20;
/// Bytes of an answer on the wire beside its values: each has a length, each row a head.
const WIRE_BYTES_EXTRA: u64 = 64 << 10;
/// How many times as many bytes the wire may need for values of a few bytes.
const WIRE_BYTES_FACTOR: u64 = 4;

struct PostgresLink {
    client: Client,
    driver: JoinHandle<()>,
    allowance: Arc<Allowance>,
    bounds: Bounds,
    /// By their texts, which are those of the configuration.
    prepared: HashMap<String, tokio_postgres::Statement>,
}

impl Drop for PostgresLink {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Connects, logs in and sets what holds for every statement.
pub(crate) async fn open(server: &Server, setup: Setup<'_>) -> Result<Box<dyn Link>, Failure> {
    let allowance = Arc::new(Allowance::new(LOGIN_BYTES_MAX));
    let wire = Wire::connect(&server.host, server.port).await;
    let wire = wire.map_err(|error| Failure::Connect(error.to_string()))?;
    let meter = Meter::new(wire, Arc::clone(&allowance));
    let mut config = Config::new();
    config.application_name(format!("mainstem {}", setup.name));
    // A name is needed; where none is given it is who the node runs as elsewhere, too.
    config.user(server.user.as_deref().unwrap_or("mainstem"));
    if let Some(password) = &server.password {
        config.password(password.expose());
    }
    if let Some(database) = &server.database {
        config.dbname(database);
    }
    let (client, driver) = dial(&mut config, meter, server, &setup).await?;
    let link = PostgresLink {
        client,
        driver,
        allowance,
        bounds: setup.bounds,
        prepared: HashMap::new(),
    };
    let settings = settings(setup.statement);
    let told = link.client.batch_execute(&settings).await;
    told.map_err(|error| link.failure(&error))?;
    Ok(Box::new(link))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the link owns its driver, and ends it when it is dropped"
)]
async fn dial(
    config: &mut Config,
    meter: Meter,
    server: &Server,
    setup: &Setup<'_>,
) -> Result<(Client, JoinHandle<()>), Failure> {
    let Some(section) = &server.tls else {
        config.ssl_mode(SslMode::Disable);
        let dialled = config.connect_raw(meter, NoTls).await;
        let (client, connection) = dialled.map_err(|error| failure(&error, None))?;
        return Ok((client, tokio::spawn(async move { drop(connection.await) })));
    };
    config.ssl_mode(SslMode::Require);
    // Servers from version 17 on refuse the names of other protocols.
    let tls = section.load(setup.home, &["postgresql"]);
    let tls = tls.map_err(Failure::Connect)?;
    let mut tls = MakeRustlsConnect::new((*tls).clone());
    let tls = MakeTlsConnect::<Meter>::make_tls_connect(&mut tls, &server.host);
    let tls = tls.map_err(|error| Failure::Connect(error.to_string()))?;
    let dialled = config.connect_raw(meter, tls).await;
    let (client, connection) = dialled.map_err(|error| failure(&error, None))?;
    Ok((client, tokio::spawn(async move { drop(connection.await) })))
}

fn settings(statement: Duration) -> String {
    let millis = statement.as_millis();
    format!(
        "SET statement_timeout TO {millis}; SET lock_timeout TO {millis};
         SET idle_in_transaction_session_timeout TO {millis};
         SET client_min_messages TO warning; SET TIME ZONE 'UTC'"
    )
}

impl PostgresLink {
    async fn answer(
        &mut self,
        statement: &Statement,
        values: Vec<Param>,
    ) -> Result<Answer, Failure> {
        let bytes = self.bounds.bytes as u64 * WIRE_BYTES_FACTOR + WIRE_BYTES_EXTRA;
        self.allowance.renew(bytes);
        let prepared = match self.prepared.get(&statement.text) {
            Some(prepared) => prepared.clone(),
            None => {
                let prepared = self.client.prepare(&statement.text).await;
                let prepared = prepared.map_err(|error| self.failure(&error))?;
                self.prepared
                    .insert(statement.text.clone(), prepared.clone());
                prepared
            }
        };
        let answer = self.rows(&prepared, values).await;
        if answer.is_err() {
            // What it was prepared for may have changed.
            self.prepared.remove(&statement.text);
        }
        answer
    }

    async fn rows(
        &self,
        prepared: &tokio_postgres::Statement,
        values: Vec<Param>,
    ) -> Result<Answer, Failure> {
        if prepared.params().len() != values.len() {
            return Err(refused(
                "parameters",
                "the server counts other parameters".into(),
            ));
        }
        let columns = prepared.columns();
        let names = columns.iter().map(|column| column.name().to_owned());
        let mut gathered = Gathered::new(self.bounds, names.collect());
        let values: Vec<TextParam> = values.iter().map(|value| TextParam(value.text())).collect();
        let stream = self.client.query_raw(prepared, values.iter()).await;
        let mut stream = pin!(stream.map_err(|error| self.failure(&error))?);
        loop {
            let next = stream.try_next().await;
            let Some(row) = next.map_err(|error| self.failure(&error))? else {
                break;
            };
            let cells = columns.iter().enumerate().map(|(at, column)| {
                let raw: Option<column::Raw<'_>> = row.try_get(at).unwrap_or_default();
                match raw {
                    None => Ok(Cell::Null),
                    Some(raw) => column::cell(column.type_(), raw.0)
                        .map_err(|why| unread(column.name(), column.type_(), why)),
                }
            });
            if !gathered.push(cells.collect::<Result<_, _>>()?)? {
                return Ok(gathered.answer);
            }
        }
        gathered.answer.affected = stream.rows_affected().unwrap_or_default();
        Ok(gathered.answer)
    }

    fn failure(&self, error: &tokio_postgres::Error) -> Failure {
        failure(error, Some(self))
    }
}

fn refused(code: &str, message: String) -> Failure {
    Failure::Refused {
        code: code.into(),
        message,
    }
}

fn unread(column: &str, of: &tokio_postgres::types::Type, why: column::Unread) -> Failure {
    let message = match why {
        column::Unread::Type => format!(
            "the column {column} has the type {of}, which is not read: cast it, such as {column}::text"
        ),
        column::Unread::Bytes => {
            format!("the column {column} holds no {of}, though the server says so")
        }
    };
    refused("unread_column", message)
}

/// What the server, or the way to it, said.
fn failure(error: &tokio_postgres::Error, link: Option<&PostgresLink>) -> Failure {
    if let Some(told) = error.as_db_error() {
        let (code, message) = (told.code().code().to_owned(), told.message().to_owned());
        let is_over = matches!(
            told.parsed_severity(),
            Some(Severity::Fatal | Severity::Panic)
        );
        return match link {
            Some(_) if is_over => Failure::Lost(format!("{message} ({code})")),
            _ => Failure::Refused { code, message },
        };
    }
    if let Some(link) = link
        && link.allowance.is_used_up()
    {
        return Failure::TooLarge(link.bounds.bytes);
    }
    let source = std::error::Error::source(error);
    let text = source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
    Failure::Lost(text)
}

impl Link for PostgresLink {
    fn run<'a>(
        &'a mut self,
        statement: &'a Statement,
        values: Vec<Param>,
    ) -> BoxFuture<'a, Result<Answer, Failure>> {
        Box::pin(self.answer(statement, values))
    }

    fn ping(&mut self) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async {
            self.allowance.renew(WIRE_BYTES_EXTRA);
            let told = self.client.simple_query("SELECT 1").await;
            told.map(drop).map_err(|error| self.failure(&error))
        })
    }

    fn is_closed(&self) -> bool {
        self.client.is_closed()
    }
}
