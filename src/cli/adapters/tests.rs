//! What the tables of adapters show.

use super::*;

fn adapter() -> AdapterDocument {
    serde_json::from_value(serde_json::json!({
        "name": "plc", "kind": "modbus", "state": "waiting",
        "cause": {"code": "connection_refused", "message": "Nothing listens at 10.0.0.21:502"},
        "since": "2026-11-20T08:00:00Z", "next_try": "2026-11-20T08:00:05Z",
        "quality": "bad", "reason": "adapter_down", "points": 13,
        "rates": {"requests": 100, "samples": 900, "writes": 1, "overruns": 0,
            "request_rate": 4.0, "sample_rate": 36.25,
            "round_trip": {"p50": 0.0012, "p99": null},
            "errors": {"timeout": 3}},
        "devices": [{"name": "unit7", "status": "bad", "reason": "device_down"}],
    }))
    .unwrap()
}

#[test]
fn a_table_tells_state_and_cause() {
    let table = table(&[adapter()], Screen::plain());
    let lines: Vec<_> = table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    let expected = "\
NAME  KIND    STATE    POINTS  SAMPLES/S  ROUND TRIP  CAUSE
plc   modbus  waiting  13      36.2       1.2 ms      Nothing listens at 10.0.0.21:502";
    assert_eq!(lines.join("\n"), expected);
}

#[test]
fn details_tell_everything() {
    let rows = show::details(&adapter());
    let row = |label: &str| {
        let found = rows.iter().find(|(known, ..)| *known == label);
        found.map(|(_, content, _)| content.as_str()).unwrap()
    };
    assert_eq!(row("state"), "waiting since 2026-11-20 08:00:00.000 UTC");
    assert_eq!(
        row("cause"),
        "Nothing listens at 10.0.0.21:502 (connection_refused)"
    );
    assert_eq!(row("quality"), "bad, adapter_down");
    assert_eq!(row("errors"), "3 × timeout");
    assert_eq!(row("device"), "unit7: bad, device_down");
    assert_eq!(row("round trip"), "median 1.2 ms, 99 % within –");
}
