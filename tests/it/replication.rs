//! Data loggers over links between whole nodes: every row once at every level, whatever happens.

mod killed;
mod levels;
mod ways;

use std::sync::Arc;
use std::time::{Duration, Instant};

use mainstem_datalogger::recorder::Book;
use mainstem_datalogger::{Logged, Row, RowQuery, SeriesKey, Sink, SqliteConfig, SqliteSink};
use mainstem_model::{Name, NodeId};
use mainstem_remote::LoggersView;
use mainstem_telemetry::{Health, SystemClock};

use crate::support::{TestNode, remote};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// A counter that rises fifty times a second, and a value that somebody sets.
pub(crate) const DEVICE: &str = "  sim: { type: Connection, properties: { protocol: simulator } }
  count: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, \
subscribe: { signal: counter, step: 1, interval: 20ms } } }
  level: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, \
subscribe: { signal: setpoint, initial: 20 }, access: rw } }\n";
pub(crate) const RECORD: &str = "loggers:
  reserve_percent: 0
  commit: 10ms
  rollups: 1s
  record:
    pieces: { datapoint: sim.count, kind: counter, unit: pcs, description: counted pieces }
    level: { match: [ sim.level ], samples: every }\n";
/// Levels above record nothing themselves.
pub(crate) const ROLL: &str = "loggers: { rollups: 1s, reserve_percent: 0 }\n";
/// Times short enough for a test, long enough for a busy machine.
const QUICK: &str = "      beat: 100ms\n      uncertain_after: 700ms\n      bad_after: 1s\n";
const ALL: &str = "      dataloggers: [ \"**\" ]\n";

/// A remote entry that replicates all data loggers.
pub(crate) fn entry(below: &TestNode, more: &str) -> String {
    let more = format!("{QUICK}{ALL}{more}");
    remote(&below.name, &below.pin(), below.address(), &more)
}

pub(crate) fn book(node: &TestNode) -> Arc<Book> {
    node.node().parts().loggers().expect("loggers run")
}

/// Puts rows into the store of a node that is down, as if it had recorded them.
pub(crate) async fn fill(node: &TestNode, own: NodeId, name: &str, count: u64) {
    let clock = Arc::new(SystemClock);
    let mut config = SqliteConfig::new(node.data().join("loggers"));
    config.reserve_percent = 0;
    let health = Health::new(Arc::clone(&clock) as Arc<_>);
    let sink = SqliteSink::open(config, health, clock).unwrap();
    let key = SeriesKey {
        origin: own,
        log: sink.log_id(),
        logger: Name::new(name).unwrap(),
    };
    let series = sink.series(&key).unwrap();
    let first = sink.watermark(series).unwrap() + 1;
    let begun = sink.last(series).unwrap().map_or(0, |row| row.time);
    for start in (first..first + count).step_by(10_000) {
        let rows = (start..(start + 10_000).min(first + count)).map(|row| Row {
            series,
            row,
            time: begun + (row - first + 1).cast_signed() * 1000,
            received: None,
            value: Logged::Integer(row.cast_signed()),
            quality: 0,
        });
        sink.append(rows.collect()).await.unwrap();
    }
    sink.close();
}

/// All rows of a series by their numbers, as far as it is there.
pub(crate) fn rows(node: &TestNode, name: &str) -> Vec<Row> {
    let book = book(node);
    let Some(view) = book.get(name) else {
        return Vec::new();
    };
    let query = RowQuery {
        series: view.series,
        after: 0,
        limit: u64::MAX,
    };
    let rows = book.sink().rows(&query).unwrap();
    rows.map(Result::unwrap).collect()
}

pub(crate) fn watermark(node: &TestNode, name: &str) -> u64 {
    let Some(book) = node.node().parts().loggers() else {
        return 0;
    };
    let view = book.get(name);
    view.map_or(0, |view| book.sink().watermark(view.series).unwrap())
}

/// Waits until a node has every row of a series up to a number.
pub(crate) async fn wait_watermark(node: &TestNode, name: &str, least: u64) {
    let begun = Instant::now();
    while watermark(node, name) < least {
        assert!(
            begun.elapsed() < PATIENCE,
            "{}: {name} is at {} of {least} {:#?}",
            node.name,
            watermark(node, name),
            node.node().parts().remotes(),
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) fn loggers(node: &TestNode, link: &str) -> LoggersView {
    node.link(link).loggers.expect("loggers are replicated")
}

/// Two series hold the same rows up to a number, each once.
pub(crate) fn assert_same(
    (lower, there): (&TestNode, &str),
    (upper, here): (&TestNode, &str),
    last: u64,
) {
    let cut = |mut rows: Vec<Row>| {
        rows.retain(|row| row.row <= last);
        rows.into_iter()
            .map(|row| (row.row, row.time, row.received, row.value, row.quality))
            .collect::<Vec<_>>()
    };
    let (below, above) = (cut(rows(lower, there)), cut(rows(upper, here)));
    assert_eq!(below.len() as u64, last, "{there} has every row");
    assert!(above == below, "{here} is not what {there} is");
}
