//! The server killed, standing still, refusing, read-only, slow: nothing acknowledged is lost or
//! stored twice, and all of it is over without a restart.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mainstem_device::{PostgresServer, Speed};

use crate::postgres::PostgresSink;
use crate::postgres::shared::{AWAY, FULL};
use crate::story::{Place, Postgres, all, key, row, server, wait_for};
use crate::{SeriesId, Sink, SinkError};

const SERIES: u64 = 3;
const PATIENCE: Duration = Duration::from_secs(60);

/// Appends until it is told to stop; returns up to where rows were acknowledged.
fn write(sink: &PostgresSink, series: &[SeriesId], stop: &AtomicBool) -> u64 {
    let mut acked = 0;
    while !stop.load(Ordering::Acquire) {
        let rows = series
            .iter()
            .flat_map(|id| (1..=40).map(|at| row(*id, acked + at)));
        sink.append(rows.collect()).wait().unwrap();
        acked += 40;
        std::thread::park_timeout(Duration::from_millis(5));
    }
    acked
}

fn is_raised(place: &Postgres, id: &str) -> bool {
    place.health.get(id).is_some_and(|state| state.active)
}

/// Every row, once, as it was written.
fn compare(sink: &PostgresSink, series: &[SeriesId], acked: u64) {
    for id in series {
        wait_for("everything at the server", PATIENCE, || {
            sink.settle().is_ok()
        });
        let rows = all(sink, *id).unwrap();
        assert_eq!(rows.len() as u64, acked);
        assert!(
            rows.into_iter()
                .zip(1..)
                .all(|(found, at)| found == row(*id, at))
        );
    }
    assert_eq!(sink.integrity().unwrap().faults, vec![]);
}

fn fault(place: &Postgres, hurt: impl FnOnce(), mend: impl FnOnce()) {
    hurt();
    wait_for("the alarm", PATIENCE, || is_raised(place, AWAY));
    mend();
    wait_for("recovery", PATIENCE, || !is_raised(place, AWAY));
}

fn through_everything(server: &mut PostgresServer) {
    let cell = parking_lot::Mutex::new(server);
    let mut place = {
        let server = cell.lock();
        Postgres::new(&server, "away")
    };
    place.config.timeout = Duration::from_millis(800);
    let sink = place.open();
    let keys: Vec<_> = (0..SERIES).map(|id| key(&format!("s{id}"))).collect();
    let series = sink.register(&keys).unwrap();
    let stop = AtomicBool::new(false);
    let acked = std::thread::scope(|scope| {
        let writer = scope.spawn(|| write(&sink, &series, &stop));
        let sql = |text: &str| drop(cell.lock().sql("mainstem", text).unwrap());
        for _ in 0..2 {
            fault(&place, || cell.lock().freeze(), || cell.lock().thaw());
            fault(&place, || cell.lock().kill(), || cell.lock().up().unwrap());
        }
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name LIKE 'mainstem%'";
        let read_only = |state: &str| {
            sql(&format!(
                "ALTER DATABASE mainstem SET default_transaction_read_only = {state}"
            ));
            drop(cell.lock().sql("postgres", end));
        };
        fault(
            &place,
            || read_only("on"),
            || {
                let off = "ALTER DATABASE mainstem SET default_transaction_read_only = off";
                cell.lock().sql("postgres", off).unwrap();
                cell.lock().sql("postgres", end).unwrap();
            },
        );
        // Somebody holds the table: every statement waits until its time is over.
        let mut locker = cell.lock().psql("mainstem");
        let mut held = None;
        let lock = "BEGIN; LOCK TABLE away.piece; SELECT pg_sleep(30)";
        let hurt = || held = Some(locker.args(["-c", lock]).spawn().unwrap());
        fault(&place, hurt, || {
            let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()";
            sql(end);
        });
        drop(held.unwrap().wait());
        stop.store(true, Ordering::Release);
        writer.join().unwrap()
    });
    assert!(acked > 1000, "{acked}");
    compare(&sink, &series, acked);
}

#[test]
fn nothing_is_lost_or_doubled_whatever_the_server_does() {
    let what = "the PostgreSQL store while its server is killed, frozen, read-only and slow";
    if let Some(mut server) = server(what, Speed::Durable) {
        through_everything(&mut server);
    }
}

#[test]
fn a_node_that_starts_while_the_server_is_away_records_and_goes_on_where_it_ended() {
    let Some(mut server) = server("starting without PostgreSQL", Speed::Fast) else {
        return;
    };
    let mut place = Postgres::new(&server, "late");
    place.config.timeout = Duration::from_millis(800);
    server.kill();
    let sink = place.open();
    let series = sink.series(&key("a")).unwrap();
    assert_eq!(sink.last(series).unwrap(), None);
    sink.append((1..=100).map(|at| row(series, at)).collect())
        .wait()
        .unwrap();
    assert_eq!(sink.watermark(series).unwrap(), 100);
    assert!(is_raised(&place, AWAY));
    let told = all(&sink, series).unwrap_err();
    assert!(matches!(told, SinkError::Read { .. }), "{told}");
    assert!(
        told.to_string().contains("rows wait in the spool"),
        "{told}"
    );
    assert!(sink.put_rollups(&crate::RollupBatch::default()).is_err());
    drop(sink);
    // The same again, with rows of an earlier life.
    let sink = place.open();
    assert_eq!(sink.last(series).unwrap(), Some(row(series, 100)));
    server.up().unwrap();
    wait_for("recovery", PATIENCE, || !is_raised(&place, AWAY));
    compare(&sink, &[series], 100);
    drop(sink);
    server.kill();
    let sink = place.open();
    assert_eq!(sink.last(series).unwrap(), Some(row(series, 100)));
    assert_eq!(sink.watermark(series).unwrap(), 100);
}

#[test]
fn a_full_spool_is_told_and_over_without_a_restart() {
    let Some(mut server) = server("the full spool of the PostgreSQL store", Speed::Fast) else {
        return;
    };
    let mut place = Postgres::new(&server, "full");
    place.config.timeout = Duration::from_millis(800);
    place.config.spool = 2 << 20;
    let sink = place.open();
    let series = sink.series(&key("a")).unwrap();
    server.kill();
    let mut acked = 0;
    let until = std::time::Instant::now() + PATIENCE;
    loop {
        assert!(std::time::Instant::now() < until, "the spool has no end");
        let rows: Vec<_> = (1..=5000).map(|at| row(series, acked + at)).collect();
        match sink.append(rows).wait() {
            Ok(()) => acked += 5000,
            Err(refused) => {
                assert!(
                    matches!(refused.error, SinkError::Failed { .. }),
                    "{refused}"
                );
                assert_eq!(
                    refused.rows.len(),
                    5000,
                    "what was not stored is given back"
                );
                break;
            }
        }
    }
    wait_for("the alarm", PATIENCE, || is_raised(&place, FULL));
    server.up().unwrap();
    wait_for("room", PATIENCE, || !is_raised(&place, FULL));
    let rows = (1..=5000).map(|at| row(series, acked + at));
    sink.append(rows.collect()).wait().unwrap();
    compare(&sink, &[series], acked + 5000);
}
