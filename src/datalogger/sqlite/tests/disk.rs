//! A full disk: said at once, nothing acknowledged is lost, over without a restart.

use std::fs;
use std::io::Write;
use std::process::Command;
use std::time::Instant;

use super::*;
use crate::SinkState;

/// A small file system of its own, taken away at the end.
struct Small(tempfile::TempDir);

impl Small {
    /// Nothing where this user may not mount.
    fn mount() -> Option<Self> {
        Self::mount_mib(4)
    }

    fn mount_mib(size: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}m"), "tmpfs"])
            .arg(folder.path())
            .output();
        let mounted = mounted.is_ok_and(|done| done.status.success());
        mounted.then_some(Self(folder))
    }

    /// Makes the path a read-only mount, as far as anybody sees who opens or asks it anew. To remount
    /// the file system itself is refused while files of it are open for writing.
    fn read_only(&self) {
        let path = self.0.path();
        let run = |arguments: &[&str]| {
            let done = Command::new("mount").args(arguments).arg(path).output();
            assert!(done.unwrap().status.success(), "{arguments:?}");
        };
        run(&["--bind", path.to_str().unwrap()]);
        run(&["-o", "remount,ro,bind"]);
    }

    fn writable(&self) {
        let done = Command::new("umount").arg("-l").arg(self.0.path()).output();
        assert!(done.unwrap().status.success());
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // Once for each mount there may be.
        for _ in 0..2 {
            drop(Command::new("umount").arg("-l").arg(self.0.path()).output());
        }
    }
}

/// Says loudly that a test did not run, on the terminal and to `tests/run`.
pub(super) fn left_out(why: &str) {
    eprintln!("LEFT OUT: {why}");
    if let Ok(path) = std::env::var("MAINSTEM_SKIPPED") {
        let file = fs::OpenOptions::new().append(true).create(true).open(path);
        writeln!(file.unwrap(), "{why}").unwrap();
    }
}

pub(super) fn wait_for(what: &str, patience: Duration, mut condition: impl FnMut() -> bool) {
    let until = Instant::now() + patience;
    while !condition() {
        assert!(Instant::now() < until, "{what} within {patience:?}");
        std::thread::yield_now();
    }
}

fn fill(sink: &SqliteSink, series: SeriesId, acked: &mut u64) {
    loop {
        let rows: Vec<_> = (1..=500).map(|place| row(series, *acked + place)).collect();
        match sink.append(rows).wait() {
            Ok(()) => *acked += 500,
            Err(refused) => {
                assert!(
                    matches!(refused.error, SinkError::Failed { .. }),
                    "{refused}"
                );
                assert_eq!(refused.rows.len(), 500, "what was not stored is given back");
                return;
            }
        }
    }
}

fn is_failed(sink: &SqliteSink) -> bool {
    matches!(sink.stats().state, SinkState::Failed { .. })
}

#[test]
fn a_full_disk_is_told_and_survived() {
    let Some(small) = Small::mount() else {
        return left_out("the data logger on a full disk: mounting a tmpfs needs root");
    };
    let ballast = small.0.path().join("ballast");
    fs::write(&ballast, vec![1; 2 << 20]).unwrap();
    let (clock, health) = health();
    let sink = SqliteSink::open(config(&small.0.path().join("s")), health.clone(), clock).unwrap();
    let series = sink.series(&key("a")).unwrap();
    let mut acked = 0;
    fill(&sink, series, &mut acked);
    assert!(is_failed(&sink) && acked > 0);
    let raised = || {
        health
            .get("datalogger.store.store")
            .is_some_and(|state| state.active)
    };
    wait_for("the alarm", Duration::from_secs(5), raised);
    // Reading goes on.
    assert_eq!(sink.watermark(series).unwrap(), acked);
    fs::remove_file(ballast).unwrap();
    wait_for("recovery", Duration::from_secs(10), || !is_failed(&sink));
    assert!(!raised());
    // Something may have been stored that was not acknowledged; sending it again is right.
    let before = acked;
    let rows: Vec<_> = (1..=500).map(|place| row(series, acked + place)).collect();
    sink.append(rows).wait().unwrap();
    acked += 500;
    let rows = all(&sink, series).unwrap();
    assert_eq!(rows.len() as u64, acked, "after {before}");
    assert!(
        rows.into_iter()
            .zip(1..)
            .all(|(found, number)| found == row(series, number))
    );
}

#[test]
fn a_reserve_is_kept_and_a_read_only_disk_is_noticed_without_a_write() {
    let Some(small) = Small::mount() else {
        return left_out("the data logger on a read-only disk: mounting a tmpfs needs root");
    };
    let (clock, health) = health();
    let mut config = config(&small.0.path().join("s"));
    config.reserve_percent = 30;
    let sink = SqliteSink::open(config, health.clone(), clock).unwrap();
    let series = sink.series(&key("a")).unwrap();
    let ballast = small.0.path().join("ballast");
    fs::write(&ballast, vec![1; 3 << 20]).unwrap();
    wait_for("the reserve", Duration::from_secs(5), || is_failed(&sink));
    let text = health.get("datalogger.store.store").unwrap().problem.text;
    assert!(
        text.contains("less than 30 % of its disk is free"),
        "{text}"
    );
    fs::remove_file(&ballast).unwrap();
    wait_for("recovery", Duration::from_secs(10), || !is_failed(&sink));
    sink.append(vec![row(series, 1)]).wait().unwrap();
    small.read_only();
    wait_for("the read-only disk", Duration::from_secs(5), || {
        is_failed(&sink)
    });
    let refused = sink.append(vec![row(series, 2)]).wait();
    assert!(refused.is_err(), "nothing is acknowledged");
    small.writable();
    wait_for("recovery", Duration::from_secs(10), || !is_failed(&sink));
    sink.append(vec![row(series, 2)]).wait().unwrap();
    assert_eq!(all(&sink, series).unwrap().len(), 2);
}

#[test]
fn a_store_keeps_to_its_share_of_a_small_disk() {
    let Some(small) = Small::mount_mib(24) else {
        return left_out("the share of the disk of a data logger: mounting a tmpfs needs root");
    };
    let (clock, health) = health();
    let mut config = SqliteConfig::new(small.0.path().join("s"));
    config.settle_rows = 5_000;
    config.check_at_start = false;
    let sink = SqliteSink::open(config, health, clock).unwrap();
    let series = sink.series(&key("a")).unwrap();
    let policy = crate::Policy {
        raw: None,
        ..crate::Policy::default()
    };
    let (mut acked, mut deleted) = (0, 0);
    // More than the whole disk would hold, with texts that no coding makes small.
    while deleted < 20 << 20 {
        let rows = (1..=200).map(|place| Row {
            value: Logged::Text(noise(acked + place).into()),
            ..row(series, acked + place)
        });
        let rows: Vec<Row> = rows.collect();
        acked += rows.len() as u64;
        sink.append(rows).wait().unwrap();
        // The parts are turned by the clock of the disk, each second; a test does not wait for it.
        if acked % 1_000 == 0 {
            sink.rotate().unwrap();
            assert!(sink.settle(PATIENCE));
            deleted += sink.retain(&policy).unwrap().bytes;
            let share = sink.stats().bytes * 100 / (24 << 20);
            assert!(share <= 60, "{share} % after {acked} rows");
        }
    }
    assert!(!is_failed(&sink));
    assert_eq!(
        sink.watermark(series).unwrap(),
        acked,
        "what went keeps its numbers"
    );
    let outlook = sink.outlook(&policy);
    assert!(
        outlook.used <= 15 << 20 && outlook.free.unwrap() > 5 << 20,
        "{outlook:?}"
    );
}

fn noise(seed: u64) -> String {
    let word = |place: u64| format!("{:016x}", super::super::figures::mix(&[seed, place]));
    (0..16).map(word).collect()
}

#[test]
fn parts_are_small_where_the_disk_is() {
    let Some(small) = Small::mount_mib(32) else {
        return left_out("parts on a small disk: mounting a tmpfs needs root");
    };
    let (clock, health) = health();
    let sink = SqliteSink::open(SqliteConfig::new(small.0.path()), health, clock).unwrap();
    let series = sink.series(&key("a")).unwrap();
    let rows = (1..=6_000).map(|number| Row {
        value: Logged::Text(noise(number).into()),
        ..row(series, number)
    });
    sink.append(rows.collect()).wait().unwrap();
    wait_for("the next part", Duration::from_secs(10), || {
        sink.stats().files == 2
    });
}
