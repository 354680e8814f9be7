//! Damaged files: never a panic, never a wrong row, never rows missing without a word.

use std::fs;
use std::path::PathBuf;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;

/// A store with settled, staged and closed parts, and its rows.
fn store(folder: &Path) -> Vec<(SeriesId, u64)> {
    let sink = open(config(folder));
    let series = sink.register(&[key("a"), key("b")]).unwrap();
    for (from, settle) in [(0, true), (1500, false), (2500, true), (4000, false)] {
        for id in &series {
            let rows = (1..=1500).map(|place| row(*id, from + place));
            sink.append(rows.collect()).wait().unwrap();
        }
        if settle {
            assert!(sink.settle(PATIENCE));
            sink.rotate().unwrap();
        }
    }
    assert!(sink.stats().staged > 0);
    series.iter().map(|id| (*id, 5500)).collect()
}

fn copy(from: &Path, to: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        fs::copy(&path, &target).unwrap();
        files.push(target);
    }
    files.retain(|path| path.extension().is_some_and(|end| end == "db"));
    files.sort();
    files
}

/// Opens a damaged store and holds every row that it gives out against what was written.
fn judge(folder: &Path, expected: &[(SeriesId, u64)], seed: u64) {
    let (clock, health) = health();
    let Ok(sink) = SqliteSink::open(config(folder), health.clone(), clock) else {
        return;
    };
    let (mut complete, mut told) = (true, false);
    for (id, count) in expected {
        let mut seen = Vec::new();
        for found in sink
            .samples(&SampleQuery::new(*id, i64::MIN, i64::MAX))
            .unwrap()
        {
            match found {
                Ok(found) => {
                    assert_eq!(found, row(*id, found.row), "seed {seed}: a wrong row");
                    seen.push(found.row);
                }
                Err(_) => told = true,
            }
            if let Some(pair) = seen.last_chunk::<2>() {
                assert!(pair[0] < pair[1], "seed {seed}: a row came twice");
            }
        }
        complete &= seen.len() as u64 == *count;
    }
    told |= !health.list().is_empty();
    // A deep check finds what the start and the answers did not.
    let deep = || match sink.integrity() {
        Ok(integrity) => !integrity.faults.is_empty(),
        Err(_) => true,
    };
    let found = complete || told || deep();
    assert!(found, "seed {seed}: rows vanished in silence");
}

fn flip(path: &Path, random: &mut StdRng) {
    let mut bytes = fs::read(path).unwrap();
    if bytes.is_empty() {
        return;
    }
    if random.random_ratio(1, 5) {
        bytes.truncate(random.random_range(0..bytes.len()));
    } else {
        for _ in 0..random.random_range(1..4) {
            let place = random.random_range(0..bytes.len());
            bytes[place] ^= 1 << random.random_range(0..8);
        }
    }
    fs::write(path, bytes).unwrap();
}

#[test]
fn flipped_bits_and_truncations_are_noticed() {
    let original = tempfile::tempdir().unwrap();
    let expected = store(original.path());
    for seed in 0..100 {
        let mut random = StdRng::seed_from_u64(seed);
        let folder = tempfile::tempdir().unwrap();
        let files = copy(original.path(), folder.path());
        let parts = files
            .iter()
            .filter(|path| path.to_string_lossy().contains("part-"));
        let parts: Vec<_> = parts.collect();
        assert!(parts.len() >= 3, "{files:?}");
        flip(parts[random.random_range(0..parts.len())], &mut random);
        judge(folder.path(), &expected, seed);
    }
}

#[test]
fn a_damaged_log_gives_no_wrong_rows_and_is_noticed() {
    let original = tempfile::tempdir().unwrap();
    let (clock, health) = health();
    let sink = SqliteSink::open(config(original.path()), health, clock).unwrap();
    let series = sink.series(&key("a")).unwrap();
    for from in 0..20_u64 {
        let rows = (1..=100).map(|place| row(series, from * 100 + place));
        sink.append(rows.collect()).wait().unwrap();
    }
    for seed in 0..30 {
        let mut random = StdRng::seed_from_u64(seed);
        let folder = tempfile::tempdir().unwrap();
        copy(original.path(), folder.path());
        let log = folder.path().join("part-00000001.db-wal");
        fs::remove_file(folder.path().join("part-00000001.db-shm")).unwrap();
        flip(&log, &mut random);
        // SQLite takes the damaged end of a log for a commit that was cut short; the note of how far
        // the store had come says that it was none.
        judge(folder.path(), &[(series, 2000)], seed);
    }
}

#[test]
fn a_lost_catalogue_is_made_again_from_the_parts() {
    let folder = tempfile::tempdir().unwrap();
    let expected = store(folder.path());
    fs::write(
        folder.path().join("catalogue.db"),
        b"no database at all, but long enough",
    )
    .unwrap();
    let (clock, health) = health();
    let sink = SqliteSink::open(config(folder.path()), health.clone(), clock).unwrap();
    assert_eq!(
        sink.list(),
        [(SeriesId(0), key("a")), (SeriesId(1), key("b"))]
    );
    for (id, _) in expected {
        assert_eq!(all(&sink, id).unwrap().len(), 5500);
    }
    assert!(
        health.list()[0]
            .problem
            .text
            .contains("catalogue.db.broken-1")
    );
}

#[test]
fn a_lost_newest_part_renews_the_log_id_and_the_store_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path());
    let before = open(config(folder.path())).log_id();
    assert_eq!(
        open(config(folder.path())).log_id(),
        before,
        "restarts change nothing"
    );
    let newest = folder.path().join("part-00000003.db");
    let length = fs::metadata(&newest).unwrap().len();
    fs::write(&newest, vec![0x55; usize::try_from(length).unwrap()]).unwrap();
    let sink = open(config(folder.path()));
    assert_ne!(sink.log_id(), before);
    assert_eq!(sink.watermark(SeriesId(0)).unwrap(), 4000);
    sink.append(vec![row(SeriesId(0), 4001)]).wait().unwrap();
    assert!(folder.path().join("part-00000003.db.broken-1").exists());
}

#[test]
fn a_copied_store_has_a_new_log_id() {
    let original = tempfile::tempdir().unwrap();
    store(original.path());
    let restored = tempfile::tempdir().unwrap();
    copy(original.path(), restored.path());
    let (first, second) = (open(config(original.path())), open(config(restored.path())));
    assert_ne!(first.log_id(), second.log_id());
    assert_eq!(
        all(&second, SeriesId(1)).unwrap(),
        all(&first, SeriesId(1)).unwrap()
    );
}

#[test]
fn a_store_behind_its_note_takes_a_new_log_id() {
    let folder = tempfile::tempdir().unwrap();
    let sink = open(config(folder.path()));
    let series = sink.series(&key("a")).unwrap();
    let before = sink.log_id();
    sink.append(vec![row(series, 1)]).wait().unwrap();
    let behind = tempfile::tempdir().unwrap();
    copy(folder.path(), behind.path());
    sink.append(vec![row(series, 2)]).wait().unwrap();
    drop(sink);
    for name in ["part-00000001.db", "part-00000001.db-wal"] {
        let old = fs::read(behind.path().join(name)).unwrap();
        fs::write(folder.path().join(name), old).unwrap();
    }
    let (clock, health) = health();
    let sink = SqliteSink::open(config(folder.path()), health.clone(), clock).unwrap();
    assert_ne!(sink.log_id(), before, "row 2 may be known elsewhere");
    assert!(
        health.list()[0]
            .problem
            .text
            .contains("part-00000001.db-wal")
    );
    assert_eq!(
        all(&sink, series).unwrap().len(),
        1,
        "what is there is read"
    );
    let next = sink.watermark(series).unwrap() + 1;
    sink.append(vec![row(series, next)]).wait().unwrap();
    drop(sink);
    assert_eq!(all(&open(config(folder.path())), series).unwrap().len(), 2);
}
