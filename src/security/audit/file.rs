//! The files of the trail: opened with recovery, rotated by size, limited in number.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use mainstem_journal::{set_aside, sync_folder_of};

use super::chain::{LINE_BYTES_MAX, Link, append, link_to};
use super::{AuditLimits, AuditRecord};

/// The open end of the trail.
pub(super) struct Trail {
    path: PathBuf,
    limits: AuditLimits,
    /// Nothing after a failure: what the disk holds must be read again before it goes on.
    open: Option<Open>,
}

struct Open {
    file: File,
    bytes: u64,
    last: Link,
}

impl Trail {
    pub(super) fn open(path: &Path, limits: AuditLimits) -> io::Result<Self> {
        let open = Some(recover(path)?);
        Ok(Self {
            path: path.to_owned(),
            limits,
            open,
        })
    }

    /// Writes records and makes them last.
    pub(super) fn write(&mut self, records: &[AuditRecord]) -> io::Result<()> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => recover(&self.path)?,
        };
        let mut lines = Vec::new();
        for record in records {
            let before = lines.len();
            let link = append(open.last, record, &mut lines)?;
            let held = open.bytes + before as u64;
            let added = (lines.len() - before) as u64;
            if held > 0 && held + added > self.limits.file_bytes {
                // This record begins the next file; its chain goes on unchanged.
                let next = lines.split_off(before);
                open.put(&lines)?;
                open = self.rotate(&open)?;
                lines = next;
            }
            open.last = link;
        }
        open.put(&lines)?;
        self.open = Some(open);
        Ok(())
    }

    fn rotate(&self, open: &Open) -> io::Result<Open> {
        let kept = self.limits.files.saturating_sub(1).max(1);
        for number in (1..kept).rev() {
            let older = numbered(&self.path, number);
            if older.exists() {
                fs::rename(older, numbered(&self.path, number + 1))?;
            }
        }
        fs::rename(&self.path, numbered(&self.path, 1))?;
        let file = create(&self.path)?;
        sync_folder_of(&self.path)?;
        Ok(Open {
            file,
            bytes: 0,
            last: open.last,
        })
    }
}

impl Open {
    fn put(&mut self, lines: &[u8]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        self.file.write_all(lines)?;
        self.file.sync_data()?;
        self.bytes += lines.len() as u64;
        Ok(())
    }
}

fn numbered(path: &Path, number: usize) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{number}"));
    path.with_file_name(name)
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
}

/// Finds the end of the chain. A last line that was not finished is cut off; a file whose end is
/// no record is set aside and the chain begins again, which its first number shows.
fn recover(path: &Path) -> io::Result<Open> {
    let file = create(path)?;
    sync_folder_of(path)?;
    let length = file.metadata()?.len();
    if length == 0 {
        let previous = File::open(numbered(path, 1)).ok();
        let last = previous.and_then(|file| end_of(&file).ok()).flatten();
        let last = last.map_or(Link::FIRST, |(_, link)| link);
        return Ok(Open {
            file,
            bytes: 0,
            last,
        });
    }
    match end_of(&file)? {
        Some((end, last)) => {
            if end < length {
                tracing::warn!(
                    bytes = length - end,
                    "the audit trail's last line was cut off"
                );
                file.set_len(end)?;
                file.sync_all()?;
            }
            Ok(Open {
                file,
                bytes: end,
                last,
            })
        }
        None => {
            let moved = set_aside(path)?;
            tracing::error!(moved = %moved.display(), "the audit trail was damaged at its end");
            Ok(Open {
                file: create(path)?,
                bytes: 0,
                last: Link::FIRST,
            })
        }
    }
}

/// Where the last finished line ends, and the link to its record.
fn end_of(file: &File) -> io::Result<Option<(u64, Link)>> {
    let length = file.metadata()?.len();
    // Room for one finished line and a torn one.
    let wanted = length.min(2 * LINE_BYTES_MAX as u64);
    let mut tail = vec![0; usize::try_from(wanted).unwrap_or(0)];
    file.read_exact_at(&mut tail, length - wanted)?;
    let is_end = |byte: &u8| *byte == b'\n';
    let Some(end) = tail.iter().rposition(is_end) else {
        // Only a torn first line: the file is as good as empty.
        return Ok((wanted == length && wanted < LINE_BYTES_MAX as u64).then_some((0, Link::FIRST)));
    };
    let start = tail[..end]
        .iter()
        .rposition(is_end)
        .map_or(0, |before| before + 1);
    let link = link_to(&tail[start..end]);
    Ok(link.map(|link| (length - wanted + end as u64 + 1, link)))
}
