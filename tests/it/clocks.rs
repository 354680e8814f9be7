//! Wall clocks that are wrong and that are set while nodes run: processes under libfaketime, whose
//! wall clock is moved by a file, beside a node of this process that has the machine's own.
//!
//! No test may step the clock of the machine that it runs on, so every such process runs without
//! the right to set clocks, and a test makes sure of it before anything is asked of the process.

mod faked;
mod stamps;

use std::time::{Duration, Instant};

use mainstem_model::{Quality, Reason, Value};
use mainstem_remote::LinkState;
use serde_json::{Value as Json, json};

use crate::support::{TestNode, eventually, remote};
use faked::Faked;

const HOUR: f64 = 3600.0;
/// What libfaketime takes for a year.
const YEAR: f64 = 365.0 * 24.0 * HOUR;
/// A step shows within a beat, and sixteen beats take 8 s.
const SEEN_WITHIN: Duration = Duration::from_secs(5);
const WRITABLE: &str = "      write: [\"**\"]\n";
const LINE: &str = "  sim: { type: Connection, properties: { protocol: simulator, connection: { interval_ms: 50 } } }
  count: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, subscribe: { signal: counter } } }
  level: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, access: rw, subscribe: { signal: setpoint } } }
";
/// Only for a process without the right to set clocks.
const SYSTEM: &str = "  system: { type: Connection, properties: { protocol: System, connection: { set_clock: true } } }\n";

fn number(node: &TestNode, name: &str) -> Option<f64> {
    let view = node.get(name).filter(|view| view.quality.is_good())?;
    view.value?.as_f64()
}

async fn wait_offset(node: &TestNode, link: &str, expected: f64) -> f64 {
    let what = format!("the clock of {link} is {expected} s ahead");
    eventually(&what, || {
        number(node, &format!("{link}.clock.offset")).filter(|is| (is - expected).abs() < 0.05)
    })
    .await
}

async fn wait_state(node: &TestNode, link: &str, expected: &str) {
    let what = format!("the clock of {link} is {expected}");
    let expected = Some(Value::text(expected));
    let name = format!("{link}.clock.state");
    eventually(&what, || {
        node.get(&name).filter(|view| view.value == expected)
    })
    .await;
}

/// Values go on: later ones come, never an earlier one after a later one, and all of them good.
async fn assert_flows(node: &TestNode, name: &str) {
    let mut last = node.get(name).unwrap().value.unwrap().as_f64().unwrap();
    let goal = last + 10.0;
    eventually(&format!("{name} goes on"), || {
        let view = node.get(name).unwrap();
        let now = view.value.unwrap().as_f64().unwrap();
        assert!(now >= last, "{now} came after {last}");
        assert!(view.quality.is_good(), "{:?} at {now}", view.quality);
        last = now;
        (now >= goal).then_some(())
    })
    .await;
}

async fn assert_writable(node: &TestNode, name: &str, value: f64) {
    let (status, answer) = node.put(name, json!({"value": value}), "").await;
    assert_eq!(
        (status, &answer["state"]),
        (200, &json!("applied")),
        "{answer:#}"
    );
}

/// line, stepped ← plant, stepped ← top, right.
#[tokio::test(flavor = "multi_thread")]
async fn clocks_that_are_set_break_nothing() {
    let Some(library) = faked::library() else {
        return;
    };
    let mut line_file = TestNode::start("line1", LINE).await;
    let entry = remote("line1", &line_file.pin(), line_file.address(), WRITABLE);
    let mut plant_file = TestNode::start("plant", &entry).await;
    let entry = remote("plant", &plant_file.pin(), plant_file.address(), WRITABLE);
    plant_file.down().await;
    line_file.down().await;
    line_file.rewrite(&format!("{LINE}{SYSTEM}"));
    let line = Faked::start(&library, &line_file, "+0");
    let plant = Faked::start(&library, &plant_file, "+0");
    let top = TestNode::start("top", &entry).await;
    top.wait_good("plant.line1.sim.count").await;
    wait_state(&top, "plant", "ok").await;
    wait_state(&top, "plant.line1", "ok").await;

    let steps = [
        ("-1h", -HOUR, "+0", 0.0),
        ("+1h", HOUR, "+0", 0.0),
        ("+10y", 10.0 * YEAR, "+0", 0.0),
        ("+10y", 10.0 * YEAR, "-1h", -HOUR),
        ("+0", 0.0, "+1h", HOUR),
        ("+0", 0.0, "+10y", 10.0 * YEAR),
        ("+0", 0.0, "+0", 0.0),
    ];
    for (round, (below, below_s, above, above_s)) in steps.into_iter().enumerate() {
        let begun = Instant::now();
        line.step(below);
        plant.step(above);
        wait_offset(&top, "plant.line1", below_s - above_s).await;
        wait_offset(&top, "plant", above_s).await;
        let word = |off: f64| if off == 0.0 { "ok" } else { "too_far" };
        wait_state(&top, "plant.line1", word(below_s - above_s)).await;
        wait_state(&top, "plant", word(above_s)).await;
        // With the next beat (0.5 s), on a machine that is busy: long before sixteen are over.
        assert!(begun.elapsed() < SEEN_WITHIN, "{:?}", begun.elapsed());
        assert_flows(&top, "plant.line1.sim.count").await;
        let value = f64::from(u32::try_from(round).unwrap());
        assert_writable(&top, "plant.line1.sim.level", value).await;
    }
    // No link was lost on the way, and none dialled again.
    let below = plant.command(&["remotes", "show", "line1"]).await;
    let above = top.link("plant").counters;
    assert_eq!((above.snapshots, above.resumes), (1, 0));
    let mirror = &below["mirror"];
    assert_eq!(
        (&mirror["snapshots"], &mirror["resumes"]),
        (&json!(1), &json!(0)),
        "{below:#}"
    );
    // What was measured goes into the tree, hop by hop.
    let (_, tree) = top.ask("GET", "topology", Json::Null).await;
    let clocks = tree["links"]
        .as_array()
        .unwrap()
        .iter()
        .map(|link| &link["clock"]["state"]);
    assert!(
        clocks.eq([&json!("ok"), &json!("ok")]),
        "{:#}",
        tree["links"]
    );

    assert_dialled_again(&line, &plant, &top).await;
    top.stop().await;
}

/// Ten years later every certificate has expired by these clocks. Keys decide.
async fn assert_dialled_again(line: &Faked, plant: &Faked, top: &TestNode) {
    line.step("+10y");
    plant.step("+10y");
    wait_offset(top, "plant", 10.0 * YEAR).await;
    plant.command(&["remotes", "resync", "line1"]).await;
    top.node().parts().resync_remote("plant", false).unwrap();
    let again = || Some(top.link("plant")).filter(|link| link.counters.snapshots > 1);
    eventually("the upper link is dialled anew", again).await;
    top.wait_link("plant", LinkState::Live).await;
    top.wait_good("plant.line1.sim.count").await;
    assert_flows(top, "plant.line1.sim.count").await;
    assert_writable(top, "plant.line1.sim.level", 77.0).await;
}

/// Two nodes of one machine have one clock, so what they measure is their error.
#[tokio::test(flavor = "multi_thread")]
async fn one_clock_is_measured_as_one() {
    let line = TestNode::start("line1", "  {}\n").await;
    let entry = remote("line1", &line.pin(), line.address(), "");
    let top = TestNode::start("top", &entry).await;
    let within = || {
        let view = top.link("line1");
        let (offset, uncertainty) = view.offset_us.zip(view.uncertainty_us)?;
        assert!(
            offset.unsigned_abs() <= uncertainty,
            "{offset} ± {uncertainty} µs"
        );
        (offset.abs() <= 5_000).then_some((offset, uncertainty))
    };
    let (offset, uncertainty) = eventually("the clocks agree within 5 ms", within).await;
    eprintln!("one clock: {offset} µs from the truth, ± {uncertainty} µs");
    top.stop().await;
    line.stop().await;
}

/// line, off by seconds ← top, right.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_is_measured_judged_and_not_set_without_the_right() {
    let Some(library) = faked::library() else {
        return;
    };
    let mut file = TestNode::start("line1", LINE).await;
    let more = format!("{WRITABLE}      drift_action: uncertain\n      clocksync: true\n");
    let entry = remote("line1", &file.pin(), file.address(), &more);
    file.down().await;
    file.rewrite(&format!("{LINE}{SYSTEM}"));
    let line = Faked::start(&library, &file, "+2.5");
    let top = TestNode::start("top", &entry).await;
    top.wait_good("line1.sim.count").await;
    top.wait_good("line1.system.time.delta").await;
    wait_state(&top, "line1", "off").await;

    // The truth is known here, so what is said of it can be checked.
    let offset = wait_offset(&top, "line1", 2.5).await;
    let measured = || {
        let view = top.link("line1");
        view.offset_us.zip(view.uncertainty_us)
    };
    let (measured, uncertainty) = eventually("the remote shows its clock", measured).await;
    let error = measured - 2_500_000;
    eprintln!("offset {offset} s, {error} µs from the truth, ± {uncertainty} µs");
    // libfaketime reads its file in between: what it takes for that is not the link's mistake.
    assert!(
        error.unsigned_abs() <= uncertainty + 2_000,
        "{error} ± {uncertainty} µs"
    );
    let delta = number(&top, "line1.system.time.delta").unwrap();
    assert!((delta - 2.5).abs() < 0.05, "{delta}");
    let (_, shown) = top.ask("GET", "remotes/line1", Json::Null).await;
    assert_eq!(shown["clock"]["state"], "off", "{shown:#}");

    // Within the limit nothing is in doubt; beyond it everything but what this node says itself.
    line.step("+3.9");
    wait_offset(&top, "line1", 3.9).await;
    wait_state(&top, "line1", "off").await;
    assert!(top.get("line1.sim.count").unwrap().quality.is_good());
    line.step("+4.1");
    wait_offset(&top, "line1", 4.1).await;
    wait_state(&top, "line1", "too_far").await;
    let drift = Quality::of(Reason::ClockDrift);
    top.wait("line1.sim.count", "in doubt", |view| view.quality == drift)
        .await;
    let connection = top.get("line1.connection").unwrap();
    assert_eq!(connection.value, Some(Value::text("online")));
    assert!(connection.quality.is_good());
    assert_eq!(top.link("line1").state, LinkState::Live);

    assert_not_set(&line, &top).await;
    line.step("+0");
    wait_state(&top, "line1", "ok").await;
    top.wait_good("line1.sim.count").await;
    top.stop().await;
}

/// It was to be set, and the line says why it is not: the right is missing, as made sure of.
async fn assert_not_set(line: &Faked, top: &TestNode) {
    let alarm = wait_alarm(top, "link.line1.clocksync").await;
    assert!(alarm.contains("CAP_SYS_TIME"), "{alarm}");
    let audit = line.audit();
    assert!(
        audit.contains("clocksync@top") && audit.contains("no_clock_right"),
        "{audit}"
    );
    for text in [
        json!("2026-11-20 10:00:00"),
        json!("20261120100000"),
        json!(1_795_000_000_000_u64),
    ] {
        let (status, answer) = top
            .put("line1.system.time", json!({"value": text}), "")
            .await;
        let said = answer.to_string();
        assert!(
            status == 409 && said.contains("no_clock_right"),
            "{text}: {status} {said}"
        );
    }
    let (status, answer) = top
        .put("line1.system.time", json!({"value": "noon"}), "")
        .await;
    assert_eq!(status, 422, "{answer:#}");
}

async fn wait_alarm(node: &TestNode, id: &str) -> String {
    let begun = Instant::now();
    loop {
        let (_, alarms) = node.ask("GET", "alarms", Json::Null).await;
        let mut items = alarms["items"].as_array().unwrap().iter();
        if let Some(found) = items.find(|alarm| alarm["id"] == id) {
            return found["text"].to_string();
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{alarms:#}");
    }
}
