//! Variables as the store keeps them and as readers of the feed see them.

use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{GlobSet, ManualClock, Name, NodeId, Quality, Reason, Role, Timestamp};
use mainstem_wire::{Epoch, FrameWriter, decode_line};

use crate::*;

const LINK_NODE: NodeId = NodeId(uuid::Uuid::from_u128(70));

fn store_of(counter: u32, limits: StoreLimits) -> (Arc<Store>, Arc<ManualClock>) {
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
        limits,
    });
    (store, clock)
}

fn store() -> Arc<Store> {
    store_of(1, StoreLimits::default()).0
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn set(store: &Store, at: &str, value: &str) -> bool {
    store.set_variable(&name(at), value.into()).unwrap()
}

fn text(store: &Store, at: &str) -> Option<String> {
    Some(store.variable(at)?.value.to_string())
}

/// What a reader is told until it is at the head: names and texts, or that it has expired.
fn told(reader: &mut Reader, store: &Store) -> Option<Vec<(String, Option<String>, bool)>> {
    let (mut chunk, mut all) = (Chunk::default(), Vec::new());
    for _ in 0..100_000 {
        let progress = reader.read(store, &mut chunk, 1024);
        for item in &chunk.items {
            if let Item::Variable(frame, catchup) = item {
                let value = frame.value.as_ref().map(ToString::to_string);
                all.push((frame.name.to_string(), value, *catchup));
            }
        }
        match progress {
            Progress::More => {}
            Progress::AtHead => return Some(all),
            Progress::Expired => return None,
        }
    }
    panic!("the reader does not come to the head");
}

fn is(name: &str, value: &str, catchup: bool) -> (String, Option<String>, bool) {
    (name.into(), Some(value.into()), catchup)
}

fn gone(name: &str, catchup: bool) -> (String, Option<String>, bool) {
    (name.into(), None, catchup)
}

fn reader() -> Reader {
    Reader::snapshot(Filter::everything(), Delivery::Every)
}

/// A link with the node behind it.
fn linked(store: &Store) -> (SourceId, SourceId) {
    let link = store.put_own_source(None, "cell", Role::Link, Quality::GOOD, false);
    let node = NewSource {
        parent: Some(link),
        node: LINK_NODE,
        name: "cell".into(),
        role: Role::Node,
        epoch: Epoch {
            counter: 5,
            random: 1,
        },
        quality: Quality::GOOD,
        complete: true,
        remote_id: Some(0),
    };
    (link, store.put_mirror_source(node, true).id)
}

fn mirrored(source: SourceId, value: &str, epoch: u32, origin: u64) -> MirrorVariable {
    MirrorVariable {
        name: name("cell.status.text"),
        value: value.into(),
        source,
        time: Timestamp::from_millis(5),
        stamp: Stamp { epoch, origin },
    }
}

#[test]
fn a_reader_is_told_the_latest_only_and_each_removal() {
    let store = store();
    set(&store, "status.text", "one");
    let mut reader = reader();
    assert_eq!(
        told(&mut reader, &store).unwrap(),
        [is("status.text", "one", true)],
        "a snapshot is catch-up"
    );
    assert!(!set(&store, "status.text", "one"), "the same is no change");
    for value in ["two", "three"] {
        assert!(set(&store, "status.text", value));
    }
    set(&store, "status.color", "red");
    store.remove_variable(&name("status.color")).unwrap();
    assert_eq!(
        told(&mut reader, &store).unwrap(),
        [
            is("status.text", "three", false),
            gone("status.color", false)
        ]
    );
    set(&store, "status.color", "green");
    assert_eq!(
        told(&mut reader, &store).unwrap(),
        [is("status.color", "green", false)]
    );
    assert!(told(&mut reader, &store).unwrap().is_empty());
    let missing = store.remove_variable(&name("status.none"));
    assert_eq!(missing, Err(VariableError::Unknown(name("status.none"))));
}

#[test]
fn a_variable_and_a_datapoint_may_have_one_name() {
    let store = store();
    let source = store.put_own_source(None, "plc", Role::Adapter, Quality::GOOD, true);
    let definition = mainstem_model::Definition::new(mainstem_model::Scalar::F64);
    store
        .define(source, &name("status.text"), definition)
        .unwrap();
    set(&store, "status.text", "on");
    let topology = store.topotime();
    store.remove_variable(&name("status.text")).unwrap();
    assert!(store.point("status.text").is_some() && store.variable("status.text").is_none());
    assert_eq!(
        store.topotime(),
        topology,
        "variables are no part of the tree"
    );
}

#[test]
fn only_what_a_role_allows_is_told() {
    let store = store();
    set(&store, "status.text", "one");
    set(&store, "secret.text", "two");
    let all = GlobSet::everything;
    let none = Filter::new(all(), all());
    let some = none
        .clone()
        .with_variables(GlobSet::new(&["status.**"]).unwrap());
    assert_ne!(
        none.hash(),
        some.hash(),
        "cursors of one are not for the other"
    );
    let mut blind = Reader::snapshot(none, Delivery::Every);
    assert!(told(&mut blind, &store).unwrap().is_empty());
    let mut reader = Reader::snapshot(some.clone(), Delivery::Every);
    assert_eq!(
        told(&mut reader, &store).unwrap(),
        [is("status.text", "one", true)]
    );
    store.remove_variable(&name("secret.text")).unwrap();
    assert!(told(&mut reader, &store).unwrap().is_empty());
    let (views, _) = store.list_variables(
        &ListQuery {
            limit: 10,
            ..ListQuery::default()
        },
        &some,
    );
    assert_eq!(views.len(), 1);
}

#[test]
fn nothing_goes_back_by_whatever_way_it_came() {
    let store = store();
    let (link, source) = linked(&store);
    let put = |value, epoch, origin| {
        let variable = mirrored(source, value, epoch, origin);
        store.put_mirror_variable(link, variable, false).unwrap()
    };
    assert!(put("b", 5, 10));
    assert!(!put("b", 5, 10) && !put("a", 5, 9) && !put("z", 4, 900));
    assert_eq!(text(&store, "cell.status.text").unwrap(), "b");
    assert!(put("c", 6, 1), "another life of its origin");
    let at = name("cell.status.text");
    let removal = Stamp {
        epoch: 6,
        origin: 7,
    };
    assert!(store.remove_mirror_variable(link, &at, removal, Timestamp::default(), false));
    assert!(!put("b", 6, 7), "it was removed since");
    assert!(text(&store, "cell.status.text").is_none());
    assert!(put("d", 6, 8));
}

#[test]
fn what_belongs_to_somebody_else_stays_his() {
    let store = store();
    let (link, source) = linked(&store);
    store
        .put_mirror_variable(link, mirrored(source, "a", 5, 1), false)
        .unwrap();
    let at = name("cell.status.text");
    let owned = VariableError::Owned {
        name: at.clone(),
        owner: "cell".into(),
    };
    assert_eq!(store.set_variable(&at, "x".into()), Err(owned.clone()));
    assert_eq!(store.remove_variable(&at), Err(owned));
    set(&store, "own.text", "mine");
    let removed = Stamp::default();
    let own = name("own.text");
    assert!(!store.remove_mirror_variable(link, &own, removed, Timestamp::default(), false));
    // The node behind the link was replaced by another one: its variable moves with it.
    let other = NewSource {
        parent: Some(link),
        node: NodeId(uuid::Uuid::from_u128(71)),
        name: "cell".into(),
        role: Role::Node,
        epoch: Epoch {
            counter: 1,
            random: 1,
        },
        quality: Quality::GOOD,
        complete: true,
        remote_id: Some(1),
    };
    let other = store.put_mirror_source(other, true).id;
    let moved = store.put_mirror_variable(link, mirrored(other, "b", 1, 1), true);
    assert_eq!(moved, Ok(true));
}

#[test]
fn who_carries_out_a_write_hangs_on_the_name() {
    let store = store();
    let (link, _) = linked(&store);
    let owner = |at: &str| store.variable_owner(&name(at));
    assert_eq!(owner("status.text"), Some(Owner::Local(store.own_source())));
    assert_eq!(
        owner("cell.status.text"),
        None,
        "nobody carries for the link"
    );
    let handle = store.register_owner(link, true);
    assert_eq!(owner("cell.status.text"), Some(Owner::Link(link)));
    assert_eq!(owner("cellar.text"), Some(Owner::Local(store.own_source())));
    drop(handle);
    assert_eq!(owner("cell.status.text"), None);
}

#[test]
fn trust_comes_from_the_sources() {
    let store = store();
    let (link, source) = linked(&store);
    store
        .put_mirror_variable(link, mirrored(source, "a", 5, 1), false)
        .unwrap();
    assert!(
        store
            .variable("cell.status.text")
            .unwrap()
            .quality
            .is_good()
    );
    store.set_status(link, Quality::of(Reason::LinkQuiet));
    let view = store.variable("cell.status.text").unwrap();
    assert_eq!(view.quality.reason, Reason::LinkQuiet);
    assert_eq!((view.hop.as_deref(), &*view.value), (Some("cell"), "a"));
    let mut reader = reader();
    told(&mut reader, &store).unwrap();
    store.remove_source(link);
    assert_eq!(
        told(&mut reader, &store).unwrap(),
        [gone("cell.status.text", true)]
    );
}

#[test]
fn limits_hold_at_n_and_n_plus_one() {
    let limits = StoreLimits {
        variables_max: 10,
        variable_bytes_max: 100_000,
        ..StoreLimits::default()
    };
    let (store, _) = store_of(1, limits);
    let (link, source) = linked(&store);
    let put = |index: usize| {
        let variable = MirrorVariable {
            name: name(&format!("cell.status.v{index}")),
            ..mirrored(source, "a", 5, 1)
        };
        store.put_mirror_variable(link, variable, false)
    };
    assert!((0..9).all(|index| put(index).is_ok()));
    assert!(
        matches!(put(9), Err(VariableError::Full { .. })),
        "room is left"
    );
    assert!(set(&store, "own.text", "a"));
    let one_more = store.set_variable(&name("own.more"), "b".into());
    assert!(matches!(one_more, Err(VariableError::Full { .. })));
    assert!(set(&store, "own.text", "b"), "a known one can change");
    let longest = "x".repeat(mainstem_model::limits::VALUE_BYTES_MAX);
    assert!(set(&store, "own.text", &longest));
    let longer = store.set_variable(&name("own.text"), format!("{longest}x").into());
    assert_eq!(longer, Err(VariableError::TooLong(longest.len() + 1)));
    let second = MirrorVariable {
        value: longest.as_str().into(),
        ..mirrored(source, "", 5, 2)
    };
    let second = MirrorVariable {
        name: name("cell.status.v0"),
        ..second
    };
    let full = store.put_mirror_variable(link, second, false);
    assert!(matches!(full, Err(VariableError::Full { .. })), "{full:?}");
    let bytes = store.statistics().variable_bytes;
    store.remove_variable(&name("own.text")).unwrap();
    assert!(store.statistics().variable_bytes < bytes - longest.len());
}

#[test]
fn own_ones_survive_a_restart_and_count_more_than_before() {
    let (first, _) = store_of(1, StoreLimits::default());
    let (link, source) = linked(&first);
    first
        .put_mirror_variable(link, mirrored(source, "theirs", 5, 33), false)
        .unwrap();
    set(&first, "status.text", "kept\n\"ä\"");
    set(&first, "status.gone", "x");
    first.remove_variable(&name("status.gone")).unwrap();
    let saved = first.checkpoint();
    set(&first, "status.text", "a crash forgets this");
    let (second, _) = store_of(2, StoreLimits::default());
    second.restore(&saved).unwrap();
    assert_eq!(text(&second, "status.text").unwrap(), "kept\n\"ä\"");
    assert!(text(&second, "status.gone").is_none());
    let view = second.variable("status.text").unwrap();
    assert_eq!(view.quality.reason, Reason::Restarted);
    second.own_source();
    assert!(second.variable("status.text").unwrap().quality.is_good());
    assert!(
        !second
            .variable("cell.status.text")
            .unwrap()
            .quality
            .is_good()
    );
    // What a mirror heard last of the first life is older than what this life remembers, and the
    // numbers of others are as they were.
    let stamps: Vec<(u32, u64)> = frames(&second)
        .iter()
        .map(|frame| (frame.epoch, frame.origin))
        .collect();
    assert_eq!(stamps[0], (5, 33));
    assert_eq!(stamps[1].0, 2);
    assert_eq!(second.statistics().variable_bytes, {
        let (third, _) = store_of(3, StoreLimits::default());
        third.restore(&second.checkpoint()).unwrap();
        third.statistics().variable_bytes
    });
}

fn frames(store: &Store) -> Vec<mainstem_wire::VariableFrame> {
    let (mut reader, mut chunk, mut all) = (reader(), Chunk::default(), Vec::new());
    while reader.read(store, &mut chunk, 1024) == Progress::More {
        all.extend(chunk.items.iter().filter_map(|item| match item {
            Item::Variable(frame, _) => Some(frame.clone()),
            _ => None,
        }));
    }
    all
}

#[test]
fn a_renamed_node_keeps_its_variables() {
    let (first, clock) = store_of(1, StoreLimits::default());
    set(&first, "status.text", "mine");
    let renamed = Store::new(StoreSetup {
        name: "line7".into(),
        clock,
        ..first.setup().clone()
    });
    renamed.restore(&first.checkpoint()).unwrap();
    renamed.adopt_variables();
    let view = renamed.variable("status.text").unwrap();
    assert!(view.quality.is_good() && &*view.value == "mine", "{view:?}");
}

#[test]
fn who_fell_behind_the_log_gets_what_changed_and_what_is_no_more() {
    let (store, clock) = store_of(
        1,
        StoreLimits {
            log_bytes: 4096,
            ..StoreLimits::default()
        },
    );
    for at in ["a.kept", "a.changed", "a.gone"] {
        set(&store, at, "1");
    }
    let mut reader = reader();
    assert_eq!(told(&mut reader, &store).unwrap().len(), 3);
    store.remove_variable(&name("a.gone")).unwrap();
    for value in 0..500 {
        clock.advance(Duration::from_millis(1));
        set(&store, "a.changed", &value.to_string());
    }
    assert_eq!(
        told(&mut reader, &store).unwrap(),
        [gone("a.gone", true), is("a.changed", "499", true)]
    );
    assert!(reader.missed() > 0);
}

#[test]
fn more_removals_than_the_feed_remembers_expire_a_cursor() {
    let (store, _) = store_of(
        1,
        StoreLimits {
            log_bytes: 4096,
            variables_max: 200_000,
            ..StoreLimits::default()
        },
    );
    let mut reader = reader();
    told(&mut reader, &store).unwrap();
    for index in 0..=super::GRAVES_MAX {
        let at = name(&format!("a.v{index}"));
        store.set_variable(&at, "x".into()).unwrap();
        store.remove_variable(&at).unwrap();
    }
    assert!(told(&mut reader, &store).is_none());
    let state_bytes = store.statistics().variable_bytes;
    assert_eq!(state_bytes, 0);
}

#[test]
fn no_line_is_too_long_for_a_reader() {
    let store = store();
    let worst = "\u{1}".repeat(mainstem_model::limits::VALUE_BYTES_MAX);
    for index in 0..9 {
        set(&store, &format!("a.v{index}"), &worst);
    }
    let (mut reader, mut chunk, mut writer) = (reader(), Chunk::default(), FrameWriter::default());
    let mut lines = 0;
    while reader.read(&store, &mut chunk, 1024) == Progress::More {
        encode_chunk(&chunk, &mut writer);
    }
    for line in writer.buffer.split(|&byte| byte == b'\n') {
        assert!(
            line.len() <= mainstem_wire::LINE_BYTES_MAX,
            "{}",
            line.len()
        );
        if !line.is_empty() && !decode_line(line).unwrap().variable.is_empty() {
            lines += 1;
        }
    }
    assert!((5..=9).contains(&lines), "{lines} lines for 9 variables");
}

#[test]
fn a_listing_ends_where_it_gets_too_large_and_goes_on_there() {
    let store = store();
    let large = "x".repeat(mainstem_model::limits::VALUE_BYTES_MAX);
    for index in 0..100 {
        set(&store, &format!("a.v{index:03}"), &large);
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let query = ListQuery {
            after,
            limit: 1000,
            ..ListQuery::default()
        };
        let (views, next) = store.list_variables(&query, &Filter::everything());
        assert!(views.len() <= 65, "{}", views.len());
        seen.extend(views.into_iter().map(|view| view.name));
        after = next;
        if after.is_none() {
            break;
        }
    }
    seen.dedup();
    assert_eq!(seen.len(), 100);
}
