//! Three levels, of which the middle one is away.

use serde_json::Value;

use super::{DEVICE, RECORD, ROLL, assert_same, entry, rows, wait_watermark, watermark};
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
