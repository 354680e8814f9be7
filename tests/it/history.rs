//! History of data loggers of whole nodes: imported, edited, told where it has gaps, and compared
//! between levels.

use std::time::{Duration, Instant};

use mainstem_model::{Clock, Timestamp};
use mainstem_telemetry::SystemClock;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::replication::{DEVICE, RECORD, ROLL, book, entry, rows, wait_watermark, watermark};
use crate::support::TestNode;

const PATIENCE: Duration = Duration::from_secs(60);
const ALL: &str = "from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z";

/// The tests speak of the first two days of March 2026. What is meant are days that are recent
/// enough for roll-ups of an edit to be made anew, however old this test is.
fn on(text: &str) -> String {
    let now = SystemClock.now().micros();
    let midnight = now - now.rem_euclid(86_400_000_000);
    let day = |ago: i64| {
        let text = Timestamp::from_micros(midnight - ago * 86_400_000_000).to_string();
        text[..10].to_owned()
    };
    text.replace("2026-03-01", &day(10))
        .replace("2026-03-02", &day(9))
}

async fn ask(node: &TestNode, path: &str, body: &Value) -> (u16, Value) {
    let body = serde_json::from_str(&on(&body.to_string())).unwrap();
    node.ask("POST", path, body).await
}

async fn post(node: &TestNode, path: &str, media: &str, body: String) -> (StatusCode, Value) {
    let request = node
        .api(Method::POST, path)
        .header("content-type", media)
        .body(on(&body));
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

async fn get(node: &TestNode, path: &str) -> String {
    let answer = node.api(Method::GET, &on(path)).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    answer.text().await.unwrap()
}

async fn until<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A day of history in steps of a minute, with a gap and an uncertain value.
fn table() -> String {
    let mut table = "time,value,quality,reason\r\n".to_owned();
    for minute in 0..1440 {
        let time = format!("2026-03-01T{:02}:{:02}:00Z", minute / 60, minute % 60);
        match minute {
            100 => table.push_str(&format!("{time},,bad,device_down\r\n")),
            200 => table.push_str(&format!("{time},{minute}.25,uncertain,out_of_range\r\n")),
            _ => table.push_str(&format!("{time},{minute}.5,good,ok\r\n")),
        }
    }
    table
}

#[tokio::test(flavor = "multi_thread")]
async fn history_is_imported_once_edited_and_travels() {
    let line = TestNode::start_with("line1", DEVICE, RECORD).await;
    let plant = TestNode::start_with("plant", &entry(&line, ""), ROLL).await;
    line.wait_good("sim.level").await;
    wait_watermark(&line, "level.sim.level", 1).await;
    let (id, above) = ("level.sim.level", "line1.level.sim.level");
    let samples = format!("loggers/{id}/samples");

    // Once, and the second time nothing; wrong lines are told and not stored.
    let trial = post(
        &line,
        &format!("{samples}?dry_run=true"),
        "text/csv",
        table(),
    )
    .await;
    assert_eq!(trial.1["stored"], 1440, "{trial:?}");
    let before = watermark(&line, id);
    let mut body = table();
    body.push_str("2026-03-02T00:00:00Z,much,good,ok\r\n2026-03-02,1,good,ok\r\n");
    let first = post(&line, &samples, "text/csv", body.clone()).await;
    assert_eq!(
        (&first.1["stored"], &first.1["wrong"]),
        (&json!(1440), &json!(2)),
        "{first:?}"
    );
    let lines: Vec<_> = first.1["wrong_lines"].as_array().unwrap().iter().collect();
    assert_eq!(
        (&lines[0]["line"], &lines[1]["line"]),
        (&json!(1442), &json!(1443))
    );
    let again = post(&line, &samples, "text/csv", body).await;
    assert_eq!(
        (&again.1["stored"], &again.1["known"]),
        (&json!(0), &json!(1440))
    );
    assert_eq!(watermark(&line, id), before + 1440);

    // What was imported is exported as it was, and travels.
    let day = "from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z";
    let times = |text: &str| {
        text.replace(":00.000Z", ":00Z")
            .replace(":00.000000Z", ":00Z")
    };
    let exported = get(&line, &format!("{samples}?format=csv&{day}")).await;
    assert_eq!(times(&exported), on(&table()));
    wait_watermark(&plant, above, before + 1440).await;
    let there = get(&plant, &format!("loggers/{above}/samples?format=csv&{day}")).await;
    assert_eq!(there, exported);

    // The gap is told with its hop, at both levels.
    for (node, name) in [(&line, id), (&plant, above)] {
        let gaps = get(node, &format!("loggers/{name}/gaps?{day}")).await;
        let gaps: Value = serde_json::from_str(&gaps).unwrap();
        let gap = &gaps["items"][0];
        assert_eq!(
            (&gap["cause"], &gap["state"]),
            (&json!("device_down"), &json!("permanent"))
        );
        assert!(
            gap["from"]
                .as_str()
                .unwrap()
                .starts_with(&on("2026-03-01T01:40:00")),
            "{gaps:#}"
        );
        assert_eq!(gap["hop"], rows_origin(&line));
    }

    // An edit hides what was there, at both levels; roll-ups follow.
    let edit = json!({
        "from": "2026-03-01T10:00:00Z", "to": "2026-03-01T12:00:00Z", "reason": "wrong probe",
        "rows": [{"time": "2026-03-01T10:30:00Z", "value": 7.0}],
    });
    let made = ask(&line, &format!("loggers/{id}/edits"), &edit).await;
    assert_eq!(made.0, 200, "{made:?}");
    let version = made.1["version"].as_u64().unwrap();
    wait_watermark(&plant, above, version + 1).await;
    let stretch = "from=2026-03-01T10:00:00Z&to=2026-03-01T12:00:00Z";
    for (node, name) in [(&line, id), (&plant, above)] {
        let left = get(
            node,
            &format!("loggers/{name}/samples?format=ndjson&{stretch}"),
        )
        .await;
        assert_eq!(left.lines().count(), 1, "{left}");
        let edits: Value =
            serde_json::from_str(&get(node, &format!("loggers/{name}/edits")).await).unwrap();
        assert!(
            edits["items"][0]["note"]
                .as_str()
                .unwrap()
                .ends_with("wrong probe")
        );
        let path = format!("loggers/{name}/rollups?step=hour&{stretch}");
        until("roll-ups follow", || async {
            let hours: Value = serde_json::from_str(&get(node, &path).await).unwrap();
            let counts: Vec<_> = hours["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|hour| hour["count"].as_u64().unwrap())
                .collect();
            counts == [1, 0] || counts == [1]
        })
        .await;
    }

    // The levels are the same, and it can be proved.
    let asked = json!({"to": "2026-03-02T00:00:00Z"});
    let told = ask(&plant, &format!("loggers/{above}/verify"), &asked).await;
    assert_eq!(told.1["state"], "equal", "{told:#?}");
    // An hour of the edited two is empty.
    assert_eq!(
        (&told.1["hours"], &told.1["rows"]),
        (&json!(23), &json!(1440 - 120 + 1))
    );
    plant.stop().await;
    line.stop().await;
}

fn rows_origin(node: &TestNode) -> String {
    let book = book(node);
    book.sink().list()[0].1.origin.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_is_lost_is_named_and_fetched_again() {
    let line = TestNode::start_with("line1", DEVICE, RECORD).await;
    let mut plant = TestNode::start_with("plant", &entry(&line, ""), ROLL).await;
    line.wait_good("sim.level").await;
    let (id, above) = ("level.sim.level", "line1.level.sim.level");
    let stored = post(&line, &format!("loggers/{id}/samples"), "text/csv", table()).await;
    assert_eq!(stored.1["stored"], 1440);
    let last = watermark(&line, id);
    wait_watermark(&plant, above, last).await;
    // What the store holds of it is superseded by nothing but lost with its file.
    plant.down().await;
    let folder = plant.data().join("loggers");
    let part = folder.join("part-00000001.db");
    for end in ["", "-wal", "-shm"] {
        drop(std::fs::remove_file(format!("{}{end}", part.display())));
    }
    plant.up().await;
    wait_watermark(&plant, above, last).await;
    assert!(
        rows(&plant, above).len() >= 1440,
        "it is read again as a whole"
    );
    let asked = json!({"heal": true, "to": "2026-03-02T00:00:00Z"});
    let told = ask(&plant, &format!("loggers/{above}/verify"), &asked).await;
    assert_eq!(told.1["state"], "equal", "{told:#?}");
    plant.stop().await;
    line.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_right_changes_nothing() {
    const READER: &str = "ms_test0009_another-token-for-tests-that-reads";
    let roles = "  reader: { read: [\"**\"] }\n";
    let sections = format!("  - {{ name: reader, role: reader, token: {READER} }}\n{RECORD}");
    let node = TestNode::start_roles("[\"**\"]", roles, "line1", DEVICE, &sections).await;
    node.wait_good("sim.level").await;
    for (path, body, media) in [
        ("loggers/pieces/samples", table(), "text/csv"),
        (
            "loggers/pieces/edits",
            json!({"from": "2026-03-01T10:00:00Z",
            "to": "2026-03-01T11:00:00Z", "reason": "x"})
            .to_string(),
            "application/json",
        ),
        (
            "loggers/pieces/verify",
            json!({"heal": true}).to_string(),
            "application/json",
        ),
        (
            "link/loggers/sums",
            json!({"origin": "", "log": "", "logger": "pieces", "from": 0,
            "to": 1, "what": "hours"})
            .to_string(),
            "application/json",
        ),
    ] {
        let request = node
            .api_as(READER, Method::POST, path)
            .header("content-type", media);
        let answer = request.body(body).send().await.unwrap();
        assert_eq!(answer.status(), 403, "{path}");
    }
    assert!(get(&node, "loggers/pieces/edits").await.contains("[]"));
    let before = get(
        &node,
        &format!("loggers/pieces/samples?format=csv&{ALL}&limit=1"),
    )
    .await;
    let wrong =
        json!({"from": "2026-03-01T10:00:00Z", "to": "2026-03-01T09:00:00Z", "reason": "x"});
    assert_eq!(ask(&node, "loggers/pieces/edits", &wrong).await.0, 422);
    let none = json!({"from": "2026-03-01T10:00:00Z", "to": "2026-03-01T11:00:00Z", "reason": " "});
    assert_eq!(ask(&node, "loggers/pieces/edits", &none).await.0, 422);
    let answer = post(&node, "loggers/none/samples", "text/csv", table()).await;
    assert_eq!(answer.0, 404);
    let answer = post(&node, "loggers/pieces/samples", "text/html", table()).await;
    assert_eq!(answer.0, 415);
    let after = get(
        &node,
        &format!("loggers/pieces/samples?format=csv&{ALL}&limit=1"),
    )
    .await;
    assert_eq!(before, after);
    node.stop().await;
}
