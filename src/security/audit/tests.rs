//! Tests of `audit`.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use mainstem_model::ManualClock;
use parking_lot::Mutex;

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

struct Place {
    folder: tempfile::TempDir,
    health: Health,
    metrics: Metrics,
}

impl Place {
    fn new() -> Self {
        let health = Health::new(Arc::new(ManualClock::default()));
        Self {
            folder: tempfile::tempdir().unwrap(),
            health,
            metrics: Metrics::new(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("audit.log")
    }

    fn numbered(&self, number: usize) -> PathBuf {
        self.folder.path().join(format!("audit.log.{number}"))
    }

    fn open(&self, limits: AuditLimits) -> Audit {
        let clock = Arc::new(ManualClock::default());
        Audit::open(
            &self.path(),
            limits,
            clock,
            self.health.clone(),
            &self.metrics,
        )
        .unwrap()
    }

    fn filled(&self, records: usize) -> Vec<u8> {
        let audit = self.open(AuditLimits::default());
        (0..records).for_each(|number| audit.record(record(&number.to_string())));
        drop(audit);
        fs::read(self.path()).unwrap()
    }
}

fn record(target: &str) -> AuditRecord {
    AuditRecord {
        at: Timestamp::from_millis(1_800_000_000_000),
        principal: "bob".into(),
        address: Some("10.0.0.1".into()),
        action: "write".into(),
        target: target.into(),
        outcome: "applied".into(),
        detail: String::new(),
    }
}

#[test]
fn records_form_a_chain_over_restarts() {
    let place = Place::new();
    place.filled(3);
    place.filled(2);
    let chain = verify(&place.path()).unwrap();
    assert_eq!((chain.first, chain.last), (1, 5));
    assert_eq!(chain.previous, "0".repeat(64));
    assert_eq!(place.health.list(), []);
    assert!(
        place
            .metrics
            .render()
            .contains("mainstem_audit_records_total 5")
    );
}

#[test]
fn every_change_before_the_last_record_is_named() {
    let place = Place::new();
    let whole = place.filled(3);
    let starts: Vec<usize> = std::iter::once(0)
        .chain(
            whole
                .iter()
                .enumerate()
                .filter(|(_, byte)| **byte == b'\n')
                .map(|(at, _)| at + 1),
        )
        .collect();
    for at in 0..starts[2] {
        let mut bad = whole.clone();
        bad[at] = if bad[at] == b'5' { b'6' } else { b'5' };
        fs::write(place.path(), &bad).unwrap();
        let Err(ChainError::Broken { line, .. }) = verify(&place.path()) else {
            panic!("the change at byte {at} went unnoticed")
        };
        let changed = if at < starts[1] { 1 } else { 2 };
        assert!(
            line == changed || line == changed + 1,
            "byte {at}: line {line}"
        );
    }
    let without_second = [&whole[..starts[1]], &whole[starts[2]..]].concat();
    fs::write(place.path(), without_second).unwrap();
    assert!(matches!(
        verify(&place.path()),
        Err(ChainError::Broken { line: 2, .. })
    ));
}

#[test]
fn files_are_rotated_and_limited_and_the_chain_goes_through() {
    let place = Place::new();
    let audit = place.open(AuditLimits {
        file_bytes: 1000,
        files: 3,
    });
    (0..100).for_each(|number| audit.record(record(&number.to_string())));
    audit.flush();
    let chains: Vec<Chain> = [place.numbered(2), place.numbered(1), place.path()]
        .iter()
        .map(|path| verify(path).unwrap())
        .collect();
    assert_eq!(chains[2].last, 100);
    for pair in chains.windows(2) {
        assert_eq!(
            (pair[0].last + 1, &pair[0].hash),
            (pair[1].first, &pair[1].previous)
        );
    }
    assert_eq!(fs::read_dir(place.folder.path()).unwrap().count(), 3);
    let sizes = fs::read_dir(place.folder.path()).unwrap();
    assert!(
        sizes
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .all(|size| size <= 1000)
    );
}

#[test]
fn a_torn_last_line_is_cut_at_any_byte() {
    let place = Place::new();
    let whole = place.filled(2);
    let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for length in 0..whole.len() {
        fs::write(place.path(), &whole[..length]).unwrap();
        place.filled(1);
        let chain = verify(&place.path()).unwrap();
        assert_eq!(
            chain.last,
            if length < first { 1 } else { 2 },
            "cut at {length}"
        );
    }
}

#[test]
fn a_damaged_end_begins_a_new_chain() {
    let place = Place::new();
    let mut bad = place.filled(2);
    let length = bad.len();
    bad[length - 3] = 0;
    fs::write(place.path(), &bad).unwrap();
    place.filled(1);
    assert_eq!(verify(&place.path()).unwrap().last, 1);
    let moved = place.folder.path().join("audit.log.broken-1");
    assert_eq!(fs::read(moved).unwrap(), bad);
}

#[test]
fn long_and_hostile_texts_stay_one_bounded_line() {
    let place = Place::new();
    let audit = place.open(AuditLimits::default());
    let hostile = "\u{1}\r\n\"}".repeat(10_000);
    audit.record(AuditRecord {
        detail: hostile.clone(),
        principal: hostile,
        ..record("x")
    });
    audit.flush();
    let text = fs::read_to_string(place.path()).unwrap();
    assert_eq!(text.lines().count(), 1);
    assert!(text.len() < chain::LINE_BYTES_MAX);
    verify(&place.path()).unwrap();
}

#[test]
fn a_failing_disk_is_an_alarm_and_leaves_a_gap() {
    let place = Place::new();
    // The rotation cannot take place while a folder that is not empty lies in its way.
    fs::create_dir_all(place.numbered(1).join("in-the-way")).unwrap();
    let audit = place.open(AuditLimits {
        file_bytes: 400,
        files: 2,
    });
    (0..5).for_each(|number| audit.record(record(&number.to_string())));
    audit.flush();
    assert!(audit.lost() > 0);
    assert_eq!(place.health.worst(), Some(Severity::Critical));
    fs::remove_dir_all(place.numbered(1)).unwrap();
    audit.record(record("after"));
    audit.flush();
    assert_eq!(place.health.worst(), None);
    assert!(
        !place.health.list().is_empty(),
        "the alarm waits for its acknowledgement"
    );
    drop(audit);
    let all = [place.numbered(1), place.path()].map(|path| {
        verify(&path).unwrap();
        fs::read_to_string(path).unwrap()
    });
    assert!(all.concat().contains("audit.gap"));
}

#[test]
fn a_full_queue_never_blocks() {
    let place = Place::new();
    symlink("/dev/full", place.path()).unwrap();
    let (go, gate) = sync_channel::<()>(1);
    let gate = Mutex::new(Some(gate));
    let (here, arrived) = sync_channel(1);
    // The first failure stops the writer in the alarm's hook.
    let _hook = place.health.subscribe(move |_| {
        let gate = gate.lock().take();
        if let Some(gate) = gate {
            here.send(()).unwrap();
            let _released = gate.recv_timeout(PATIENCE);
        }
    });
    let audit = place.open(AuditLimits::default());
    audit.record(record("first"));
    arrived.recv_timeout(PATIENCE).unwrap();
    let began = Instant::now();
    (0..QUEUE_RECORDS_MAX + 7).for_each(|_| audit.record(record("more")));
    assert!(began.elapsed() < PATIENCE / 2);
    assert_eq!(
        audit.lost(),
        8,
        "the first, and seven for which there was no room"
    );
    drop(go);
    audit.flush();
    assert_eq!(audit.lost(), QUEUE_RECORDS_MAX as u64 + 8);
    assert_eq!(place.health.worst(), Some(Severity::Critical));
}
