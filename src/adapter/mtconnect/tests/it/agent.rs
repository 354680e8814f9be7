//! Agents: the state, the stream, restarts, and what was missed.

use std::sync::Arc;
use std::time::Duration;

use mainstem_adapter::AdapterSpec;
use mainstem_adapter::SessionEnd;
use mainstem_adapter::explore::{BrowseAsk, BrowseLimits, Finds};
use mainstem_adapter_mtconnect::AGENT;
use mainstem_model::{Reason, Value};
use serde_json::json;

use crate::rig::{agent, agent_port, content, count, machine, read};

#[tokio::test]
async fn every_kind_of_observation_arrives() {
    let Some(mut machine) = machine(&[]).await else {
        return;
    };
    let endpoints = vec![
        read("x2", "sample"),
        read("Ppos", "vector"),
        read("execution", "event"),
        read("sys", "condition"),
        read("sys", "level"),
        read("msg", "message"),
        read("vib", "time-series"),
        read("vars", "event"),
        read("avail", "event"),
    ];
    let mut rig = agent(
        agent_port(&machine),
        &json!({ "device": "mill" }),
        endpoints,
    );
    let seen = rig
        .until("the first state", |seen| {
            (0..9).all(|point| seen.latest.contains_key(&point))
        })
        .await;
    assert_eq!(seen.value(0), Some(&Value::F64(1.5)));
    assert_eq!(seen.value(2), Some(&Value::text("READY")));
    assert_eq!(seen.value(8), Some(&Value::text("AVAILABLE")));
    for point in [3, 4, 5] {
        assert_eq!(seen.reason(point), Some(Reason::DeviceDown), "{point}");
    }
    // Data sets are told as what they are: not read.
    assert_eq!(seen.reason(7), Some(Reason::BadType));
    machine.command("condition sys fault F1 too <hot>").await;
    machine.command("condition sys warning W1 low").await;
    machine.command("observe msg a & b").await;
    let seen = rig
        .until("fault and message", |seen| {
            seen.good(3) > 1 && seen.good(5) > 0
        })
        .await;
    let wanted = json!({ "level": "fault", "active": [
        { "level": "fault", "code": "F1", "text": "too <hot>" },
        { "level": "warning", "code": "W1", "text": "low" },
    ] });
    assert_eq!(content(seen.value(3)), wanted);
    assert_eq!(content(seen.value(5))["text"], "a & b");
    machine.command("condition sys normal F1").await;
    rig.until("one less", |seen| {
        seen.value(4) == Some(&Value::text("warning"))
    })
    .await;
    machine.command("observe x2 UNAVAILABLE").await;
    rig.until("nothing", |seen| seen.reason(0) == Some(Reason::DeviceDown))
        .await;
    rig.stopped().await;
}

#[tokio::test]
async fn nothing_is_lost_over_a_cut() {
    let Some(mut machine) = machine(&[]).await else {
        return;
    };
    let mut rig = agent(agent_port(&machine), &json!({}), vec![read("x2", "sample")]);
    rig.until("good", |seen| seen.good(0) > 0).await;
    machine.command("observe x2 -1").await;
    // Now it comes by the stream, which can be cut.
    rig.until("the stream", |seen| {
        seen.value(0) == Some(&Value::F64(-1.0))
    })
    .await;
    machine.command("cut").await;
    assert_eq!(rig.ended().await.unwrap_err().code(), "stream_ended");
    let before = rig.seen().good(0);
    for number in 0..50 {
        machine.command(&format!("observe x2 {number}")).await;
    }
    rig.start();
    // All fifty, and the last of them once more as the present state.
    let seen = rig.until("all", |seen| seen.good(0) >= before + 51).await;
    assert_eq!(seen.good(0), before + 51);
    assert_eq!(seen.value(0), Some(&Value::F64(49.0)));
    assert_eq!(count(&rig, "gap"), 0);
    rig.stopped().await;
}

#[tokio::test]
async fn what_the_agent_has_no_more_is_a_gap() {
    let Some(mut machine) = machine(&["--buffer", "10"]).await else {
        return;
    };
    let mut rig = agent(agent_port(&machine), &json!({}), vec![read("x2", "sample")]);
    rig.until("good", |seen| seen.good(0) > 0).await;
    machine.command("observe x2 -1").await;
    // Now it comes by the stream, which can be cut.
    rig.until("the stream", |seen| {
        seen.value(0) == Some(&Value::F64(-1.0))
    })
    .await;
    machine.command("cut").await;
    rig.ended().await.unwrap_err();
    for number in 0..50 {
        machine.command(&format!("observe x2 {number}")).await;
    }
    rig.start();
    let seen = rig
        .until("the last", |seen| seen.value(0) == Some(&Value::F64(49.0)))
        .await;
    assert_eq!(count(&rig, "gap"), 1);
    assert_eq!(seen.online, 2);
    rig.stopped().await;
}

#[tokio::test]
async fn an_agent_that_has_begun_anew_is_read_anew() {
    let Some(mut machine) = machine(&[]).await else {
        return;
    };
    let mut rig = agent(agent_port(&machine), &json!({}), vec![read("x2", "sample")]);
    rig.until("good", |seen| seen.good(0) > 0).await;
    for _ in 0..20 {
        machine.command("observe x2 8").await;
    }
    rig.until("eight", |seen| seen.value(0) == Some(&Value::F64(8.0)))
        .await;
    machine.command("restart").await;
    // The stream ends with the agent, and the next session finds another instance.
    rig.ended().await.unwrap_err();
    rig.start();
    rig.until("anew", |seen| seen.value(0) == Some(&Value::F64(1.5)))
        .await;
    assert_eq!(count(&rig, "agent_restarted"), 1);
    machine.command("observe x2 9").await;
    rig.until("nine", |seen| seen.value(0) == Some(&Value::F64(9.0)))
        .await;
    rig.stopped().await;
}

#[tokio::test]
async fn many_observations_keep_their_order() {
    let Some(mut machine) = machine(&[]).await else {
        return;
    };
    let mut rig = agent(
        agent_port(&machine),
        &json!({ "count": 7 }),
        vec![read("x2", "sample")],
    );
    rig.until("good", |seen| seen.good(0) > 0).await;
    for number in 0..200 {
        machine.command(&format!("observe x2 {number}")).await;
    }
    let seen = rig.until("all", |seen| seen.good(0) >= 201).await;
    assert_eq!(
        (seen.good(0), seen.value(0)),
        (201, Some(&Value::F64(199.0)))
    );
    assert_eq!((count(&rig, "gap"), count(&rig, "told_twice")), (0, 0));
    rig.stopped().await;
}

#[tokio::test]
async fn a_device_that_the_agent_has_not_is_refused() {
    let Some(machine) = machine(&[]).await else {
        return;
    };
    let options = json!({ "device": "nobody" });
    let mut rig = agent(agent_port(&machine), &options, vec![read("x2", "sample")]);
    let end = rig.ended().await.unwrap_err();
    assert!(
        matches!(
            end,
            SessionEnd::Refused {
                code: "no_device",
                ..
            }
        ),
        "{end:?}"
    );
}

#[tokio::test]
async fn an_agent_lists_its_data_items() {
    let Some(machine) = machine(&[]).await else {
        return;
    };
    let explore = AGENT.explore.unwrap();
    let url = format!("mtconnect://127.0.0.1:{}", agent_port(&machine));
    let clock: Arc<dyn mainstem_model::Clock> =
        Arc::new(mainstem_adapter::conformance::TokioClock::new());
    let ask = BrowseAsk {
        spec: AdapterSpec {
            name: "look".into(),
            connection: explore.connection(&url).unwrap(),
            endpoints: Vec::new(),
            folder: "unused".into(),
            home: std::path::PathBuf::new(),
        },
        start: None,
        patience: Duration::from_secs(5),
        trace: mainstem_adapter::Trace::new(Arc::clone(&clock)),
        clock,
    };
    let limits = BrowseLimits {
        found_max: 100,
        visited_max: 1000,
        depth_max: 9,
        time_max: Duration::from_secs(10),
    };
    let mut finds = Finds::new(limits, |_| {});
    explore.browse(&ask, &mut finds).await.unwrap();
    let of = |address: &str| {
        finds
            .found()
            .iter()
            .find(|found| found.address == address)
            .unwrap()
    };
    assert_eq!(of("x2").path, ["mill", "Xact"]);
    assert_eq!(of("x2").unit.as_deref(), Some("mm"));
    assert_eq!(of("sys").operation["dataType"], "condition");
    assert_eq!(of("pp").operation["dataType"], "vector");
    assert!(of("vars").obstacle.is_some());
}
