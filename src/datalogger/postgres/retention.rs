//! What is kept how long: whole partitions go, the oldest first.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Client;

use super::connect::{failed, within};
use super::partitions::{self, Table};
use super::shared::{Held, Shared};
use crate::{Policy, Retained, SinkError};

/// How long dropping partitions may take: the server deletes files.
const PATIENCE: Duration = Duration::from_mins(5);

impl Shared {
    /// Drops what a policy does not keep. The partition of now always stays. What share of the
    /// server's disk that is nobody can ask it by SQL, so `size` stands in the place of percents.
    pub(super) fn retain(self: &Arc<Self>, policy: &Policy) -> Result<Retained, SinkError> {
        if let Some(error) = self.away() {
            return Err(error);
        }
        self.settle_up()?;
        let (shared, policy) = (Arc::clone(self), *policy);
        self.link.ask(async move {
            let connected = shared.borrow().await?;
            let dropped = within(PATIENCE, drop_old(&connected.client, &shared, &policy)).await;
            let dropped = dropped.map_err(|reason| failed(&shared.config, reason))?;
            let held = within(PATIENCE, held(&connected.client)).await;
            *shared.held.lock() = held.map_err(|reason| failed(&shared.config, reason))?;
            shared.give_back(connected);
            Ok(dropped)
        })
    }

    fn budget(&self, policy: &Policy) -> Option<u64> {
        let own = (self.config.size > 0).then_some(self.config.size);
        match (policy.bytes, own) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }
}

async fn drop_old(
    client: &Client,
    shared: &Shared,
    policy: &Policy,
) -> Result<Retained, tokio_postgres::Error> {
    let now = shared.clock.now().micros();
    let mut retained = Retained::default();
    if let Some(age) = policy.minutes {
        let before = now.saturating_sub(age);
        for number in partitions::list(client, Table::Minute).await? {
            if Table::Minute.end_of(number) <= before {
                let name = format!("{}_p{number}", Table::Minute.name());
                retained.bytes += drop_table(client, &name, false).await?.1;
                retained.files += 1;
            }
        }
    }
    let hyper = "SELECT 1 FROM fact WHERE name = 'samples' AND value = 'hypertable'";
    let is_hyper = client.query_opt(hyper, &[]).await?.is_some();
    let mut parts: BTreeSet<String> = chunks(client, is_hyper).await?;
    if let Some(age) = policy.raw {
        let before = now.saturating_sub(age);
        for part in parts.clone() {
            if newest(client, &part)
                .await?
                .is_none_or(|newest| newest < before)
            {
                take(client, &part, &mut parts, &mut retained).await?;
            }
        }
    }
    while let Some(budget) = shared.budget(policy)
        && size(client, &parts).await? > budget
        && parts.len() > 1
        && let Some(oldest) = parts.first().cloned()
    {
        take(client, &oldest, &mut parts, &mut retained).await?;
    }
    Ok(retained)
}

/// The tables that hold samples, by the order of their times.
async fn chunks(
    client: &Client,
    is_hyper: bool,
) -> Result<BTreeSet<String>, tokio_postgres::Error> {
    let asked = "SELECT c.oid::regclass::text FROM pg_inherits i JOIN pg_class c
        ON c.oid = i.inhrelid WHERE i.inhparent = 'piece'::regclass";
    let found = client.query(asked, &[]).await?;
    let names = found.iter().map(|row| row.get::<_, String>(0));
    // Names of chunks have numbers of their own making; those of partitions grow with the time.
    let names = names.filter(|name| is_hyper || name.contains("_p"));
    Ok(names.collect())
}

/// The newest time in a table, from the ends of its pieces.
async fn newest(client: &Client, part: &str) -> Result<Option<i64>, tokio_postgres::Error> {
    let asked = format!("SELECT max(last) FROM {part}");
    Ok(client.query_one(&asked, &[]).await?.get(0))
}

async fn size(client: &Client, parts: &BTreeSet<String>) -> Result<u64, tokio_postgres::Error> {
    let names: Vec<&str> = parts.iter().map(String::as_str).collect();
    let asked = "SELECT coalesce(sum(pg_total_relation_size(name::regclass)), 0)::bigint
        FROM unnest($1::text[]) AS name";
    let bytes: i64 = client.query_one(asked, &[&names]).await?.get(0);
    Ok(bytes.cast_unsigned())
}

async fn take(
    client: &Client,
    part: &str,
    parts: &mut BTreeSet<String>,
    retained: &mut Retained,
) -> Result<(), tokio_postgres::Error> {
    let (rows, bytes) = drop_table(client, part, true).await?;
    parts.remove(part);
    retained.files += 1;
    retained.rows += rows;
    retained.bytes += bytes;
    Ok(())
}

/// Drops a table; of samples the counts of the series go with it in the same transaction.
async fn drop_table(
    client: &Client,
    part: &str,
    of_samples: bool,
) -> Result<(u64, u64), tokio_postgres::Error> {
    client
        .batch_execute("BEGIN; SET LOCAL statement_timeout TO 0")
        .await?;
    let size = "SELECT pg_total_relation_size($1::text::regclass)";
    let bytes: i64 = client.query_one(size, &[&part]).await?.get(0);
    let mut rows = 0_i64;
    if of_samples {
        let count = format!(
            "WITH gone AS (SELECT series, sum(cardinality(times)) AS rows FROM {part}
                GROUP BY series),
            less AS (UPDATE stored SET rows = stored.rows - gone.rows FROM gone
                WHERE stored.series = gone.series)
            SELECT coalesce(sum(rows), 0)::bigint FROM gone"
        );
        rows = client.query_one(&count, &[]).await?.get(0);
    }
    client
        .batch_execute(&format!("DROP TABLE {part}; COMMIT"))
        .await?;
    Ok((rows.cast_unsigned(), bytes.cast_unsigned()))
}

/// What the server holds now.
pub(super) async fn held(client: &Client) -> Result<Held, tokio_postgres::Error> {
    let asked = "SELECT (SELECT coalesce(sum(rows), 0) FROM stored)::bigint,
        (SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c
            WHERE c.relnamespace = current_schema()::regnamespace
                AND c.relkind = 'r')::bigint,
        (SELECT count(*) FROM pg_inherits WHERE inhparent = 'piece'::regclass)";
    let found = client.query_one(asked, &[]).await?;
    let number = |column: usize| found.get::<_, i64>(column).cast_unsigned();
    Ok(Held {
        rows: number(0),
        bytes: number(1),
        files: number(2),
    })
}
