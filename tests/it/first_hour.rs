//! docs/FIRST_HOUR.md, followed as it stands, and what the API says to who traces an adapter.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;

use crate::devices::{PATIENCE, PYTHON, free_port, python, settled, simulate, typed};
use crate::skipped::skipped;
use crate::support::TestNode;
use crate::support::page::Page;

/// Types every command of the page until it shows what the page shows.
async fn follow(page: &Page, node: &TestNode) {
    let shows = page.blocks("console");
    assert!(shows.len() >= 4, "the page shows too little");
    for show in shows {
        for command in show.split("\n$ ").map(|part| part.trim_start_matches("$ ")) {
            let (command, wanted) = command.split_once('\n').unwrap_or((command, ""));
            let begun = Instant::now();
            loop {
                let shown = typed(node, command).await;
                if settled(&shown) == settled(wanted) {
                    break;
                }
                let what = format!("{command}\n{shown}\nThe page has\n{wanted}");
                assert!(begun.elapsed() < PATIENCE, "{what}");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_walk_of_a_newcomer() {
    let Some(python) = python() else {
        return skipped("first hour", &format!("{PYTHON} names no Python"));
    };
    let page = Page::read("FIRST_HOUR").with("5020", &free_port());
    let simulator = simulate(&page, python.to_str().unwrap());
    // What stands below `resources:`, blank lines and all.
    let (_, resources) = page.blocks("yaml")[0].split_once("resources:\n").unwrap();
    let mut node = TestNode::start("line1", resources).await;
    follow(&page, &node).await;
    let written = node.file().parent().unwrap().join("press.yaml");
    let written = std::fs::read_to_string(written).unwrap();
    assert_eq!(
        written,
        page.blocks("yaml")[0],
        "what import writes is what the page shows"
    );
    frames_pass(&node).await;
    seats_and_limits(&node).await;
    noted_in_the_audit_chain(&node);
    node.down().await;
    drop(simulator);
}

async fn frames_pass(node: &TestNode) {
    let lines = typed(node, "mainstem adapters trace press -n 8 --json").await;
    let frames: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{lines}")))
        .collect();
    assert_eq!(frames.len(), 8);
    let has = |direction: &str, part: &str| {
        frames.iter().any(|frame| {
            frame["direction"] == direction && frame["text"].as_str().unwrap().contains(part)
        })
    };
    assert!(has("sent", "read holding registers 0"), "{lines}");
    assert!(has("received", "registers: 16804 0"), "{lines}");
    let hex = frames[0]["hex"].as_str().unwrap();
    assert_eq!(hex.len() as u64, frames[0]["length"].as_u64().unwrap() * 2);
    let shown = typed(node, "mainstem adapters trace press -n 2").await;
    assert!(shown.contains("→") && shown.contains("←"), "{shown}");
}

/// Four may look, the fifth may come again; nobody looks for longer than ten minutes.
async fn seats_and_limits(node: &TestNode) {
    let path = "adapters/press/trace";
    let asked = |query: &str| node.api(Method::GET, &format!("{path}{query}")).send();
    let mut open = Vec::new();
    for _ in 0..4 {
        let answer = asked("?seconds=600").await.unwrap();
        assert_eq!(answer.status(), 200);
        open.push(answer);
    }
    let fifth = asked("?seconds=600").await.unwrap();
    assert_eq!(fifth.status(), 503);
    assert!(fifth.headers().contains_key("retry-after"));
    drop(open);
    for (query, status) in [
        ("?seconds=601", 400),
        ("?seconds=0", 400),
        ("?second=1", 400),
    ] {
        assert_eq!(asked(query).await.unwrap().status(), status, "{query}");
    }
    let nobody = node.api(Method::GET, "adapters/nobody/trace").send();
    assert_eq!(nobody.await.unwrap().status(), 404);
    // Those who have gone have left their seats, and a short look ends by itself.
    let begun = Instant::now();
    let text = loop {
        let answer = asked("?seconds=1").await.unwrap();
        if answer.status() == 200 {
            break answer.text().await.unwrap();
        }
        assert!(begun.elapsed() < PATIENCE, "the seats stay taken");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert!(
        text.trim_end().ends_with('}') && text.contains("the time is over"),
        "{text}"
    );
}

fn noted_in_the_audit_chain(node: &TestNode) {
    let mut found = false;
    let mut folders = vec![node.data()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                let text = String::from_utf8_lossy(&bytes);
                found |= text.contains("adapter.trace") && text.contains("press");
            }
        }
    }
    assert!(found, "no record of the trace");
}
