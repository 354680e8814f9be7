//! The answer to a commit is lost on its way: the server has the rows, and they are not stored
//! twice.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mainstem_device::Speed;

use crate::Sink;
use crate::postgres::TlsMode;
use crate::story::{Place, Postgres, all, key, row, server, wait_for};

/// Passes bytes on; after the next `COMMIT`s the server's answers go nowhere and the line is cut.
fn proxy(server: u16, cuts: &Arc<AtomicUsize>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let cuts = Arc::clone(cuts);
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (Ok(client), Ok(server)) = (client, TcpStream::connect(("127.0.0.1", server)))
            else {
                continue;
            };
            let (answers, back) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            let cuts = Arc::clone(&cuts);
            std::thread::spawn(move || pass(client, server, &cuts));
            std::thread::spawn(move || pass(answers, back, &AtomicUsize::new(0)));
        }
    });
    port
}

fn pass(mut from: TcpStream, mut to: TcpStream, cuts: &AtomicUsize) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(count) = from.read(&mut bytes) {
        if count == 0 {
            break;
        }
        let commits = bytes[..count].windows(6).any(|word| word == b"COMMIT");
        let take = |left: usize| left.checked_sub(1);
        let cut = commits
            && cuts
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, take)
                .is_ok();
        if cut {
            // First nobody hears answers any more, then the server commits.
            drop(from.shutdown(Shutdown::Both));
        }
        if to.write_all(&bytes[..count]).is_err() || cut {
            break;
        }
    }
    drop(to.shutdown(Shutdown::Write));
}

#[test]
fn a_commit_whose_answer_is_lost_is_stored_once() {
    let Some(server) = server("a lost answer of PostgreSQL", Speed::Fast) else {
        return;
    };
    let mut place = Postgres::new(&server, "answers");
    let cuts = Arc::new(AtomicUsize::new(0));
    place.config.host = "127.0.0.1".to_owned();
    place.config.port = proxy(server.port(), &cuts);
    place.config.tls = TlsMode::Off;
    place.config.timeout = Duration::from_secs(2);
    let sink = place.open();
    let series = sink.series(&key("a")).unwrap();
    for round in 0..10_u64 {
        cuts.store(1, Ordering::Release);
        let rows = (1..=50).map(|at| row(series, round * 50 + at));
        sink.append(rows.collect()).wait().unwrap();
        wait_for("the cut", Duration::from_secs(30), || {
            cuts.load(Ordering::Acquire) == 0
        });
        let done = || sink.settle().is_ok();
        wait_for("recovery", Duration::from_secs(60), done);
    }
    let rows = all(&sink, series).unwrap();
    assert_eq!(rows.len(), 500);
    assert!(
        rows.into_iter()
            .zip(1..)
            .all(|(found, at)| found == row(series, at))
    );
    assert_eq!(sink.integrity().unwrap().faults, vec![]);
    let count = "SELECT sum(cardinality(times)) FROM answers.piece";
    assert_eq!(server.sql("mainstem", count).unwrap(), "500");
}
