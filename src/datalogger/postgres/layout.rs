//! The tables, in versions: an older schema is brought up to date in one transaction, a newer one
//! is refused before anything is touched.

use std::time::Duration;

use uuid::Uuid;

use super::config::PostgresConfig;
use super::connect::{Connected, reason, within};
use super::partitions::WIDTH;

/// How long bringing a schema up to date may take.
const PATIENCE: Duration = Duration::from_mins(30);

/// What stands first of all: what the schema says of itself.
const FACT: &str = "CREATE TABLE IF NOT EXISTS fact (name text PRIMARY KEY, value text NOT NULL);";
const PIECE: &str = "CREATE TABLE piece (
    series integer NOT NULL, first bigint NOT NULL, last bigint NOT NULL, low bigint NOT NULL,
    high bigint NOT NULL, kind smallint NOT NULL, quality integer NOT NULL,
    times bigint[] NOT NULL, rows bigint[], received bigint[], numbers double precision[],
    integers bigint[], texts bytea[])";
const INDEXES: &str = "CREATE INDEX piece_by_time ON piece (series, first);
    CREATE INDEX piece_by_number ON piece (series, low);
    CREATE INDEX piece_of_edits ON piece (series) WHERE kind = 5;";

/// The steps from one version to the next; the version is how many were taken.
pub(super) const STEPS: [fn(bool) -> String; 2] = [tables, views];

fn tables(is_hyper: bool) -> String {
    let rest = include_str!("layout/tables.sql");
    let piece = match is_hyper {
        true => format!(
            "{PIECE}; SELECT create_hypertable('piece', 'first',
                chunk_time_interval => {WIDTH}::bigint, create_default_indexes => false);"
        ),
        false => format!(
            "{PIECE} PARTITION BY RANGE (first);
             CREATE TABLE piece_other PARTITION OF piece DEFAULT;"
        ),
    };
    format!("{piece}\n{INDEXES}\n{rest}")
}

fn views(_: bool) -> String {
    include_str!("layout/views.sql").to_owned()
}

/// What a schema says of itself.
#[derive(Clone, Debug)]
pub(super) struct Schema {
    /// The identity of the store in it.
    pub(super) store: String,
    /// Whether samples are in a hypertable of TimescaleDB.
    pub(super) is_hyper: bool,
}

/// Why a schema cannot be used.
#[derive(Debug)]
pub(super) enum Unfit {
    /// It may be possible later.
    Now(String),
    /// A newer program made it: only another program, or another schema, helps.
    Newer(String),
}

impl From<String> for Unfit {
    fn from(reason: String) -> Self {
        Self::Now(reason)
    }
}

/// Brings the schema up to this program's version.
pub(super) async fn bring_up(
    connected: &Connected,
    config: &PostgresConfig,
    steps: usize,
) -> Result<Schema, Unfit> {
    let version = version(connected, config).await?;
    if version > STEPS.len() {
        return Err(Unfit::Newer(format!(
            "the layout of schema {} is version {version} and this program knows up to {}: start \
             the newer program, or give this one another `schema`; nothing was changed",
            config.schema,
            STEPS.len()
        )));
    }
    if version < steps {
        let work = migrate(connected, config, version, steps);
        let done = tokio::time::timeout(PATIENCE, work).await;
        let done = done.map_err(|_| format!("the layout did not change within {PATIENCE:?}"))?;
        done.map_err(|error| {
            format!(
                "its layout cannot be brought up to version {steps}: {}",
                reason(&error)
            )
        })?;
        tracing::info!(
            store = %config.label(), from = version, to = steps,
            "the layout of the PostgreSQL store was brought up to date"
        );
    }
    let facts = connected.client.query("SELECT name, value FROM fact", &[]);
    let facts = within(config.timeout, facts).await?;
    let fact = |wanted: &str| {
        let mut found = facts.iter().filter(|row| row.get::<_, &str>(0) == wanted);
        found.next().map(|row| row.get::<_, String>(1))
    };
    Ok(Schema {
        store: fact("store").unwrap_or_default(),
        is_hyper: fact("samples").as_deref() == Some("hypertable"),
    })
}

/// The version of a schema; 0 where there is nothing.
async fn version(connected: &Connected, config: &PostgresConfig) -> Result<usize, String> {
    let (client, patience) = (&connected.client, config.timeout);
    let asked = client.query_one("SELECT to_regclass('fact') IS NOT NULL", &[]);
    if !within(patience, asked).await?.get::<_, bool>(0) {
        return Ok(0);
    }
    let asked = client.query_opt("SELECT value FROM fact WHERE name = 'layout'", &[]);
    let found = within(patience, asked).await?;
    let text: Option<String> = found.map(|row| row.get(0));
    match text {
        None => Ok(0),
        Some(text) => text
            .parse()
            .map_err(|_| format!("the layout of schema {} is `{text}`", config.schema)),
    }
}

async fn migrate(
    connected: &Connected,
    config: &PostgresConfig,
    from: usize,
    to: usize,
) -> Result<(), tokio_postgres::Error> {
    let client = &connected.client;
    let exists = "SELECT 1 FROM pg_namespace WHERE nspname = $1";
    if client.query_opt(exists, &[&config.schema]).await?.is_none() {
        let make = format!("CREATE SCHEMA IF NOT EXISTS \"{}\"", config.schema);
        client.batch_execute(&make).await?;
    }
    let begin = "BEGIN; SET LOCAL statement_timeout TO 0; SET LOCAL lock_timeout TO 0;";
    client.batch_execute(begin).await?;
    client.batch_execute(FACT).await?;
    let hyper = "SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'";
    let hyper = match from {
        0 => client.query_opt(hyper, &[]).await?.is_some(),
        _ => {
            let asked = "SELECT 1 FROM fact WHERE name = 'samples' AND value = 'hypertable'";
            client.query_opt(asked, &[]).await?.is_some()
        }
    };
    for step in &STEPS[from..to] {
        client.batch_execute(&step(hyper)).await?;
    }
    let samples = if hyper { "hypertable" } else { "partitions" };
    let new = Uuid::new_v4().to_string();
    let keep = "INSERT INTO fact VALUES ('samples', $1), ('store', $2) ON CONFLICT DO NOTHING";
    client.execute(keep, &[&samples, &new]).await?;
    let note = "INSERT INTO fact VALUES ('layout', $1)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    client.execute(note, &[&to.to_string()]).await?;
    client.batch_execute("COMMIT").await
}
