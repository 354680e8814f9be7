//! Tests of `log`.

use std::fs;

use super::*;
use crate::frame::{HEADER_BYTES, PREFIX_BYTES};

struct Place {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("writes.log");
        Self {
            _folder: folder,
            path,
        }
    }

    fn open(&self) -> Opened {
        AppendLog::open(&self.path, LOG_BYTES_DEFAULT).unwrap()
    }

    fn filled(&self, records: &[&[u8]]) -> Vec<u8> {
        let mut opened = self.open();
        for record in records {
            opened.log.append(record).unwrap();
        }
        opened.log.sync().unwrap();
        fs::read(&self.path).unwrap()
    }
}

fn records(opened: &mut Opened) -> Vec<Vec<u8>> {
    (&mut opened.replay).map(Result::unwrap).collect()
}

#[test]
fn records_come_back_and_go_on() {
    let place = Place::new();
    place.filled(&[b"one", &[7; 100_000]]);
    let mut opened = place.open();
    assert_eq!(opened.replay.remaining(), 2);
    assert_eq!(records(&mut opened), [b"one".to_vec(), vec![7; 100_000]]);
    assert!(opened.torn.is_none() && opened.broken.is_none());
    opened.log.append(b"three").unwrap();
    opened.log.sync().unwrap();
    drop(opened);
    assert_eq!(records(&mut place.open()).len(), 3);
}

#[test]
fn a_tail_torn_at_any_byte_is_cut_and_reported() {
    let place = Place::new();
    let whole = place.filled(&[b"first", b"second"]);
    let second = HEADER_BYTES + PREFIX_BYTES + 5;
    for length in 1..whole.len() {
        fs::write(&place.path, &whole[..length]).unwrap();
        let mut opened = place.open();
        let expected = match length {
            _ if length < HEADER_BYTES => (
                0,
                Some(Torn {
                    offset: 0,
                    bytes: length as u64,
                }),
            ),
            _ if length == HEADER_BYTES => (0, None),
            _ if length < second => (0, Some(torn(HEADER_BYTES, length))),
            _ if length == second => (1, None),
            _ => (1, Some(torn(second, length))),
        };
        assert_eq!(
            (records(&mut opened).len(), opened.torn),
            expected,
            "cut at {length}"
        );
        assert!(opened.broken.is_none());
        opened.log.append(b"next").unwrap();
        drop(opened);
        let mut again = place.open();
        assert_eq!(records(&mut again).last().unwrap(), b"next");
        assert_eq!(again.torn, None);
    }
}

fn torn(offset: usize, length: usize) -> Torn {
    Torn {
        offset: offset as u64,
        bytes: (length - offset) as u64,
    }
}

#[test]
fn zeros_behind_the_end_are_a_torn_tail() {
    let place = Place::new();
    let whole = place.filled(&[b"first"]);
    fs::write(&place.path, [whole.as_slice(), &[0; 5000]].concat()).unwrap();
    let mut opened = place.open();
    assert_eq!(records(&mut opened), [b"first"]);
    assert_eq!(
        opened.torn,
        Some(Torn {
            offset: whole.len() as u64,
            bytes: 5000
        })
    );
}

#[test]
fn every_flipped_bit_is_found() {
    let place = Place::new();
    let whole = place.filled(&[b"first", b"second", b"third"]);
    let second = HEADER_BYTES + PREFIX_BYTES + 5;
    let third = second + PREFIX_BYTES + 6;
    for bit in 0..whole.len() * 8 {
        let mut bad = whole.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        fs::write(&place.path, &bad).unwrap();
        let mut opened = place.open();
        let kept = match bit / 8 {
            at if at < second => 0,
            at if at < third => 1,
            _ => 2,
        };
        assert_eq!(records(&mut opened).len(), kept, "bit {bit}");
        // Damage to the last record cannot be told from a write that did not finish.
        assert_eq!(opened.torn.is_some(), bit / 8 >= third, "bit {bit}");
        assert_eq!(opened.broken.is_some(), bit / 8 < third, "bit {bit}");
        if let Some(broken) = &opened.broken {
            assert_eq!(fs::read(&broken.moved_to).unwrap(), bad);
        }
        opened.log.append(b"next").unwrap();
        drop(opened);
        assert_eq!(records(&mut place.open()).len(), kept + 1);
    }
}

#[test]
fn a_payload_that_looks_like_a_record_is_none() {
    let place = Place::new();
    let whole = place.filled(&[b"first", b"second"]);
    let record = whole[HEADER_BYTES..HEADER_BYTES + PREFIX_BYTES + 5].to_vec();
    let whole = place.filled(&[&record.repeat(3)]);
    fs::write(&place.path, &whole[..whole.len() - 1]).unwrap();
    let opened = place.open();
    assert!(opened.broken.is_none());
    assert!(opened.torn.is_some());
}

#[test]
fn records_far_behind_damage_are_found() {
    let place = Place::new();
    let big = vec![1; 300_000];
    let mut bad = place.filled(&[&big, b"last"]);
    bad[HEADER_BYTES + PREFIX_BYTES + 10] ^= 1;
    fs::write(&place.path, &bad).unwrap();
    assert!(place.open().broken.is_some());
}

#[test]
fn sizes_are_limited() {
    let place = Place::new();
    let limit = (HEADER_BYTES + 2 * (PREFIX_BYTES + 4)) as u64;
    let mut log = AppendLog::open(&place.path, limit).unwrap().log;
    assert!(matches!(
        log.append(b""),
        Err(LogError::RecordSize { bytes: 0 })
    ));
    log.append(b"1234").unwrap();
    assert!(matches!(log.append(b"12345"), Err(LogError::Full { .. })));
    log.append(b"1234").unwrap();
    assert_eq!(log.bytes(), limit);
    assert!(matches!(log.append(b"x"), Err(LogError::Full { .. })));
    let mut log = place_with_default();
    log.1.append(&vec![0; RECORD_BYTES_MAX]).unwrap();
    let large = log.1.append(&vec![0; RECORD_BYTES_MAX + 1]);
    assert!(matches!(large, Err(LogError::RecordSize { .. })));
}

fn place_with_default() -> (Place, AppendLog) {
    let place = Place::new();
    let log = place.open().log;
    (place, log)
}

#[test]
fn rotation_keeps_what_is_carried_and_the_old_file() {
    let place = Place::new();
    let mut opened = place.open();
    for round in 0..3_u8 {
        opened.log.append(&[round; 10]).unwrap();
        opened.log.append(b"gone").unwrap();
        opened.log.rotate(&[vec![round; 10]]).unwrap();
    }
    opened.log.append(b"after").unwrap();
    opened.log.sync().unwrap();
    assert_eq!(opened.log.bytes(), fs::metadata(&place.path).unwrap().len());
    drop(opened);
    assert_eq!(records(&mut place.open()), [vec![2; 10], b"after".to_vec()]);
    let previous = AppendLog::open(&place.path.with_extension("log.1"), 1 << 20);
    assert_eq!(
        records(&mut previous.unwrap()),
        [vec![1; 10], vec![2; 10], b"gone".to_vec()]
    );
}

#[test]
fn a_rotation_that_cannot_be_leaves_the_log_as_it_was() {
    let place = Place::new();
    let mut log = AppendLog::open(&place.path, 1000).unwrap().log;
    log.append(b"kept").unwrap();
    assert!(matches!(
        log.rotate(&[vec![0; 1000]]),
        Err(LogError::Full { .. })
    ));
    fs::create_dir(place.path.with_extension("log.1")).unwrap();
    assert!(matches!(log.rotate(&[]), Err(LogError::Rotate { .. })));
    log.append(b"too").unwrap();
    drop(log);
    assert_eq!(records(&mut place.open()).len(), 2);
}

#[test]
fn a_log_that_lost_its_name_is_failed() {
    let place = Place::new();
    let mut log = place.open().log;
    fs::rename(&place.path, place.path.with_extension("moved")).unwrap();
    assert!(matches!(log.rotate(&[]), Err(LogError::Rotate { .. })));
    assert!(log.is_failed());
}

#[test]
fn a_leftover_of_an_interrupted_rotation_is_no_matter() {
    let place = Place::new();
    place.filled(&[b"first"]);
    fs::write(place.path.with_extension("log.tmp"), b"half a lo").unwrap();
    let mut opened = place.open();
    assert_eq!(records(&mut opened), [b"first"]);
    opened.log.rotate(&[]).unwrap();
    assert!(!place.path.with_extension("log.tmp").exists());
}

#[test]
fn one_log_has_one_owner() {
    let place = Place::new();
    let mut opened = place.open();
    let second = || AppendLog::open(&place.path, LOG_BYTES_DEFAULT);
    assert!(matches!(second(), Err(LogError::InUse { .. })));
    opened.log.rotate(&[]).unwrap();
    assert!(matches!(second(), Err(LogError::InUse { .. })));
    drop(opened);
    second().unwrap();
}

/// A log whose disk is always full and which knows no sync.
pub(crate) fn on_a_full_disk() -> AppendLog {
    let path = PathBuf::from("/dev/full");
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(&path)
        .unwrap();
    let (salt, end) = (Salt::fresh(), HEADER_BYTES as u64);
    let scratch = Vec::new();
    AppendLog {
        file,
        path,
        salt,
        end,
        limit: LOG_BYTES_DEFAULT,
        failed: false,
        scratch,
    }
}

#[test]
fn a_full_disk_fails_the_append() {
    let mut log = on_a_full_disk();
    let Err(LogError::Append { source, .. }) = log.append(b"x") else {
        panic!("a full disk took a record")
    };
    assert_eq!(source.kind(), io::ErrorKind::StorageFull);
    // This file cannot be cut either, so what it holds is unknown and the log is failed.
    assert!(log.is_failed());
    assert!(matches!(log.append(b"x"), Err(LogError::Failed { .. })));
}

#[test]
fn a_failed_sync_is_never_tried_again() {
    let mut log = on_a_full_disk();
    assert!(matches!(log.sync(), Err(LogError::Sync { .. })));
    assert!(matches!(log.sync(), Err(LogError::Failed { .. })));
    assert!(matches!(log.append(b"x"), Err(LogError::Failed { .. })));
    assert!(matches!(log.rotate(&[]), Err(LogError::Failed { .. })));
}
