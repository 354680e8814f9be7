//! What the tables of remotes show.

use super::*;

fn remote() -> RemoteDocument {
    serde_json::from_value(serde_json::json!({
        "name": "line1", "prefix": "line1",
        "node": {"id": "00000000-0000-0000-0000-000000000001", "name": "line1"},
        "address": "https://127.0.0.1:8443", "state": "live",
        "since": "2026-11-20T08:00:00Z", "lag": 0, "heard": 0.25,
        "clock": {"offset": -0.0012, "uncertainty": 0.0005},
        "mirror": {"snapshots": 1, "resumes": 2, "rows": 900, "changes": 850, "missed": 0,
            "left_out": 1, "last_left_out": "x is too long", "looped": 0, "bad_values": 0},
    }))
    .unwrap()
}

#[test]
fn a_table_tells_how_links_stand() {
    let table = table(&[remote()], Screen::plain());
    let lines: Vec<_> = table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    let expected = "\
NAME   STATE  ADDRESS                 HEARD  LAG  CANARY  CLOCK    CAUSE AND NEXT ACTION
line1  live   https://127.0.0.1:8443  0.2 s  0    –       -1.2 ms";
    assert_eq!(lines.join("\n"), expected);
}

#[test]
fn details_name_what_was_left_out() {
    let rows = show::details(&remote());
    let found = rows
        .iter()
        .find(|(label, ..)| *label == "left out")
        .unwrap();
    assert_eq!(found.1, "1, the last: x is too long");
    assert_eq!(found.2, Tone::Warning);
    assert!(!rows.iter().any(|(label, ..)| *label == "missed"));
}
