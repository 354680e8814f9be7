//! Damaged files are kept for whoever investigates, beside the place where they lay.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::atomic::{folder_of, sync_folder_of, with_suffix};

/// Damaged versions kept of one file; the oldest goes when there is one more.
pub const BROKEN_FILES_MAX: usize = 8;

/// Renames a damaged file to `<name>.broken-<n>` and returns its new path.
pub fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let target = next_place(path)?;
    fs::rename(path, &target)?;
    sync_folder_of(path)?;
    Ok(target)
}

/// Gives a damaged file a second name `<name>.broken-<n>`, so that its first name can be taken by
/// a repaired one in a single step.
pub(crate) fn link_aside(path: &Path) -> io::Result<PathBuf> {
    let target = next_place(path)?;
    if fs::hard_link(path, &target).is_err() {
        // Some file systems know no second names; a copy serves as well.
        fs::copy(path, &target)?;
        fs::File::open(&target)?.sync_all()?;
    }
    Ok(target)
}

/// The next free name, after removing the oldest beyond the limit.
fn next_place(path: &Path) -> io::Result<PathBuf> {
    let mut numbers = numbers_in_use(path)?;
    numbers.sort_unstable();
    let next = numbers.last().map_or(1, |last| last.saturating_add(1));
    let surplus = (numbers.len() + 1).saturating_sub(BROKEN_FILES_MAX);
    for number in &numbers[..surplus] {
        fs::remove_file(place(path, *number)?)?;
    }
    place(path, next)
}

fn place(path: &Path, number: u64) -> io::Result<PathBuf> {
    with_suffix(path, &format!(".broken-{number}"))
}

fn numbers_in_use(path: &Path) -> io::Result<Vec<u64>> {
    let stem = with_suffix(path, ".broken-")?;
    let stem = stem
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
        .to_owned();
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder_of(path))? {
        let name = entry?.file_name();
        let rest = name.to_str().and_then(|name| name.strip_prefix(&stem));
        numbers.extend(rest.and_then(|digits| digits.parse::<u64>().ok()));
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_files_are_kept_up_to_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        for round in 0..BROKEN_FILES_MAX + 3 {
            fs::write(&path, round.to_string()).unwrap();
            let moved = set_aside(&path).unwrap();
            assert_eq!(fs::read_to_string(moved).unwrap(), round.to_string());
        }
        assert!(!path.exists());
        assert_eq!(numbers_in_use(&path).unwrap().len(), BROKEN_FILES_MAX);
        assert!(
            place(&path, (BROKEN_FILES_MAX + 3) as u64)
                .unwrap()
                .exists()
        );
        assert!(!place(&path, 1).unwrap().exists());
    }
}
