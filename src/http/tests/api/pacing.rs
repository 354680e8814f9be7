//! Readers that ask to be spared: what they are told, what a cursor covers, and what is shown of
//! them.

use serde_json::Value;

use crate::harness::{Client, Lines, Node};

/// Lines up to the first row, and that row's value and bookmark.
async fn row(lines: &mut Lines) -> (u64, Value, Value) {
    let line = lines.until("r").await.pop().unwrap();
    let row = line["r"][0].clone();
    (row[0].as_u64().unwrap(), row[2].clone(), line["s"].clone())
}

async fn opened(admin: &Client, query: &str) -> (Lines, Value) {
    let mut lines = admin.frames(&format!("/api/v1/changes?{query}")).await;
    let hello = lines.until("end").await.remove(0)["hello"].clone();
    (lines, hello)
}

/// What the list of readers says once it is as wanted.
async fn reader(admin: &Client, is: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..1000 {
        let readers = admin.document("/api/v1/readers").await["items"].take();
        if let Some(found) = readers.as_array().unwrap().iter().find(|one| is(one)) {
            return found.clone();
        }
        tokio::task::yield_now().await;
    }
    panic!("{}", admin.document("/api/v1/readers").await)
}

#[tokio::test]
async fn a_deadband_holds_back_small_changes() {
    let node = Node::start().await;
    let points = node.define("plc.t", 2);
    node.set(&points, 20.0);
    let admin = node.admin();
    let (mut lines, hello) = opened(&admin, "deadband=1%25&delivery=every").await;
    let features = hello["features"].as_array().unwrap();
    assert!(features.contains(&"pacing".into()), "{hello}");
    node.set(&points[..1], 20.1);
    node.set(&points[..1], 20.2);
    node.set(&points[..1], 20.3);
    assert_eq!(row(&mut lines).await.1, 20.3);
    node.set(&points[1..], 30.0);
    // What is within the deadband is covered: nothing waits for it.
    let (_, value, place) = row(&mut lines).await;
    assert_eq!(
        (value, place.as_u64()),
        (30.0.into(), Some(node.store.statistics().head))
    );
    let spared = reader(&admin, |one| one["rows"] == 4).await;
    assert_eq!(spared["conflated"], 2);
    assert_eq!(
        (&spared["deadband"], &spared["way"]),
        (&"1%".into(), &"frames".into())
    );
    assert_eq!((&spared["missed"], &spared["lag"]), (&0.into(), &0.into()));
    assert_eq!(node.metrics.counter("feed_conflated", "").get(), 2);
}

#[tokio::test]
async fn a_cursor_stays_before_what_waits_and_resume_loses_nothing() {
    let node = Node::start().await;
    let points = node.define("plc.t", 2);
    node.set(&points[..1], 1.0);
    let admin = node.admin();
    let (mut lines, hello) = opened(&admin, "min_interval=1h").await;
    node.set(&points[..1], 2.0);
    // The other one was never told, so it comes at once; the first waits for an hour.
    node.set(&points[1..], 7.0);
    let (_, value, place) = row(&mut lines).await;
    assert_eq!(value, 7.0);
    drop(lines);
    let (epoch, number) = (&hello["epoch"], |value: &Value| value.as_u64().unwrap());
    let since = format!(
        "{:x}-{:016x}-{:x}-{:x}",
        number(&epoch["counter"]),
        number(&epoch["random"]),
        place.as_u64().unwrap(),
        number(&hello["filter"])
    );
    let mut lines = admin
        .frames(&format!("/api/v1/changes?min_interval=1h&since={since}"))
        .await;
    assert_eq!(row(&mut lines).await.1, 2.0);
}

#[tokio::test]
async fn in_an_interval_the_newest_wins() {
    let node = Node::start().await;
    let points = node.define("plc.t", 1);
    node.set(&points, 1.0);
    let admin = node.admin();
    let (mut lines, _) = opened(&admin, "min_interval=300ms").await;
    for value in [2.0, 3.0, 4.0] {
        node.set(&points, value);
    }
    let (_, value, place) = row(&mut lines).await;
    assert_eq!(
        (value, place.as_u64()),
        (4.0.into(), Some(node.store.statistics().head))
    );
}

#[tokio::test]
async fn a_value_is_told_again_in_time_also_after_a_resume() {
    let node = Node::start().await;
    let points = node.define("plc.t", 1);
    node.set(&points, 1.0);
    let admin = node.admin();
    let poll = admin.document("/api/v1/changes?wait=0s").await;
    let since = poll["cursor"].as_str().unwrap();
    let path = format!("/api/v1/changes?max_interval=100ms&since={since}");
    let mut lines = admin.frames(&path).await;
    for _ in 0..2 {
        let line = lines.until("r").await.pop().unwrap();
        // A repetition is no change.
        assert_eq!(
            (&line["r"][0][2], &line["c"]),
            (&1.0.into(), &1.into()),
            "{line}"
        );
    }
}

#[tokio::test]
async fn events_are_held_back_too() {
    let node = Node::start().await;
    let points = node.define("plc.t", 2);
    node.set(&points, 20.0);
    let admin = node.admin();
    let request = admin
        .get("/api/v1/changes?deadband=1&min_interval=200ms")
        .header("accept", "text/event-stream");
    let mut lines = Lines::new(request.send().await.unwrap());
    let mut values = Vec::new();
    while values.len() < 4 {
        let line = lines.text().await.unwrap();
        let Some(data) = line.strip_prefix("data: ") else {
            continue;
        };
        let data: Value = serde_json::from_str(data).unwrap();
        values.push(data["value"].as_f64().unwrap());
        if values.len() == 2 {
            for (point, value) in [(0, 20.5), (0, 40.0), (1, 50.0), (1, 60.0)] {
                node.set(&points[point..=point], value);
            }
        }
    }
    assert_eq!(values, [20.0, 20.0, 40.0, 60.0]);
    let spared = reader(&admin, |one| one["way"] == "events").await;
    // The latest counts: what was overtaken before it was read is missed, the rest conflated.
    let left_out = ["missed", "conflated"].map(|word| spared[word].as_u64().unwrap());
    assert!(left_out.iter().sum::<u64>() >= 1, "{spared}");
}

#[tokio::test]
async fn who_polls_is_not_spared_and_readers_see_themselves() {
    let node = Node::start().await;
    let admin = node.admin();
    for query in [
        "wait=0s&deadband=1",
        "follow=false&min_interval=1s",
        "deadband=-1",
        "min_interval=1ms",
        "min_interval=1s&max_interval=1s",
    ] {
        let request = admin.get(&format!("/api/v1/changes?{query}"));
        assert_eq!(
            admin.problem(request).await,
            (400, "bad_query".into()),
            "{query}"
        );
    }
    let bob = node.client(&node.token("bob", "viewer", None));
    let _lines = opened(&bob, "delivery=every").await;
    let _others = opened(&admin, "delivery=every").await;
    let seen = bob.document("/api/v1/readers").await;
    let seen = seen["items"].as_array().unwrap();
    assert_eq!((seen.len(), &seen[0]["principal"]), (1, &"bob".into()));
    let all = admin.document("/api/v1/readers").await;
    assert_eq!(all["items"].as_array().unwrap().len(), 2);
}
