//! What a part says of itself: counts and sums over everything in it, moved in every transaction.
//! A file in which something has vanished or changed its place no longer agrees with them.

use rusqlite::{Connection, params};

/// The figures of one part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Figures {
    /// When the part was made, in microseconds.
    pub(super) created: i64,
    /// Numbers of blobs and blocks that were never used.
    pub(super) next_batch: i64,
    pub(super) next_block: i64,
    /// Rows staged and settled.
    pub(super) staged: u64,
    pub(super) settled: u64,
    /// Sums over the staged blobs and over the blocks.
    pub(super) batch_sum: u64,
    pub(super) block_sum: u64,
    /// The oldest and newest time in the part.
    pub(super) first: i64,
    pub(super) last: i64,
}

const WORDS: usize = 9;
const BYTES: usize = WORDS * 8 + 4;

impl Figures {
    pub(super) fn new(created: i64) -> Self {
        Self {
            created,
            next_batch: 1,
            next_block: 1,
            staged: 0,
            settled: 0,
            batch_sum: 0,
            block_sum: 0,
            first: i64::MAX,
            last: i64::MIN,
        }
    }

    pub(super) fn rows(&self) -> u64 {
        self.staged + self.settled
    }

    /// The oldest and newest time, if there is a row.
    pub(super) fn times(&self) -> Option<(i64, i64)> {
        (self.first <= self.last).then_some((self.first, self.last))
    }

    pub(super) fn widen(&mut self, times: (i64, i64)) {
        self.first = self.first.min(times.0);
        self.last = self.last.max(times.1);
    }

    fn to_bytes(self) -> [u8; BYTES] {
        let words = [
            self.created.cast_unsigned(),
            self.next_batch.cast_unsigned(),
            self.next_block.cast_unsigned(),
            self.staged,
            self.settled,
            self.batch_sum,
            self.block_sum,
            self.first.cast_unsigned(),
            self.last.cast_unsigned(),
        ];
        let mut bytes = [0; BYTES];
        for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        let checksum = crc32fast::hash(&bytes[..WORDS * 8]);
        bytes[WORDS * 8..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (words, checksum) = bytes.split_at_checked(WORDS * 8)?;
        if checksum != crc32fast::hash(words).to_le_bytes() {
            return None;
        }
        let mut words = words.chunks_exact(8);
        let mut word = || Some(u64::from_le_bytes(words.next()?.try_into().ok()?));
        Some(Self {
            created: word()?.cast_signed(),
            next_batch: word()?.cast_signed(),
            next_block: word()?.cast_signed(),
            staged: word()?,
            settled: word()?,
            batch_sum: word()?,
            block_sum: word()?,
            first: word()?.cast_signed(),
            last: word()?.cast_signed(),
        })
    }

    /// Reads them; nothing if they are damaged.
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Option<Self>> {
        let mut statement = connection.prepare_cached("SELECT data FROM figures WHERE id = 0")?;
        let bytes: Vec<u8> = statement.query_row([], |row| row.get(0))?;
        Ok(Self::from_bytes(&bytes))
    }

    /// Writes them, within the transaction that changes what they count.
    pub(super) fn save(&self, connection: &Connection) -> rusqlite::Result<()> {
        let mut statement = connection
            .prepare_cached("INSERT OR REPLACE INTO figures (id, data) VALUES (0, ?1)")?;
        statement.execute(params![&self.to_bytes()[..]])?;
        Ok(())
    }
}

/// Mixes numbers into one, so that sums over many of them notice any change (splitmix64).
pub(super) fn mix(words: &[u64]) -> u64 {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for word in words {
        state = (state ^ word).wrapping_add(0x9e37_79b9_7f4a_7c15);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        state ^= state >> 31;
    }
    state
}
