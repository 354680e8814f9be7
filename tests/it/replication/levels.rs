//! Three levels, of which the middle one is away.

use std::sync::Arc;

use mainstem_datalogger::{Policy, Sink, SqliteConfig, SqliteSink};
use mainstem_telemetry::{Health, SystemClock};
use serde_json::Value;

use super::{DEVICE, RECORD, ROLL, assert_same, entry, fill, rows, wait_watermark, watermark};
use crate::support::{TestNode, eventually};

/// A line that records, a plant and a top that replicate.
struct Levels {
    line: TestNode,
    plant: TestNode,
    top: TestNode,
}

impl Levels {
    async fn start() -> Self {
        let line = TestNode::start_with("line1", DEVICE, RECORD).await;
        let plant = TestNode::start_with("plant", &entry(&line, ""), ROLL).await;
        let top = TestNode::start_with("top", &entry(&plant, ""), ROLL).await;
        Self { line, plant, top }
    }

    async fn stop(self) {
        for node in [self.top, self.plant, self.line] {
            node.stop().await;
        }
    }
}

const AT_PLANT: &str = "line1.pieces";
const AT_TOP: &str = "plant.line1.pieces";

#[tokio::test(flavor = "multi_thread")]
async fn what_the_line_records_while_the_plant_is_away_arrives_once_at_the_top() {
    let mut levels = Levels::start().await;
    wait_watermark(&levels.top, AT_TOP, 30).await;
    let plant_away = watermark(&levels.line, "pieces");
    levels.plant.down().await;
    wait_watermark(&levels.line, "pieces", plant_away + 100).await;
    // The top is started anew meanwhile, and shows what it has although nobody is there.
    levels.top.down().await;
    levels.top.up().await;
    assert!(rows(&levels.top, AT_TOP).len() >= 30, "it is still there");
    levels.plant.up().await;
    let last = watermark(&levels.line, "pieces") + 20;
    wait_watermark(&levels.top, AT_TOP, last).await;
    assert_same((&levels.line, "pieces"), (&levels.plant, AT_PLANT), last);
    assert_same((&levels.line, "pieces"), (&levels.top, AT_TOP), last);

    // Shown with what it is, under names of this level.
    let shown = levels.top.ask("GET", "loggers", Value::Null).await.1;
    let items = shown["items"].as_array().unwrap();
    let pieces = items.iter().find(|item| item["id"] == AT_TOP).unwrap();
    assert_eq!(pieces["datapoint"], "plant.line1.sim.count");
    assert_eq!(pieces["kind"], "counter");
    assert_eq!(pieces["unit"], "pcs");
    assert_eq!(pieces["description"], "counted pieces");
    let ids: Vec<&str> = items
        .iter()
        .filter_map(|item| item["id"].as_str())
        .collect();
    assert_eq!(ids, ["plant.line1.level.sim.level", AT_TOP]);

    // Roll-ups are those of the rows.
    let rolled = |node: &TestNode, name: &str| {
        let path = format!("loggers/{name}/rollups?step=month&from=2020-01-01T00:00:00Z");
        let request = node.api(reqwest::Method::GET, &path);
        async move { request.send().await.unwrap().json::<Value>().await.unwrap() }
    };
    levels.line.down().await;
    let last = watermark(&levels.plant, AT_PLANT);
    wait_watermark(&levels.top, AT_TOP, last).await;
    for (node, name) in [(&levels.plant, AT_PLANT), (&levels.top, AT_TOP)] {
        let begun = std::time::Instant::now();
        loop {
            let months = rolled(node, name).await;
            let counted: u64 = months["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|month| month["count"].as_u64().unwrap())
                .sum();
            if counted == last {
                break;
            }
            assert!(begun.elapsed() < super::PATIENCE, "{last}: {months:#}");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }
    levels.line.up().await;
    Box::pin(levels.stop()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_made_anew_begins_another_log_and_the_old_one_stays() {
    let mut levels = Levels::start().await;
    wait_watermark(&levels.top, AT_TOP, 30).await;
    let before = rows(&levels.top, AT_TOP);
    levels.line.down().await;
    std::fs::remove_dir_all(levels.line.data().join("loggers")).unwrap();
    levels.line.up().await;
    let first = before[0].time;
    let is_new = || {
        let now = rows(&levels.top, AT_TOP);
        now.first().filter(|row| row.time != first).map(drop)
    };
    eventually("the new log is under the name", is_new).await;
    wait_watermark(&levels.top, AT_TOP, 20).await;
    assert_same((&levels.line, "pieces"), (&levels.top, AT_TOP), 20);
    let shown = levels.top.ask("GET", "loggers", Value::Null).await.1;
    let items = shown["items"].as_array().unwrap().iter();
    let ids: Vec<&str> = items.filter_map(|item| item["id"].as_str()).collect();
    let old = ids.iter().find(|id| id.starts_with("plant.line1.pieces@"));
    let kept = rows(&levels.top, old.unwrap_or_else(|| panic!("{ids:?}")));
    assert!(kept.len() >= before.len());
    assert_eq!(kept[..before.len()], before[..]);
    Box::pin(levels.stop()).await;
}

/// Lets a node that is down forget what it recorded until now, as its retention does.
fn let_go(node: &TestNode) -> u64 {
    let clock = Arc::new(SystemClock);
    let mut config = SqliteConfig::new(node.data().join("loggers"));
    config.reserve_percent = 0;
    let health = Health::new(Arc::clone(&clock) as Arc<_>);
    let sink = SqliteSink::open(config, health, clock).unwrap();
    sink.rotate().unwrap();
    let policy = Policy {
        // What was filled in lies some seconds ahead.
        raw: Some(-3_600_000_000),
        minutes: None,
        bytes: None,
        disk_percent: None,
    };
    let gone = sink.retain(&policy).unwrap();
    sink.close();
    gone.rows
}

#[tokio::test(flavor = "multi_thread")]
async fn what_retention_took_before_it_was_read_is_a_gap_at_every_level() {
    const FILLED: u64 = 5000;
    let mut levels = Levels::start().await;
    wait_watermark(&levels.top, AT_TOP, 30).await;
    levels.plant.down().await;
    let own = levels.line.node().store().setup().node;
    levels.line.down().await;
    fill(&levels.line, own, "pieces", FILLED).await;
    assert!(let_go(&levels.line) > FILLED);
    levels.line.up().await;
    levels.plant.up().await;
    // The row of the stop before is among those that are gone.
    wait_watermark(&levels.line, "pieces", FILLED + 60).await;
    let last = watermark(&levels.line, "pieces");
    wait_watermark(&levels.top, AT_TOP, last).await;
    for (node, name) in [(&levels.plant, AT_PLANT), (&levels.top, AT_TOP)] {
        let path = format!("loggers/{name}/gaps?from=2020-01-01T00:00:00Z");
        let told = node.ask("GET", &path, Value::Null).await.1;
        let items = told["items"].as_array().unwrap().iter();
        let gaps: Vec<&Value> = items.filter(|gap| gap["cause"] == "retention").collect();
        assert_eq!(gaps.len(), 1, "{told:#}");
        assert_eq!(gaps[0]["hop"], own.to_string(), "{told:#}");
        assert_eq!(gaps[0]["state"], "permanent", "{told:#}");
        let row = |member: &str| gaps[0][member].as_u64().unwrap();
        let (first, end) = (row("first_row"), row("last_row"));
        assert!(end - first + 1 >= FILLED, "{told:#}");
        // Every number is a row or within the gap: nothing is missing in silence.
        let held: std::collections::BTreeSet<u64> =
            rows(node, name).iter().map(|row| row.row).collect();
        let silent: Vec<u64> = (1..=last)
            .filter(|row| !held.contains(row) && !(first..=end).contains(row))
            .collect();
        assert_eq!(silent, Vec::<u64>::new(), "{}", node.name);
        assert!(held.iter().all(|row| !(first..=end).contains(row)));
    }
    Box::pin(levels.stop()).await;
}
