//! Adapters: what they say, and whether they live.

use mainstem_model::{Reason, Value};
use serde_json::json;

use crate::rig::{content, count, machine, read, shdr};

fn numbers(numbers: &[f64]) -> Value {
    Value::Array(numbers.iter().copied().map(Value::F64).collect())
}

#[tokio::test]
async fn every_kind_of_observation_arrives() {
    let Some(mut machine) = machine(&[]).await else {
        return;
    };
    let raw = {
        let mut raw = read("x", "event");
        raw.operation = json!({ "raw": true });
        raw
    };
    let endpoints = vec![
        read("Xact", "sample"),
        read("Ppos", "vector"),
        read("execution", "event"),
        read("sys", "condition"),
        read("sys", "level"),
        read("msg", "message"),
        read("ts", "time-series"),
        raw,
    ];
    let mut rig = shdr(machine.port(), &json!({}), endpoints);
    let seen = rig
        .until("the first state", |seen| {
            (0..8).all(|point| seen.latest.contains_key(&point))
        })
        .await;
    assert_eq!(seen.value(0), Some(&Value::F64(1.5)));
    assert_eq!(seen.value(1), Some(&numbers(&[1.0, 2.0, 3.0])));
    assert_eq!(seen.value(2), Some(&Value::text("READY")));
    assert_eq!(seen.value(6), Some(&numbers(&[1.0, 2.0, 3.0, 4.0])));
    // What the machine cannot tell is bad, and nothing is made up.
    for point in [3, 4, 5] {
        assert_eq!(seen.reason(point), Some(Reason::DeviceDown), "{point}");
        assert_eq!(seen.value(point), None);
    }
    assert!(seen.latest[&0].source_time.is_some());
    machine.command("condition sys warning W1 low oil").await;
    machine.command("condition sys fault F1 too hot").await;
    machine.command("observe msg door open").await;
    let seen = rig
        .until("fault and message", |seen| {
            seen.value(4) == Some(&Value::text("fault")) && seen.good(5) > 0
        })
        .await;
    let wanted = json!({ "level": "fault", "active": [
        { "level": "warning", "code": "W1", "severity": "1", "text": "low oil" },
        { "level": "fault", "code": "F1", "severity": "1", "text": "too hot" },
    ] });
    assert_eq!(content(seen.value(3)), wanted);
    assert_eq!(
        content(seen.value(5)),
        json!({ "code": "M1", "text": "door open" })
    );
    machine.command("condition sys normal F1").await;
    rig.until("one less", |seen| {
        seen.value(4) == Some(&Value::text("warning"))
    })
    .await;
    machine.command("condition sys normal -").await;
    rig.until("well", |seen| seen.value(4) == Some(&Value::text("normal")))
        .await;
    machine.command("observe x2 UNAVAILABLE").await;
    let seen = rig
        .until("nothing", |seen| seen.reason(0) == Some(Reason::DeviceDown))
        .await;
    assert!(matches!(seen.value(7), Some(Value::Text(line)) if line.contains("Xact")));
    rig.stopped().await;
}

#[tokio::test]
async fn lines_of_several_pairs_devices_and_assets() {
    let Some(mut machine) = machine(&[]).await else {
        return;
    };
    let endpoints = vec![
        read("Xact", "sample"),
        read("execution", "event"),
        read("lathe:Xact", "sample"),
        read("sys", "level"),
    ];
    let mut rig = shdr(machine.port(), &json!({}), endpoints);
    rig.until("the first state", |seen| seen.good(1) > 0).await;
    machine
        .command("say Xact|7.5|execution|\"A \\| B\"|Yact|3")
        .await;
    rig.until("both", |seen| {
        seen.value(0) == Some(&Value::F64(7.5)) && seen.value(1) == Some(&Value::text("A | B"))
    })
    .await;
    machine.command("say lathe:Xact|9").await;
    rig.until("with its device", |seen| {
        seen.value(0) == Some(&Value::F64(9.0)) && seen.value(2) == Some(&Value::F64(9.0))
    })
    .await;
    // A condition that nobody asked for, whose code is a key; then a condition with two codes.
    machine.command("say other|fault|Xact|1|2|3").await;
    machine.command("say sys|fault|1|||").await;
    rig.until("the fault", |seen| {
        seen.value(3) == Some(&Value::text("fault"))
    })
    .await;
    assert_eq!(rig.seen().value(0), Some(&Value::F64(9.0)));
    // An asset of several lines, one of which looks like an observation: all of it is left out.
    machine
        .command("say @ASSET@|T1|CuttingTool|--multiline--ABC")
        .await;
    machine.command("say execution|FROM_ASSET").await;
    machine.command("say --multiline--ABC").await;
    while count(&rig, "asset_skipped") == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(rig.seen().value(1), Some(&Value::text("A | B")));
    assert_eq!(rig.seen().online, 1);
    rig.stopped().await;
}

#[tokio::test]
async fn an_adapter_without_a_sign_of_life_is_given_up() {
    let Some(mut machine) = machine(&[]).await else {
        return;
    };
    let mut rig = shdr(machine.port(), &json!({}), vec![read("Xact", "sample")]);
    rig.until("good", |seen| seen.good(0) > 0).await;
    machine.command("mute").await;
    assert_eq!(rig.ended().await.unwrap_err().code(), "heartbeat_missed");
    machine.command("unmute").await;
    rig.start();
    rig.until("good again", |seen| seen.good(0) > 1).await;
    rig.stopped().await;
}

#[tokio::test]
async fn an_adapter_that_knows_no_signs_of_life_is_believed() {
    let Some(mut machine) = machine(&["--no-pong"]).await else {
        return;
    };
    let mut rig = shdr(
        machine.port(),
        &json!({ "timeout": 300 }),
        vec![read("Xact", "sample")],
    );
    rig.until("good", |seen| seen.good(0) > 0).await;
    for number in 0..5 {
        machine.command(&format!("observe x2 {number}")).await;
        let wanted = Value::F64(f64::from(number));
        rig.until("the number", |seen| seen.value(0) == Some(&wanted))
            .await;
    }
    assert_eq!(rig.seen().online, 1);
    rig.stopped().await;
}
