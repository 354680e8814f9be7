//! Faults of the system calls themselves, injected by strace into a child that logs: a sync that
//! fails, a disk that is slow, a kill between two writes.

use std::process::{Command, Output, Stdio};

use super::disk::left_out;
use super::kill::{ACKS, FOLDER, SERIES, check, note, rounds};
use super::*;

/// Kills of a short run.
const KILLS_SHORT: u32 = 6;
/// The last write at which the child is killed.
const WRITES_MAX: u32 = 1000;

/// Runs the child of the kills with a fault; nothing where there is no strace.
fn traced(folder: &Path, inject: &[&str], rounds: &str) -> Option<Output> {
    let mut command = Command::new("strace");
    command
        .args(["-f", "-o", "/dev/null"])
        .args(inject)
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "sqlite::tests::kill::child",
            "--ignored",
            "--nocapture",
        ])
        .env(FOLDER, folder)
        .env(ACKS, rounds)
        .stderr(Stdio::null());
    command.output().ok()
}

/// What the child said was acknowledged, and what each line of it was.
fn told(output: &Output) -> (Vec<u64>, Vec<String>) {
    let mut acked = vec![0; usize::try_from(SERIES).unwrap()];
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.iter().for_each(|line| note(line, &mut acked));
    (acked, lines)
}

/// Calls are counted by thread: the one that opens the store makes fewer than these, the one that
/// writes makes more.
#[test]
fn a_failing_sync_is_told_at_once_and_never_acknowledged() {
    for at in [80, 101] {
        let folder = tempfile::tempdir().unwrap();
        let inject = format!("inject=fsync,fdatasync:error=EIO:when={at}");
        let trace = ["-e", "trace=fsync,fdatasync", "-e", &inject];
        let Some(output) = traced(folder.path(), &trace, "200") else {
            return left_out("the data logger with a failing sync: it needs strace");
        };
        let (acked, lines) = told(&output);
        let refused = lines.iter().position(|line| line.contains("refused"));
        let refused = &lines[refused.unwrap_or_else(|| panic!("nothing failed: {lines:?}"))..];
        assert!(refused[0].contains("refused alarm=true"), "{}", refused[0]);
        let after = refused.iter().filter(|line| line.contains("acked"));
        assert!(after.count() > 20, "it goes on by itself: {refused:?}");
        check(folder.path(), &acked, at);
    }
}

#[test]
fn syncs_that_fail_for_a_while_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let trace = [
        "-e",
        "trace=fsync,fdatasync",
        "-e",
        "inject=fsync,fdatasync:error=EIO:when=80..88",
    ];
    let Some(output) = traced(folder.path(), &trace, "200") else {
        return left_out("the data logger with failing syncs: it needs strace");
    };
    let (acked, lines) = told(&output);
    assert!(
        lines.iter().any(|line| line.contains("refused alarm=true")),
        "{lines:?}"
    );
    check(folder.path(), &acked, 0);
}

#[test]
fn writes_that_fail_for_a_while_lose_nothing() {
    for error in ["EROFS", "ENOSPC", "EIO"] {
        let folder = tempfile::tempdir().unwrap();
        let inject = format!("inject=pwrite64,ftruncate:error={error}:when=700..704");
        let trace = ["-e", "trace=pwrite64,ftruncate", "-e", &inject];
        let Some(output) = traced(folder.path(), &trace, "100") else {
            return left_out("the data logger with failing writes: it needs strace");
        };
        let (acked, lines) = told(&output);
        let alarm = |line: &String| line.contains("refused alarm=true");
        assert!(lines.iter().any(alarm), "{error}: {lines:?}");
        check(folder.path(), &acked, 0);
    }
}

#[test]
fn a_slow_disk_gathers_more_into_a_commit() {
    let folder = tempfile::tempdir().unwrap();
    let trace = [
        "-e",
        "trace=fsync,fdatasync",
        "-e",
        "inject=fsync,fdatasync:delay_enter=200ms",
    ];
    let Some(output) = traced(folder.path(), &trace, "12") else {
        return left_out("the data logger on a slow disk: it needs strace");
    };
    let (acked, lines) = told(&output);
    let count = lines.iter().filter(|line| line.contains("acked")).count();
    assert_eq!(count, 12, "{lines:?}");
    check(folder.path(), &acked, 0);
}

#[test]
fn a_kill_between_any_two_writes_loses_nothing() {
    let rounds = rounds().unwrap_or(KILLS_SHORT);
    for round in 1..=rounds {
        // From the first write of an empty store to its settling and sealing, evenly.
        let at = (round * WRITES_MAX / rounds).max(1);
        let folder = tempfile::tempdir().unwrap();
        let inject = format!("inject=pwrite64:signal=KILL:when={at}");
        let trace = ["-e", "trace=pwrite64", "-e", &inject];
        let Some(output) = traced(folder.path(), &trace, "300") else {
            return left_out("the data logger killed between two writes: it needs strace");
        };
        let (acked, lines) = told(&output);
        assert!(!output.status.success(), "it was not killed");
        assert!(lines.len() < 300, "it was not killed");
        check(folder.path(), &acked, round);
    }
}

#[test]
fn a_disk_that_hangs_is_told_while_it_does() {
    let folder = tempfile::tempdir().unwrap();
    let inject = "inject=fsync,fdatasync:delay_enter=4s:when=80";
    let trace = ["-e", "trace=fsync,fdatasync", "-e", inject];
    let Some(output) = traced(folder.path(), &trace, "120") else {
        return left_out("the data logger on a disk that hangs: it needs strace");
    };
    let (acked, lines) = told(&output);
    assert!(lines.iter().any(|line| line == "slow"), "{lines:?}");
    check(folder.path(), &acked, 0);
}
