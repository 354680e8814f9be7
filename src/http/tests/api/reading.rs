//! Lists and the four ways to read changes.

use serde_json::Value;

use crate::harness::Node;

fn rows(lines: &[Value]) -> Vec<(u64, f64)> {
    let rows = lines
        .iter()
        .filter_map(|line| line["r"].as_array())
        .flatten();
    rows.map(|row| (row[0].as_u64().unwrap(), row[2].as_f64().unwrap()))
        .collect()
}

#[tokio::test]
async fn lists_come_in_parts() {
    let node = Node::start().await;
    let points = node.define("plc.t", 25);
    node.set(&points, 20.5);
    let admin = node.admin();
    let (mut after, mut names) = (String::new(), Vec::new());
    loop {
        let path = format!("/api/v1/datapoints?limit=10&meta=true{after}");
        let part = admin.document(&path).await;
        for item in part["items"].as_array().unwrap() {
            assert_eq!(item["value"], 20.5);
            assert_eq!(item["quality"]["status"], "good");
            assert_eq!(item["meta"]["type"], "f64");
            names.push(item["name"].as_str().unwrap().to_owned());
        }
        match part["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(names.len(), 25);
    assert!(names.is_sorted());
    let some = admin.document("/api/v1/datapoints?glob=plc.t1*").await;
    assert_eq!(some["items"].as_array().unwrap().len(), 11);
    let some = admin.document("/api/v1/datapoints?prefix=plc.t2").await;
    assert_eq!(some["items"].as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn frames_go_on_and_resume() {
    let node = Node::start().await;
    let points = node.define("plc.t", 3);
    node.set(&points, 1.0);
    let admin = node.admin();
    let mut lines = admin.frames("/api/v1/changes?delivery=every").await;
    let snapshot = lines.until("end").await;
    let hello = &snapshot[0]["hello"];
    assert_eq!(hello["snapshot"], true);
    assert_ne!(hello["session"], 0);
    assert_eq!(rows(&snapshot).len(), 3);
    node.set(&points[..1], 2.0);
    let change = lines.until("s").await;
    assert_eq!(rows(&change), [(0, 2.0)]);
    let place = change[change.len() - 1]["s"].as_u64().unwrap();
    drop(lines);
    node.set(&points[1..2], 3.0);
    let epoch = &hello["epoch"];
    let counter = epoch["counter"].as_u64().unwrap();
    let random = epoch["random"].as_u64().unwrap();
    let filter = hello["filter"].as_u64().unwrap();
    let cursor = format!("{counter:x}-{random:016x}-{place:x}-{filter:x}");
    let path = format!("/api/v1/changes?delivery=every&since={cursor}");
    let mut lines = admin.frames(&path).await;
    let resumed = lines.until("s").await;
    assert_eq!(resumed[0]["hello"]["snapshot"], false);
    assert_eq!(rows(&resumed), [(1, 3.0)]);
    assert_eq!(admin.document("/api/v1/node").await["feed"]["snapshots"], 1);
}

#[tokio::test]
async fn a_snapshot_ends_with_a_cursor() {
    let node = Node::start().await;
    let points = node.define("plc.t", 3000);
    node.set(&points, 1.0);
    let admin = node.admin();
    let response = admin.get("/api/v1/changes").send().await.unwrap();
    let text = response.text().await.unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(rows(&lines).len(), 3000);
    let cursor = lines[lines.len() - 1]["cursor"].as_str().unwrap();
    node.set(&points[7..8], 2.0);
    let path = format!("/api/v1/changes?since={cursor}&follow=false");
    let request = admin.get(&path).header("accept", "application/x-ndjson");
    let text = request.send().await.unwrap().text().await.unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(rows(&lines), [(7, 2.0)]);
}
