//! The long poll, events, expansion, compression, and cursors that cannot be used any more.

use std::io::Read;

use mainstem_model::{Quality, Reason};
use mainstem_telemetry::{Problem, Severity};
use serde_json::Value;

use crate::harness::{Client, Lines, Node};

async fn cursor(client: &Client, query: &str) -> String {
    let document = client
        .document(&format!("/api/v1/changes?wait=0s{query}"))
        .await;
    assert_eq!(document["items"].as_array().unwrap().len(), 0);
    document["cursor"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_long_poll_waits_and_goes_on() {
    let node = Node::start().await;
    let points = node.define("plc.t", 3);
    node.set(&points, 1.0);
    let admin = node.admin();
    let since = cursor(&admin, "").await;
    let path = format!("/api/v1/changes?since={since}&wait=20s&meta=true");
    let waiting = tokio::spawn({
        let admin = admin.clone();
        async move { admin.document(&path).await }
    });
    while node.metrics.gauge("feed_readers", "").get() == 0 {
        tokio::task::yield_now().await;
    }
    node.set(&points[1..2], 2.0);
    let document = waiting.await.unwrap();
    assert_eq!(document["items"][0]["name"], "plc.t1");
    assert_eq!(document["items"][0]["value"], 2.0);
    assert_eq!(document["items"][0]["meta"]["unit"], "°C");
    let since = document["cursor"].as_str().unwrap();
    // The state of a source concerns all that hangs on it; a removal is told by name.
    node.store
        .set_status(node.source, Quality::of(Reason::AdapterDown));
    node.store.remove_points(&points[..1]);
    let document = admin
        .document(&format!("/api/v1/changes?since={since}&wait=5s"))
        .await;
    let items = document["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    assert!(
        items
            .iter()
            .all(|item| item["quality"]["reason"] == "adapter_down")
    );
    assert_eq!(document["removed"], serde_json::json!(["plc.t0"]));
    let since = document["cursor"].as_str().unwrap();
    let document = admin
        .document(&format!("/api/v1/changes?since={since}&wait=0s"))
        .await;
    assert_eq!(document["items"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn a_gap_is_told_and_nothing_is_missing_behind_it() {
    let wanted = crate::harness::Wanted {
        log_bytes: 20_000,
        ..Default::default()
    };
    let node = Node::start_with(wanted).await;
    let points = node.define("plc.t", 3000);
    node.set(&points, 1.0);
    let admin = node.admin();
    let since = cursor(&admin, "").await;
    for value in 2..5 {
        node.set(&points, f64::from(value));
    }
    let document = admin
        .document(&format!("/api/v1/changes?since={since}&wait=1s"))
        .await;
    assert!(document["gap"].as_u64().unwrap() > 0);
    let items = document["items"].as_array().unwrap();
    assert_eq!(items.len(), 3000);
    assert!(items.iter().all(|item| item["value"] == 4.0));
}

#[tokio::test]
async fn a_cursor_that_cannot_be_used_is_gone() {
    let node = Node::start().await;
    let admin = node.admin();
    let since = cursor(&admin, "").await;
    let (rest, filter) = since.rsplit_once('-').unwrap();
    let (epoch, _) = rest.rsplit_once('-').unwrap();
    let cases = [
        (format!("1-0123456789abcdef-0-{filter}"), "epoch"),
        (format!("{epoch}-0-1"), "filter"),
        (format!("{epoch}-ffff-{filter}"), "ahead"),
    ];
    for (since, reason) in cases {
        for accept in [
            "application/json",
            "application/x-ndjson",
            "text/event-stream",
        ] {
            let request = admin.get(&format!("/api/v1/changes?since={since}"));
            let response = request.header("accept", accept).send().await.unwrap();
            assert_eq!(response.status(), 410, "{reason} {accept}");
            let document: Value = response.json().await.unwrap();
            assert_eq!(document["reason"], reason);
            assert_eq!(document["code"], "cursor_expired");
        }
    }
    let every = admin.get("/api/v1/changes?wait=0s&delivery=every");
    assert_eq!(admin.problem(every).await, (400, "bad_query".into()));
    let image = admin.get("/api/v1/changes").header("accept", "image/png");
    assert_eq!(admin.problem(image).await, (406, "not_acceptable".into()));
}

/// One event: kind, data, id.
async fn event(lines: &mut Lines) -> (String, Value, Option<String>) {
    let (mut kind, mut data, mut id) = (String::new(), Value::Null, None);
    loop {
        let line = lines.text().await.unwrap();
        if line.is_empty() && !kind.is_empty() {
            return (kind, data, id);
        }
        match line.split_once(": ") {
            Some(("event", text)) => text.clone_into(&mut kind),
            Some(("data", text)) => data = serde_json::from_str(text).unwrap(),
            Some(("id", text)) => id = Some(text.to_owned()),
            _ => {}
        }
    }
}

#[tokio::test]
async fn events_are_resumed_by_their_id() {
    let node = Node::start().await;
    let points = node.define("plc.t", 2);
    node.set(&points, 1.0);
    let admin = node.admin();
    let open = |id: Option<String>| {
        let request = admin
            .get("/api/v1/changes")
            .header("accept", "text/event-stream");
        match id {
            Some(id) => request.header("last-event-id", id),
            None => request,
        }
    };
    let mut lines = Lines::new(open(None).send().await.unwrap());
    for name in ["plc.t0", "plc.t1"] {
        let (kind, data, _) = event(&mut lines).await;
        assert_eq!(
            (kind.as_str(), &data["name"]),
            ("datapoint", &Value::from(name))
        );
    }
    node.health.raise(Problem {
        id: "test.alarm".into(),
        severity: Severity::High,
        source: "test".into(),
        text: "It is wrong.".into(),
        action: "Mend it.".into(),
    });
    let (kind, data, _) = event(&mut lines).await;
    assert_eq!(
        (kind.as_str(), &data["id"]),
        ("alarm", &Value::from("test.alarm"))
    );
    node.set(&points[..1], 2.0);
    let (_, data, id) = event(&mut lines).await;
    assert_eq!(data["value"], 2.0);
    drop(lines);
    node.set(&points[1..], 3.0);
    let mut lines = Lines::new(open(Some(id.unwrap())).send().await.unwrap());
    let (_, data, _) = event(&mut lines).await;
    assert_eq!(
        (&data["name"], &data["value"]),
        (&"plc.t1".into(), &3.0.into())
    );
}

#[tokio::test]
async fn expanded_frames_tell_what_a_source_does_to_its_datapoints() {
    let node = Node::start().await;
    let points = node.define("plc.t", 2);
    node.set(&points, 1.0);
    let mut lines = node.admin().frames("/api/v1/changes?expand=true").await;
    lines.until("end").await;
    let down = Quality::of(Reason::AdapterDown);
    node.store.set_status(node.source, down);
    let told = lines.until("r").await;
    let rows = told[told.len() - 1]["r"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert!(
        rows.iter()
            .all(|row| row[3] == down.code() && row[2] == 1.0)
    );
    let admin = node.admin();
    let since = cursor(&admin, "").await;
    node.store.set_status(node.source, Quality::GOOD);
    let path = format!("/api/v1/changes?expand=true&follow=false&since={since}");
    let told = admin.frames(&path).await.until("cursor").await;
    let counts = told
        .iter()
        .filter_map(|line| line["r"].as_array().map(Vec::len));
    assert_eq!(counts.sum::<usize>(), 2);
}

#[tokio::test]
async fn a_filter_holds_and_zstd_is_one_stream() {
    let node = Node::start().await;
    let (seen, hidden) = (node.define("a.t", 500), node.define("b.t", 500));
    node.set(&seen, 1.0);
    node.set(&hidden, 1.0);
    let admin = node.admin();
    let path = "/api/v1/changes?glob=!a.t1,a.**";
    let request = admin.get(path).header("accept-encoding", "zstd");
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "zstd");
    let squeezed = response.bytes().await.unwrap();
    let mut text = String::new();
    let mut decoder = zstd::stream::read::Decoder::new(&squeezed[..]).unwrap();
    decoder.read_to_string(&mut text).unwrap();
    assert!(squeezed.len() * 3 < text.len());
    let rows: usize = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter_map(|line| line["r"].as_array().map(Vec::len))
        .sum();
    assert_eq!(rows, 499);
    assert!(!text.contains("\"b.t"));
}
