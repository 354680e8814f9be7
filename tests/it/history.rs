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
    wait_watermark(&line, ID, 1).await;
    let before = watermark(&line, ID);
    imported_once(&line).await;
    exported_and_above(&line, &plant, before).await;
    edited(&line, &plant).await;

    // The levels are the same, and it can be proved.
    let asked = json!({"to": "2026-03-02T00:00:00Z"});
    let told = ask(&plant, &format!("loggers/{ABOVE}/verify"), &asked).await;
    assert_eq!(told.1["state"], "equal", "{told:#?}");
    // An hour of the edited two is empty.
    assert_eq!(
        (&told.1["hours"], &told.1["rows"]),
        (&json!(23), &json!(1440 - 120 + 1))
    );
    plant.stop().await;
    line.stop().await;
}

/// The series, and its name at the plant.
const ID: &str = "level.sim.level";
const ABOVE: &str = "line1.level.sim.level";

/// Once, and the second time nothing; wrong lines are told and not stored.
async fn imported_once(line: &TestNode) {
    let samples = format!("loggers/{ID}/samples");
    let trial = post(
        line,
        &format!("{samples}?dry_run=true"),
        "text/csv",
        table(),
    )
    .await;
    assert_eq!(trial.1["stored"], 1440, "{trial:?}");
    let before = watermark(line, ID);
    let mut body = table();
    body.push_str("2026-03-02T00:00:00Z,much,good,ok\r\n2026-03-02,1,good,ok\r\n");
    let first = post(line, &samples, "text/csv", body.clone()).await;
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
    let again = post(line, &samples, "text/csv", body).await;
    assert_eq!(
        (&again.1["stored"], &again.1["known"]),
        (&json!(0), &json!(1440))
    );
    assert_eq!(watermark(line, ID), before + 1440);
}

/// What was imported is exported as it was, and travels; the gap is told with its hop.
async fn exported_and_above(line: &TestNode, plant: &TestNode, before: u64) {
    let day = "from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z";
    let times = |text: &str| {
        text.replace(":00.000Z", ":00Z")
            .replace(":00.000000Z", ":00Z")
    };
    let exported = get(line, &format!("loggers/{ID}/samples?format=csv&{day}")).await;
    assert_eq!(times(&exported), on(&table()));
    wait_watermark(plant, ABOVE, before + 1440).await;
    let there = get(plant, &format!("loggers/{ABOVE}/samples?format=csv&{day}")).await;
    assert_eq!(there, exported);

    for (node, name) in [(line, ID), (plant, ABOVE)] {
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
        assert_eq!(gap["hop"], rows_origin(line));
    }
}

/// An edit hides what was there, at both levels; roll-ups follow.
async fn edited(line: &TestNode, plant: &TestNode) {
    let edit = json!({
        "from": "2026-03-01T10:00:00Z", "to": "2026-03-01T12:00:00Z", "reason": "wrong probe",
        "rows": [{"time": "2026-03-01T10:30:00Z", "value": 7.0}],
    });
    let made = ask(line, &format!("loggers/{ID}/edits"), &edit).await;
    assert_eq!(made.0, 200, "{made:?}");
    let version = made.1["version"].as_u64().unwrap();
    wait_watermark(plant, ABOVE, version + 1).await;
    let stretch = "from=2026-03-01T10:00:00Z&to=2026-03-01T12:00:00Z";
    for (node, name) in [(line, ID), (plant, ABOVE)] {
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

/// Runs `mainstem loggers …` on a node; its exit code and what it says.
async fn run(node: &TestNode, args: &[&str]) -> (Option<i32>, Value) {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_mainstem"));
    command.arg("loggers").args(args).arg("--json").arg("-c");
    let done = command.arg(node.file()).output().await.unwrap();
    let told = String::from_utf8_lossy(&done.stdout).into_owned();
    let wrong = String::from_utf8_lossy(&done.stderr).into_owned();
    let told = serde_json::from_str(&told);
    (
        done.status.code(),
        told.unwrap_or_else(|error| panic!("{args:?}: {error}: {wrong}")),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn history_is_imported_edited_and_shown_by_the_command() {
    let line = TestNode::start_with("line1", DEVICE, RECORD).await;
    line.wait_good("sim.level").await;
    let id = "level.sim.level";
    wait_watermark(&line, id, 1).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(format!("{id}.csv"));
    std::fs::write(&file, on(&table())).unwrap();
    let file = file.to_str().unwrap();
    // The series is called as the file.
    let (code, told) = run(&line, &["import", file, "--dry-run"]).await;
    assert_eq!((code, &told["stored"]), (Some(0), &json!(1440)), "{told}");
    let (code, told) = run(&line, &["import", file]).await;
    assert_eq!(
        (code, &told["stored"], &told["wrong"]),
        (Some(0), &json!(1440), &json!(0))
    );
    let (_, told) = run(&line, &["import", file]).await;
    assert_eq!((&told["stored"], &told["known"]), (&json!(0), &json!(1440)));
    let (from, to) = (on("2026-03-01T10:00:00Z"), on("2026-03-01T12:00:00Z"));
    let stretch = ["--from", &from, "--to", &to];
    let edit = [&["edit", id, "--reason", "wrong probe"], &stretch[..]].concat();
    let (code, told) = run(&line, &edit).await;
    assert_eq!(code, Some(0), "{told}");
    let (_, told) = run(&line, &["edits", id]).await;
    assert!(
        told["items"][0]["note"]
            .as_str()
            .unwrap()
            .ends_with("wrong probe"),
        "{told}"
    );
    let (_, told) = run(&line, &["gaps", id, "--from", &on("2026-03-01T00:00:00Z")]).await;
    assert_eq!(told["items"][0]["cause"], "device_down", "{told}");
    let (_, told) = run(
        &line,
        &[&["show", id, "pieces", "--step", "1h"], &stretch[..]].concat(),
    )
    .await;
    assert_eq!(told["items"].as_array().map(Vec::len), Some(2), "{told}");
    let (code, told) = run(&line, &["verify", id]).await;
    assert_eq!(
        (code, &told["items"][0]["state"]),
        (Some(0), &json!("own")),
        "{told}"
    );
    line.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_is_found_in_the_background_and_named() {
    let line = TestNode::start_with("line1", DEVICE, RECORD).await;
    let plant = TestNode::start_with("plant", &entry(&line, ""), ROLL).await;
    line.wait_good("sim.level").await;
    let above = "line1.level.sim.level";
    wait_watermark(&plant, above, 1).await;
    // A row that the line never had, some hours ago.
    let book = book(&plant);
    let series = book.get(above).unwrap().series;
    let row = mainstem_datalogger::Row {
        series,
        row: 1_000_000,
        time: SystemClock.now().micros() - 5 * 3_600_000_000,
        received: None,
        value: mainstem_datalogger::Logged::Integer(7),
        quality: 0,
    };
    book.sink().append(vec![row]).await.unwrap();
    let begun = Instant::now();
    let alarm = loop {
        if let Some(alarm) = plant.alarm("loggers.differ").await {
            break alarm;
        }
        assert!(begun.elapsed() < PATIENCE, "the difference is named");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert!(alarm.to_string().contains(above), "{alarm}");
    assert!(!alarm.to_string().contains("line1.pieces"), "{alarm}");
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
