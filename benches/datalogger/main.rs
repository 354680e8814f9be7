//! The data logger's store beside plain SQLite, in one run: `cargo bench -p mainstem-datalogger`.
//!
//! Ten million samples of a thousand series, and a day of one series at 1 Hz, go through `append`
//! with `synchronous=FULL`; a sample counts when it is acknowledged. The same rows go into a plain
//! table (WAL, FULL, WITHOUT ROWID, batches of 10,000). CPU seconds are the process's own.
//!
//! `-- long` stores 10^8 rows instead, and asks for a month of hourly roll-ups; `-- prometheus` gives
//! the same samples to Prometheus, if it is installed.
//! Then the same into PostgreSQL, beside `COPY` and `INSERT` by `psql`; the argument `postgres` asks for
//! that alone.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints and may panic"
)]
#![allow(
    missing_docs,
    clippy::cast_precision_loss,
    reason = "a program, and figures for eyes"
)]

mod long;
mod ours;
mod plain;
mod postgres;
mod prometheus;
mod series;

use std::path::Path;
use std::time::Instant;

/// What one store did.
pub(crate) struct Figures {
    pub(crate) name: &'static str,
    pub(crate) append_seconds: f64,
    pub(crate) append_cpu: f64,
    pub(crate) settle_seconds: f64,
    pub(crate) settle_cpu: f64,
    pub(crate) bytes: u64,
    pub(crate) day_millis: f64,
    pub(crate) start_millis: f64,
}

/// CPU seconds of this process, all threads.
pub(crate) fn cpu() -> f64 {
    const TICKS: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // The name in parentheses may hold blanks: count behind it.
    let fields = stat.rsplit_once(')').unwrap().1;
    let fields: Vec<f64> = fields
        .split_whitespace()
        .filter_map(|field| field.parse().ok())
        .collect();
    // The state is no number, so user and system time are the 11th and 12th here.
    (fields[10] + fields[11]) / TICKS
}

/// Wall and CPU seconds of something.
pub(crate) fn timed<T>(act: impl FnOnce() -> T) -> (T, f64, f64) {
    let (began, before) = (Instant::now(), cpu());
    let done = act();
    (done, began.elapsed().as_secs_f64(), cpu() - before)
}

/// The middle of several durations, in milliseconds.
pub(crate) fn median(rounds: usize, mut act: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..rounds)
        .map(|_| {
            let began = Instant::now();
            act();
            began.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[rounds / 2]
}

/// Bytes of all files in a folder.
pub(crate) fn bytes_in(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum()
}

fn print(figures: &Figures) {
    let rows = series::ROWS as f64;
    println!(
        "{:28} {:>10.0} {:>8.2} {:>10.0} {:>8.2} {:>8.2} {:>8.2} {:>9.1}",
        figures.name,
        rows / figures.append_seconds,
        figures.append_cpu,
        rows / (figures.append_seconds + figures.settle_seconds),
        figures.append_cpu + figures.settle_cpu,
        figures.bytes as f64 / rows,
        figures.day_millis,
        figures.start_millis,
    );
}

fn main() {
    // Cargo adds an argument of its own.
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let has = |word: &str| asked.iter().any(|one| one == word);
    let folder = || tempfile::tempdir_in(".").unwrap();
    if has("long") {
        return long::run(folder().path());
    }
    if has("prometheus") {
        return prometheus::run(folder().path());
    }
    let only = std::env::args().nth(1);
    if only.as_deref() != Some("postgres") {
        sqlite();
    }
    postgres::run();
}

fn sqlite() {
    println!("{} samples", series::ROWS);
    println!(
        "{:28} {:>10} {:>8} {:>10} {:>8} {:>8} {:>8} {:>9}",
        "store", "acked/s", "CPU s", "settled/s", "CPU s", "B/sample", "day ms", "start ms"
    );
    for (name, shape) in series::SHAPES {
        let folder = tempfile::tempdir_in(".").unwrap();
        print(&ours::run(name, shape, folder.path()));
        let folder = tempfile::tempdir_in(".").unwrap();
        print(&plain::run(name, shape, folder.path()));
    }
}
