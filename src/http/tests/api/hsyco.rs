//! The HSYCO-compatible route against a raw client, sentence by sentence of its public description.

use std::time::{Duration, Instant};

use mainstem_http::HsycoConfig;
use mainstem_model::{Definition, Name, Quality, Reason, Sample, Scalar, Value};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::harness::{Node, PATIENCE};
use crate::limits::connect;

const PASSWORD: &str = "a-password-of-hsyco";
/// Shorter than HSYCO's 10 s, and long enough to be told from "at once".
const HOLD: &str = "700ms";

fn config(more: &Json) -> HsycoConfig {
    let mut config = json!({"password": PASSWORD, "addresses": ["*"], "hold": HOLD,
        "drop_after": HOLD});
    let more = more.as_object().unwrap().clone();
    config.as_object_mut().unwrap().extend(more);
    serde_json::from_value(config).unwrap()
}

async fn node(more: &Json) -> Node {
    let node = Node::start().await;
    node.api.set_hsyco(Some(&config(more)));
    node
}

/// The bytes that come back before the connection is closed.
async fn raw(node: &Node, query: &str) -> Vec<u8> {
    raw_at(node, &format!("GET /x/rioget?{query}")).await
}

async fn raw_at(node: &Node, request: &str) -> Vec<u8> {
    let mut stream = connect(node, b"http/1.1").await;
    let request = format!("{request} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    // A dropped connection ends without TLS's goodbye.
    drop(read.expect("the connection stays open"));
    answer
}

/// The body of an answer.
async fn text(node: &Node, timestamp: u64) -> String {
    let answer = raw(node, &format!("1*{timestamp}*{PASSWORD}")).await;
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(!head.contains("chunked"), "{head}");
    body.to_owned()
}

struct State {
    timestamp: u64,
    io: Json,
}

async fn state(node: &Node, timestamp: u64) -> State {
    let body: Json = serde_json::from_str(&text(node, timestamp).await).unwrap();
    let state = &body["hsycostate"];
    State {
        timestamp: state["timestamp"].as_u64().unwrap(),
        io: state["io"].clone(),
    }
}

#[tokio::test]
async fn without_the_section_it_is_like_any_path_that_is_not_there() {
    let node = Node::start().await;
    let admin = node.admin();
    for method in [reqwest::Method::GET, reqwest::Method::POST] {
        let request = admin.request(method, "/x/rioget?1*1*x");
        assert_eq!(admin.problem(request).await, (404, "not_found".into()));
    }
    node.api.set_hsyco(Some(&config(&json!({}))));
    let post = admin.post("/x/rioget?1*1*x");
    assert_eq!(admin.problem(post).await.0, 405);
    state(&node, 1).await;
    node.api.set_hsyco(None);
    assert_eq!(admin.problem(admin.get("/x/rioget")).await.0, 404);
}

#[tokio::test]
async fn time_stamp_1_gets_everything_at_once_in_the_documented_form() {
    let node = node(&json!({})).await;
    let points = node.define("plc.temperature", 2);
    node.set(&points, 21.5);
    let begun = Instant::now();
    let body = text(&node, 1).await;
    assert!(begun.elapsed() < Duration::from_millis(700), "held");
    let parsed: Json = serde_json::from_str(&body).unwrap();
    let (stamp, topo) = (
        &parsed["hsycostate"]["timestamp"],
        &parsed["hsycostate"]["topotime"],
    );
    let expected = format!(
        "{{\"hsycostate\":{{\n\"timestamp\":{stamp},\"topotime\":{topo},\n\
         \"io\":{{\"plc.temperature0\": \"21.5\",\"plc.temperature1\": \"21.5\"}}}}}}"
    );
    assert_eq!(body, expected);
    assert!((1 << 50..1 << 53).contains(&stamp.as_u64().unwrap()));
}

#[tokio::test]
async fn the_next_answer_has_only_what_changed_since() {
    let node = node(&json!({})).await;
    let points = node.define("plc.p", 3);
    node.set(&points, 1.0);
    let first = state(&node, 1).await;
    assert_eq!(first.io.as_object().unwrap().len(), 3);
    node.set(&points[1..2], 2.0);
    let second = state(&node, first.timestamp).await;
    assert_eq!(second.io, json!({"plc.p1": "2"}));
    assert!(second.timestamp > first.timestamp);
    // The old time stamp still tells the same: a lost answer loses nothing.
    assert_eq!(
        state(&node, first.timestamp).await.io,
        json!({"plc.p1": "2"})
    );
    // A new sample with the same value is no change.
    let again = Sample::good(
        Value::F64(2.0),
        Some(mainstem_model::Timestamp::from_millis(7)),
    );
    node.store.apply(node.source, &mut vec![(points[1], again)]);
    node.set(&points[..1], 5.0);
    let third = state(&node, second.timestamp).await;
    assert_eq!(third.io, json!({"plc.p0": "5"}));
}

#[tokio::test]
async fn without_news_it_is_held_and_then_answered_without_io() {
    let node = node(&json!({})).await;
    let points = node.define("plc.p", 1);
    node.set(&points, 1.0);
    let first = state(&node, 1).await;
    let begun = Instant::now();
    let body = text(&node, first.timestamp).await;
    assert!(begun.elapsed() >= Duration::from_millis(700), "not held");
    let parsed: Json = serde_json::from_str(&body).unwrap();
    assert!(parsed["hsycostate"].get("io").is_none(), "{body}");
    assert!(
        body.ends_with("}}") && body.matches('\n').count() == 1,
        "{body}"
    );
}

#[tokio::test]
async fn a_change_is_answered_shortly_after() {
    let node = node(&json!({"hold": "10s"})).await;
    let points = node.define("plc.p", 2);
    node.set(&points, 1.0);
    let first = state(&node, 1).await;
    let begun = Instant::now();
    let (held, ()) = tokio::join!(state(&node, first.timestamp), async {
        let readers = node.metrics.gauge("hsyco_readers", "");
        while readers.get() == 0 {
            tokio::task::yield_now().await;
        }
        node.set(&points[1..], 9.0);
    });
    assert_eq!(held.io, json!({"plc.p1": "9"}));
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_wrong_password_is_dropped_without_a_byte_after_the_time() {
    let node = node(&json!({})).await;
    let wrong = format!("1*1*{PASSWORD}x");
    let not_asked = format!("2*1*{PASSWORD}");
    let no_number = format!("1*0*{PASSWORD}");
    for query in [wrong.as_str(), "1*1*", "1*1", "", &not_asked, &no_number] {
        let begun = Instant::now();
        assert_eq!(raw(&node, query).await, b"", "{query}");
        assert!(
            begun.elapsed() >= Duration::from_millis(700),
            "{query}: at once"
        );
    }
    assert_eq!(raw_at(&node, "GET /x/rioget").await, b"");
    assert_eq!(node.metrics.counter("hsyco_refused", "").get(), 7);
    // Over HTTP/2 the request ends likewise without an answer.
    let url = format!("/x/rioget?{wrong}");
    assert!(node.admin().get(&url).send().await.is_err());
    // The trail has one record of that address and nothing of the password.
    let path = node.socket().with_file_name("audit.log");
    let written = async {
        loop {
            let trail = std::fs::read_to_string(&path).unwrap_or_default();
            if trail.contains("hsyco.read") {
                return trail;
            }
            tokio::task::yield_now().await;
        }
    };
    let trail = tokio::time::timeout(PATIENCE, written).await.unwrap();
    assert_eq!(trail.matches("hsyco.read").count(), 1, "{trail}");
    assert!(
        trail.contains("denied") && !trail.contains(PASSWORD),
        "{trail}"
    );
}

#[tokio::test]
async fn an_address_that_is_not_allowed_is_treated_the_same() {
    let node = node(&json!({"addresses": ["10.0.0.0/8", "192.0.2.1"]})).await;
    let begun = Instant::now();
    assert_eq!(raw(&node, &format!("1*1*{PASSWORD}")).await, b"");
    assert!(begun.elapsed() >= Duration::from_millis(700));
    node.api
        .set_hsyco(Some(&config(&json!({"addresses": ["127.0.0.0/8"]}))));
    state(&node, 1).await;
}

#[tokio::test]
async fn who_is_refused_takes_nobodys_place() {
    let node = node(&json!({"readers": 2, "drop_after": "10s"})).await;
    node.set(&node.define("plc.p", 1), 1.0);
    let wrong: Vec<_> = (0..40).map(|_| Box::pin(raw(&node, "1*1*wrong"))).collect();
    let mut wrong = futures_util::future::join_all(wrong);
    let refused = node.metrics.counter("hsyco_refused", "");
    let all_in = async {
        while refused.get() < 40 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = &mut wrong => panic!("none was held"),
        () = all_in => {}
    }
    let begun = Instant::now();
    let served = tokio::select! {
        _ = &mut wrong => panic!("none was held"),
        served = state(&node, 1) => served,
    };
    assert_eq!(served.io, json!({"plc.p0": "1"}));
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn clients_are_limited_and_readers_of_the_api_are_others() {
    let node = node(&json!({"readers": 1, "hold": "10s"})).await;
    node.set(&node.define("plc.p", 1), 1.0);
    let first = state(&node, 1).await;
    let query = format!("1*{}*{PASSWORD}", first.timestamp);
    let mut held = Box::pin(raw(&node, &query));
    let readers = node.metrics.gauge("hsyco_readers", "");
    let sits = async {
        while readers.get() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = &mut held => panic!("not held"),
        () = sits => {}
    }
    let admin = node.admin();
    let path = format!("/x/rioget?1*1*{PASSWORD}");
    let second = admin.problem(admin.get(&path));
    let refused = tokio::select! {
        _ = &mut held => panic!("not held"),
        refused = second => refused,
    };
    assert_eq!(refused, (503, "busy".into()));
    assert_eq!(node.metrics.gauge("feed_readers", "").get(), 0);
    // Other settings: what waits is dropped.
    node.api
        .set_hsyco(Some(&config(&json!({"password": "another-password-1"}))));
    assert_eq!(held.await, b"");
}

#[tokio::test]
async fn the_query_may_be_percent_encoded() {
    let node = node(&json!({"password": "a*b c+d%41-of-16"})).await;
    let encoded = "1%2A1%2Aa%2Ab%20c+d%2541-of-16";
    assert!(raw(&node, encoded).await.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn an_unknown_time_stamp_gets_everything() {
    let node = node(&json!({})).await;
    let points = node.define("plc.p", 2);
    node.set(&points, 1.0);
    let first = state(&node, 1).await;
    for unknown in [2, 1_403_628_740_123_000, first.timestamp + 1, u64::MAX] {
        let all = state(&node, unknown).await;
        assert_eq!(all.io.as_object().unwrap().len(), 2, "{unknown}");
    }
    // Settings that show something else make all time stamps unknown.
    node.api
        .set_hsyco(Some(&config(&json!({"datapoints": ["plc.p1"]}))));
    let fewer = state(&node, first.timestamp).await;
    assert_eq!(fewer.io, json!({"plc.p1": "1"}));
    assert!(fewer.timestamp > first.timestamp);
}

#[tokio::test]
async fn what_has_no_value_is_left_out_and_what_is_removed_is_not_told() {
    let node = node(&json!({"datapoints": ["!plc.secret", "**"]})).await;
    let points = node.define("plc.p", 3);
    let secret = node.define("plc.secret", 1);
    let name = Name::new("plc.secret").unwrap();
    let hidden = node
        .store
        .define(node.source, &name, Definition::new(Scalar::F64));
    node.set(&[points[0], points[1], secret[0], hidden.unwrap()], 1.0);
    let first = state(&node, 1).await;
    assert_eq!(
        first.io,
        json!({"plc.p0": "1", "plc.p1": "1", "plc.secret0": "1"})
    );
    node.store.remove_points(&points[..1]);
    node.set(&points[1..], 3.0);
    let next = state(&node, first.timestamp).await;
    assert_eq!(next.io, json!({"plc.p1": "3", "plc.p2": "3"}));
}

#[tokio::test]
async fn values_are_texts_of_json() {
    let node = node(&json!({})).await;
    let define = |name: &str, scalar| {
        let name = Name::new(name).unwrap();
        node.store
            .define(node.source, &name, Definition::new(scalar))
            .unwrap()
    };
    let (flag, word) = (
        define("plc.on", Scalar::Bool),
        define("plc.größe", Scalar::Text),
    );
    let samples = [
        (flag, Value::Bool(true)),
        (word, Value::text("a\"b\\*\n°C")),
    ];
    let mut batch = samples
        .map(|(id, value)| (id, Sample::good(value, None)))
        .to_vec();
    node.store.apply(node.source, &mut batch);
    let io = state(&node, 1).await.io;
    assert_eq!(io, json!({"plc.on": "1", "plc.größe": "a\"b\\*\n°C"}));
}

#[tokio::test]
async fn quality_is_a_text_of_its_own_where_it_is_wanted() {
    let node = node(&json!({})).await;
    let points = node.define("plc.p", 1);
    node.set(&points, 1.0);
    let first = state(&node, 1).await;
    node.store
        .set_status(node.source, Quality::of(Reason::LinkDown));
    // Without it the last value stays, and nothing changed.
    assert_eq!(state(&node, first.timestamp).await.io, Json::Null);
    node.api.set_hsyco(Some(&config(&json!({"quality": true}))));
    let all = state(&node, 1).await;
    assert_eq!(all.io, json!({"plc.p0": "1", "plc.p0.quality": "bad"}));
    node.store.set_status(node.source, Quality::GOOD);
    let next = state(&node, all.timestamp).await;
    assert_eq!(next.io, json!({"plc.p0": "1", "plc.p0.quality": "good"}));
}

#[tokio::test]
async fn a_large_state_comes_whole() {
    let node = node(&json!({})).await;
    let points = node.define("plc.p", 3000);
    node.set(&points, 1.0);
    let admin = node.admin();
    let body = admin.document(&format!("/x/rioget?1*1*{PASSWORD}")).await;
    assert_eq!(body["hsycostate"]["io"].as_object().unwrap().len(), 3000);
}

#[tokio::test]
async fn a_client_that_was_away_longer_than_the_log_reaches_misses_nothing() {
    let wanted = crate::harness::Wanted {
        log_bytes: 8192,
        ..crate::harness::Wanted::default()
    };
    let node = Node::start_with(wanted).await;
    node.api.set_hsyco(Some(&config(&json!({}))));
    let points = node.define("plc.p", 2);
    node.set(&points, 1.0);
    let first = state(&node, 1).await;
    for round in 0..1000 {
        node.set(&points[..1], f64::from(round));
    }
    let next = state(&node, first.timestamp).await;
    assert_eq!(next.io, json!({"plc.p0": "999"}));
}
