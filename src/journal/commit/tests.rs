//! Tests of `commit`.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::{Duration, Instant};

use super::*;
use crate::frame::RECORD_BYTES_MAX;
use crate::log::LOG_BYTES_DEFAULT;
use crate::log::tests::on_a_full_disk;

const PATIENCE: Duration = Duration::from_secs(20);
/// Results that a test may leave unread.
const RESULTS_MAX: usize = QUEUE_RECORDS_MAX + 1;

struct Place {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn fresh() -> (Place, GroupCommit) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let log = AppendLog::open(&path, LOG_BYTES_DEFAULT).unwrap().log;
    (
        Place {
            _folder: folder,
            path,
        },
        GroupCommit::start("test-log", log).unwrap(),
    )
}

impl Place {
    fn records(&self) -> Vec<Vec<u8>> {
        let opened = AppendLog::open(&self.path, LOG_BYTES_DEFAULT).unwrap();
        opened.replay.map(Result::unwrap).collect()
    }
}

/// Stops the log's thread inside a callback until the sender is used or dropped.
fn hold(commit: &GroupCommit) -> SyncSender<()> {
    let (go, gate) = sync_channel(RESULTS_MAX);
    let (here, arrived): (SyncSender<()>, Receiver<()>) = sync_channel(RESULTS_MAX);
    commit.commit(b"holds".to_vec(), move |fate| {
        fate.unwrap();
        here.send(()).unwrap();
        let _released = gate.recv_timeout(PATIENCE);
    });
    arrived.recv_timeout(PATIENCE).unwrap();
    go
}

#[test]
fn records_that_wait_share_one_sync() {
    let (place, commit) = fresh();
    let go = hold(&commit);
    let (sender, fates) = sync_channel(RESULTS_MAX);
    for number in 0..100_u8 {
        let sender = sender.clone();
        commit.commit(vec![number + 1], move |fate| {
            sender.send((number, fate.is_ok())).unwrap()
        });
    }
    assert_eq!(commit.statistics().waiting, 100);
    drop(go);
    for number in 0..100 {
        assert_eq!(fates.recv_timeout(PATIENCE), Ok((number, true)));
    }
    let statistics = commit.statistics();
    assert_eq!((statistics.records, statistics.syncs), (101, 2));
    assert!(commit.stop().is_some());
    assert_eq!(place.records().len(), 101);
}

#[test]
fn a_full_queue_refuses_at_once() {
    let (_place, commit) = fresh();
    let go = hold(&commit);
    let (sender, fates) = sync_channel(RESULTS_MAX);
    for _ in 0..=QUEUE_RECORDS_MAX {
        let sender = sender.clone();
        commit.commit(vec![1], move |fate| sender.send(fate).unwrap());
    }
    // Only the one too many has been answered: the thread is still held.
    assert!(matches!(fates.try_recv(), Ok(Err(CommitError::QueueFull))));
    assert!(fates.try_recv().is_err());
    assert_eq!(commit.statistics().refused, 1);
    drop(go);
    for _ in 0..QUEUE_RECORDS_MAX {
        fates.recv_timeout(PATIENCE).unwrap().unwrap();
    }
    commit.commit_and_wait(vec![1]).unwrap();
}

#[test]
fn waiting_bytes_are_limited() {
    let (_place, commit) = fresh();
    let go = hold(&commit);
    for _ in 0..QUEUE_BYTES_MAX / RECORD_BYTES_MAX {
        commit.commit(vec![1; RECORD_BYTES_MAX], |fate| fate.unwrap());
    }
    assert!(matches!(
        commit.commit_and_wait(vec![1]),
        Err(CommitError::QueueFull)
    ));
    drop(go);
    assert!(commit.stop().is_some());
}

#[test]
fn stopping_writes_what_waits() {
    let (place, commit) = fresh();
    for number in 1..=50_u8 {
        commit.commit(vec![number], |fate| fate.unwrap());
    }
    drop(commit);
    assert_eq!(place.records().len(), 50);
}

#[test]
fn a_refused_record_does_not_harm_its_neighbours() {
    let (place, commit) = fresh();
    let go = hold(&commit);
    let (sender, fates) = sync_channel(RESULTS_MAX);
    for payload in [vec![1], vec![], vec![2]] {
        let sender = sender.clone();
        commit.commit(payload, move |fate| sender.send(fate).unwrap());
    }
    drop(go);
    // The refusal comes first, because the others still wait for the sync.
    let refusal = fates.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(refusal, Err(CommitError::NotWritten(_))));
    assert!(fates.recv_timeout(PATIENCE).unwrap().is_ok());
    assert!(fates.recv_timeout(PATIENCE).unwrap().is_ok());
    drop(commit);
    assert_eq!(place.records().len(), 3);
}

#[test]
fn rotation_stands_in_the_order_of_the_calls() {
    let (place, commit) = fresh();
    commit.commit(b"before".to_vec(), |fate| fate.unwrap());
    commit.rotate(vec![b"carried".to_vec()], |fate| fate.unwrap());
    commit.commit_and_wait(b"after".to_vec()).unwrap();
    assert_eq!(commit.statistics().records, 2);
    commit.rotate_and_wait(vec![b"all".to_vec()]).unwrap();
    commit.commit_and_wait(b"last".to_vec()).unwrap();
    drop(commit);
    assert_eq!(place.records(), [b"all".to_vec(), b"last".to_vec()]);
}

#[test]
fn a_disk_that_fails_is_told_to_everybody() {
    let commit = GroupCommit::start("test-log", on_a_full_disk()).unwrap();
    let refusal = commit.commit_and_wait(vec![1]);
    assert!(matches!(refusal, Err(CommitError::NotWritten(_))));
    let later = commit.commit_and_wait(vec![1]).unwrap_err();
    let CommitError::NotWritten(cause) = later else {
        panic!("{later}")
    };
    assert!(matches!(*cause, LogError::Failed { .. }));
    assert_eq!(commit.statistics().failed, 2);
    assert!(commit.stop().unwrap().is_failed());
}

#[test]
fn a_failed_sync_leaves_the_fate_unknown() {
    let (_place, good) = fresh();
    let mut log = good.stop().unwrap();
    log.append(&[1]).unwrap();
    let queue = Queue::new(0);
    let (sender, fates) = sync_channel(RESULTS_MAX);
    let done: Done = Box::new(move |fate| sender.send(fate).unwrap());
    confirm(&mut on_a_full_disk(), &queue, &mut vec![done]);
    assert!(matches!(fates.try_recv(), Ok(Err(CommitError::Unknown(_)))));
    assert_eq!(queue.statistics().failed, 1);
}

#[test]
fn a_callback_that_panics_leaves_nobody_waiting() {
    let (place, commit) = fresh();
    let go = hold(&commit);
    let (sender, fates) = sync_channel(RESULTS_MAX);
    let tell = move || {
        let sender = sender.clone();
        move |fate| sender.send(fate).unwrap()
    };
    commit.commit(vec![1], |_| panic!("a callback's own fault"));
    commit.commit(vec![2], tell());
    drop(go);
    assert!(matches!(fates.recv_timeout(PATIENCE), Ok(Ok(()))));
    let began = Instant::now();
    while !commit.thread.as_ref().unwrap().is_finished() {
        assert!(began.elapsed() < PATIENCE);
        thread::yield_now();
    }
    commit.commit(vec![3], tell());
    let late = fates.recv_timeout(PATIENCE);
    assert!(matches!(late, Ok(Err(CommitError::Stopped))));
    drop(commit);
    assert_eq!(place.records().len(), 3);
}
