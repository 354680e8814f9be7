//! The feed as readers see it.

mod epochs;
mod renaming;

use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{
    Definition, GlobSet, ManualClock, Name, NodeId, Quality, Reason, Role, Sample, Scalar, Status,
    Timestamp, Value,
};
use mainstem_wire::Epoch;

use crate::*;

struct Bench {
    store: Arc<Store>,
    clock: Arc<ManualClock>,
    source: SourceId,
    points: Vec<PointId>,
}

pub(crate) fn setup(counter: u32, log_bytes: usize) -> (Arc<Store>, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_795_000_000_000)));
    let store = Store::new(StoreSetup {
        node: NodeId(uuid::Uuid::from_u128(7)),
        name: "line1".into(),
        instance: 1,
        epoch: Epoch {
            counter,
            random: 99 + u64::from(counter),
        },
        clock: clock.clone(),
        limits: StoreLimits {
            log_bytes,
            points_max: 1000,
            ..StoreLimits::default()
        },
    });
    (store, clock)
}

fn bench(points: usize, log_bytes: usize) -> Bench {
    let (store, clock) = setup(1, log_bytes);
    let source = store.put_own_source(None, "plc1", Role::Adapter, Quality::GOOD, true);
    let define = |index| {
        let name = Name::new(&format!("plc1.p{index}")).unwrap();
        store
            .define(source, &name, Definition::new(Scalar::F64))
            .unwrap()
    };
    let points = (0..points).map(define).collect();
    Bench {
        store,
        clock,
        source,
        points,
    }
}

impl Bench {
    fn put(&self, point: usize, value: f64) -> usize {
        self.clock.advance(Duration::from_millis(1));
        let sample = Sample::good(Value::F64(value), None);
        self.store
            .apply(self.source, &mut vec![(self.points[point], sample)])
    }
}

/// Reads to the head; returns items in order with rows as (id, value).
fn drain(reader: &mut Reader, store: &Store) -> (Vec<Item>, Vec<(u32, f64)>, Option<u64>) {
    let (mut items, mut rows, mut place) = (Vec::new(), Vec::new(), None);
    let mut chunk = Chunk::default();
    for _ in 0..10_000 {
        let progress = reader.read(store, &mut chunk, 1024);
        for item in &chunk.items {
            if let Item::End(sequence) = item {
                place = Some(*sequence);
            }
        }
        place = chunk.bookmark.or(place);
        items.append(&mut chunk.items);
        let number = |value: &Option<Value>| value.as_ref().and_then(Value::as_f64).unwrap();
        rows.extend(chunk.rows.iter().map(|row| (row.id, number(&row.value))));
        match progress {
            Progress::More => {}
            Progress::AtHead => return (items, rows, place),
            Progress::Expired => panic!("expired"),
        }
    }
    panic!("the reader does not come to the head");
}

fn every() -> Reader {
    Reader::snapshot(Filter::everything(), Delivery::Every)
}

#[test]
fn a_snapshot_then_each_change_in_order() {
    let bench = bench(3, 1 << 20);
    bench.put(0, 1.0);
    bench.put(1, 2.0);
    let mut reader = every();
    let (items, rows, _) = drain(&mut reader, &bench.store);
    assert!(matches!(items[0], Item::Source(_)));
    assert_eq!(
        items
            .iter()
            .filter(|item| matches!(item, Item::Define(_)))
            .count(),
        3
    );
    assert_eq!(
        rows,
        [(0, 1.0), (1, 2.0)],
        "a datapoint without a value has no row"
    );
    for value in 0..5 {
        bench.put(2, f64::from(value));
    }
    let (_, rows, _) = drain(&mut reader, &bench.store);
    assert_eq!(rows, [(2, 0.0), (2, 1.0), (2, 2.0), (2, 3.0), (2, 4.0)]);
}

#[test]
fn an_equal_sample_is_no_entry_but_confirms() {
    let bench = bench(1, 1 << 20);
    assert_eq!(bench.put(0, 1.0), 1);
    bench.clock.advance(Duration::from_secs(9));
    assert_eq!(bench.put(0, 1.0), 0);
    let view = bench.store.point("plc1.p0").unwrap();
    assert_eq!(view.age, Duration::ZERO);
    bench.clock.advance(Duration::from_secs(2));
    assert_eq!(
        bench.store.point("plc1.p0").unwrap().age,
        Duration::from_secs(2)
    );
}

#[test]
fn a_device_stamp_makes_a_change() {
    let bench = bench(1, 1 << 20);
    let put = |time| {
        let sample = Sample::good(Value::F64(1.0), Some(Timestamp::from_millis(time)));
        bench
            .store
            .apply(bench.source, &mut vec![(bench.points[0], sample)])
    };
    assert_eq!((put(5), put(5), put(6), put(2)), (1, 0, 1, 1));
}

#[test]
fn latest_leaves_out_what_is_superseded() {
    let bench = bench(2, 1 << 20);
    let mut reader = Reader::snapshot(Filter::everything(), Delivery::Latest);
    drain(&mut reader, &bench.store);
    for value in 0..10 {
        bench.put(0, f64::from(value));
        bench.put(1, f64::from(value) / 2.0);
    }
    let (_, rows, _) = drain(&mut reader, &bench.store);
    assert_eq!(rows, [(0, 9.0), (1, 4.5)]);
    assert_eq!(reader.missed(), 18);
}

// A line of 5 % loss showed values of 25 s ago as good over a link that was live.
#[test]
fn a_datapoint_that_never_rests_is_not_put_off_by_a_slow_reader_of_the_latest() {
    let bench = bench(100, 16 << 20);
    let mut reader = Reader::snapshot(Filter::everything(), Delivery::Latest);
    drain(&mut reader, &bench.store);
    let mut chunk = Chunk::default();
    let (mut value, mut told) = (0.0, 0.0);
    for round in 0..200 {
        // Twice as much as the reader takes, and the first one again and again.
        for point in 0..10 {
            value += 1.0;
            bench.put(0, value);
            bench.put(1 + (round * 10 + point) % 99, value);
        }
        reader.read(&bench.store, &mut chunk, 5);
        let hot = chunk.rows.iter().filter(|row| row.id == 0);
        let newest = hot
            .filter_map(|row| row.value.as_ref()?.as_f64())
            .next_back();
        assert!(newest.is_none_or(|newest| newest > told), "never older");
        told = newest.unwrap_or(told);
    }
    assert!(told > value / 4.0, "{told} was told last, of {value}");
}

#[test]
fn a_reader_of_the_latest_that_is_far_behind_gets_each_in_its_turn() {
    let bench = bench(8, 16 << 20);
    let mut reader = Reader::snapshot(Filter::everything(), Delivery::Latest)
        .with_events(&bench.store, GlobSet::everything());
    drain(&mut reader, &bench.store);
    // In an order that is not that of the numbers, and more than are taken from the log.
    for value in 0..20_000_u32 {
        bench.put((7 - value % 8) as usize, f64::from(value));
    }
    let mut chunk = Chunk::default();
    reader.read(&bench.store, &mut chunk, 1024);
    assert!(chunk.is_empty(), "{:?}", chunk.items);
    // What changes meanwhile comes as it is then, and is not told again by an older value.
    bench.put(3, 70_000.0);
    let (items, rows, _) = drain(&mut reader, &bench.store);
    let ids: Vec<u32> = rows.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, [0, 1, 2, 3, 4, 5, 6, 7, 3]);
    assert_eq!((rows[0], rows[7]), ((0, 19_999.0), (7, 19_992.0)));
    assert_eq!((rows[3].1, rows[8].1), (70_000.0, 70_000.0));
    let is_change = |item: &Item| matches!(item, Item::Rows { catchup: false, .. });
    assert!(items.iter().all(is_change), "{items:?}");
    assert_eq!(reader.missed(), 20_000 - 8);
}

// Seed 528 of the simulation, as it was then: a reader behind a backlog took the source for good
// before it had the samples that were missing while it was not.
#[test]
fn a_source_is_not_told_as_good_before_the_samples_that_made_it_so() {
    let bench = bench(1, 1 << 20);
    let quiet = Quality::of(Reason::LinkQuiet);
    let link = |quality, complete| {
        let store = &bench.store;
        store.put_own_source(None, "line2", Role::Link, quality, complete);
    };
    link(quiet, false);
    let mut reader = every();
    drain(&mut reader, &bench.store);
    link(quiet, true);
    bench.put(0, 1.0);
    link(Quality::GOOD, true);
    let mut chunk = Chunk::default();
    reader.read(&bench.store, &mut chunk, 1024);
    let told = chunk.items.iter().filter_map(|item| match item {
        Item::Source(frame) => Some(Quality {
            status: frame.status,
            reason: frame.reason,
        }),
        _ => None,
    });
    let told: Vec<Quality> = told.collect();
    assert_eq!(told, [Quality::of(Reason::Catching), Quality::GOOD]);
}

// Seed 948 of the simulation: the reader had fallen behind the log, and took the source for good
// while the rows that were missing were still on their way.
#[test]
fn who_falls_behind_is_told_that_a_source_is_good_after_its_samples() {
    let bench = bench(3, 4096);
    let quiet = Quality::of(Reason::LinkQuiet);
    let mut reader = every();
    drain(&mut reader, &bench.store);
    bench.store.set_status(bench.source, quiet);
    for value in 0..500 {
        bench.put(value % 3, 1.0 + f64::from(u32::try_from(value).unwrap()));
    }
    bench.store.set_status(bench.source, Quality::GOOD);
    let (items, rows, _) = drain(&mut reader, &bench.store);
    assert_eq!(rows.len(), 3);
    let told = items.iter().filter_map(|item| match item {
        Item::Source(frame) => Some(("source", frame.status)),
        Item::Status(frame) => Some(("status", frame.status)),
        Item::Rows { .. } => Some(("rows", Status::Good)),
        _ => None,
    });
    let told: Vec<(&str, Status)> = told.collect();
    let expected = [
        ("source", Status::Uncertain),
        ("rows", Status::Good),
        ("status", Status::Good),
    ];
    assert_eq!(told, expected);
}

#[test]
fn resume_repeats_nothing_and_misses_nothing() {
    let bench = bench(2, 1 << 20);
    let mut reader = every();
    bench.put(0, 1.0);
    let (_, _, place) = drain(&mut reader, &bench.store);
    let cursor = reader.cursor(bench.store.setup().epoch, place.unwrap());
    bench.put(1, 2.0);
    bench.put(0, 3.0);
    let resume = || Reader::resume(&bench.store, Filter::everything(), Delivery::Every, cursor);
    let (items, rows, _) = drain(&mut resume().unwrap(), &bench.store);
    assert_eq!(rows, [(1, 2.0), (0, 3.0)]);
    assert!(
        !items
            .iter()
            .any(|item| matches!(item, Item::Define(_) | Item::End(_)))
    );
    let (other, _) = setup(2, 1 << 20);
    let refused = Reader::resume(&other, Filter::everything(), Delivery::Every, cursor);
    assert_eq!(refused.unwrap_err(), StartError::Epoch);
    let narrow = Filter::new(GlobSet::everything(), GlobSet::new(&["a.**"]).unwrap());
    let refused = Reader::resume(&bench.store, narrow, Delivery::Every, cursor);
    assert_eq!(refused.unwrap_err(), StartError::Filter);
}

#[test]
fn who_falls_behind_gets_a_gap_and_the_latest() {
    let bench = bench(3, 4000);
    let mut reader = every();
    drain(&mut reader, &bench.store);
    for value in 0..1000 {
        bench.put(value % 2, value as f64);
    }
    let (items, rows, _) = drain(&mut reader, &bench.store);
    let gap = items.iter().find_map(|item| match item {
        Item::Gap(gap) => Some(*gap),
        _ => None,
    });
    let gap = gap.unwrap();
    assert_eq!(gap.count, gap.to - gap.from);
    assert!(gap.count > 900 && reader.missed() == gap.count);
    let last = |id| rows.iter().rfind(|(row, _)| *row == id).unwrap().1;
    assert_eq!((last(0), last(1)), (998.0, 999.0));
    assert!(bench.store.statistics().log_bytes <= 4000);
}

#[test]
fn removals_reach_a_reader_that_was_away_for_long() {
    let bench = bench(3, 4000);
    let mut reader = every();
    drain(&mut reader, &bench.store);
    bench.store.remove_points(&[bench.points[1]]);
    for value in 0..1000 {
        bench.put(0, f64::from(value));
    }
    let (items, _, _) = drain(&mut reader, &bench.store);
    assert!(items.contains(&Item::Remove(1)));
    assert!(bench.store.point("plc1.p1").is_none());
}

#[test]
fn another_definition_is_another_number() {
    let bench = bench(1, 1 << 20);
    bench.put(0, 5.0);
    let mut reader = every();
    drain(&mut reader, &bench.store);
    let name = Name::new("plc1.p0").unwrap();
    let with_unit = Definition::new(Scalar::F64).unit("bar");
    let id = bench.store.define(bench.source, &name, with_unit).unwrap();
    assert_ne!(id, bench.points[0]);
    let (items, rows, _) = drain(&mut reader, &bench.store);
    assert!(items.contains(&Item::Remove(0)));
    assert_eq!(rows, [(id.0, 5.0)], "the value goes over to the new number");
    let as_text = Definition::new(Scalar::Text);
    bench.store.define(bench.source, &name, as_text).unwrap();
    assert_eq!(bench.store.point("plc1.p0").unwrap().value, None);
}

#[test]
fn a_datapoint_has_one_source() {
    let bench = bench(1, 1 << 20);
    let other = bench
        .store
        .put_own_source(None, "plc2", Role::Adapter, Quality::GOOD, true);
    let name = Name::new("plc1.p0").unwrap();
    let refused = bench
        .store
        .define(other, &name, Definition::new(Scalar::F64));
    assert!(matches!(refused, Err(DefineError::Owned { .. })));
}

#[test]
fn the_number_of_datapoints_is_limited() {
    let bench = bench(1000, 1 << 20);
    let name = Name::new("plc1.one_more").unwrap();
    let refused = bench
        .store
        .define(bench.source, &name, Definition::new(Scalar::F64));
    assert!(matches!(refused, Err(DefineError::Full { .. })));
}

#[test]
fn a_sources_state_covers_its_datapoints_without_touching_them() {
    let bench = bench(2, 1 << 20);
    bench.put(0, 1.0);
    let head = bench.store.statistics().head;
    bench
        .store
        .set_status(bench.source, Quality::of(Reason::AdapterDown));
    assert_eq!(bench.store.statistics().head, head + 1);
    let view = bench.store.point("plc1.p0").unwrap();
    assert_eq!(view.quality, Quality::of(Reason::AdapterDown));
    assert_eq!(view.hop.as_deref(), Some("plc1"));
    assert_eq!(
        view.value,
        Some(Value::F64(1.0)),
        "the last value stays visible"
    );
    bench.store.set_status(bench.source, Quality::GOOD);
    assert!(bench.store.point("plc1.p0").unwrap().quality.is_good());
}

#[test]
fn a_quality_without_a_value_keeps_value_and_time() {
    let bench = bench(1, 1 << 20);
    bench.put(0, 1.0);
    let before = bench.store.point("plc1.p0").unwrap();
    bench.clock.advance(Duration::from_secs(5));
    let bad = Sample::without_value(Quality::of(Reason::BadAddress), None);
    bench
        .store
        .apply(bench.source, &mut vec![(bench.points[0], bad)]);
    let after = bench.store.point("plc1.p0").unwrap();
    assert_eq!(
        (after.value, after.source_time),
        (before.value, before.source_time)
    );
    assert_eq!(after.quality, Quality::of(Reason::BadAddress));
    assert_eq!(after.hop, None);
}

#[test]
fn a_checkpoint_comes_back_uncertain() {
    let bench = bench(3, 1 << 20);
    bench.put(0, 1.0);
    bench.put(1, 2.0);
    let bytes = bench.store.checkpoint();
    let (store, _) = setup(2, 1 << 20);
    store.restore(&bytes).unwrap();
    let view = store.point("plc1.p0").unwrap();
    assert_eq!(view.value, Some(Value::F64(1.0)));
    assert_eq!(view.quality, Quality::of(Reason::Restarted));
    // The source is up again, but the device has not said the value again yet.
    let source = store.put_own_source(None, "plc1", Role::Adapter, Quality::GOOD, true);
    let id = store
        .define(source, &view.name, Definition::new(Scalar::F64))
        .unwrap();
    assert_eq!(
        store.point("plc1.p0").unwrap().quality,
        Quality::of(Reason::Restarted)
    );
    let sample = Sample::good(Value::F64(1.0), None);
    assert_eq!(store.apply(source, &mut vec![(id, sample)]), 1);
    assert!(store.point("plc1.p0").unwrap().quality.is_good());
    assert_eq!(store.point("plc1.p2").unwrap().value, None);
}

#[test]
fn a_damaged_checkpoint_is_refused() {
    let bytes = bench(3, 1 << 20).store.checkpoint();
    for cut in [0, 1, 10, bytes.len() / 2, bytes.len() - 3] {
        let (store, _) = setup(2, 1 << 20);
        // A cut between lines is caught by the checksum around the file.
        if !bytes[..cut].ends_with(b"\n") {
            assert!(store.restore(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }
}

#[test]
fn listing_goes_page_by_page() {
    let bench = bench(25, 1 << 20);
    let mut query = ListQuery {
        limit: 10,
        ..ListQuery::default()
    };
    let mut seen = Vec::new();
    loop {
        let (page, next) = bench.store.list(&query, &Filter::everything());
        seen.extend(page.into_iter().map(|view| view.name));
        match next {
            Some(_) => query.after = next,
            None => break,
        }
    }
    assert_eq!(seen.len(), 25);
    assert!(seen.is_sorted());
}

#[test]
fn age_and_since_follow_trust_and_not_each_sample() {
    let bench = bench(2, 1 << 20);
    bench.put(0, 1.0);
    bench.put(1, 1.0);
    let since = bench.store.point("plc1.p0").unwrap().since;
    bench.clock.advance(Duration::from_secs(9));
    bench.put(0, 2.0);
    let view = bench.store.point("plc1.p0").unwrap();
    assert_eq!(view.since, since, "a new value is no new quality");
    let down = Quality::of(Reason::AdapterDown);
    bench.clock.advance(Duration::from_secs(3));
    bench.store.set_status(bench.source, down);
    bench.clock.advance(Duration::from_secs(60));
    let view = bench.store.point("plc1.p1").unwrap();
    assert_eq!(
        view.age,
        Duration::from_secs(63),
        "since the device's last sign of life"
    );
    assert_eq!(
        view.since.micros() + 60_000_000,
        bench.store.clock().now().micros()
    );
}

#[test]
fn what_a_neighbours_device_lost_ages_here_too() {
    let bench = bench(1, 1 << 20);
    let store = &bench.store;
    let link = store.put_own_source(None, "line1", Role::Link, Quality::GOOD, true);
    let device = store.put_mirror_source(
        NewSource {
            parent: Some(link),
            node: NodeId(uuid::Uuid::from_u128(8)),
            name: "plc".into(),
            role: Role::Adapter,
            epoch: Epoch::default(),
            quality: Quality::GOOD,
            complete: true,
            remote_id: Some(4),
        },
        true,
    );
    let device = device.id;
    let name = Name::new("line1.plc.x").unwrap();
    let point = store
        .define_mirror(device, &name, Definition::new(Scalar::F64), 1)
        .unwrap();
    let row = MirrorRow {
        point,
        quality: Quality::GOOD,
        epoch: 0,
        origin: 5,
        time: 1,
        value: Some(Value::F64(1.0)),
    };
    store.apply_mirror(link, &mut vec![row], false, None);
    bench.clock.advance(Duration::from_secs(5));
    store.confirm(link);
    assert_eq!(store.point("line1.plc.x").unwrap().age, Duration::ZERO);
    store.set_status(device, Quality::of(Reason::AdapterDown));
    bench.clock.advance(Duration::from_secs(30));
    // The link lives, but nobody confirms this value any more.
    store.confirm(link);
    assert_eq!(
        store.point("line1.plc.x").unwrap().age,
        Duration::from_secs(30)
    );
}

#[test]
fn a_neighbour_that_no_longer_vouches_takes_the_trust_back() {
    let (store, _) = setup(1, 1 << 20);
    let link = store.put_own_source(None, "line1", Role::Link, Quality::GOOD, true);
    let device = NewSource {
        parent: Some(link),
        node: NodeId(uuid::Uuid::from_u128(8)),
        name: "plc".into(),
        role: Role::Adapter,
        epoch: Epoch::default(),
        quality: Quality::GOOD,
        complete: true,
        remote_id: Some(4),
    };
    let device = store.put_mirror_source(device, true).id;
    let name = Name::new("line1.plc.x").unwrap();
    let definition = Definition::new(Scalar::F64);
    let point = store.define_mirror(device, &name, definition, 1).unwrap();
    let tell = |epoch, origin, value, quality| {
        let row = MirrorRow {
            point,
            quality,
            epoch,
            origin,
            time: 1,
            value: Some(Value::F64(value)),
        };
        store.apply_mirror(link, &mut vec![row], true, None);
        let view = store.point("line1.plc.x").unwrap();
        (view.value.unwrap(), view.quality)
    };
    let restarted = Quality::of(Reason::Restarted);
    let last = (Value::F64(9.0), Quality::GOOD);
    assert_eq!(tell(1, 9, 9.0, Quality::GOOD), last);
    assert_eq!(tell(1, 8, 8.0, Quality::GOOD), last, "older");
    // Its checkpoint was from before the last sample: the value here is newer, and still untrue.
    let not_vouched = (Value::F64(9.0), restarted);
    assert_eq!(tell(1, 8, 8.0, restarted), not_vouched);
    assert_eq!(tell(1, 9, 9.0, Quality::GOOD), last, "the same, told again");
    assert_eq!(tell(1, 9, 9.0, restarted), not_vouched);
    let vouched = (Value::F64(9.0), Quality::GOOD);
    assert_eq!(tell(2, 3, 9.0, Quality::GOOD), vouched);
    assert_eq!(tell(1, 9, 9.0, restarted), vouched, "from the life before");
}
