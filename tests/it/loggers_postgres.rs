//! Data loggers of a whole node on a PostgreSQL server: recorded, read, shown by SQL and to
//! Grafana; the server killed and back.

use std::path::Path;
use std::time::{Duration, Instant};

use mainstem_device::{PostgresServer, Speed};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::replication::rows;
use crate::skipped::skipped;
use crate::support::TestNode;

const SIM: &str = "  sim: { type: Connection, properties: { protocol: simulator } }
  count: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, \
subscribe: { signal: counter, step: 1, interval: 20ms }, unit: pcs } }\n";
const PATIENCE: Duration = Duration::from_secs(60);

fn loggers(server: &PostgresServer) -> String {
    format!(
        "loggers:
  zone: Europe/Berlin
  reserve_percent: 0
  commit: 10ms
  rollups: 1s
  store:
    postgres: {{ host: {}, port: {}, gather: 50ms, timeout: 1s }}
  record:
    pieces: {{ datapoint: sim.count, kind: counter, minutes: true }}\n",
        server.socket().display(),
        server.port()
    )
}

async fn ask(node: &TestNode, path: &str) -> (StatusCode, Value) {
    let answer = node.api(Method::GET, path).send().await.unwrap();
    let status = answer.status();
    (status, answer.json().await.unwrap())
}

/// Waits until an answer is as it should be.
async fn until(node: &TestNode, path: &str, right: impl Fn(StatusCode, &Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let (status, answer) = ask(node, path).await;
        if right(status, &answer) {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "{path}: {status} {answer:#}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn count(answer: &Value) -> usize {
    answer["items"].as_array().map_or(0, Vec::len)
}

fn dashboard(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy/grafana")
        .join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn targets(dashboard: &Value) -> Vec<Value> {
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels
        .iter()
        .filter_map(|panel| panel["targets"].as_array());
    targets.flatten().cloned().collect()
}

/// Every query of the dashboard for the PostgreSQL data source, with what Grafana puts in.
fn every_query_finds_rows(server: &PostgresServer) {
    let board = dashboard("postgresql.json");
    let asked = targets(&board);
    assert!(asked.len() >= 3);
    let variables = board["templating"]["list"].as_array().unwrap();
    let of_variables = variables
        .iter()
        .filter_map(|variable| variable["query"].as_str());
    let of_panels = asked
        .iter()
        .map(|target| target["rawSql"].as_str().unwrap());
    for query in of_variables.chain(of_panels) {
        let (from, to) = ("now() - interval '1 hour'", "now() + interval '1 hour'");
        let query = query
            .replace("$__timeFrom()", from)
            .replace("$__timeTo()", to)
            .replace(
                "$__timeFilter(time)",
                &format!("time BETWEEN {from} AND {to}"),
            )
            .replace("${series:sqlstring}", "'pieces'");
        assert!(!query.contains('$'), "{query}");
        let found = server.sql("mainstem", &format!("SET search_path TO mainstem; {query}"));
        let found = found.unwrap_or_else(|error| panic!("{query}: {error}"));
        assert!(!found.is_empty(), "{query}");
    }
}

/// Every address of the dashboard for the Infinity data source, as that source reads it.
async fn every_address_answers(node: &TestNode) {
    let asked = targets(&dashboard("infinity.json"));
    assert!(asked.len() >= 2);
    for target in asked {
        let address = target["url"].as_str().unwrap();
        let path = address.strip_prefix("${node}/api/v1/").unwrap();
        let path = path
            .replace("${series}", "pieces")
            .replace("${__from:date:iso}", "2020-01-01T00:00:00.000Z")
            .replace("${__to:date:iso}", "2100-01-01T00:00:00.000Z");
        assert!(!path.contains('$'), "{path}");
        let root = target["root_selector"].as_str().unwrap();
        let answer = until(node, &path, |status, answer| {
            status == 200
                && answer[root]
                    .as_array()
                    .is_some_and(|items| !items.is_empty())
        })
        .await;
        let first = &answer[root][0];
        for column in target["columns"].as_array().unwrap() {
            let name = column["selector"].as_str().unwrap();
            let value = first
                .get(name)
                .unwrap_or_else(|| panic!("{path}: {name}: {first}"));
            match column["type"].as_str().unwrap() {
                "timestamp" => assert!(value.as_str().unwrap().ends_with('Z'), "{value}"),
                "number" => assert!(value.is_number(), "{path}: {name}: {value}"),
                _ => assert!(value.is_string(), "{path}: {name}: {value}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_records_to_postgresql_and_goes_on_while_it_is_away() {
    if !PostgresServer::is_installed() {
        return skipped("data loggers on PostgreSQL", "no PostgreSQL is installed");
    }
    let mut server = PostgresServer::start(Speed::Fast).unwrap();
    let mut node = TestNode::start_with("line1", SIM, &loggers(&server)).await;
    node.wait_good("sim.count").await;
    let samples = "loggers/pieces/samples?limit=100000";
    let before = until(&node, samples, |_, answer| count(answer) >= 50).await;
    until(&node, "loggers/pieces/rollups?step=hour", |_, answer| {
        count(answer) > 0
    })
    .await;
    every_query_finds_rows(&server);
    every_address_answers(&node).await;

    server.kill();
    until(&node, "alarms", |_, alarms| {
        alarms.to_string().contains("datalogger.postgres.away")
    })
    .await;
    let (status, told) = ask(&node, samples).await;
    assert!(status.is_server_error(), "{status} {told}");
    let detail = told["detail"].as_str().unwrap();
    assert!(
        detail.contains("wait in the spool and none is lost"),
        "{told}"
    );
    // Live values do not wait for it, and a node that starts without it records.
    node.wait_good("sim.count").await;
    node.down().await;
    node.up().await;
    node.wait_good("sim.count").await;
    server.up().unwrap();
    let least = count(&before) + 50;
    let after = until(&node, samples, |status, answer| {
        status == 200 && count(answer) >= least
    });
    let after = after.await;
    let (before, after) = (
        before["items"].as_array().unwrap(),
        after["items"].as_array().unwrap(),
    );
    assert_eq!(after[..before.len()], before[..]);
    let stops = after
        .iter()
        .filter(|row| row["reason"] == "stopped")
        .count();
    assert_eq!(stops, 1, "the time in between is told as unknown");
    let values: Vec<i64> = after
        .iter()
        .filter_map(|row| row["value"].as_i64())
        .collect();
    // A busy device skips ticks, but never goes back: only the restart begins anew.
    let back = values.windows(2).filter(|pair| pair[1] <= pair[0]).count();
    assert_eq!(back, 1, "{values:?}");
    until(&node, "loggers/pieces/rollups?step=hour", |_, answer| {
        count(answer) > 0
    })
    .await;
    // Every row that was given a number is there, once.
    let stored = tokio::task::block_in_place(|| rows(&node, "pieces"));
    let numbers: Vec<u64> = stored.iter().map(|row| row.row).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    assert!(numbers.len() >= after.len());
    node.stop().await;
}
