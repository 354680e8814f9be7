//! A line with 31 units of which one is dead: what the others lose, counted in polls.

use mainstem_adapter::EndpointSpec;
use mainstem_model::Reason;
use serde_json::json;

use crate::device::Device;
use crate::rig::{Seen, read, started};

const UNITS: u8 = 31;
const DEAD: u8 = 17;
/// Polls of each unit of the sound line in which the other one is watched: three of the waits
/// between two attempts on the dead unit, and more.
const POLLS: usize = 200;

fn line() -> Vec<EndpointSpec> {
    let operation = |unit| json!({ "fc": 3, "address": 0, "unitId": unit, "interval": 100 });
    (1..=UNITS).map(|unit| read(operation(unit))).collect()
}

/// The fewest good values that any unit but the dead one has had.
fn fewest(seen: &Seen, since: &Seen) -> usize {
    let others = (1..=UNITS)
        .filter(|unit| *unit != DEAD)
        .map(|unit| u32::from(unit) - 1);
    let count = |point| seen.good(point) - since.good(point);
    others.map(count).min().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_dead_unit_of_31_costs_the_others_less_than_a_tenth_of_their_polls() {
    // Two lines side by side on the same machine, so that what slows one slows the other: one is
    // sound, on the other one unit never answers.
    let (sound, dead) = (Device::with(0..4).await, Device::with(0..4).await);
    dead.plc.lock().silent.insert(DEAD);
    // The one pause that a real line has, so that the line is the narrow place.
    let options = json!({ "socketTimeout": 300, "requestGap": 1 });
    let mut one = started(sound.port, &options, line());
    let mut other = started(dead.port, &options, line());
    let is_down = |seen: &Seen| {
        let place = usize::from(DEAD) - 1;
        seen.devices
            .get(&place)
            .is_some_and(|quality| quality.reason == Reason::DeviceDown)
    };
    other.until("the dead unit is down", is_down).await;
    let (before, since) = (one.seen(), other.seen());
    let count = |seen: &Seen| fewest(seen, &before);
    // The sound line counts the time for both.
    let mut reached = 0;
    while reached < POLLS {
        reached = count(&one.until("polls", |seen| count(seen) > reached).await);
    }
    let polled = fewest(&other.seen(), &since);
    let attempts = dead.reads(DEAD).len();
    assert!(attempts >= 3, "it was asked again and again: {attempts}");
    assert!(
        polled * 10 >= reached * 9,
        "{polled} polls of each beside a dead unit, {reached} without one"
    );
    assert_eq!(other.seen().online, 1);
    one.stopped().await;
    other.stopped().await;
}
