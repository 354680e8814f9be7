//! Roll-ups: all that one says as bytes with a checksum, and beside it the columns that people ask
//! for in SQL.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::try_join_all;
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;

use super::connect::{failed, unread, within};
use super::partitions::{self, Table};
use super::shared::Shared;
use crate::codec::slot;
use crate::{Order, Rollup, RollupBatch, RollupQuery, SeriesId, SinkError, Step};

/// Roll-ups read at once.
const PAGE: u64 = 4096;
/// Statements on their way at once.
const FLIGHT: usize = 256;
const PUT: &str = "INSERT INTO rollup (series, step, start, data, count, good, min, max, sum,
        first, last, held, known, increment)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
    ON CONFLICT (series, step, start) DO UPDATE SET data = excluded.data,
        count = excluded.count, good = excluded.good, min = excluded.min, max = excluded.max,
        sum = excluded.sum, first = excluded.first, last = excluded.last, held = excluded.held,
        known = excluded.known, increment = excluded.increment";
const COVER: &str = "INSERT INTO covered SELECT * FROM unnest($1::integer[], $2::bigint[])
    ON CONFLICT (series) DO UPDATE SET row = excluded.row";

impl Shared {
    /// Stores a batch in one transaction.
    pub(super) fn put_rollups(self: &Arc<Self>, batch: &RollupBatch) -> Result<(), SinkError> {
        if let Some(wrong) = batch.rollups.iter().find(|rollup| !slot::is_valid(rollup)) {
            return Err(SinkError::Invalid {
                series: wrong.series.0,
                reason: "it has too many rates, or one with too long a name",
            });
        }
        if let Some(error) = self.away() {
            return Err(error);
        }
        let (shared, batch) = (Arc::clone(self), batch.clone());
        self.link.ask(async move {
            let connected = shared.borrow().await?;
            let mut series: Vec<SeriesId> = batch.rollups.iter().map(|one| one.series).collect();
            series.extend(batch.covered.iter().map(|(series, _)| *series));
            shared.id_of(&connected, &series).await?;
            let written = write(&connected.client, &shared, &batch);
            let written = within(shared.config.timeout, written).await;
            written.map_err(|reason| failed(&shared.config, reason))?;
            shared.give_back(connected);
            Ok(())
        })
    }

    /// Up to which row a series is rolled up.
    pub(super) fn covered(self: &Arc<Self>, series: SeriesId) -> Result<u64, SinkError> {
        if let Some(error) = self.away() {
            return Err(error);
        }
        let Some(id) = self.ids.read().get(&series).copied() else {
            return Ok(0);
        };
        let shared = Arc::clone(self);
        self.link.ask(async move {
            let connected = shared.borrow().await?;
            let asked = "SELECT row FROM covered WHERE series = $1";
            let values: [&(dyn ToSql + Sync); 1] = [&id];
            let found = connected.client.query_opt(asked, &values);
            let found = within(shared.config.timeout, found).await;
            let found = found.map_err(|reason| unread(&shared.config, reason))?;
            shared.give_back(connected);
            Ok(found.map_or(0, |row| row.get::<_, i64>(0).cast_unsigned()))
        })
    }

    fn rollup_page(self: &Arc<Self>, query: &RollupQuery) -> Result<Vec<Rollup>, SinkError> {
        let Some(id) = self.ids.read().get(&query.series).copied() else {
            return Ok(Vec::new());
        };
        let (shared, query) = (Arc::clone(self), *query);
        self.link.ask(async move {
            let connected = shared.borrow().await?;
            let found = within(shared.config.timeout, read(&connected.client, id, &query)).await;
            let found = found.map_err(|reason| unread(&shared.config, reason))?;
            shared.give_back(connected);
            let rollups = found.iter().map(|row| {
                let (start, data): (i64, &[u8]) = (row.get(0), row.get(1));
                let rollup = slot::decode(query.series, query.step, start, data);
                rollup.map_err(|_| unread(&shared.config, "a roll-up has a wrong checksum"))
            });
            rollups.collect()
        })
    }
}

async fn write(
    client: &Client,
    shared: &Shared,
    batch: &RollupBatch,
) -> Result<(), tokio_postgres::Error> {
    let minutes = batch.rollups.iter().filter(|one| one.step == Step::Minute);
    let minutes: BTreeSet<i64> = minutes
        .map(|one| Table::Minute.number_of(one.start))
        .collect();
    if !minutes.is_empty() {
        let mut known = partitions::list(client, Table::Minute).await?;
        let now = shared.clock.now().micros();
        partitions::make(client, Table::Minute, &minutes, &mut known, now).await?;
    }
    let put = client.prepare(PUT).await?;
    client.batch_execute("BEGIN").await?;
    for some in batch.rollups.chunks(FLIGHT) {
        let puts = some.iter().filter_map(|rollup| {
            let id = shared.ids.read().get(&rollup.series).copied()?;
            let put = &put;
            Some(async move {
                let (step, data) = (rollup.step as i16, slot::encode(rollup));
                let (count, good) = (i64::from(rollup.count), i64::from(rollup.good));
                let columns: [&(dyn ToSql + Sync); 14] = [
                    &id,
                    &step,
                    &rollup.start,
                    &data,
                    &count,
                    &good,
                    &rollup.min,
                    &rollup.max,
                    &rollup.sum,
                    &rollup.first,
                    &rollup.last,
                    &rollup.held,
                    &rollup.known,
                    &rollup.increment,
                ];
                client.execute(put, &columns).await
            })
        });
        try_join_all(puts).await?;
    }
    let covered = batch.covered.iter().filter_map(|(series, row)| {
        let id = shared.ids.read().get(series).copied()?;
        Some((id, row.cast_signed()))
    });
    let (ids, rows): (Vec<i32>, Vec<i64>) = covered.unzip();
    client.execute(COVER, &[&ids, &rows]).await?;
    client.batch_execute("COMMIT").await
}

async fn read(
    client: &Client,
    id: i32,
    query: &RollupQuery,
) -> Result<Vec<tokio_postgres::Row>, tokio_postgres::Error> {
    let direction = match query.order {
        Order::Ascending => "ASC",
        Order::Descending => "DESC",
    };
    let asked = format!(
        "SELECT start, data FROM rollup WHERE series = $1 AND step = $2 AND start >= $3
         AND start < $4 ORDER BY start {direction} LIMIT $5"
    );
    let most = query.limit.min(PAGE).cast_signed();
    let step = query.step as i16;
    client
        .query(&asked, &[&id, &step, &query.from, &query.to, &most])
        .await
}

/// An answer being read, page by page.
pub(super) struct ReadingRollups {
    shared: Arc<Shared>,
    query: RollupQuery,
    page: std::vec::IntoIter<Rollup>,
    more: bool,
}

impl ReadingRollups {
    pub(super) fn new(shared: &Arc<Shared>, query: &RollupQuery) -> Self {
        Self {
            shared: Arc::clone(shared),
            query: *query,
            page: Vec::new().into_iter(),
            more: query.limit > 0,
        }
    }

    fn turn(&mut self) -> Result<(), SinkError> {
        let told = self.shared.rollup_page(&self.query);
        self.more = false;
        let page = told?;
        self.query.limit -= page.len() as u64;
        if let Some(last) = page.last() {
            // A whole page means that there may be another behind it.
            self.more = page.len() as u64 == PAGE && self.query.limit > 0;
            match self.query.order {
                Order::Ascending => self.query.from = last.start.saturating_add(1),
                Order::Descending => self.query.to = last.start,
            }
        }
        self.page = page.into_iter();
        Ok(())
    }
}

impl Iterator for ReadingRollups {
    type Item = Result<Rollup, SinkError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.as_slice().is_empty()
            && self.more
            && let Err(error) = self.turn()
        {
            return Some(Err(error));
        }
        self.page.next().map(Ok)
    }
}
