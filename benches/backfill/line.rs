//! The node below: a store that is filled while it is down, and a live series beside it.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mainstem::app::{Node, kinds};
use mainstem_datalogger::{Logged, Row, SeriesKey, Sink, SinkError, SqliteConfig, SqliteSink};
use mainstem_model::{Clock as _, Name};
use mainstem_telemetry::{Health, SystemClock};

/// The series that goes on meanwhile, as the plant calls it.
pub(crate) const LIVE_AT_PLANT: &str = "line.live";
/// Rows handed over at once.
const BATCH: usize = 50_000;

fn file(folder: &Path, series: u64) -> PathBuf {
    let points: String = (0..series)
        .map(|at| {
            format!(
                "  s{at}: {{ type: Endpoint, properties: {{ protocol: simulator, connection: !ref sim, \
                 subscribe: {{ signal: setpoint, initial: 0 }} }} }}\n"
            )
        })
        .collect();
    let text = format!(
        "version: 1\nnode: {{ name: line, data: ./data }}\nlisten: [ {{ address: 127.0.0.1:0 }} ]\n\
         roles:\n  above: {{ read: [\"**\"], link: true }}\ntokens:\n  - {{ name: above, role: above, token: {} }}\n\
         loggers:\n  record:\n    live: {{ datapoint: sim.live, kind: range, samples: every }}\n    \
         all: {{ match: [ \"sim.s*\" ] }}\n\
         resources:\n  sim: {{ type: Connection, properties: {{ protocol: simulator }} }}\n  \
         live: {{ type: Endpoint, properties: {{ protocol: simulator, connection: !ref sim, \
         subscribe: {{ signal: counter, step: 1, interval: 100ms }} }} }}\n{points}",
        super::TOKEN
    );
    std::fs::create_dir_all(folder).unwrap();
    let path = folder.join("node.yaml");
    std::fs::write(&path, text).unwrap();
    path
}

async fn start(folder: &Path) -> Node {
    let config = mainstem_config::load(&folder.join("node.yaml"), kinds()).unwrap();
    Box::pin(Node::start(config)).await.unwrap()
}

/// Runs the line until its standard input ends.
pub(crate) async fn run(folder: &Path, (hours, series): (u64, u64)) {
    file(folder, series);
    let node = start(folder).await;
    let own = node.store().setup().node;
    node.stop().await;
    fill(folder, own, hours, series).await;
    let node = start(folder).await;
    println!("{} {}", node.addresses()[0], node.facts().pin);
    let ended = || std::io::stdin().read_to_end(&mut Vec::new());
    tokio::task::spawn_blocking(ended).await.unwrap().unwrap();
    node.stop().await;
}

/// Temperatures: a walk in tenths, one a second and series.
async fn fill(folder: &Path, own: mainstem_model::NodeId, hours: u64, count: u64) {
    let clock = Arc::new(SystemClock);
    let health = Health::new(Arc::clone(&clock) as Arc<_>);
    let config = SqliteConfig::new(folder.join("data/loggers"));
    let sink = SqliteSink::open(config, health, Arc::clone(&clock) as Arc<_>).unwrap();
    let mut all = Vec::new();
    for at in 0..count {
        let key = SeriesKey {
            origin: own,
            log: sink.log_id(),
            logger: Name::new(&format!("all.sim.s{at}")).unwrap(),
        };
        let series = sink.series(&key).unwrap();
        all.push((series, sink.watermark(series).unwrap(), 200_i64));
    }
    let seconds = hours * 3600;
    let first = clock.now().micros() - (seconds * 1_000_000).cast_signed();
    let mut random = 1_u64;
    let mut batch = Vec::with_capacity(BATCH);
    for second in 0..seconds {
        for (series, row, walk) in &mut all {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            *row += 1;
            *walk += ((random >> 40) % 7).cast_signed() - 3;
            let jitter = ((random >> 50) % 8).cast_signed() * 1000;
            batch.push(Row {
                series: *series,
                row: *row,
                time: first + (second * 1_000_000).cast_signed() + jitter,
                received: None,
                value: Logged::Number(*walk as f64 / 10.0),
                quality: 0,
            });
        }
        if batch.len() >= BATCH || second + 1 == seconds {
            append(&sink, std::mem::take(&mut batch)).await;
        }
    }
    sink.close();
}

/// Hands rows over, again where the store had no room for them yet.
async fn append(sink: &SqliteSink, mut rows: Vec<Row>) {
    while let Err(refused) = sink.append(rows).await {
        assert!(
            matches!(refused.error, SinkError::Full),
            "{}",
            refused.error
        );
        rows = refused.rows;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
