//! Policies and pulses on the whole path: what is refused, and what the device sees.

use mainstem_model::{Sample, Value};

use super::*;
use crate::{PULSES_FILE, PolicyConfig, reason};

fn set(line: &Node, json: serde_json::Value) {
    let list: Vec<PolicyConfig> = serde_json::from_value(json).unwrap();
    line.desk.set_policies(list);
}

fn pulse(value: &str, millis: u64) -> Request {
    Request {
        pulse: Some(Duration::from_millis(millis)),
        ..request("plc.setpoint", value)
    }
}

/// A node whose pulses are reset soon.
fn pulsing(folder: &Path, reset_for: Duration) -> Node {
    let config = WriteConfig {
        reset_pause: Duration::from_millis(5),
        reset_for,
        ..quick()
    };
    let line = node("line1", folder, config, system(), false);
    set(
        &line,
        serde_json::json!([{ "match": ["plc.**"], "pulse": "allowed" }]),
    );
    line
}

const LONG: Duration = Duration::from_secs(60);

fn noted(folder: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(folder.join(PULSES_FILE)).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn a_refusal_names_the_policy_and_is_audited() {
    let folder = tempfile::tempdir().unwrap();
    let mut line = node("line1", folder.path(), quick(), system(), false);
    set(
        &line,
        serde_json::json!([{
            "name": "heating", "match": ["plc.setpoint"], "range": { "max": 80 },
            "rate": { "writes": 1, "per": "1h" },
        }]),
    );
    let record = line
        .desk
        .submit(request("plc.setpoint", "90"))
        .await
        .unwrap();
    assert_eq!(record.outcome.reason.as_deref(), Some(reason::POLICY));
    let message = record.outcome.message.clone().unwrap();
    assert_eq!(
        message,
        "policy \"heating\" refuses: 90.0 is outside 80 and less"
    );
    assert_eq!(line.audit_lines("heating"), 1);
    let first = line.apply(keyed("70", "k")).await;
    let second = line
        .desk
        .submit(request("plc.setpoint", "71"))
        .await
        .unwrap();
    assert_eq!(second.state(), WriteState::Rejected);
    let again = line.desk.submit(keyed("70", "k")).await.unwrap();
    assert_eq!(again.id, first.id, "a repeated key is no second write");
    set(&line, serde_json::json!([]));
    assert_eq!(
        line.apply(request("plc.setpoint", "90")).await.state(),
        WriteState::Applied
    );
}

#[tokio::test]
async fn an_interlock_is_looked_at_again_before_the_device_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let mut line = node("line1", folder.path(), quick(), system(), false);
    set(
        &line,
        serde_json::json!([{
            "match": ["plc.setpoint"], "interlock": { "datapoint": "plc.state", "is": 1 },
        }]),
    );
    let state = line.store.point("plc.state").unwrap().id;
    let tell = |value| {
        let mut batch = vec![(state, Sample::good(Value::Int(value), None))];
        line.store.apply(line.source, &mut batch);
    };
    let refused = line
        .desk
        .submit(request("plc.setpoint", "1"))
        .await
        .unwrap();
    let message = refused.outcome.message.clone().unwrap();
    assert!(message.contains("plc.state is not good"), "{message}");
    tell(1);
    // Begun in one step of this thread; its task runs only afterwards, and finds another state.
    let id = {
        let mut submitting = Box::pin(line.desk.submit(request("plc.setpoint", "1")));
        let waker = std::task::Waker::noop();
        let mut context = std::task::Context::from_waker(waker);
        assert!(submitting.as_mut().poll(&mut context).is_pending());
        tell(0);
        submitting.await.unwrap().id
    };
    let record = line.end(id).await;
    assert_eq!(
        record.outcome.reason.as_deref(),
        Some(reason::POLICY),
        "{record:?}"
    );
    assert!(line.is_idle());
}

#[tokio::test]
async fn a_pulse_goes_back_to_rest() {
    let folder = tempfile::tempdir().unwrap();
    let mut line = pulsing(folder.path(), LONG);
    let id = line.desk.submit(pulse("5", 10)).await.unwrap().id;
    let order = line.arrives().await;
    assert_eq!(order.value, Value::F64(5.0));
    assert_eq!(noted(folder.path())["plc.setpoint"]["rest"], "0.0");
    line.carry_out(order);
    assert_eq!(line.end(id).await.state(), WriteState::Applied);
    let reset = line.arrives().await;
    assert_eq!((reset.value.clone(), reset.pulse), (Value::F64(0.0), None));
    assert_eq!(reset.originators, ["pulse@line1"]);
    line.carry_out(reset);
    eventually("the file forgets it", || {
        noted(folder.path()) == serde_json::json!({})
    })
    .await;
    assert_eq!(line.audit_lines("pulse.reset"), 1);
    assert_eq!(line.health.list(), []);
    assert_eq!((line.count, line.is_idle()), (2, true));
}

#[tokio::test]
async fn a_reset_is_tried_until_the_device_confirms() {
    let folder = tempfile::tempdir().unwrap();
    let mut line = pulsing(folder.path(), LONG);
    let id = line.desk.submit(pulse("5", 10)).await.unwrap().id;
    // Nobody can tell whether the device was changed, so it is reset all the same.
    drop(line.arrives().await);
    assert_eq!(line.end(id).await.state(), WriteState::Unknown);
    for _ in 0..2 {
        let no = Outcome::because(WriteState::Rejected, "device", "the device is busy");
        line.arrives().await.reply.send(no).unwrap();
    }
    let alarm = || line.health.get("pulse.plc.setpoint");
    eventually("an alarm stands", || alarm().is_some_and(|a| a.active)).await;
    assert!(alarm().unwrap().problem.text.contains("the device is busy"));
    let reset = line.arrives().await;
    line.carry_out(reset);
    let health = line.health.clone();
    eventually("the alarm is over", || {
        health.get("pulse.plc.setpoint").is_none_or(|a| !a.active)
    })
    .await;
}

#[tokio::test]
async fn a_reset_has_a_bound_and_then_a_person_has_to() {
    let folder = tempfile::tempdir().unwrap();
    let mut line = pulsing(folder.path(), Duration::ZERO);
    line.desk.submit(pulse("5", 10)).await.unwrap();
    let order = line.arrives().await;
    line.carry_out(order);
    drop(line.arrives().await);
    let health = line.health.clone();
    let alarm = move || health.get("pulse.plc.setpoint");
    let given_up = |text: &str| text.contains("not tried any more");
    eventually("it is given up", || {
        alarm().is_some_and(|state| given_up(&state.problem.text))
    })
    .await;
    // Whoever writes the datapoint and is confirmed ends the alarm.
    line.apply(request("plc.setpoint", "0")).await;
    eventually("the alarm is over", || alarm().is_none_or(|a| !a.active)).await;
    assert!(line.is_idle());
}

#[tokio::test]
async fn a_later_write_has_the_last_word() {
    let folder = tempfile::tempdir().unwrap();
    let mut line = pulsing(folder.path(), LONG);
    line.desk.submit(pulse("5", 200)).await.unwrap();
    let order = line.arrives().await;
    line.carry_out(order);
    let busy = line.desk.submit(pulse("6", 10)).await.unwrap();
    let busy = line.end(busy.id).await;
    assert_eq!(
        busy.outcome.reason.as_deref(),
        Some(reason::BUSY),
        "one at a time"
    );
    line.apply(request("plc.setpoint", "7")).await;
    assert_eq!(noted(folder.path()), serde_json::json!({}));
    // The task of the pulse finds that it stands no more, and the desk waits for it.
    line.desk.stop().await;
    assert_eq!((line.count, line.is_idle()), (2, true));
}

#[tokio::test]
async fn a_refused_pulse_is_not_reset() {
    let folder = tempfile::tempdir().unwrap();
    let mut line = pulsing(folder.path(), LONG);
    let id = line.desk.submit(pulse("5", 10)).await.unwrap().id;
    let no = Outcome::because(WriteState::Rejected, "device", "no");
    line.arrives().await.reply.send(no).unwrap();
    assert_eq!(line.end(id).await.state(), WriteState::Rejected);
    assert_eq!(noted(folder.path()), serde_json::json!({}));
    line.desk.stop().await;
    assert!(line.is_idle());
    for wrong in [pulse("0", 10), pulse("\"x\"", 10)] {
        let folder = tempfile::tempdir().unwrap();
        let line = pulsing(folder.path(), LONG);
        let record = line.desk.submit(wrong).await.unwrap();
        assert_eq!(record.outcome.reason.as_deref(), Some(reason::TYPE));
    }
}

#[tokio::test]
async fn stopping_resets_at_once_and_a_crash_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let mut line = pulsing(folder.path(), LONG);
    line.desk.submit(pulse("5", 600_000)).await.unwrap();
    let order = line.arrives().await;
    line.carry_out(order);
    let copy = line.crash();
    std::fs::copy(
        folder.path().join(PULSES_FILE),
        copy.path().join(PULSES_FILE),
    )
    .unwrap();
    let desk = Arc::clone(&line.desk);
    let stopping = async move { desk.stop().await };
    let device = async {
        let reset = line.arrives().await;
        line.carry_out(reset);
    };
    tokio::join!(stopping, device);
    assert_eq!(line.count, 2);
    let mut again = pulsing(copy.path(), LONG);
    let alarm = again.health.get("pulse.plc.setpoint").unwrap();
    assert!(alarm.problem.text.contains("may still stand"), "{alarm:?}");
    assert!(again.is_idle(), "nothing late is carried out");
    // A further pulse that is refused leaves the alarm as it was.
    let id = again.desk.submit(pulse("5", 10)).await.unwrap().id;
    let no = Outcome::because(WriteState::Rejected, "device", "no");
    again.arrives().await.reply.send(no).unwrap();
    again.end(id).await;
    assert!(again.health.get("pulse.plc.setpoint").unwrap().active);
    again.apply(request("plc.setpoint", "0")).await;
    assert_eq!(noted(copy.path()), serde_json::json!({}));
}

#[tokio::test]
async fn an_explanation_says_what_a_write_would_meet() {
    let folder = tempfile::tempdir().unwrap();
    let mut line = node("line1", folder.path(), quick(), system(), false);
    set(
        &line,
        serde_json::json!([{ "match": ["plc.setpoint"], "rate": { "writes": 1, "per": "1h" } }]),
    );
    let cases = [
        ("plc.safety", "1", "role"),
        ("plc.state", "1", "access"),
        ("plc.setpoint", "\"hot\"", "type"),
        ("plc.setpoint", "100.5", "limits"),
        ("mes.order", "\"A1\"", "owner"),
        ("plc.none", "1", "datapoint"),
    ];
    for (name, value, rule) in cases {
        let found = line.desk.explain(&request(name, value));
        let last = found.steps.last().unwrap();
        assert_eq!((last.rule.as_str(), last.refusal.is_some()), (rule, true));
        let earlier = &found.steps[..found.steps.len() - 1];
        assert!(
            earlier.iter().all(|step| step.refusal.is_none()),
            "{found:?}"
        );
    }
    for _ in 0..3 {
        let found = line.desk.explain(&request("plc.setpoint", "1"));
        assert!(found.steps.iter().all(|step| step.refusal.is_none()));
        assert_eq!(found.steps.last().unwrap().rule.as_str(), "policy");
    }
    assert!(line.is_idle() && line.desk.counters().kept == 0);
    assert_eq!(
        line.apply(request("plc.setpoint", "1")).await.state(),
        WriteState::Applied
    );
    let found = line.desk.explain(&request("plc.setpoint", "1"));
    assert_eq!(found.steps.last().unwrap().refusal, Some(reason::POLICY));
}
