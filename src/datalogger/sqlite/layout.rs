//! Files of a newer program: noticed before anything is opened, and left as they are.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use rusqlite::Connection;

use super::file::{Told, open_error};
use super::part;

/// The layout of the files beside the parts: catalogue, roll-ups, gap records. Those of the first
/// program have none, and are the same.
const BESIDE: i64 = 1;
const MAGIC: &[u8] = b"SQLite format 3\0";
/// Where SQLite keeps the number that is its user's, in the head of a file.
const PLACE: usize = 60;

/// Refuses a folder with a file that a newer program wrote. SQLite would write when it opens one, so
/// this reads the head of the files.
pub(super) fn refuse_newer(folder: &Path) -> Told<()> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !name.ends_with(".db") {
            continue;
        }
        let known = match name.starts_with("part-") {
            true => part::LAYOUT,
            false => BESIDE,
        };
        let found = layout_of(&path).unwrap_or_default();
        if found > known {
            return Err(open_error(
                &path,
                format!(
                    "its layout is version {found} and this program knows up to {known}: start \
                     the newer program, or move the folder away to begin anew; nothing was changed"
                ),
            ));
        }
    }
    Ok(())
}

fn layout_of(path: &Path) -> Option<i64> {
    let mut head = [0; 100];
    File::open(path).ok()?.read_exact(&mut head).ok()?;
    let number = head.get(PLACE..PLACE + 4)?;
    let number = u32::from_be_bytes(number.try_into().ok()?);
    head.starts_with(MAGIC).then_some(i64::from(number))
}

/// Notes the layout of a file beside the parts.
pub(super) fn stamp(connection: &Connection) -> rusqlite::Result<()> {
    let layout: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match layout < BESIDE {
        true => connection.pragma_update(None, "user_version", BESIDE),
        false => Ok(()),
    }
}
