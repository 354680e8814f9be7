//! The mover's session: the only one that stores samples. A lock that the server gives up with the
//! session keeps everybody else out, an earlier session of ours with an open commit included.

use std::collections::{BTreeSet, HashMap};
use std::pin::pin;
use std::sync::Arc;

use futures_util::SinkExt;
use mainstem_model::{Name, NodeId};
use tokio::sync::Mutex;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::config::PostgresConfig;
use super::connect::{Connected, connect, within};
use super::copy;
use super::layout::{self, STEPS, Schema, Unfit};
use super::moving::Load;
use super::partitions::{self, Table};
use crate::codec::staged;
use crate::numbers::Numbers;
use crate::{LogId, SeriesId, SeriesKey};

/// Bytes handed to the connection at once.
const CHUNK: usize = 256 << 10;
const FIND: &str = "INSERT INTO series (origin, log, logger)
    VALUES ($1::text::uuid, $2::text::uuid, $3)
    ON CONFLICT (origin, log, logger) DO UPDATE SET logger = excluded.logger RETURNING id";
const NOTE: &str = "INSERT INTO stored (series, watermark, numbers, rows)
    SELECT * FROM unnest($1::integer[], $2::bigint[], $3::bytea[], $4::bigint[])
    ON CONFLICT (series) DO UPDATE SET watermark = excluded.watermark,
        numbers = excluded.numbers, rows = stored.rows + excluded.rows";

/// A session that may store.
pub(super) struct Session {
    connected: Connected,
    partitions: Mutex<BTreeSet<i64>>,
    pub(super) schema: Schema,
}

/// A series as the server knows it.
#[derive(Debug)]
pub(super) struct AtServer {
    pub(super) id: i32,
    pub(super) key: SeriesKey,
    pub(super) ranges: Vec<(u64, u64)>,
}

impl Session {
    /// Connects, takes the lock, brings the schema up to date.
    pub(super) async fn open(
        config: &PostgresConfig,
        name: &str,
    ) -> Result<(Arc<Self>, Vec<AtServer>), Unfit> {
        let connected = connect(config, name).await?;
        // Before it has tables a schema may not exist, so the lock comes after a look at it.
        let schema = layout::bring_up(&connected, config, 0).await;
        if let Err(Unfit::Newer(reason)) = schema {
            return Err(Unfit::Newer(reason));
        }
        let lock = "SELECT pg_try_advisory_lock(hashtext('mainstem'), hashtext($1))";
        let values: [&(dyn ToSql + Sync); 1] = [&config.schema];
        let lock = connected.client.query_one(lock, &values);
        if !within(config.timeout, lock).await?.get::<_, bool>(0) {
            return Err(Unfit::Now(format!(
                "another session stores into schema {}: an earlier one of this node that the \
                 server has not given up yet, or another node, which needs a schema of its own",
                config.schema
            )));
        }
        let schema = layout::bring_up(&connected, config, STEPS.len()).await?;
        let found = series(&connected, config).await?;
        let parts = partitions::list(&connected.client, Table::Piece);
        let parts = within(config.timeout, parts).await?;
        let session = Self {
            connected,
            partitions: Mutex::new(parts),
            schema,
        };
        Ok((Arc::new(session), found))
    }

    pub(super) fn is_closed(&self) -> bool {
        self.connected.is_closed()
    }

    /// Proves that the server answers.
    pub(super) async fn beat(&self, config: &PostgresConfig) -> Result<(), String> {
        let asked = self.connected.client.simple_query("SELECT 1");
        within(config.timeout, asked).await.map(drop)
    }

    /// The server's numbers of series; new ones are made.
    pub(super) async fn find(
        &self,
        config: &PostgresConfig,
        keys: &[(SeriesId, SeriesKey)],
    ) -> Result<HashMap<SeriesId, i32>, String> {
        within(config.timeout, find(&self.connected.client, keys)).await
    }

    /// Stores rows and the numbers that they have, in one transaction.
    pub(super) async fn store(
        &self,
        config: &PostgresConfig,
        load: &Load,
        now: i64,
    ) -> Result<(), String> {
        let mut known = self.partitions.lock().await;
        if !self.schema.is_hyper {
            let client = &self.connected.client;
            let made = partitions::make(client, Table::Piece, &load.partitions, &mut known, now);
            within(config.timeout, made).await?;
        }
        within(config.timeout, self.transaction(load)).await
    }

    async fn transaction(&self, load: &Load) -> Result<(), tokio_postgres::Error> {
        let client = &self.connected.client;
        client.batch_execute("BEGIN").await?;
        if load.count > 0 {
            let mut sink = pin!(client.copy_in::<_, bytes::Bytes>(copy::STATEMENT).await?);
            let mut bytes = load.copy.clone();
            while !bytes.is_empty() {
                let chunk = bytes.split_to(CHUNK.min(bytes.len()));
                sink.send(chunk).await?;
            }
            sink.finish().await?;
        }
        let columns: [&(dyn ToSql + Sync); 4] =
            [&load.series, &load.watermarks, &load.numbers, &load.added];
        client.execute(NOTE, &columns).await?;
        client.batch_execute("COMMIT").await
    }

    /// Notes what people call series.
    pub(super) async fn describe(
        &self,
        config: &PostgresConfig,
        columns: [Vec<Option<String>>; 3],
        series: Vec<i32>,
    ) -> Result<(), String> {
        let note = "UPDATE series s SET name = u.name, unit = u.unit, description = u.description
            FROM unnest($1::integer[], $2::text[], $3::text[], $4::text[])
                AS u (id, name, unit, description)
            WHERE s.id = u.id AND (s.name, s.unit, s.description)
                IS DISTINCT FROM (u.name, u.unit, u.description)";
        let [names, units, descriptions] = columns;
        let columns: [&(dyn ToSql + Sync); 4] = [&series, &names, &units, &descriptions];
        let noted = self.connected.client.execute(note, &columns);
        within(config.timeout, noted).await.map(drop)
    }
}

/// The server's numbers of series; new ones are made.
pub(super) async fn find(
    client: &tokio_postgres::Client,
    keys: &[(SeriesId, SeriesKey)],
) -> Result<HashMap<SeriesId, i32>, tokio_postgres::Error> {
    let statement = client.prepare(FIND).await?;
    let mut found = HashMap::with_capacity(keys.len());
    for (id, key) in keys {
        let (origin, log) = (key.origin.0.to_string(), key.log.0.to_string());
        let values: [&(dyn ToSql + Sync); 3] = [&origin, &log, &key.logger.as_str()];
        let made = client.query_one(&statement, &values).await?;
        found.insert(*id, made.get(0));
    }
    Ok(found)
}

/// Every series, with the numbers of the rows that are stored of it.
async fn series(connected: &Connected, config: &PostgresConfig) -> Result<Vec<AtServer>, String> {
    let asked = "SELECT s.id, s.origin::text, s.log::text, s.logger, t.numbers
        FROM series s LEFT JOIN stored t ON t.series = s.id ORDER BY s.id";
    let found = connected.client.query(asked, &[]);
    let found = within(config.timeout, found).await?;
    let mut series = Vec::with_capacity(found.len());
    for row in &found {
        let id: i32 = row.get(0);
        let wrong = || format!("series {id} in its table of series is damaged");
        let uuid = |column| Uuid::parse_str(row.get(column)).map_err(|_| wrong());
        let key = SeriesKey {
            origin: NodeId(uuid(1)?),
            log: LogId(uuid(2)?),
            logger: Name::new(row.get(3)).map_err(|_| wrong())?,
        };
        let bytes: Option<Vec<u8>> = row.get(4);
        let ranges = match bytes {
            // The checksum is over the server's own number of the series.
            Some(bytes) => staged::ranges_from_bytes(SeriesId(id.cast_unsigned()), &bytes)
                .map_err(|_| format!("the row numbers of series {id} are damaged"))?,
            None => Vec::new(),
        };
        series.push(AtServer { id, key, ranges });
    }
    Ok(series)
}

impl AtServer {
    /// The numbers of the rows that are stored.
    pub(super) fn numbers(&self) -> Numbers {
        let mut numbers = Numbers::default();
        numbers.absorb(&self.ranges);
        numbers
    }
}
