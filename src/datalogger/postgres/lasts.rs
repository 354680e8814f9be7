//! The newest row of each series, beside the spool: a node that starts while the server is away
//! goes on where it ended.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use mainstem_journal::{Checked, read_checked, write_checked};
use parking_lot::Mutex;

use crate::codec::staged;
use crate::{Row, SeriesId};

const MODE: u32 = 0o600;

/// The newest rows by time.
pub(super) struct Lasts {
    path: PathBuf,
    rows: Mutex<HashMap<SeriesId, Row>>,
}

impl Lasts {
    /// Reads what was noted; nothing where that is damaged, for it is only a convenience.
    pub(super) fn open(folder: &Path) -> Self {
        let path = folder.join("lasts");
        let bytes = match read_checked(&path) {
            Ok(Checked::Intact(bytes)) => bytes,
            _ => Vec::new(),
        };
        let rows = decode(&bytes).unwrap_or_default();
        let rows = rows.into_iter().map(|row| (row.series, row)).collect();
        Self {
            path,
            rows: Mutex::new(rows),
        }
    }

    pub(super) fn get(&self, series: SeriesId) -> Option<Row> {
        self.rows.lock().get(&series).cloned()
    }

    /// Takes in what is at the server now.
    pub(super) fn note<'a>(&self, fresh: impl Iterator<Item = &'a Row>) {
        let mut rows = self.rows.lock();
        for row in fresh {
            match rows.get_mut(&row.series) {
                Some(known) if (known.time, known.row) >= (row.time, row.row) => {}
                Some(known) => known.clone_from(row),
                None => drop(rows.insert(row.series, row.clone())),
            }
        }
    }

    /// Writes them, before the spool forgets them.
    pub(super) fn save(&self) -> std::io::Result<()> {
        let rows = self.rows.lock();
        let mut blob = Vec::new();
        let segments = rows.values().map(|row| {
            let numbers = vec![(row.row, row.row)];
            staged::put_segment(&mut blob, &[row], numbers)
        });
        let directory = staged::directory(&segments.collect::<Vec<_>>());
        drop(rows);
        let length = directory.len() as u64;
        let mut bytes = length.to_le_bytes().to_vec();
        bytes.extend_from_slice(&directory);
        bytes.extend_from_slice(&blob);
        write_checked(&self.path, &bytes, MODE)
    }
}

fn decode(bytes: &[u8]) -> Option<Vec<Row>> {
    let (length, rest) = bytes.split_at_checked(8)?;
    let length = u64::from_le_bytes(length.try_into().ok()?);
    let (directory, blob) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    let segments = staged::read_directory(directory).ok()?;
    let rows = segments.iter().map(|segment| {
        let bytes = blob.get(segment.offset..segment.offset + segment.length)?;
        staged::get_segment(segment, bytes).ok()?.pop()
    });
    rows.collect()
}
