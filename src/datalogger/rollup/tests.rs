//! Calendars: every zone's slots are without hole and overlap, and lie within each other.

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::Step;

fn calendar(zone: &str) -> Calendar {
    Calendar::new(TimeZone::get(zone).unwrap())
}

fn at(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_microsecond()
}

fn hours(slot: Slot) -> f64 {
    (slot.to - slot.from) as f64 / 3.6e9
}

#[test]
fn days_have_the_hours_that_they_have() {
    let berlin = calendar("Europe/Berlin");
    let day = |moment: &str| hours(berlin.slot(Step::Day, at(moment)));
    assert_eq!(day("2026-03-29T12:00:00Z"), 23.0);
    assert_eq!(day("2026-10-25T12:00:00Z"), 25.0);
    assert_eq!(day("2026-06-01T12:00:00Z"), 24.0);
    let february = |year: u16| {
        let slot = berlin.slot(Step::Month, at(&format!("{year}-02-10T00:00:00Z")));
        hours(slot) / 24.0
    };
    assert_eq!(
        [february(2024), february(2026), february(2100)],
        [29.0, 28.0, 28.0]
    );
    // The hour that is lived twice is two slots.
    let first = berlin.slot(Step::Hour, at("2026-10-25T00:30:00Z"));
    let second = berlin.next(Step::Hour, first);
    assert_eq!((hours(first), hours(second)), (1.0, 1.0));
    assert_eq!(second.from, at("2026-10-25T01:00:00Z"));
    // Half-hour zones begin their hours at half past.
    let kolkata = calendar("Asia/Kolkata").slot(Step::Hour, at("2026-06-01T12:00:00Z"));
    assert_eq!(kolkata.from, at("2026-06-01T11:30:00Z"));
    let kathmandu = calendar("Asia/Kathmandu").slot(Step::Day, at("2026-06-01T12:00:00Z"));
    assert_eq!(kathmandu.from, at("2026-05-31T18:15:00Z"));
    // A zone that moves by half an hour cuts the hour there.
    let lord_howe = calendar("Australia/Lord_Howe").slot(Step::Hour, at("2026-04-04T15:10:00Z"));
    assert_eq!(hours(lord_howe), 0.5);
    // A day whose midnight is left out begins at one; a day that is left out does not exist.
    let cairo = calendar("Africa/Cairo").slot(Step::Day, at("2026-04-24T12:00:00Z"));
    assert_eq!(hours(cairo), 23.0);
    let apia = calendar("Pacific/Apia");
    let before = apia.slot(Step::Day, at("2011-12-30T09:00:00Z"));
    assert_eq!(apia.next(Step::Day, before).from, before.to);
    assert_eq!(hours(before), 24.0);
}

/// The zones come with the program: a machine without a database of its own has them too.
#[test]
fn zones_are_there_without_the_machine() {
    let bundled = jiff::tz::TimeZoneDatabase::bundled();
    let berlin = bundled.get("Europe/Berlin").unwrap();
    let day = Calendar::new(berlin).slot(Step::Day, at("2026-10-25T12:00:00Z"));
    assert_eq!(hours(day), 25.0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn slots_leave_no_hole(
        zone in prop::sample::select(vec![
            "Europe/Berlin", "America/St_Johns", "America/Havana", "Australia/Lord_Howe",
            "Asia/Kolkata", "Pacific/Apia", "America/Sao_Paulo", "Africa/Cairo", "Antarctica/Troll",
            "Asia/Gaza", "UTC",
        ]),
        second in 0..4_000_000_000_i64,
        near in any::<bool>(),
    ) {
        let calendar = calendar(zone);
        let mut moment = second * 1_000_000;
        if near {
            // Close to where the zone moves, if it does.
            let from = jiff::Timestamp::from_microsecond(moment).unwrap();
            if let Some(change) = calendar.zone().following(from).next() {
                moment = change.timestamp().as_microsecond() + second % 14_400_000_000 - 7_200_000_000;
            }
        }
        let mut inner: Option<Slot> = None;
        for step in Step::ALL {
            let slot = calendar.slot(step, moment);
            prop_assert!(slot.contains(moment), "{step:?} {slot:?} {moment}");
            for edge in [slot.from, slot.to - 1] {
                prop_assert_eq!(calendar.slot(step, edge), slot, "{:?}", step);
            }
            prop_assert_eq!(calendar.next(step, slot).from, slot.to);
            prop_assert_eq!(calendar.previous(step, slot).to, slot.from);
            if let Some(inner) = inner {
                prop_assert!(slot.from <= inner.from && inner.to <= slot.to, "{step:?}");
            }
            inner = Some(slot);
        }
    }
}
