//! Pieces read back from the server: to rows, and to a judgement about them.

use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;

use futures_util::TryStreamExt;
use tokio_postgres::types::ToSql;

use super::connect::{Connected, reason, unread, within};
use super::edited::KIND;
use super::shared::Shared;
use crate::{Edit, Fault, Integrity, Logged, Row, SeriesId, Sink, SinkError};

/// The columns that [`rows_of`] reads.
pub(super) const COLUMNS: &str =
    "first, low, kind, quality, times, rows, received, numbers, integers, texts";

/// What is not as it should be.
fn broken(piece: &tokio_postgres::Row) -> String {
    let first: i64 = piece.try_get(0).unwrap_or_default();
    format!("a piece that begins at {first} is damaged")
}

/// The rows of a piece.
pub(super) fn rows_of(
    series: SeriesId,
    piece: &tokio_postgres::Row,
    out: &mut Vec<Row>,
) -> Result<(), String> {
    let wrong = |_| broken(piece);
    let low: i64 = piece.try_get(1).map_err(wrong)?;
    let kind: i16 = piece.try_get(2).map_err(wrong)?;
    let quality: i32 = piece.try_get(3).map_err(wrong)?;
    let times: Vec<i64> = piece.try_get(4).map_err(wrong)?;
    let numbers: Option<Vec<i64>> = piece.try_get(5).map_err(wrong)?;
    let received: Option<Vec<i64>> = piece.try_get(6).map_err(wrong)?;
    let values = values(kind, piece, times.len())?;
    let fits = |length: Option<usize>| length.is_none_or(|length| length == times.len());
    let quality = u16::try_from(quality).map_err(|_| broken(piece))?;
    if values.len() != times.len()
        || !fits(numbers.as_ref().map(Vec::len))
        || !fits(received.as_ref().map(Vec::len))
    {
        return Err(broken(piece));
    }
    for (place, (time, value)) in times.into_iter().zip(values).enumerate() {
        let dense = low.wrapping_add(i64::try_from(place).unwrap_or(i64::MAX));
        let row = numbers.as_ref().map_or(dense, |numbers| numbers[place]);
        out.push(Row {
            series,
            row: row.cast_unsigned(),
            time,
            received: received.as_ref().map(|received| received[place]),
            value,
            quality,
        });
    }
    Ok(())
}

fn values(kind: i16, piece: &tokio_postgres::Row, count: usize) -> Result<Vec<Logged>, String> {
    let wrong = |_| broken(piece);
    Ok(match kind {
        0 => vec![Logged::None; count],
        1 => {
            let numbers: Vec<f64> = piece.try_get(7).map_err(wrong)?;
            numbers.into_iter().map(Logged::Number).collect()
        }
        2 | 3 => {
            let integers: Vec<i64> = piece.try_get(8).map_err(wrong)?;
            let logged = |integer| match kind {
                2 => Logged::Integer(integer),
                _ => Logged::Bool(integer != 0),
            };
            integers.into_iter().map(logged).collect()
        }
        4 | KIND => {
            let texts: Vec<&[u8]> = piece.try_get(9).map_err(wrong)?;
            let text = |bytes| {
                let text = std::str::from_utf8(bytes).ok()?;
                match kind {
                    KIND => Edit::from_text(text).map(Logged::Edit),
                    _ => Some(Logged::Text(Arc::from(text))),
                }
            };
            let texts: Option<Vec<_>> = texts.into_iter().map(text).collect();
            texts.ok_or_else(|| broken(piece))?
        }
        _ => return Err(broken(piece)),
    })
}

/// Reads everything back.
pub(super) fn check(shared: &Arc<Shared>) -> Result<Integrity, SinkError> {
    let mut integrity = Integrity::default();
    for (series, key) in shared.spool.list() {
        let Some(id) = shared.ids.read().get(&series).copied() else {
            continue;
        };
        let asked = Arc::clone(shared);
        let found = shared.link.ask(async move {
            let connected = asked.borrow().await?;
            let found = check_series(&connected, series, id).await;
            let found = found.map_err(|reason| unread(&asked.config, reason))?;
            asked.give_back(connected);
            Ok(found)
        })?;
        integrity.rows += found.0;
        for reason in found.1 {
            integrity.faults.push(Fault {
                file: PathBuf::from(shared.config.label()),
                reason: format!("{}: {reason}", key.logger),
            });
        }
    }
    integrity.files = shared.held.lock().files;
    Ok(integrity)
}

/// Faults of one series that are named.
const FAULTS_MAX: usize = 100;

/// Reads one series: pieces that are whole, of the numbers that are noted.
async fn check_series(
    connected: &Connected,
    series: SeriesId,
    id: i32,
) -> Result<(u64, Vec<String>), String> {
    let client = &connected.client;
    let patience = std::time::Duration::from_mins(30);
    within(
        patience,
        client.batch_execute("BEGIN; SET LOCAL statement_timeout TO 0"),
    )
    .await?;
    let asked = format!("SELECT {COLUMNS}, last, high FROM piece WHERE series = $1");
    let id: &(dyn ToSql + Sync) = &id;
    let found = client.query_raw(&asked, [id]).await;
    let mut found = pin!(found.map_err(|error| reason(&error))?);
    let (mut count, mut faults) = (0, Vec::new());
    while let Some(piece) = within(patience, found.try_next()).await? {
        let mut rows = Vec::new();
        let told = rows_of(series, &piece, &mut rows).and_then(|()| {
            let (last, high): (i64, i64) = (piece.get(10), piece.get(11));
            let (first, low): (i64, i64) = (piece.get(0), piece.get(1));
            let numbers = rows.iter().map(|row| row.row.cast_signed());
            let times = rows.iter().map(|row| row.time);
            let right = times.clone().min() == Some(first)
                && times.max() == Some(last)
                && numbers.clone().min() == Some(low)
                && numbers.max() == Some(high);
            if right { Ok(()) } else { Err(broken(&piece)) }
        });
        match told {
            Ok(()) => count += rows.len() as u64,
            Err(fault) if faults.len() < FAULTS_MAX => faults.push(fault),
            Err(_) => {}
        }
    }
    let values = [id];
    let noted = client.query_opt("SELECT rows FROM stored WHERE series = $1", &values);
    let noted: i64 = within(patience, noted).await?.map_or(0, |row| row.get(0));
    if faults.is_empty() && u64::try_from(noted).ok() != Some(count) {
        faults.push(format!("{count} rows are there and {noted} should be"));
    }
    within(patience, client.batch_execute("COMMIT")).await?;
    Ok((count, faults))
}
