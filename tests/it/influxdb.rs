//! A whole node that writes its datapoints to an InfluxDB which is killed meanwhile.

use std::time::{Duration, Instant};

use mainstem_device::InfluxServer;
use reqwest::Method;
use serde_json::Value;

use crate::skipped::skipped;
use crate::support::TestNode;

const PATIENCE: Duration = Duration::from_secs(60);

fn resources(port: u16) -> String {
    format!(
        "  sim: {{ type: Connection, properties: {{ protocol: simulator }} }}
  count: {{ type: Endpoint, properties: {{ protocol: simulator, connection: !ref sim, \
subscribe: {{ signal: counter, step: 1, interval: 20ms }} }} }}
  history: {{ type: Connection, properties: {{ protocol: Influxdb, connection: {{ host: 127.0.0.1, \
port: {port}, version: 1, bucket: plant, flushInterval: 50, minRetryDelay: 50, maxRetryDelay: 200, \
timeout: 1000, probeInterval: 200, datapoints: [ {{ include: [ '**' ] }} ] }} }} }}\n"
    )
}

/// The count of points, and the smallest and largest value.
fn stored(server: &InfluxServer) -> Option<(i64, i64, i64)> {
    let query = "SELECT count(value), min(value), max(value) FROM \"sim.count\"";
    let said = server.influx(query).ok()?;
    let mut numbers = said.lines().nth(1)?.rsplit(',').map(str::parse);
    let (max, min, count) = (numbers.next()?, numbers.next()?, numbers.next()?);
    Some((count.ok()?, min.ok()?, max.ok()?))
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn value(node: &TestNode) -> i64 {
    let answer = node.api(Method::GET, "datapoints/sim.count").send().await;
    let answer: Value = answer.unwrap().json().await.unwrap();
    answer["value"].as_i64().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sample_of_a_node_is_written_across_an_outage() {
    if !InfluxServer::is_installed() {
        return skipped("influxdb of a node", "no InfluxDB is installed");
    }
    let mut server = InfluxServer::start().unwrap();
    let node = TestNode::start("line1", &resources(server.port())).await;
    until("the first points", async || {
        stored(&server).is_some_and(|(count, ..)| count > 20)
    })
    .await;
    server.kill();
    let before = value(&node).await;
    until("more while it is away", async || {
        value(&node).await > before + 100
    })
    .await;
    server.up().unwrap();
    until("more than before", async || {
        stored(&server).is_some_and(|(_, _, max)| max > before + 150)
    })
    .await;
    let (count, min, max) = stored(&server).unwrap();
    assert_eq!(count, max - min + 1, "from {min} to {max} none is missing");
    node.stop().await;
}
