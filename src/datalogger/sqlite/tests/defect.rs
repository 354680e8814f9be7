//! A defect in a thread of the store: told, and over without a restart.

use super::disk::wait_for;
use super::*;
use crate::SinkState;
use crate::sqlite::queue::Order;

#[test]
fn a_writing_thread_that_panics_is_told_and_writes_again() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, health) = health();
    let sink = SqliteSink::open(config(folder.path()), health.clone(), clock).unwrap();
    let series = sink.series(&key("a")).unwrap();
    sink.append(vec![row(series, 1)]).wait().unwrap();
    assert!(sink.shared.queue.order(Order::Defect).is_ok());
    let told = || {
        let alarm = health.get("datalogger.store.defect.write");
        alarm.is_some_and(|alarm| alarm.problem.text.contains("a defect on purpose"))
    };
    wait_for("the alarm", Duration::from_secs(5), told);
    // What comes meanwhile is given back, not lost in a queue that nobody empties.
    let mut next = vec![row(series, 2)];
    wait_for("recovery", Duration::from_secs(10), || {
        match sink.append(next.clone()).wait() {
            Ok(()) => true,
            Err(refused) => {
                next = refused.rows;
                false
            }
        }
    });
    assert_eq!(sink.stats().state, SinkState::Working);
    assert_eq!(all(&sink, series).unwrap().len(), 2);
    assert_eq!(sink.watermark(series).unwrap(), 2);
}

#[test]
fn a_settling_thread_that_panics_is_told_and_settles_again() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, health) = health();
    let sink = SqliteSink::open(config(folder.path()), health.clone(), clock).unwrap();
    let series = sink.series(&key("a")).unwrap();
    sink.append(vec![row(series, 1)]).wait().unwrap();
    sink.shared.settling.state.lock().defect.set(true);
    assert!(sink.settle(PATIENCE));
    assert!(health.get("datalogger.store.defect.settle").is_some());
    assert_eq!(sink.stats().staged, 0);
}
