//! Native partitions by time: of samples a week each, of minutes thirty days, so that retention
//! drops tables and never deletes rows.

use std::collections::BTreeSet;

use tokio_postgres::Client;

/// The width of a partition of samples, in microseconds. Ten years of weeks are 520 tables, which
/// the planner still passes over in a millisecond.
pub(super) const WIDTH: i64 = 7 * 86_400_000_000;
/// The width of a partition of minutes.
const MINUTES_WIDTH: i64 = 30 * 86_400_000_000;
/// Partitions of one table. What lies outside of them goes into the one for all other times.
const PARTITIONS_MAX: usize = 2000;

/// A table that is partitioned by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    /// Samples.
    Piece,
    /// Roll-ups by minute.
    Minute,
}

impl Table {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Piece => "piece",
            Self::Minute => "rollup_minute",
        }
    }

    fn width(self) -> i64 {
        match self {
            Self::Piece => WIDTH,
            Self::Minute => MINUTES_WIDTH,
        }
    }

    fn column(self) -> &'static str {
        match self {
            Self::Piece => "first",
            Self::Minute => "start",
        }
    }

    /// The partition of a moment.
    pub(super) fn number_of(self, micros: i64) -> i64 {
        micros.div_euclid(self.width())
    }

    /// The moment at which a partition ends.
    pub(super) fn end_of(self, number: i64) -> i64 {
        number.saturating_add(1).saturating_mul(self.width())
    }
}

/// The partitions that there are.
pub(super) async fn list(
    client: &Client,
    table: Table,
) -> Result<BTreeSet<i64>, tokio_postgres::Error> {
    let asked = "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = to_regclass($1::text)";
    let found = client.query(asked, &[&table.name()]).await?;
    let prefix = format!("{}_p", table.name());
    let numbers = found.iter().filter_map(|row| {
        let name: &str = row.get(0);
        name.strip_prefix(&prefix)?.parse().ok()
    });
    Ok(numbers.collect())
}

/// Makes the partitions that are missing. A clock that runs years ahead makes none: its rows lie
/// with those of all other times.
pub(super) async fn make(
    client: &Client,
    table: Table,
    wanted: &BTreeSet<i64>,
    known: &mut BTreeSet<i64>,
    now: i64,
) -> Result<(), tokio_postgres::Error> {
    let newest = table.number_of(now).saturating_add(1);
    for number in wanted.difference(&known.clone()) {
        if *number < 0 || *number > newest || known.len() >= PARTITIONS_MAX {
            continue;
        }
        let (name, column) = (table.name(), table.column());
        let (end, from) = (table.end_of(*number), table.end_of(*number - 1));
        let other = format!(
            "SELECT 1 FROM {name}_other WHERE {column} >= {from} AND {column} < {end} LIMIT 1"
        );
        // Rows that came before their time was at hand stay where they are, and others with them.
        if client.query_opt(&other, &[]).await?.is_none() {
            let make = format!(
                "CREATE TABLE IF NOT EXISTS {name}_p{number} PARTITION OF {name}
                 FOR VALUES FROM ({from}) TO ({end})"
            );
            client.batch_execute(&make).await?;
        }
        known.insert(*number);
    }
    Ok(())
}
