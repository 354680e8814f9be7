//! Rules about links that break.

use std::time::Duration;

use mainstem_model::Quality;
use tokio::time::Instant;

use super::rig::{BACKOFF_INITIAL, PATIENCE};
use super::rules::all_good;
use super::{Fixture, Observed, Rig};
use crate::{AdapterState, Cause, PointId, WriteAnswer};

/// How soon a closed connection is to be noticed.
const NOTICED_WITHIN: Duration = Duration::from_secs(1);
/// What the runtime and a loaded machine may add to a configured time-out.
const SLACK: Duration = Duration::from_secs(2);
const RECONNECTS: usize = 10;

/// A closed connection is noticed at once, tried again less and less often, and good again; no
/// value from before the loss is shown as good before it was read again.
pub async fn closed_peer_is_found_and_found_again(mut fixture: Box<dyn Fixture>) {
    fixture.start().await;
    let rig = Rig::of(&*fixture);
    rig.witness
        .until("all datapoints good", PATIENCE, |seen| all_good(seen, None))
        .await;
    let before = rig.witness.observed().standings.len();
    fixture.stop(&rig.runner).await;
    rig.witness
        .until("the loss is told", NOTICED_WITHIN, lost)
        .await;
    let samples_before = rig.witness.observed().samples.len();
    let waits = rig
        .witness
        .until("three tries in vain", PATIENCE, |seen| waits(seen, before));
    let waits = waits.await;
    assert!(waits[0] <= BACKOFF_INITIAL, "{waits:?}");
    assert!(
        waits.is_sorted() && waits[2] > waits[0],
        "the waits must grow: {waits:?}"
    );
    fixture.start().await;
    let read_again = |seen: &Observed| {
        nothing_old_is_good(seen, samples_before);
        all_good(seen, None)
    };
    rig.witness
        .until("all good again", PATIENCE, read_again)
        .await;
    assert_eq!(rig.runner.standing().state, AdapterState::Online);
    rig.runner.stop().await;
}

/// Whoever is shown as good has brought a sample since.
fn nothing_old_is_good(seen: &Observed, since: usize) {
    for point in (0..).map(PointId).take(seen.points.len()) {
        let is_good = seen.quality(point).is_some_and(|quality| quality.is_good());
        let is_new = || seen.samples[since..].iter().any(|(of, _)| *of == point);
        assert!(
            !is_good || is_new(),
            "{} is shown as good with a value from before the loss",
            seen.points[point.0 as usize].name
        );
    }
}

/// A peer that accepts and never answers is given up after the configured time.
pub async fn half_open_peer_hits_the_timeout(mut fixture: Box<dyn Fixture>) {
    fixture.start().await;
    let rig = Rig::of(&*fixture);
    rig.witness
        .until("all datapoints good", PATIENCE, |seen| all_good(seen, None))
        .await;
    fixture.freeze(&rig.runner).await;
    let limit = fixture.silence_limit() + SLACK;
    // Whether the connection or the device behind it is given up is the kind's own decision.
    let noticed = |seen: &Observed| all_good(seen, None).is_none().then_some(());
    rig.witness
        .until("the silence is told", limit, noticed)
        .await;
    fixture.start().await;
    rig.witness
        .until("all good again", PATIENCE, |seen| all_good(seen, None))
        .await;
    rig.runner.stop().await;
}

/// A write that is under way when the link is lost is answered too, and never as applied.
pub async fn write_is_answered_when_the_link_is_lost(mut fixture: Box<dyn Fixture>) {
    fixture.start().await;
    let rig = Rig::of(&*fixture);
    let (name, value) = fixture.write();
    rig.witness
        .until_state(AdapterState::Online, PATIENCE)
        .await;
    fixture.freeze(&rig.runner).await;
    let answer = rig.write(name, value.clone(), PATIENCE);
    fixture.stop(&rig.runner).await;
    let answer = tokio::time::timeout(PATIENCE, answer)
        .await
        .expect("a write without an answer");
    let is_honest = matches!(
        answer,
        WriteAnswer::Unknown { .. } | WriteAnswer::NotSent { .. }
    );
    assert!(is_honest, "{answer:?}");
    rig.witness.until("the loss is told", PATIENCE, lost).await;
    let begun = Instant::now();
    let refused = rig.write(name, value, PATIENCE).await;
    assert!(
        matches!(refused, WriteAnswer::NotSent { .. }),
        "{refused:?}"
    );
    assert!(
        begun.elapsed() < NOTICED_WITHIN,
        "a write without a session is refused at once"
    );
    rig.runner.stop().await;
}

/// Bytes that mean nothing end the session at most; they never end in a panic or in good values.
pub async fn garbage_does_no_harm(mut fixture: Box<dyn Fixture>) {
    fixture.start().await;
    let rig = Rig::of(&*fixture);
    rig.witness
        .until("all datapoints good", PATIENCE, |seen| all_good(seen, None))
        .await;
    fixture.garbage().await;
    let noticed = |seen: &Observed| all_good(seen, None).is_none().then_some(());
    rig.witness
        .until(
            "the garbage is told",
            fixture.silence_limit() + SLACK,
            noticed,
        )
        .await;
    fixture.start().await;
    rig.witness
        .until("all good again", PATIENCE, |seen| all_good(seen, None))
        .await;
    assert_eq!(rig.runner.view().statistics.errors.get(Cause::PANIC), None);
    rig.runner.stop().await;
}

/// Sessions leave nothing behind.
pub async fn reconnects_leak_no_task(mut fixture: Box<dyn Fixture>) {
    fixture.start().await;
    let rig = Rig::of(&*fixture);
    rig.witness
        .until("all datapoints good", PATIENCE, |seen| all_good(seen, None))
        .await;
    let tasks = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    let before = tasks();
    for _ in 0..RECONNECTS {
        fixture.stop(&rig.runner).await;
        rig.witness.until("the loss is told", PATIENCE, lost).await;
        fixture.start().await;
        rig.witness
            .until_state(AdapterState::Online, PATIENCE)
            .await;
        rig.witness
            .until("all good again", PATIENCE, |seen| all_good(seen, None))
            .await;
    }
    let calm = async {
        // What ended may need a moment of the runtime to be gone.
        while tasks() > before {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let calmed = tokio::time::timeout(PATIENCE, calm).await;
    assert!(
        calmed.is_ok(),
        "{before} tasks before, {} after {RECONNECTS} reconnects",
        tasks()
    );
    rig.runner.stop().await;
}

fn lost(seen: &Observed) -> Option<()> {
    let status: Quality = *seen.statuses.get(&None)?;
    (!status.is_good()).then_some(())
}

/// The first three waits after a number of standings, from each try's label to its next.
fn waits(seen: &Observed, before: usize) -> Option<Vec<Duration>> {
    let wait = |standing: &crate::Standing| {
        let micros = standing.next_try?.micros() - standing.since.micros();
        u64::try_from(micros).ok().map(Duration::from_micros)
    };
    let waiting = seen.standings.get(before..)?.iter();
    let waiting = waiting.filter(|standing| standing.state == AdapterState::Waiting);
    let waits: Vec<Duration> = waiting.filter_map(wait).take(3).collect();
    (waits.len() == 3).then_some(waits)
}
