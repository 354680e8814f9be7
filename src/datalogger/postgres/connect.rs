//! One connection to the server: TLS, time limits, the schema.

use std::path::PathBuf;
use std::time::Duration;

use mainstem_security::{Trust, client_config};
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::config::{PostgresConfig, TlsMode};
use crate::SinkError;

/// A silent peer is asked after so long, this often, so many times. On both ends: a session of ours
/// that hangs at the server holds the lock that the next one needs.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(5);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(2);
const KEEPALIVE_PROBES: u32 = 3;

/// A connection. Dropping it closes the socket at once, whatever is under way.
pub(super) struct Connected {
    pub(super) client: Client,
    driver: JoinHandle<()>,
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Connected {
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }
}

/// What the server, or the way to it, said.
pub(super) fn reason(error: &tokio_postgres::Error) -> String {
    if let Some(told) = error.as_db_error() {
        return format!("{} ({})", told.message(), told.code().code());
    }
    let source = std::error::Error::source(error);
    source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

/// An error of writing.
pub(super) fn failed(config: &PostgresConfig, reason: impl Into<String>) -> SinkError {
    SinkError::Failed {
        path: PathBuf::from(config.label()),
        reason: reason.into(),
    }
}

/// An error of reading.
pub(super) fn unread(config: &PostgresConfig, reason: impl Into<String>) -> SinkError {
    SinkError::Read {
        path: PathBuf::from(config.label()),
        reason: reason.into(),
    }
}

/// Waits for an answer, but not for ever.
pub(super) async fn within<T>(
    patience: Duration,
    work: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, String> {
    match tokio::time::timeout(patience, work).await {
        Ok(told) => told.map_err(|error| reason(&error)),
        Err(_) => Err(format!("no answer within {patience:?}")),
    }
}

/// Connects and prepares the session.
pub(super) async fn connect(config: &PostgresConfig, name: &str) -> Result<Connected, String> {
    let mut wanted = tokio_postgres::Config::new();
    wanted
        .port(config.port)
        .dbname(&config.database)
        .user(&config.user)
        .application_name(format!("mainstem {name}"))
        .connect_timeout(config.timeout)
        .tcp_user_timeout(config.timeout)
        .keepalives_idle(KEEPALIVE_IDLE)
        .keepalives_interval(KEEPALIVE_INTERVAL)
        .keepalives_retries(KEEPALIVE_PROBES);
    match config.is_local() {
        true => wanted.host_path(&config.host),
        false => wanted.host(&config.host),
    };
    if let Some(password) = &config.password {
        wanted.password(password);
    }
    let connected = dial(&wanted, config);
    // The library's own limit counts for the TCP connection only, not for what follows on it.
    let connected = tokio::time::timeout(config.timeout, connected).await;
    let connected = connected.map_err(|_| format!("no answer within {:?}", config.timeout))??;
    let session = session(config);
    let told = within(config.timeout, connected.client.batch_execute(&session)).await;
    told.map(|()| connected)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the connection owns its driver, and ends it when it is dropped"
)]
async fn dial(
    wanted: &tokio_postgres::Config,
    config: &PostgresConfig,
) -> Result<Connected, String> {
    let mut wanted = wanted.clone();
    let driver;
    let client;
    if config.is_local() || config.tls == TlsMode::Off {
        wanted.ssl_mode(SslMode::Disable);
        let (made, connection) = wanted
            .connect(NoTls)
            .await
            .map_err(|error| reason(&error))?;
        driver = tokio::spawn(async move { drop(connection.await) });
        client = made;
    } else {
        wanted.ssl_mode(SslMode::Require);
        let tls = tls(config)?;
        let (made, connection) = wanted.connect(tls).await.map_err(|error| reason(&error))?;
        driver = tokio::spawn(async move { drop(connection.await) });
        client = made;
    }
    Ok(Connected { client, driver })
}

fn tls(config: &PostgresConfig) -> Result<MakeRustlsConnect, String> {
    let trust = match (&config.pin, &config.ca) {
        (Some(pin), _) => Trust::Pin(pin.parse().map_err(|error| format!("pin: {error}"))?),
        (None, Some(ca)) => Trust::CaFile(ca.clone()),
        (None, None) => return Err("TLS needs `ca` or `pin`".to_owned()),
    };
    let made = client_config(&trust).map_err(|error| error.to_string())?;
    let mut made = (*made).clone();
    // Servers from version 17 on refuse the names of other protocols.
    made.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok(MakeRustlsConnect::new(made))
}

/// What holds for every statement: times that end, the schema, durable commits.
fn session(config: &PostgresConfig) -> String {
    let millis = config.timeout.as_millis();
    // Never longer than the client waits, so that a lock is not held by what nobody waits for.
    format!(
        "SET search_path TO \"{schema}\"; SET statement_timeout TO {millis};
         SET lock_timeout TO {lock}; SET idle_in_transaction_session_timeout TO {idle};
         SET tcp_keepalives_idle TO {tcp_idle}; SET tcp_keepalives_interval TO {tcp_interval};
         SET tcp_keepalives_count TO {probes}; SET tcp_user_timeout TO {millis};
         SET synchronous_commit TO on; SET client_min_messages TO warning; SET jit TO off;
         SET TIME ZONE 'UTC'",
        schema = config.schema,
        lock = millis / 2,
        idle = millis * 2,
        tcp_idle = KEEPALIVE_IDLE.as_secs(),
        tcp_interval = KEEPALIVE_INTERVAL.as_secs(),
        probes = KEEPALIVE_PROBES,
    )
}
