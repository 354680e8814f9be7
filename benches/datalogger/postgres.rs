//! PostgreSQL: the sink, spool included, beside plain `COPY` and plain `INSERT`s by `psql`.

use std::collections::VecDeque;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use mainstem_datalogger::{Durable, Logged, PostgresConfig, PostgresSink, Row, SampleQuery, Sink};
use mainstem_device::{PostgresServer, Speed};
use mainstem_telemetry::{Health, SystemClock};

use crate::series::{self, Shape};
use crate::{median, ours, timed};

/// Batches on their way at once.
const FLIGHT: usize = 8;
/// Samples that go by `INSERT`: it is that much slower.
const INSERTS: usize = 20_000;
const ROWS: &str = "CREATE TABLE plain (series integer, time timestamptz, value double precision,
    quality smallint); CREATE INDEX ON plain (series, time)";

pub(crate) fn run() {
    if !PostgresServer::is_installed() {
        println!("LEFT OUT: no PostgreSQL is installed");
        return;
    }
    let server = PostgresServer::start(Speed::Durable).unwrap();
    println!(
        "\n{:36} {:>10} {:>8} {:>8} {:>8}",
        "PostgreSQL", "stored/s", "CPU s", "B/sample", "day ms"
    );
    for (name, shape) in series::SHAPES {
        sink(&server, name, shape);
        copy(&server, name, shape);
    }
    inserts(&server);
}

fn line(what: &str, rows: u64, seconds: f64, cpu: f64, bytes: u64, day: f64) {
    println!(
        "{what:36} {:>10.0} {cpu:>8.2} {:>8.2} {day:>8.2}",
        rows as f64 / seconds,
        bytes as f64 / rows as f64
    );
}

fn bytes(server: &PostgresServer, schema: &str) -> u64 {
    let asked = format!(
        "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r'
         AND relnamespace = '{schema}'::regnamespace"
    );
    server.sql("mainstem", &asked).unwrap().parse().unwrap()
}

fn sink(server: &PostgresServer, name: &str, shape: Shape) {
    let folder = tempfile::tempdir_in(".").unwrap();
    let mut config = PostgresConfig::new(&server.socket().to_string_lossy());
    config.port = server.port();
    config.schema = name.to_owned();
    config.timeout = Duration::from_mins(1);
    let clock = Arc::new(SystemClock);
    let health = Health::new(clock.clone());
    let sink = PostgresSink::open(config, folder.path(), health, clock).unwrap();
    let ids = ours::register(&sink);
    let ((), seconds, cpu) = timed(|| {
        let mut flight: VecDeque<Durable> = VecDeque::new();
        for batch in series::batches(shape) {
            let rows = batch.iter().map(|sample| Row {
                series: ids[sample.series as usize],
                row: sample.row,
                time: sample.time,
                received: None,
                value: Logged::Number(sample.value),
                quality: 0,
            });
            let mut rows: Vec<Row> = rows.collect();
            if flight.len() >= FLIGHT {
                rows = ours::retry(&sink, flight.pop_front().unwrap().wait(), rows);
            }
            flight.push_back(sink.append(rows));
        }
        for durable in flight {
            ours::retry(&sink, durable.wait(), Vec::new());
        }
        while sink.settle().is_err() {}
    });
    let day = median(15, || {
        let query = SampleQuery::new(ids[series::CROWD as usize], i64::MIN, i64::MAX);
        let rows = sink.samples(&query).unwrap();
        assert_eq!(
            rows.inspect(|row| assert!(row.is_ok())).count() as u64,
            series::DAY_ROWS
        );
    });
    let count = format!("SELECT sum(cardinality(times)) FROM {name}.piece");
    let count = server.sql("mainstem", &count).unwrap();
    assert_eq!(count, series::ROWS.to_string());
    let held = bytes(server, name);
    line(
        &format!("mainstem, {name}"),
        series::ROWS,
        seconds,
        cpu,
        held,
        day,
    );
}

fn feed(server: &PostgresServer, statement: &str, write: impl FnOnce(&mut dyn Write)) {
    let mut psql = server.psql("mainstem");
    let mut child = psql
        .args(["-c", statement])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = std::io::BufWriter::with_capacity(1 << 20, child.stdin.take().unwrap());
    write(&mut input);
    drop(input);
    assert!(child.wait().unwrap().success());
}

/// The table that everybody would write, with the index that its readers need; one transaction.
fn copy(server: &PostgresServer, name: &str, shape: Shape) {
    let made = format!("CREATE SCHEMA plain_{name}; SET search_path TO plain_{name}; {ROWS}");
    server.sql("mainstem", &made).unwrap();
    // The text is made before: making it is not the server's work.
    let folder = tempfile::tempdir_in(".").unwrap();
    let path = folder.path().join("rows");
    write_rows(&path, shape);
    let statement = format!("COPY plain_{name}.plain FROM STDIN");
    let ((), seconds, cpu) = timed(|| {
        feed(server, &statement, |input| {
            let mut rows = std::fs::File::open(&path).unwrap();
            std::io::copy(&mut rows, input).unwrap();
        });
    });
    let asked = format!(
        "SELECT count(value) FROM (SELECT time, value, quality FROM plain_{name}.plain
         WHERE series = {} ORDER BY time) AS day",
        series::CROWD
    );
    let day = median(15, || drop(server.sql("mainstem", &asked).unwrap()));
    let held = bytes(server, &format!("plain_{name}"));
    line(
        &format!("psql COPY, {name}"),
        series::ROWS,
        seconds,
        cpu,
        held,
        day,
    );
}

fn write_rows(path: &Path, shape: Shape) {
    let mut out = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    for sample in series::batches(shape).flatten() {
        // As seconds since 1970, which the type reads only from a text with a time in it.
        let (seconds, micros) = (sample.time / 1_000_000, sample.time % 1_000_000);
        let (day, second) = (seconds / 86_400 - 20_000, seconds % 86_400);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let julian = 2_440_588 + 20_000 + day;
        writeln!(
            out,
            "{}\tJ{julian} {hour:02}:{minute:02}:{second:02}.{micros:06}+00\t{}\t0",
            sample.series, sample.value
        )
        .unwrap();
    }
}

/// A statement and a transaction for each sample.
fn inserts(server: &PostgresServer) {
    let made = format!("CREATE SCHEMA single; SET search_path TO single; {ROWS}");
    server.sql("mainstem", &made).unwrap();
    let folder = tempfile::tempdir_in(".").unwrap();
    let path = folder.path().join("rows.sql");
    let mut out = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
    for sample in series::batches(Shape::Walk).flatten().take(INSERTS) {
        writeln!(
            out,
            "INSERT INTO single.plain VALUES ({}, to_timestamp({}.0), {}, 0);",
            sample.series,
            sample.time / 1_000_000,
            sample.value
        )
        .unwrap();
    }
    drop(out);
    let ((), seconds, cpu) = timed(|| {
        let mut psql = server.psql("mainstem");
        let done = psql.arg("-f").arg(&path).status().unwrap();
        assert!(done.success());
    });
    let held = bytes(server, "single");
    line(
        "psql INSERT, walk",
        INSERTS as u64,
        seconds,
        cpu,
        held,
        f64::NAN,
    );
}
