//! Rows that are stored a second time: what damage took comes back.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::pin::pin;
use std::sync::Arc;

use futures_util::SinkExt;
use tokio_postgres::Client;

use super::connect::{failed, within};
use super::copy::{self, Copy};
use super::partitions::{self, Table};
use super::piece::cut;
use super::shared::Shared;
use crate::{Row, SeriesId, SinkError};

impl Shared {
    /// Stores what the server does not hold of some rows, whatever the numbers say.
    pub(super) fn restore(self: &Arc<Self>, mut rows: Vec<Row>) -> Result<u64, SinkError> {
        if let Some(row) = rows.iter().find(|row| self.spool.key(row.series).is_none()) {
            return Err(SinkError::UnknownSeries(row.series.0));
        }
        self.settle_up()?;
        rows.sort_by_key(|row| (row.series, row.row));
        rows.dedup_by_key(|row| (row.series, row.row));
        let mut by_series: BTreeMap<SeriesId, Vec<Row>> = BTreeMap::new();
        for row in rows {
            by_series.entry(row.series).or_default().push(row);
        }
        let mut count = 0;
        for (series, rows) in by_series {
            let shared = Arc::clone(self);
            count += self.link.ask(async move {
                let connected = shared.borrow().await?;
                shared.id_of(&connected, &[series]).await?;
                let id = shared.ids.read().get(&series).copied();
                let id = id.ok_or(SinkError::UnknownSeries(series.0))?;
                let now = shared.clock.now().micros();
                let stored = store(&connected.client, id, rows, now);
                let stored = within(shared.config.timeout, stored).await;
                let stored = stored.map_err(|reason| failed(&shared.config, reason))?;
                shared.give_back(connected);
                Ok(stored)
            })?;
        }
        self.held.lock().rows += count;
        Ok(count)
    }
}

/// Looks and stores under one lock: an earlier try of ours may still be at it on the server.
async fn store(
    client: &Client,
    id: i32,
    mut rows: Vec<Row>,
    now: i64,
) -> Result<u64, tokio_postgres::Error> {
    client.batch_execute("BEGIN").await?;
    let lock = "SELECT pg_advisory_xact_lock(hashtext('restore'), hashtext(current_schema()))";
    client.batch_execute(lock).await?;
    let (low, high) = match (rows.first(), rows.last()) {
        (Some(first), Some(last)) => (first.row.cast_signed(), last.row.cast_signed()),
        _ => (1, 0),
    };
    let held = "SELECT coalesce(u.row, p.low + u.place - 1) FROM piece p
        CROSS JOIN LATERAL unnest(p.times, p.rows) WITH ORDINALITY AS u (time, row, place)
        WHERE p.series = $1 AND p.low >= $2::bigint - 4096 AND p.low <= $3::bigint";
    let held = client.query(held, &[&id, &low, &high]).await?;
    let held: HashSet<u64> = held
        .iter()
        .map(|row| row.get::<_, i64>(0).cast_unsigned())
        .collect();
    rows.retain(|row| !held.contains(&row.row));
    if !rows.is_empty() {
        let mut copy = Copy::new(rows.len() * 32);
        let mut wanted = BTreeSet::new();
        for piece in cut(&rows) {
            copy.put(id, &piece);
            wanted.insert(Table::Piece.number_of(piece.times().0));
        }
        let hyper = "SELECT 1 FROM fact WHERE name = 'samples' AND value = 'hypertable'";
        if client.query_opt(hyper, &[]).await?.is_none() {
            let mut known = partitions::list(client, Table::Piece).await?;
            partitions::make(client, Table::Piece, &wanted, &mut known, now).await?;
        }
        let mut sink = pin!(client.copy_in::<_, bytes::Bytes>(copy::STATEMENT).await?);
        sink.send(copy.finish()).await?;
        sink.finish().await?;
        let note = "UPDATE stored SET rows = rows + $2::bigint WHERE series = $1";
        let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        client.execute(note, &[&id, &count]).await?;
    }
    client.batch_execute("COMMIT").await?;
    Ok(rows.len() as u64)
}
