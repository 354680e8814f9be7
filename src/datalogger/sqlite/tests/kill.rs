//! `kill -9` while logging: what was acknowledged is there, once.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::disk::wait_for;
use super::*;
use crate::SinkState;

pub(super) const FOLDER: &str = "MAINSTEM_DATALOGGER_KILLED";
/// After so many acknowledgements the process crashes by itself.
pub(super) const ACKS: &str = "MAINSTEM_DATALOGGER_ACKS";
/// Whether commits are not synced.
pub(super) const NORMAL: &str = "MAINSTEM_DATALOGGER_NORMAL";
const ROUNDS: &str = "MAINSTEM_KILLS";
pub(super) const SERIES: u64 = 4;
/// Rounds of a short run; `tests/run --long` asks for 200.
const ROUNDS_SHORT: u32 = 5;
/// Kills that one store survives before a fresh one: each is read to its last row after each kill.
const ROUNDS_A_STORE: u32 = 10;

pub(super) fn busy(folder: &Path) -> SqliteConfig {
    let mut config = config(folder);
    config.settle_rows = 3000;
    config.part_bytes = 300_000;
    config
}

/// Logs without end and says what was acknowledged.
#[test]
#[ignore = "the process that the test below kills"]
fn child() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let acks = std::env::var(ACKS).ok().and_then(|text| text.parse().ok());
    let mut config = busy(Path::new(&folder));
    if std::env::var_os(NORMAL).is_some() {
        config.synchronous = crate::Synchronous::Normal;
    }
    let (clock, health) = health();
    let sink = SqliteSink::open(config, health.clone(), clock).unwrap();
    let keys: Vec<_> = (0..SERIES).map(|id| key(&format!("s{id}"))).collect();
    let series = sink.register(&keys).unwrap();
    let mut next: Vec<_> = series
        .iter()
        .map(|id| sink.watermark(*id).unwrap())
        .collect();
    for round in 0_u64.. {
        let rows = series.iter().zip(&next).flat_map(|(id, from)| {
            let count = 1 + (round * 37 + u64::from(id.0)) % 150;
            (1..=count).map(move |place| row(*id, from + place))
        });
        let rows: Vec<_> = rows.collect();
        let durable = sink.append(rows.clone());
        if let Err(refused) = durable.wait() {
            let alarm = health.get("datalogger.store.store");
            let alarm = alarm.is_some_and(|alarm| alarm.active);
            println!("refused alarm={alarm} {}", refused.error);
            // Until the store has come back: rows that wait for it are the recorder's business.
            wait_for("recovery", PATIENCE, || {
                sink.stats().state == SinkState::Working
            });
            continue;
        }
        for row in rows {
            let mark = &mut next[row.series.0 as usize];
            *mark = row.row.max(*mark);
        }
        if health.get("datalogger.store.slow").is_some() {
            println!("slow");
        }
        println!("acked {next:?}");
        if acks == Some(round + 1) {
            std::process::abort();
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_or_doubled_by_a_kill() {
    let mut folder = tempfile::tempdir().unwrap();
    let none = || vec![0_u64; usize::try_from(SERIES).unwrap()];
    let (mut acked, mut total) = (none(), 0);
    let rounds = rounds().unwrap_or(ROUNDS_SHORT);
    for round in 0..rounds {
        if round > 0 && round % ROUNDS_A_STORE == 0 {
            total += acked.iter().sum::<u64>();
            (folder, acked) = (tempfile::tempdir().unwrap(), none());
        }
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "sqlite::tests::kill::child",
                "--ignored",
                "--nocapture",
            ])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // A different moment each time, in acknowledgements: the machine's speed does not matter.
        let moment = 3 + (round * 7919) % 61;
        for _ in 0..moment {
            note(&lines.next().unwrap().unwrap(), &mut acked);
        }
        child.kill().unwrap();
        lines.for_each(|line| note(&line.unwrap(), &mut acked));
        child.wait().unwrap();
        check(folder.path(), &acked, round);
    }
    assert!(acked.iter().all(|count| *count > 0));
    total += acked.iter().sum::<u64>();
    eprintln!("{rounds} kills, {total} samples acknowledged, none lost, none twice");
}

/// How many rounds are asked for.
pub(super) fn rounds() -> Option<u32> {
    let rounds = std::env::var(ROUNDS).ok();
    rounds.and_then(|text| text.parse().ok())
}

pub(super) fn note(line: &str, acked: &mut [u64]) {
    // The kill may have cut the last line.
    let numbers = line
        .split_once("acked [")
        .and_then(|(_, rest)| rest.strip_suffix(']'));
    if let Some(numbers) = numbers {
        let numbers = numbers.split(", ").map(|number| number.parse().unwrap());
        acked.copy_from_slice(&numbers.collect::<Vec<u64>>());
    }
}

pub(super) fn check(folder: &Path, acked: &[u64], round: u32) {
    let sink = open(busy(folder));
    assert_eq!(sink.integrity().unwrap().faults, vec![], "round {round}");
    for (id, acked) in (0..).map(SeriesId).zip(acked) {
        let watermark = sink.watermark(id).unwrap();
        assert!(
            watermark >= *acked,
            "round {round}: {watermark} of {acked} acknowledged"
        );
        let rows = all(&sink, id).unwrap();
        assert_eq!(rows.len() as u64, watermark, "round {round}");
        for (found, number) in rows.into_iter().zip(1..) {
            assert_eq!(found, row(id, number), "round {round}");
        }
    }
}
