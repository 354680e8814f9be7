//! Events by a manual clock: told once, answered once, bounded.

use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{EventId, GlobSet, ManualClock, Name, NodeId, Quality, Role};
use mainstem_wire::api::event::EventReplyDocument;
use mainstem_wire::{Epoch, EventFrame};
use serde_json::value::RawValue;

use super::table::OF_LINK_MAX;
use super::{Answering, Event, EventError};
use crate::{Chunk, Delivery, Filter, Item, Reader, SourceId, Store, StoreLimits, StoreSetup};

fn store(clock: &Arc<ManualClock>) -> Arc<Store> {
    Store::new(StoreSetup {
        node: NodeId(uuid::Uuid::from_u128(7)),
        name: "plant1".into(),
        instance: 1,
        epoch: Epoch {
            counter: 1,
            random: 1,
        },
        clock: Arc::clone(clock) as _,
        limits: StoreLimits::default(),
    })
}

fn link(store: &Store) -> SourceId {
    store.put_own_source(None, "line1", Role::Link, Quality::GOOD, true)
}

fn json(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

fn raised(store: &Store, number: u128) -> Event {
    Event {
        id: EventId(uuid::Uuid::from_u128(number)),
        kind: Name::new("flow.order").unwrap(),
        data: json("{\"n\":1}"),
        deadline: store.clock().monotonic().after(Duration::from_secs(5)),
        from: vec!["mes@plant1".into()],
    }
}

fn frame(number: u128) -> EventFrame {
    EventFrame {
        id: EventId(uuid::Uuid::from_u128(number)),
        kind: "flow.order".into(),
        data: json("1"),
        remaining_ms: 5000,
        from: vec!["plc@line1".into()],
    }
}

fn reply() -> EventReplyDocument {
    EventReplyDocument {
        data: Some(json("42")),
        ..EventReplyDocument::default()
    }
}

fn events(reader: &mut Reader, store: &Store) -> Vec<u128> {
    let mut chunk = Chunk::default();
    let mut seen = Vec::new();
    while reader.read(store, &mut chunk, 100) == crate::Progress::More || !chunk.is_empty() {
        for item in &chunk.items {
            if let Item::Event(event) = item {
                seen.push(event.id.0.as_u128());
            }
        }
    }
    seen
}

#[test]
fn the_first_answer_counts() {
    let store = store(&Arc::new(ManualClock::new(
        mainstem_model::Timestamp::default(),
    )));
    let mut answer = store.raise_event(raised(&store, 1)).unwrap();
    let id = EventId(uuid::Uuid::from_u128(1));
    assert!(answer.try_recv().is_err());
    assert!(matches!(
        store.answer_event(id, reply()),
        Ok(Answering::Taken)
    ));
    assert_eq!(answer.try_recv().unwrap().data.unwrap().get(), "42");
    assert_eq!(
        store.answer_event(id, reply()).unwrap_err(),
        EventError::Over
    );
    let foreign = EventId(uuid::Uuid::from_u128(2));
    assert_eq!(
        store.answer_event(foreign, reply()).unwrap_err(),
        EventError::Unknown
    );
}

#[test]
fn what_is_late_or_given_up_answers_nobody() {
    let clock = Arc::new(ManualClock::new(mainstem_model::Timestamp::default()));
    let store = store(&clock);
    let answer = store.raise_event(raised(&store, 1)).unwrap();
    clock.advance(Duration::from_secs(5));
    let id = EventId(uuid::Uuid::from_u128(1));
    assert_eq!(
        store.answer_event(id, reply()).unwrap_err(),
        EventError::Over
    );
    drop(answer);
    drop(store.raise_event(raised(&store, 2)).unwrap());
    let id = EventId(uuid::Uuid::from_u128(2));
    assert_eq!(
        store.answer_event(id, reply()).unwrap_err(),
        EventError::Over
    );
    assert!(store.open_events().is_empty());
}

#[test]
fn a_reader_is_told_each_event_once_and_none_from_before() {
    let store = store(&Arc::new(ManualClock::new(
        mainstem_model::Timestamp::default(),
    )));
    let new = || {
        Reader::snapshot(Filter::everything(), Delivery::Every)
            .with_events(&store, GlobSet::everything())
    };
    let mut early = new();
    assert!(events(&mut early, &store).is_empty());
    let _first = store.raise_event(raised(&store, 1)).unwrap();
    let mut late = new();
    assert!(events(&mut late, &store).is_empty(), "none in a snapshot");
    let _second = store.raise_event(raised(&store, 2)).unwrap();
    assert_eq!(events(&mut early, &store), [1, 2]);
    assert_eq!(events(&mut late, &store), [2]);
    let mut without = Reader::snapshot(Filter::everything(), Delivery::Every);
    let _third = store.raise_event(raised(&store, 3)).unwrap();
    assert!(events(&mut without, &store).is_empty(), "nobody asked");
    let cursor = early.cursor(store.setup().epoch, 1);
    let resumed = Reader::resume(&store, Filter::everything(), Delivery::Every, cursor);
    let mut resumed = resumed.unwrap().with_events(&store, GlobSet::everything());
    assert!(events(&mut resumed, &store).is_empty(), "not resumed");
}

#[test]
fn an_answer_goes_back_the_way_that_the_event_came() {
    let store = store(&Arc::new(ManualClock::new(
        mainstem_model::Timestamp::default(),
    )));
    let line = link(&store);
    let id = EventId(uuid::Uuid::from_u128(1));
    store.carry_event(line, &frame(1)).unwrap();
    store.carry_event(line, &frame(1)).unwrap();
    assert_eq!(store.open_events().len(), 1, "a second way leads nowhere");
    assert_eq!(store.open_events()[0].from, ["plc@line1", "line1@plant1"]);
    assert_eq!(
        store.answer_event(id, reply()).unwrap_err(),
        EventError::LinkDown
    );
    let mut errands = store.register_answers(line);
    let Ok(Answering::Passing(_told)) = store.answer_event(id, reply()) else {
        panic!("it is not passed on");
    };
    assert_eq!(errands.try_recv().unwrap().id, id);
    assert_eq!(
        store.answer_event(id, reply()).unwrap_err(),
        EventError::Over
    );
    store.event_passed(id, false);
    assert!(matches!(
        store.answer_event(id, reply()),
        Ok(Answering::Passing(_))
    ));
    store.event_passed(id, true);
    assert!(store.open_events().is_empty());
}

#[test]
fn one_link_does_not_use_up_all_places() {
    let clock = Arc::new(ManualClock::new(mainstem_model::Timestamp::default()));
    let store = store(&clock);
    let line = link(&store);
    for number in 0..OF_LINK_MAX {
        store.carry_event(line, &frame(number as u128 + 1)).unwrap();
    }
    let over = store.carry_event(line, &frame(1_000_000));
    assert_eq!(over, Err(EventError::Full));
    let _other = store.raise_event(raised(&store, 2_000_000)).unwrap();
    clock.advance(Duration::from_secs(6));
    store.carry_event(line, &frame(3_000_000)).unwrap();
    let long = EventFrame {
        data: json(&format!("\"{}\"", "x".repeat(super::EVENT_BYTES_MAX))),
        ..frame(3_000_001)
    };
    assert_eq!(store.carry_event(line, &long), Err(EventError::TooLarge));
    let far = EventFrame {
        from: vec![String::new(); mainstem_wire::EVENT_HOPS_MAX],
        ..frame(3_000_002)
    };
    assert_eq!(store.carry_event(line, &far), Err(EventError::Refused));
    let unnamed = EventFrame {
        kind: "a b".into(),
        ..frame(3_000_003)
    };
    assert_eq!(store.carry_event(line, &unnamed), Err(EventError::Refused));
}
