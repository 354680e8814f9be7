//! Proves that a series is the same at two levels, or names the hours that are not, and heals them.
//!
//! Sums of hours are compared first; rows only of hours whose sums differ. What one of the levels
//! let go by its own retention is no fault and is told apart.

mod answer;
mod hour;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use mainstem_wire::api::history::{LinkSums, LinkSumsDocument};

use crate::replica::rows_of;
use crate::{GapQuery, Healing, HourSum, Row, SUM_HOUR, SeriesId, SeriesKey, Sink, SinkError};

pub use answer::answer;
use hour::Both;
pub use hour::HourFound;

/// Hours that differ and are told; of more it is only said that there are some.
const DIFFERING_MAX: usize = 100;
/// Rows of one hour that are compared at once. An hour of more is told to differ and left.
const HOUR_ROWS_MAX: usize = 1 << 20;

/// Why a series could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The store here does not answer.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// The other level does not answer.
    #[error("{0}")]
    Other(String),
}

/// Asks the other level.
pub type Asker =
    dyn Fn(LinkSums) -> BoxFuture<'static, Result<LinkSumsDocument, String>> + Send + Sync;

/// What is compared.
#[derive(Clone, Copy, Debug)]
pub struct VerifyWish {
    /// The series here.
    pub series: SeriesId,
    /// Not before, in microseconds; hours are whole.
    pub from: i64,
    /// Before, in microseconds.
    pub to: i64,
    /// Whether missing rows are fetched.
    pub heal: bool,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Hours compared.
    pub hours: u64,
    /// Rows in the hours that are equal.
    pub rows: u64,
    /// Hours that differ, the first hundred.
    pub differing: Vec<HourFound>,
    /// Whether there are more of them.
    pub more: bool,
    /// Rows that were fetched.
    pub healed: u64,
}

impl Found {
    /// Whether every difference is healed.
    pub fn is_whole(&self) -> bool {
        !self.more && self.differing.iter().all(HourFound::is_whole)
    }
}

/// Compares one series with the other level, and heals it if that is wished.
pub async fn verify(
    sink: &Arc<dyn Sink>,
    wish: VerifyWish,
    ask: &Asker,
) -> Result<Found, VerifyError> {
    let series = wish.series;
    let key = sink.list().into_iter().find(|(id, _)| *id == series);
    let (_, key) = key.ok_or(SinkError::UnknownSeries(series.0))?;
    let both = Both {
        sink: Arc::clone(sink),
        series,
        key,
        ask,
        heals: wish.heal,
    };
    let mut found = Found::default();
    if wish.heal {
        found.healed += both.fetch_edits().await?;
        found.healed += both.fetch_gaps().await?;
    }
    let mut from = match wish.from {
        i64::MIN => i64::MIN,
        from => HourSum::start_of(from),
    };
    while from < wish.to {
        let there = both.ask(LinkSums {
            from,
            to: wish.to,
            ..both.question("hours")
        });
        let there = there.await?;
        let sums = sums(&there).ok_or_else(|| {
            VerifyError::Other("its answer is not what a mainstem node answers".into())
        })?;
        let to = match (there.more, sums.last()) {
            (true, Some(last)) if last.start >= from => last.start.saturating_add(SUM_HOUR),
            _ => wish.to,
        };
        both.compare((from, to), &sums, &there, &mut found).await?;
        from = to;
    }
    Ok(found)
}

fn sums(told: &LinkSumsDocument) -> Option<Vec<HourSum>> {
    let sums = told.hours.iter().map(|(start, count, hash)| {
        let hash = u64::from_str_radix(hash, 16).ok()?;
        let (start, count) = (*start, *count);
        Some(HourSum { start, count, hash })
    });
    sums.collect()
}

impl Both<'_> {
    /// Compares a stretch of whole hours.
    async fn compare(
        &self,
        (from, to): (i64, i64),
        there: &[HourSum],
        told: &LinkSumsDocument,
        found: &mut Found,
    ) -> Result<(), VerifyError> {
        let here = self.blocking(move |sink, series| {
            sink.hours(series, from, to)?
                .collect::<Result<Vec<HourSum>, _>>()
        });
        let here = here.await?;
        let mut starts: Vec<i64> = here.iter().chain(there).map(|sum| sum.start).collect();
        starts.sort_unstable();
        starts.dedup();
        let of = |sums: &[HourSum], start: i64| {
            let place = sums.binary_search_by_key(&start, |sum| sum.start);
            place.map_or(HourSum::empty(start), |place| sums[place])
        };
        for start in starts {
            found.hours += 1;
            let (here, there) = (of(&here, start), of(there, start));
            if here == there {
                found.rows += here.count;
                continue;
            }
            let hour = self.examine(here, there, told).await?;
            found.healed += hour.healed;
            if !hour.is_fault() {
                found.rows += here.count.min(there.count);
            } else if found.differing.len() < DIFFERING_MAX {
                found.differing.push(hour);
            } else {
                found.more |= !hour.is_whole();
            }
        }
        Ok(())
    }

    /// Fetches the edits that are not here.
    async fn fetch_edits(&self) -> Result<u64, VerifyError> {
        let here = self.blocking(|sink, series| sink.edits(series)).await?;
        let is_here = |row: &Row| here.binary_search_by_key(&row.row, |row| row.row).is_ok();
        let (mut after, mut healed) = (0, 0);
        loop {
            let ask = LinkSums {
                after,
                ..self.question("edits")
            };
            let told = self.ask(ask).await?;
            let there = self.rows(&told)?;
            let end = there.last().map_or(after, |row| row.row);
            let missing = there.into_iter().filter(|row| !is_here(row));
            healed += self.restore(missing.collect()).await?;
            if !told.more || end <= after {
                return Ok(healed);
            }
            after = end;
        }
    }

    /// Fetches the rows of gaps on record. What the other level has not either stays a gap.
    async fn fetch_gaps(&self) -> Result<u64, VerifyError> {
        let query = GapQuery::of(self.series);
        let gaps = self.blocking(move |sink, _| sink.gaps(&query)).await?;
        let mut healed = 0;
        for (id, gap) in gaps {
            let Some((first, last)) = gap.rows.filter(|_| gap.state == Healing::Open) else {
                continue;
            };
            let mut after = first.saturating_sub(1);
            let mut count = 0;
            loop {
                let ask = LinkSums {
                    after,
                    last,
                    ..self.question("numbers")
                };
                let told = self.ask(ask).await?;
                let rows = self.rows(&told)?;
                let Some(end) = rows.last().map(|row| row.row).filter(|end| *end > after) else {
                    break;
                };
                count += rows.len() as u64;
                after = end;
                healed += self.restore(rows).await?;
                if !told.more {
                    break;
                }
            }
            let state = match count > last - first {
                true => Healing::Healed,
                false => Healing::Permanent,
            };
            self.blocking(move |sink, _| sink.heal_gap(id, state))
                .await?;
        }
        Ok(healed)
    }

    async fn restore(&self, rows: Vec<Row>) -> Result<u64, VerifyError> {
        if rows.is_empty() {
            return Ok(0);
        }
        self.blocking(move |sink, _| sink.restore(rows)).await
    }

    async fn ask(&self, ask: LinkSums) -> Result<LinkSumsDocument, VerifyError> {
        (self.ask)(ask).await.map_err(VerifyError::Other)
    }

    fn question(&self, what: &str) -> LinkSums {
        let SeriesKey {
            origin,
            log,
            logger,
        } = &self.key;
        LinkSums {
            origin: origin.to_string(),
            log: log.to_string(),
            logger: logger.to_string(),
            from: i64::MIN,
            to: i64::MAX,
            what: what.to_owned(),
            after: 0,
            last: 0,
        }
    }

    fn rows(&self, told: &LinkSumsDocument) -> Result<Vec<Row>, VerifyError> {
        rows_of(self.series, &told.rows).ok_or_else(|| {
            VerifyError::Other("its answer is not what a mainstem node answers".into())
        })
    }

    async fn blocking<T: Send + 'static>(
        &self,
        act: impl FnOnce(&dyn Sink, SeriesId) -> Result<T, SinkError> + Send + 'static,
    ) -> Result<T, VerifyError> {
        let (sink, series) = (Arc::clone(&self.sink), self.series);
        let done = tokio::task::spawn_blocking(move || act(&*sink, series)).await;
        Ok(done.unwrap_or(Err(SinkError::Stopped))?)
    }
}
