//! The store of mainstem.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mainstem_datalogger::{
    LogId, Logged, Refused, Row, SampleQuery, SeriesId, SeriesKey, Sink, SinkError, SqliteConfig,
    SqliteSink,
};
use mainstem_model::{Name, NodeId};
use mainstem_telemetry::{Health, SystemClock};
use uuid::Uuid;

use crate::series::{self, Shape};
use crate::{Figures, bytes_in, median, timed};

/// Batches on their way at once.
const FLIGHT: usize = 8;

pub(crate) fn open(folder: &Path) -> SqliteSink {
    let clock = Arc::new(SystemClock);
    let mut config = SqliteConfig::new(folder);
    config.check_at_start = false;
    config.reserve_percent = 1;
    SqliteSink::open(config, Health::new(clock.clone()), clock).unwrap()
}

pub(crate) fn register(sink: &impl Sink) -> Vec<SeriesId> {
    let keys = (0..=series::CROWD).map(|number| SeriesKey {
        origin: NodeId(Uuid::from_u128(1)),
        log: LogId(Uuid::from_u128(2)),
        logger: Name::new(&format!("line.machine.value{number}")).unwrap(),
    });
    sink.register(&keys.collect::<Vec<_>>()).unwrap()
}

pub(crate) fn append_all(
    sink: &SqliteSink,
    ids: &[SeriesId],
    batches: impl Iterator<Item = Vec<series::Sample>>,
) {
    let mut flight = VecDeque::new();
    for batch in batches {
        let mut rows: Vec<Row> = batch
            .iter()
            .map(|sample| Row {
                series: ids[sample.series as usize],
                row: sample.row,
                time: sample.time,
                received: None,
                value: Logged::Number(sample.value),
                quality: 0,
            })
            .collect();
        if flight.len() >= FLIGHT {
            let oldest: mainstem_datalogger::Durable = flight.pop_front().unwrap();
            rows = retry(sink, oldest.wait(), rows);
        }
        flight.push_back(sink.append(rows));
    }
    for durable in flight {
        retry(sink, durable.wait(), Vec::new());
    }
}

/// What was given back for want of room goes again, until it is acknowledged.
pub(crate) fn retry(sink: &impl Sink, mut told: Result<(), Refused>, rows: Vec<Row>) -> Vec<Row> {
    while let Err(refused) = told {
        assert!(matches!(refused.error, SinkError::Full), "{refused}");
        std::thread::yield_now();
        told = sink.append(refused.rows).wait();
    }
    rows
}

pub(crate) fn run(shape_name: &'static str, shape: Shape, folder: &Path) -> Figures {
    let sink = open(folder);
    let ids = register(&sink);
    let ((), append_seconds, append_cpu) =
        timed(|| append_all(&sink, &ids, series::batches(shape)));
    let ((), settle_seconds, settle_cpu) = timed(|| {
        sink.rotate().unwrap();
        assert!(sink.settle(Duration::from_mins(10)));
    });
    let day = || {
        let query = SampleQuery::new(ids[series::CROWD as usize], i64::MIN, i64::MAX);
        let rows = sink.samples(&query).unwrap();
        let sum: f64 = rows.map(|row| row.unwrap().value.as_f64().unwrap()).sum();
        assert!(sum.is_finite());
    };
    let day_millis = median(15, day);
    drop(sink);
    let mut sink = None;
    let start_millis = median(3, || {
        drop(sink.take());
        sink = Some(open(folder));
        assert_eq!(sink.as_ref().unwrap().stats().rows, series::ROWS);
    });
    drop(sink);
    Figures {
        name: match shape_name {
            "walk" => "mainstem, walk",
            _ => "mainstem, noise",
        },
        append_seconds,
        append_cpu,
        settle_seconds,
        settle_cpu,
        bytes: bytes_in(folder),
        day_millis,
        start_millis,
    }
}
