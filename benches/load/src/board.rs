//! The scoreboard that publisher, reader and harness share: a file of little-endian words. The
//! others map it; here it is read and written, since mapping needs `unsafe`. The arrays are kept in
//! memory and written behind, word by word at low rates and as a whole at high ones.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Words before the arrays.
const HEADER_WORDS: usize = 512;
const WORD: usize = 8;
/// Points that are written one by one after a batch; more are written with their whole arrays.
const SINGLES_MAX: usize = 64;
/// How often whole arrays are written.
const WHOLE_EVERY: Duration = Duration::from_millis(10);

/// Words of the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Word {
    /// Updates sent.
    Sent = 2,
    /// Updates received.
    Received = 3,
    /// Whether the publisher has ended.
    Done = 4,
    /// Whether the reader is ready.
    Ready = 5,
    /// When the publisher began.
    Start = 6,
    /// When it sent its last.
    End = 7,
    /// Updates that were older than what was known; then come when the last update came, how many
    /// points came at all, and when the first update came.
    Back = 8,
}

/// Which of the two halves of the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Written by the publisher.
    Sent,
    /// Written by the reader.
    Received,
}

/// An open scoreboard.
pub(crate) struct Board {
    file: File,
    points: usize,
}

/// How often each point was seen, and its last stamp.
pub(crate) struct Tally {
    side: Side,
    pub(crate) counts: Vec<u64>,
    pub(crate) stamps: Vec<u64>,
    changed: Vec<usize>,
    written: Instant,
}

/// Nanoseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

impl Board {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let words = usize::try_from(file.metadata()?.len()).unwrap_or(0) / WORD;
        let points = words.saturating_sub(HEADER_WORDS) / 4;
        Ok(Self { file, points })
    }

    pub(crate) fn points(&self) -> usize {
        self.points
    }

    pub(crate) fn get(&self, word: Word) -> io::Result<u64> {
        let mut bytes = [0; WORD];
        self.file.read_exact_at(&mut bytes, offset(word as usize))?;
        Ok(u64::from_le_bytes(bytes))
    }

    pub(crate) fn set(&self, word: Word, value: u64) -> io::Result<()> {
        self.put(word as usize, value)
    }

    /// Writes the words from `first` on.
    pub(crate) fn set_many(&self, first: Word, values: &[u64]) -> io::Result<()> {
        self.file
            .write_all_at(&bytes_of(values), offset(first as usize))
    }

    fn put(&self, word: usize, value: u64) -> io::Result<()> {
        self.file.write_all_at(&value.to_le_bytes(), offset(word))
    }

    fn array(&self, side: Side) -> usize {
        let before = if side == Side::Sent { 0 } else { 2 };
        HEADER_WORDS + before * self.points
    }

    /// Reads one half.
    pub(crate) fn tally(&self, side: Side) -> io::Result<Tally> {
        let mut bytes = vec![0; 2 * self.points * WORD];
        self.file
            .read_exact_at(&mut bytes, offset(self.array(side)))?;
        let (words, _) = bytes.as_chunks::<WORD>();
        let words: Vec<u64> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
        let (counts, stamps) = words.split_at(self.points);
        Ok(Tally {
            side,
            counts: counts.to_vec(),
            stamps: stamps.to_vec(),
            changed: Vec::with_capacity(SINGLES_MAX + 1),
            written: Instant::now(),
        })
    }
}

impl Tally {
    /// Notes that a point changed.
    pub(crate) fn touch(&mut self, point: usize) {
        if self.changed.len() <= SINGLES_MAX {
            self.changed.push(point);
        }
    }

    /// Writes what changed: at once if it is little, otherwise when it is due or has to be.
    pub(crate) fn write(&mut self, board: &Board, at_once: bool) -> io::Result<()> {
        let base = board.array(self.side);
        if self.changed.len() > SINGLES_MAX {
            if at_once || self.written.elapsed() >= WHOLE_EVERY {
                board
                    .file
                    .write_all_at(&bytes_of(&self.stamps), offset(base + board.points))?;
                board
                    .file
                    .write_all_at(&bytes_of(&self.counts), offset(base))?;
                self.changed.clear();
                self.written = Instant::now();
            }
            return Ok(());
        }
        for &point in &self.changed {
            board.put(base + board.points + point, self.stamps[point])?;
            board.put(base + point, self.counts[point])?;
        }
        self.changed.clear();
        Ok(())
    }
}

fn offset(word: usize) -> u64 {
    (word * WORD) as u64
}

fn bytes_of(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_halves_come_back() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let points = 200;
        file.as_file()
            .set_len(offset(HEADER_WORDS + 4 * points))
            .unwrap();
        let board = Board::open(file.path()).unwrap();
        assert_eq!(board.points(), points);
        board.set(Word::Done, 1).unwrap();
        board.set_many(Word::Back, &[1, 2, 3, 4]).unwrap();
        assert_eq!(board.get(Word::Done).unwrap(), 1);
        assert_eq!(board.get(Word::Back).unwrap(), 1);
        // Few changes go out one by one, many as a whole.
        for touched in [1, points] {
            for side in [Side::Sent, Side::Received] {
                let mut tally = board.tally(side).unwrap();
                for point in 0..touched {
                    tally.counts[point] += 1;
                    tally.stamps[point] = 1000 + point as u64;
                    tally.touch(point);
                }
                tally.write(&board, true).unwrap();
                let back = board.tally(side).unwrap();
                assert_eq!((&back.counts, &back.stamps), (&tally.counts, &tally.stamps));
            }
        }
    }
}
