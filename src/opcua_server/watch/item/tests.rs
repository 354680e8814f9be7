//! What is handed to the library, tried against the rules by which it keeps values back.

use opcua::types::DateTime;

use super::*;

fn sample(value: Option<f64>, status: StatusCode, ticks: i64) -> DataValue {
    DataValue {
        value: value.map(Variant::from),
        status: Some(status),
        source_timestamp: Some(DateTime::from(ticks)),
        ..DataValue::default()
    }
}

fn item(held_back: HeldBack, is_unfiltered: bool) -> Item {
    Item {
        handle: MonitoredItemHandle {
            subscription_id: 1,
            monitored_item_id: 1,
        },
        user: UserToken("somebody".to_owned()),
        interval: Duration::ZERO,
        held_back,
        is_unfiltered,
        is_on: true,
        due: Instant::now(),
        is_anew: false,
        last: sample(Some(1.0), StatusCode::Good, 1000),
    }
}

/// The library's rule for items without a filter (`MonitoredItem::notify_data_value`).
fn lets_through(before: &DataValue, now: &DataValue, held_back: HeldBack) -> bool {
    let in_time = match (before.source_timestamp, now.source_timestamp) {
        (Some(before), Some(at)) => !held_back.is_too_soon(at.ticks() - before.ticks()),
        _ => true,
    };
    before.value != now.value && in_time
}

fn told(item: &mut Item, sample: DataValue) -> Vec<DataValue> {
    let mut before = item.last.clone();
    let told = item.take(sample);
    for value in &told {
        assert!(
            lets_through(&before, value, item.held_back),
            "{value:?} after {before:?}"
        );
        before = value.clone();
    }
    told
}

#[test]
fn a_change_is_told_once_and_as_it_is() {
    let mut item = item(HeldBack::Nothing, true);
    let next = sample(Some(2.0), StatusCode::Good, 1001);
    assert_eq!(told(&mut item, next.clone()), [next.clone()]);
    assert!(told(&mut item, next).is_empty());
}

#[test]
fn a_change_of_quality_alone_is_told() {
    let mut item = item(HeldBack::Nothing, true);
    let doubted = sample(Some(1.0), StatusCode::Uncertain, 1000);
    assert_eq!(told(&mut item, doubted.clone()).last(), Some(&doubted));
    let down = told(
        &mut item,
        sample(None, StatusCode::BadNoCommunication, 1000),
    );
    assert_eq!(down.len(), 1);
    let other = told(&mut item, sample(None, StatusCode::BadOutOfService, 1000));
    assert_eq!(
        (other.len(), other[0].status),
        (1, Some(StatusCode::BadOutOfService))
    );
    let back = sample(Some(1.0), StatusCode::Good, 1000);
    assert_eq!(told(&mut item, back.clone()), [back]);
}

#[test]
fn a_clock_that_is_set_back_keeps_nothing_back() {
    let mut item = item(HeldBack::Nothing, true);
    let earlier = sample(Some(2.0), StatusCode::Good, 10);
    assert_eq!(told(&mut item, earlier.clone()).last(), Some(&earlier));
}

#[test]
fn source_times_stay_as_they_are_whatever_the_interval() {
    for held_back in [HeldBack::Everything, HeldBack::Within(50)] {
        let mut item = item(held_back, true);
        for step in 1..5_i32 {
            let next = sample(
                Some(f64::from(step) + 1.0),
                StatusCode::Good,
                1000 + i64::from(step),
            );
            assert_eq!(told(&mut item, next.clone()).last(), Some(&next));
        }
    }
}

#[test]
fn whoever_comes_back_is_told_how_it_is() {
    let mut item = item(HeldBack::Nothing, true);
    item.is_anew = true;
    let same = item.last.clone();
    assert_eq!(told(&mut item, same.clone()).last(), Some(&same));
    assert!(told(&mut item, same).is_empty());
}
