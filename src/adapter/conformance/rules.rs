//! Rules about configuration, values, writes and stop, with a peer that is well.

use std::time::Duration;

use mainstem_model::{Access, Status};

use super::rig::PATIENCE;
use super::{Fixture, Observed, Rig};
use crate::{AdapterState, PointId, STOP_TIMEOUT, WriteAnswer};

/// How long nothing may come before it counts as silence.
const SILENCE: Duration = Duration::from_millis(500);
/// Building must not do I/O; a time in which no connection can be tried and given up.
const BUILD_LIMIT: Duration = Duration::from_millis(500);

/// All problems of a configuration are reported at once, with their places; nothing is connected.
pub async fn bad_configuration_reports_all_problems(fixture: Box<dyn Fixture>) {
    let kind = fixture.kind();
    let begun = std::time::Instant::now();
    let (spec, expected) = fixture.bad_spec();
    assert!(
        expected.len() >= 2,
        "one problem does not show that all are reported"
    );
    let problems = (kind.build)(&spec)
        .err()
        .expect("a bad configuration is refused");
    for pointer in &expected {
        let found = problems.iter().any(|problem| problem.pointer == *pointer);
        assert!(found, "no problem at {pointer}: {problems:?}");
    }
    assert_eq!(problems.len(), expected.len(), "{problems:?}");
    for problem in &problems {
        assert!(
            !problem.message.is_empty() && !problem.expected.is_empty(),
            "{problem:?}"
        );
    }
    // The peer was not started, and still the good configuration builds.
    let built = (kind.build)(&fixture.spec());
    assert!(built.is_ok(), "{:?}", built.err());
    assert!(
        begun.elapsed() < BUILD_LIMIT,
        "building took {:?}",
        begun.elapsed()
    );
    assert!((kind.connection_schema)().is_object() && (kind.endpoint_schema)().is_object());
    assert!(!kind.sample.is_empty() && !kind.summary.is_empty());
}

/// Every readable datapoint becomes good, with a value of its type and a plausible time.
pub async fn comes_online_with_values(mut fixture: Box<dyn Fixture>) {
    fixture.start().await;
    let rig = Rig::of(&*fixture);
    rig.witness
        .until_state(AdapterState::Online, PATIENCE)
        .await;
    rig.witness
        .until("all datapoints good", PATIENCE, |seen| all_good(seen, None))
        .await;
    let seen = rig.witness.observed();
    for (point, sample) in seen
        .latest
        .iter()
        .filter(|(point, _)| !seen.unsure.contains(point))
    {
        let value = sample.value.as_ref().expect("a good sample has a value");
        let definition = &seen.points[point.0 as usize].definition;
        assert_eq!(value.check(definition.value_type), Ok(()), "{point:?}");
        let now = rig.clock.now();
        let is_plausible = sample
            .source_time
            .is_some_and(|time| time.is_plausible(now, 60_000_000));
        assert!(is_plausible, "{sample:?}");
    }
    rig.runner.stop().await;
}

/// An address that does not exist is one bad datapoint, not a dead connection.
pub async fn bad_address_is_one_bad_point(mut fixture: Box<dyn Fixture>) {
    fixture.start().await;
    let (spec, bad) = fixture.bad_address();
    let rig = Rig::start(fixture.kind(), spec);
    let is_so = |seen: &Observed| {
        let point = seen.find(bad)?;
        let is_bad = seen.quality(point)?.status == Status::Bad;
        (is_bad && all_good(seen, Some(point)).is_some()).then_some(())
    };
    rig.witness
        .until("one bad, the others good", PATIENCE, is_so)
        .await;
    assert_eq!(rig.runner.standing().state, AdapterState::Online);
    rig.runner.stop().await;
}

/// A write reaches the device once, and its answer says so.
pub async fn write_is_answered_once(mut fixture: Box<dyn Fixture>) {
    fixture.start().await;
    let rig = Rig::of(&*fixture);
    let (name, value) = fixture.write();
    rig.witness
        .until_state(AdapterState::Online, PATIENCE)
        .await;
    let answer = rig.write(name, value.clone(), PATIENCE).await;
    assert!(matches!(answer, WriteAnswer::Applied { .. }), "{answer:?}");
    assert_eq!(fixture.writes_seen(), 1, "the device's own count");
    assert_eq!(
        rig.runner.view().statistics.writes,
        1,
        "Statistics::wrote is to be called"
    );
    let shows = |seen: &Observed| (seen.value(name)? == value).then_some(());
    let definition = rig.witness.observed();
    let point = definition.find(name).expect("the point");
    if definition.points[point.0 as usize].definition.access != Access::Write {
        rig.witness
            .until("the written value is read", PATIENCE, shows)
            .await;
    }
    rig.runner.stop().await;
    let late = rig.write(name, value, PATIENCE).await;
    assert!(matches!(late, WriteAnswer::NotSent { .. }), "{late:?}");
    assert_eq!(fixture.writes_seen(), 1);
}

/// Stop is done in time, and nothing is told afterwards.
pub async fn stop_is_prompt_and_final(mut fixture: Box<dyn Fixture>) {
    fixture.start().await;
    let rig = Rig::of(&*fixture);
    rig.witness
        .until("all datapoints good", PATIENCE, |seen| all_good(seen, None))
        .await;
    let begun = tokio::time::Instant::now();
    rig.runner.stop().await;
    assert!(
        begun.elapsed() < STOP_TIMEOUT,
        "stop took {:?}",
        begun.elapsed()
    );
    let statistics = rig.runner.view().statistics;
    assert_eq!(
        statistics.errors.get("stop_timeout"),
        None,
        "the session had to be cut off"
    );
    let calls = rig.witness.observed().calls;
    let more = |seen: &Observed| (seen.calls > calls).then_some(());
    let told = tokio::time::timeout(SILENCE, rig.witness.until("more", PATIENCE, more)).await;
    assert!(
        told.is_err(),
        "something was told after stop: {:?}",
        rig.witness.observed()
    );
    assert_eq!(rig.runner.standing().state, AdapterState::Stopped);
}

/// Whether every readable datapoint but one is good.
pub(super) fn all_good(seen: &Observed, but: Option<PointId>) -> Option<()> {
    let readable = |index: u32| seen.points[index as usize].definition.access != Access::Write;
    let count = u32::try_from(seen.points.len()).unwrap_or(u32::MAX);
    let mut points = (0..count).filter(|&index| readable(index)).map(PointId);
    let is_good = |point| seen.quality(point).is_some_and(|quality| quality.is_good());
    let excused = |point| Some(point) == but || seen.unsure.contains(&point);
    points
        .all(|point| excused(point) || is_good(point))
        .then_some(())
}
