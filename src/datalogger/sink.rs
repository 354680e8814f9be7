//! What keeps samples and roll-ups.

use crate::{
    About, Answer, Durable, Extent, Gap, GapId, GapQuery, Healing, HourSum, Integrity, LogId,
    Policy, Retained, RollupBatch, RollupQuery, Rollups, Row, RowQuery, SampleQuery, Samples,
    SeriesId, SeriesKey, SinkError, Stats, Summing,
};

/// A store of samples and roll-ups. Every call but [`append`](Self::append) may wait for the
/// disk: async callers make it on a thread that may block.
pub trait Sink: Send + Sync {
    /// The identity of this store, for the rows that are recorded into it here.
    fn log_id(&self) -> LogId;

    /// The numbers of series, in the order of the keys. New ones are on disk when this returns.
    fn register(&self, keys: &[SeriesKey]) -> Result<Vec<SeriesId>, SinkError>;

    /// The number of one series; a new one is on disk when this returns.
    fn series(&self, key: &SeriesKey) -> Result<SeriesId, SinkError> {
        let numbers = self.register(std::slice::from_ref(key))?;
        let number = numbers.first().copied();
        number.ok_or(SinkError::UnknownSeries(0))
    }

    /// Every series known, ordered by number.
    fn list(&self) -> Vec<(SeriesId, SeriesKey)>;

    /// Notes what people call series, for whoever reads the store beside this program. Nothing here
    /// depends on it, and a store need not keep it.
    fn describe(&self, _about: &[(SeriesId, About)]) {}

    /// Hands rows over and returns at once. They are stored in the order of the calls, each row
    /// number of a series once: what is stored already is acknowledged and changes nothing.
    fn append(&self, rows: Vec<Row>) -> Durable;

    /// Stores rows again whose numbers count as stored but which are no longer held: what damage took
    /// comes back. Rows that are held are left out. Returns how many were stored; they are on disk.
    fn restore(&self, rows: Vec<Row>) -> Result<u64, SinkError>;

    /// Declares that rows of a series will never come, because their origin no longer has them:
    /// the watermark passes them. Whoever calls this records the gap.
    fn forgo(&self, series: SeriesId, first: u64, last: u64) -> Durable;

    /// Stores roll-ups; they are on disk when this returns.
    fn put_rollups(&self, batch: &RollupBatch) -> Result<(), SinkError>;

    /// Up to which row a series is rolled up; 0 before the first.
    fn covered(&self, series: SeriesId) -> Result<u64, SinkError>;

    /// Samples of a series by time: the newest version, without the edits. Each row appears exactly
    /// once, whatever the store does meanwhile.
    fn samples(&self, query: &SampleQuery) -> Result<Samples, SinkError>;

    /// Rows of a series by number: all of them, superseded ones and edits too.
    fn rows(&self, query: &RowQuery) -> Result<Samples, SinkError>;

    /// What each hour with samples comes to, oldest first: the same at every level that holds the
    /// same rows. Samples from a time to before another; whole hours are for comparing.
    fn hours(&self, series: SeriesId, from: i64, to: i64) -> Result<Answer<HourSum>, SinkError> {
        let rows = self.samples(&SampleQuery::new(series, from, to))?;
        Ok(Box::new(Summing::new(rows)))
    }

    /// The newest edits of a series that are held, in the order of their numbers.
    fn edits(&self, series: SeriesId) -> Result<Vec<Row>, SinkError>;

    /// Records a gap; it is on disk when this returns. One that is known already, or that goes on
    /// where a known one of the same cause and hop ends, does not become a second record.
    fn record_gap(&self, gap: &Gap) -> Result<GapId, SinkError>;

    /// Gap records in the order of their numbers.
    fn gaps(&self, query: &GapQuery) -> Result<Vec<(GapId, Gap)>, SinkError>;

    /// Says how far a gap is healed.
    fn heal_gap(&self, id: GapId, state: Healing) -> Result<(), SinkError>;

    /// Roll-ups of a series by start.
    fn rollups(&self, query: &RollupQuery) -> Result<Rollups, SinkError>;

    /// Whether anything can be read now, as far as that is known without asking anybody: so that
    /// whoever asks hears why not, before an answer is begun.
    fn readable(&self) -> Result<(), SinkError> {
        Ok(())
    }

    /// The newest sample of a series by time.
    fn last(&self, series: SeriesId) -> Result<Option<Row>, SinkError>;

    /// The row number up to which every row of a series has been stored, 0 before the first. It
    /// moves in the transaction that stores the rows, and retention does not take it back.
    fn watermark(&self, series: SeriesId) -> Result<u64, SinkError>;

    /// Which rows of a series were stored ever, as ranges of their numbers in ascending order: the
    /// contiguous one up to the watermark, and what came ahead of missing rows.
    fn held(&self, series: SeriesId) -> Result<Vec<(u64, u64)>, SinkError> {
        let watermark = self.watermark(series)?;
        Ok(if watermark > 0 {
            vec![(1, watermark)]
        } else {
            Vec::new()
        })
    }

    /// What is held of a series.
    fn extent(&self, series: SeriesId) -> Result<Extent, SinkError>;

    /// Deletes what a policy does not keep, whole files at a time.
    fn retain(&self, policy: &Policy) -> Result<Retained, SinkError>;

    /// How the store stands.
    fn stats(&self) -> Stats;

    /// Reads everything back and says what is wrong. Takes long; the store works meanwhile.
    fn integrity(&self) -> Result<Integrity, SinkError>;
}
