//! A reader that stops reading costs nothing and gets the newest values when it goes on.

use std::collections::HashMap;

use crate::harness::{Lines, Node, Wanted};

const POINTS: usize = 100;
const ROUNDS: usize = 2000;

#[tokio::test]
async fn a_stopped_reader_costs_little_and_gets_the_newest() {
    let wanted = Wanted {
        log_bytes: 1 << 20,
        ..Wanted::default()
    };
    let node = Node::start_with(wanted).await;
    let points = node.define("plc.t", POINTS);
    node.set(&points, -1.0);
    let builder = reqwest::Client::builder().tls_backend_preconfigured(node.tls());
    let http = builder
        .http2_initial_stream_window_size(64 * 1024)
        .build()
        .unwrap();
    let request = http
        .get(node.url("/api/v1/changes?delivery=every"))
        .bearer_auth(&node.admin)
        .header("accept", "application/x-ndjson");
    let mut lines = Lines::new(request.send().await.unwrap());
    lines.until("end").await;
    let rows = node.metrics.counter("feed_rows", "");
    let before = rows.get();
    for round in 0..ROUNDS {
        node.set(&points, round as f64);
        tokio::task::yield_now().await;
    }
    let written = rows.get() - before;
    let all = (POINTS * ROUNDS) as u64;
    // What fits the window, the send buffer and one part in the making; nothing is queued.
    assert!(
        written < all / 10,
        "{written} of {all} rows were written for a reader that stopped"
    );
    assert!(node.store.statistics().log_bytes <= 1 << 20);
    let mut newest: HashMap<u64, f64> = HashMap::new();
    let mut missed = 0;
    let last = (ROUNDS - 1) as f64;
    while newest.len() < POINTS || newest.values().any(|&value| value != last) {
        let line = lines.next().await;
        missed += line["gap"]["count"].as_u64().unwrap_or(0);
        for row in line["r"].as_array().unwrap_or(&Vec::new()) {
            newest.insert(row[0].as_u64().unwrap(), row[2].as_f64().unwrap());
        }
    }
    assert!(
        missed > 0,
        "the reader was not told that it missed something"
    );
    assert_eq!(node.metrics.counter("feed_missed", "").get(), missed);
}
