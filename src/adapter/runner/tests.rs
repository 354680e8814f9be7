//! Adapters that follow a script, on a clock that jumps ahead.

use std::collections::HashMap;

use mainstem_model::{Definition, Limits, Quality, Reason, Scalar};

use super::*;
use crate::conformance::{Rig, Witness};
use crate::{
    Adapter, AdapterIo, AdapterState, BoxFuture, Built, Cause, EndpointSpec, Point, Reading,
    Scaling, SessionEnd,
};

const LIMIT: Duration = Duration::from_secs(120);

/// Sessions of each adapter name so far: an adapter that is built anew must not start over.
static SESSIONS: Mutex<Option<HashMap<String, usize>>> = Mutex::new(None);

struct Scripted {
    name: String,
    script: String,
}

impl Adapter for Scripted {
    fn session<'a>(&'a mut self, io: &'a mut AdapterIo) -> BoxFuture<'a, Result<(), SessionEnd>> {
        let session = {
            let mut sessions = SESSIONS.lock();
            let count = sessions
                .get_or_insert_default()
                .entry(self.name.clone())
                .or_default();
            *count += 1;
            *count
        };
        Box::pin(async move {
            match (self.script.as_str(), session) {
                ("panics first", 1) => panic!("index 7 of 3"),
                ("refused first", 1) => Err(SessionEnd::Refused {
                    code: "certificate_untrusted",
                    message: "the server does not trust us".into(),
                    retry_after: Some(Duration::from_secs(5)),
                }),
                ("misconfigured first", 1) => {
                    let message = "no such node".into();
                    Err(SessionEnd::Misconfigured { message })
                }
                ("never up", _) => Err(SessionEnd::lost("timeout", "no answer")),
                ("flaps", _) => {
                    io.online();
                    Err(SessionEnd::lost("closed", "the peer closed"))
                }
                ("ends early", 1) => Ok(()),
                ("forgets one", 1) => {
                    io.online();
                    let both = [PointId(0), PointId(1)];
                    io.emit(
                        &mut both
                            .map(|point| Reading::good(point, Value::UInt(1)))
                            .into(),
                    );
                    Err(SessionEnd::lost("closed", "the peer closed"))
                }
                ("forgets one", _) => {
                    io.online();
                    io.emit(&mut vec![Reading::good(PointId(0), Value::UInt(1))]);
                    io.stopped().await;
                    Ok(())
                }
                _ => serve(&self.script, io).await,
            }
        })
    }
}

async fn serve(script: &str, io: &mut AdapterIo) -> Result<(), SessionEnd> {
    io.online();
    io.emit(&mut vec![
        Reading::good(PointId(0), Value::UInt(100)),
        Reading::good(PointId(1), Value::F64(7.0)),
    ]);
    let stopped = io.stopped();
    tokio::pin!(stopped);
    if script == "deaf" {
        std::future::pending::<()>().await;
    }
    if script == "takes no writes" {
        stopped.await;
        return Ok(());
    }
    loop {
        let mut job = tokio::select! {
            () = &mut stopped => return Ok(()),
            job = io.next_write() => job,
        };
        job.begin();
        if script == "breaks on write" {
            return Err(SessionEnd::lost("closed", "the peer closed"));
        }
        io.statistics().wrote();
        io.emit(&mut vec![Reading::good(job.point, job.value.clone())]);
        job.answer(WriteAnswer::Applied { verified: false });
    }
}

fn build(spec: &AdapterSpec) -> Result<Built, Vec<Problem>> {
    let Some(script) = spec.connection.as_str() else {
        return Err(vec![Problem::new("/connection", "no script", "a text")]);
    };
    let limits = Limits {
        min: Some(0.0),
        max: Some(500.0),
    };
    let point = |name: &str, definition| Point {
        name: name.into(),
        definition,
        endpoint: Some(0),
        device: None,
    };
    Ok(Built {
        adapter: Box::new(Scripted {
            name: spec.name.clone(),
            script: script.into(),
        }),
        points: vec![
            point(
                "setpoint",
                Definition::new(Scalar::F64).writable().limits(limits),
            ),
            point("sensor", Definition::new(Scalar::F64)),
        ],
        devices: vec![],
    })
}

const KIND: Kind = Kind {
    name: "scripted",
    summary: "Follows a script.",
    sample: "",
    connection_schema: || serde_json::json!({}),
    endpoint_schema: || serde_json::json!({}),
    build,
    explore: None,
};

fn spec(name: &str, script: &str) -> AdapterSpec {
    let scaling = Some(Scaling {
        factor: 0.1,
        offset: 0.0,
    });
    let endpoint = EndpointSpec {
        name: "setpoint".into(),
        operation: serde_json::Value::Null,
        interval: None,
        access: mainstem_model::Access::ReadWrite,
        value_type: None,
        unit: None,
        description: None,
        limits: None,
        scaling,
        time: None,
        stale_after: None,
        life: None,
    };
    AdapterSpec {
        name: name.into(),
        connection: script.into(),
        endpoints: vec![endpoint],
        folder: std::path::PathBuf::new(),
        home: std::path::PathBuf::new(),
    }
}

fn rig(script: &str) -> Rig {
    Rig::start(
        KIND,
        spec(
            &format!("{script} {:?}", std::thread::current().id()),
            script,
        ),
    )
}

async fn online(rig: &Rig) {
    rig.witness.until_state(AdapterState::Online, LIMIT).await;
}

fn statuses(rig: &Rig) -> Vec<Reason> {
    rig.witness
        .observed()
        .status_history
        .iter()
        .map(|(_, quality)| quality.reason)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn online_and_stopped() {
    let rig = rig("steady");
    online(&rig).await;
    let seen = |seen: &crate::conformance::Observed| seen.value("setpoint");
    assert_eq!(
        rig.witness.until("value", LIMIT, seen).await,
        Value::F64(10.0)
    );
    rig.runner.stop().await;
    assert_eq!(
        statuses(&rig),
        [
            Reason::Reconnecting,
            Reason::Catching,
            Reason::Ok,
            Reason::Stopped
        ]
    );
    let view = rig.runner.view();
    assert_eq!(
        (view.state, view.quality.reason),
        (AdapterState::Stopped, Reason::Stopped)
    );
    assert_eq!(
        (view.points, view.cause, view.statistics.samples),
        (2, None, 2)
    );
}

#[tokio::test(start_paused = true)]
async fn wrong_configuration_touches_nothing() {
    let witness = Witness::new();
    let clock: Arc<dyn Clock> = Arc::new(crate::conformance::TokioClock::new());
    let spec = AdapterSpec {
        connection: 7.into(),
        ..spec("wrong", "")
    };
    let started = AdapterRunner::start(KIND, spec, &witness, clock, RunnerOptions::default());
    assert_eq!(started.err().unwrap()[0].pointer, "/connection");
    assert!(witness.observed().points.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_panic_has_a_name_and_is_survived() {
    let rig = rig("panics first");
    rig.witness.until_state(AdapterState::Waiting, LIMIT).await;
    online(&rig).await;
    let standings = rig.witness.observed().standings;
    let waiting = standings
        .iter()
        .find(|s| s.state == AdapterState::Waiting)
        .unwrap();
    let cause = waiting.cause.as_ref().unwrap();
    assert_eq!(cause.code, Cause::PANIC);
    assert!(cause.message.contains("index 7 of 3") && cause.message.contains("scripted"));
    assert_eq!(rig.runner.view().statistics.errors[Cause::PANIC], 1);
    assert_eq!(rig.runner.view().cause, None, "online needs no cause");
    rig.runner.stop().await;
}

#[tokio::test(start_paused = true)]
async fn refused_tries_when_it_was_told_to() {
    let rig = rig("refused first");
    let begun = tokio::time::Instant::now();
    rig.witness.until_state(AdapterState::Refused, LIMIT).await;
    let standing = rig.runner.standing();
    let wait = standing.next_try.unwrap().micros() - standing.since.micros();
    assert_eq!(wait, 5_000_000);
    assert_eq!(standing.cause.unwrap().code, "certificate_untrusted");
    online(&rig).await;
    assert!(begun.elapsed() >= Duration::from_secs(5));
    rig.runner.stop().await;
}

#[tokio::test(start_paused = true)]
async fn misconfigured_waits_for_a_person() {
    let rig = rig("misconfigured first");
    rig.witness
        .until_state(AdapterState::Misconfigured, LIMIT)
        .await;
    assert_eq!(rig.runner.standing().next_try, None);
    tokio::time::advance(Duration::from_secs(3600)).await;
    tokio::task::yield_now().await;
    assert_eq!(rig.runner.standing().state, AdapterState::Misconfigured);
    assert_eq!(
        statuses(&rig).last(),
        Some(&Reason::NotConfigured),
        "not merely down"
    );
    rig.runner.resume();
    online(&rig).await;
    rig.runner.stop().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_session_uncertain_then_bad() {
    let rig = rig("never up");
    let begun = tokio::time::Instant::now();
    let is_down = |seen: &crate::conformance::Observed| {
        (seen.statuses[&None] == Quality::of(Reason::AdapterDown)).then_some(())
    };
    rig.witness.until_state(AdapterState::Waiting, LIMIT).await;
    rig.witness.until("bad", LIMIT, is_down).await;
    let after = begun.elapsed();
    assert!(
        after >= Duration::from_secs(30) && after < Duration::from_secs(32),
        "{after:?}"
    );
    assert_eq!(
        statuses(&rig),
        [Reason::Reconnecting, Reason::AdapterDown],
        "no flicker"
    );
    rig.runner.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_flapping_device_is_not_hammered() {
    let rig = rig("flaps");
    let enough = |seen: &crate::conformance::Observed| {
        let tries = seen
            .standings
            .iter()
            .filter(|s| s.state == AdapterState::Waiting);
        (tries.count() >= 8).then_some(())
    };
    let begun = tokio::time::Instant::now();
    rig.witness.until("eight tries", LIMIT, enough).await;
    // 50 + 100 + 200 + 400 + 800 + 1000 + 1000 ms lie between eight tries.
    assert!(
        begun.elapsed() >= Duration::from_millis(3550),
        "{:?}",
        begun.elapsed()
    );
    rig.runner.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_early_end_is_a_loss() {
    let rig = rig("ends early");
    rig.witness.until_state(AdapterState::Waiting, LIMIT).await;
    assert_eq!(rig.runner.standing().cause.unwrap().code, "ended");
    online(&rig).await;
    rig.runner.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_read_again_after_a_loss_is_not_good_again() {
    let rig = rig("forgets one");
    let own = |seen: &crate::conformance::Observed, name: &str| {
        let sample = seen.latest.get(&seen.find(name)?)?;
        Some(sample.quality.reason)
    };
    let is_stale = |seen: &crate::conformance::Observed| {
        let is_so = own(seen, "sensor") == Some(Reason::Stale);
        let sensor = seen.find("sensor")?;
        let is_trusted_again = seen.status_history.len() > 4;
        // At no moment after the loss does the old value look good.
        let is_old = seen.standings.len() > 3;
        assert!(!is_old || !seen.quality(sensor)?.is_good(), "{seen:?}");
        (is_so && is_trusted_again).then_some(())
    };
    rig.witness.until("stale by itself", LIMIT, is_stale).await;
    let settled =
        |seen: &crate::conformance::Observed| seen.statuses[&None].is_good().then_some(());
    rig.witness
        .until("the source is good", LIMIT, settled)
        .await;
    let expected = [
        Reason::Reconnecting,
        Reason::Catching,
        Reason::Ok,
        Reason::Reconnecting,
        Reason::Catching,
        Reason::Ok,
    ];
    assert_eq!(statuses(&rig), expected);
    assert_eq!(own(&rig.witness.observed(), "setpoint"), Some(Reason::Ok));
    rig.runner.stop().await;
}

#[tokio::test(start_paused = true)]
async fn pause_is_out_of_service() {
    let rig = rig("steady");
    online(&rig).await;
    rig.runner.pause();
    rig.witness.until_state(AdapterState::Paused, LIMIT).await;
    assert_eq!(rig.runner.standing().cause, None);
    let answer = rig.write("setpoint", Value::F64(1.0), LIMIT).await;
    let WriteAnswer::NotSent { message } = answer else {
        panic!("{answer:?}")
    };
    assert!(message.contains("paused"), "{message}");
    rig.runner.resume();
    online(&rig).await;
    let expected = [
        Reason::Reconnecting,
        Reason::Catching,
        Reason::Ok,
        Reason::OutOfService,
        Reason::Reconnecting,
        Reason::Catching,
        Reason::Ok,
    ];
    assert_eq!(statuses(&rig), expected);
    rig.runner.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_deaf_session_is_cut_off() {
    let rig = rig("deaf");
    online(&rig).await;
    let begun = tokio::time::Instant::now();
    rig.runner.stop().await;
    assert!(begun.elapsed() <= STOP_TIMEOUT + Duration::from_millis(10));
    assert_eq!(
        rig.runner.standing().cause.unwrap().code,
        Cause::STOP_TIMEOUT
    );
    let tasks = tokio::runtime::Handle::current().metrics();
    tokio::task::yield_now().await;
    assert_eq!(tasks.num_alive_tasks(), 0, "what was cut off is gone");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_runner_ends() {
    let rig = rig("steady");
    online(&rig).await;
    drop(rig.runner);
    rig.witness.until_state(AdapterState::Stopped, LIMIT).await;
}

#[tokio::test(start_paused = true)]
async fn a_write_is_scaled_back_and_answered() {
    let rig = rig("steady");
    online(&rig).await;
    let answer = rig.write("setpoint", Value::Int(21), LIMIT).await;
    assert_eq!(answer, WriteAnswer::Applied { verified: false });
    // The script echoes the raw 210, which reads as 21.
    assert_eq!(
        rig.witness.observed().value("setpoint"),
        Some(Value::F64(21.0))
    );
    rig.runner.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_wrong_write_never_reaches_the_adapter() {
    let rig = rig("steady");
    online(&rig).await;
    let cases = [
        ("sensor", Value::F64(1.0), "not_writable"),
        ("setpoint", Value::text("x"), "bad_type"),
        ("setpoint", Value::F64(500.1), "out_of_limits"),
        ("setpoint", Value::F64(f64::NAN), "out_of_limits"),
    ];
    for (name, value, expected) in cases {
        let answer = rig.write(name, value, LIMIT).await;
        let WriteAnswer::Refused { code, .. } = answer else {
            panic!("{name}: {answer:?}")
        };
        assert_eq!(code, expected);
    }
    let request = WriteRequest {
        point: PointId(9),
        value: Value::F64(1.0),
        deadline: rig.clock.monotonic().after(LIMIT),
    };
    assert!(matches!(
        rig.runner.write(request).await,
        WriteAnswer::Refused { .. }
    ));
    assert_eq!(rig.runner.view().statistics.writes, 0);
    rig.runner.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_queue_of_writes_is_bounded() {
    let rig = rig("takes no writes");
    online(&rig).await;
    let waiting: Vec<_> = (0..WRITES_WAITING_MAX)
        .map(|_| rig.write("setpoint", Value::F64(1.0), LIMIT))
        .collect();
    let one_more = rig.write("setpoint", Value::F64(1.0), LIMIT).await;
    let WriteAnswer::NotSent { message } = one_more else {
        panic!("{one_more:?}")
    };
    assert!(message.starts_with("busy"), "{message}");
    rig.runner.stop().await;
    for answer in waiting {
        assert!(matches!(answer.await, WriteAnswer::NotSent { .. }));
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_in_a_breaking_session_is_unknown() {
    let rig = rig("breaks on write");
    online(&rig).await;
    let answers = [
        rig.write("setpoint", Value::F64(1.0), LIMIT),
        rig.write("setpoint", Value::F64(2.0), LIMIT),
    ];
    let [first, second] = answers;
    assert!(
        matches!(first.await, WriteAnswer::Unknown { .. }),
        "it was under way"
    );
    assert!(
        matches!(second.await, WriteAnswer::NotSent { .. }),
        "it still waited"
    );
    rig.runner.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_late_write_is_not_sent() {
    let rig = rig("steady");
    online(&rig).await;
    let answer = rig.write("setpoint", Value::F64(1.0), Duration::ZERO);
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(matches!(answer.await, WriteAnswer::NotSent { .. }));
    assert_eq!(rig.runner.view().statistics.writes, 0);
    rig.runner.stop().await;
}
