//! Old names: looked up, in filters, in the feed, in a checkpoint.

use mainstem_model::{ALIASES_MAX, Alias};
use proptest::prelude::*;

use super::*;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn alias(from: &str, to: &str) -> Alias {
    Alias {
        from: name(from),
        to: name(to),
    }
}

fn globs(patterns: &[&str]) -> GlobSet {
    GlobSet::new(patterns).unwrap()
}

fn filter(patterns: &[&str]) -> Filter {
    Filter::new(globs(patterns), GlobSet::everything())
}

fn link(store: &Store, prefix: &str) -> SourceId {
    store.put_own_source(None, prefix, Role::Link, Quality::GOOD, true)
}

/// The items of all reads up to the head, and how it ended.
fn drain(store: &Store, reader: &mut Reader) -> (Vec<Item>, Progress) {
    let (mut chunk, mut items) = (Chunk::default(), Vec::new());
    loop {
        let progress = reader.read(store, &mut chunk, 1000);
        items.append(&mut chunk.items);
        if progress != Progress::More {
            return (items, progress);
        }
    }
}

#[test]
fn a_name_that_nothing_has_leads_on() {
    let bench = bench(2, 1 << 20);
    let store = &bench.store;
    store.set_aliases(&[
        alias("old", "older"),
        alias("older", "plc1"),
        alias("x.y", "plc1.p1"),
    ]);
    let found = store.find("old.p0").unwrap();
    assert_eq!(found.view.name, name("plc1.p0"));
    assert_eq!(found.asked_as, Some(name("old.p0")));
    let former: Vec<&str> = found.former.iter().map(Name::as_str).collect();
    assert_eq!(former, ["older.p0", "old.p0"]);
    assert_eq!(store.find("x.y").unwrap().view.name, name("plc1.p1"));
    assert!(store.find("old.p9").is_none() && store.find("x").is_none());
    assert!(store.find("plc1.p0").unwrap().asked_as.is_none());
    let uses: Vec<u64> = store.aliases().iter().map(|alias| alias.uses).collect();
    assert_eq!(uses, [1, 1, 1], "old, older, x.y");
    store.set_aliases(&[]);
    assert!(store.find("old.p0").is_none());
}

#[test]
fn a_datapoint_that_has_the_name_comes_first() {
    let bench = bench(1, 1 << 20);
    let store = &bench.store;
    let other = name("plc1.live");
    store
        .define(bench.source, &other, Definition::new(Scalar::F64))
        .unwrap();
    store.set_aliases(&[alias("plc1.live", "plc1.p0")]);
    assert_eq!(store.find("plc1.live").unwrap().view.name, other);
    // What is allowed of the other one is not allowed of this one.
    assert!(store.find("plc1.p0").unwrap().former.is_empty());
}

#[test]
fn circles_and_floods_of_a_neighbour_are_left_out() {
    let bench = bench(1, 1 << 20);
    let store = &bench.store;
    let (line, other) = (link(store, "line"), link(store, "other"));
    let put = |from: &str, to: &str| store.put_alias(line, &alias(from, to));
    assert_eq!(put("line.a", "line.a.b"), Err(AliasError::Circle));
    assert_eq!(put("line.a", "line.b"), Ok(true));
    assert_eq!(put("line.a", "line.b"), Ok(false));
    assert_eq!(put("line.b", "line.a"), Err(AliasError::Circle));
    assert_eq!(
        store.put_alias(other, &alias("line.a", "line.c")),
        Err(AliasError::Taken)
    );
    for index in 1..ALIASES_MAX {
        assert_eq!(put(&format!("line.n{index}"), "line.b"), Ok(true));
    }
    assert_eq!(put("line.more", "line.b"), Err(AliasError::Full));
    assert!(
        store.remove_alias(line, &name("line.n1")) && !store.remove_alias(other, &name("line.a"))
    );
    assert_eq!(put("line.more", "line.b"), Ok(true));
    store.remove_source(line);
    assert!(store.aliases().is_empty());
}

#[test]
fn a_circle_that_nobody_saw_ends() {
    let bench = bench(1, 1 << 20);
    let store = &bench.store;
    let line = link(store, "line");
    store
        .put_alias(line, &alias("line.b.x", "line.a.x"))
        .unwrap();
    store.put_alias(line, &alias("line.a", "line.b")).unwrap();
    assert!(store.find("line.a.x").is_none());
    assert!(store.former_names(&name("line.a.x")).len() <= 16);
}

#[test]
fn a_filter_of_the_old_name_still_fits_and_a_changed_alias_begins_anew() {
    let bench = bench(1, 1 << 20);
    let store = &bench.store;
    store.set_aliases(&[alias("old", "plc1")]);
    let mut reader = Reader::snapshot(filter(&["old.**"]), Delivery::Every);
    let mut stranger = Reader::snapshot(filter(&["other.**"]), Delivery::Every);
    let (items, _) = drain(store, &mut reader);
    let told = |items: &[Item]| {
        let of = |item: &Item| match item {
            Item::Alias(frame) => Some(format!("{}={:?}", frame.from, frame.to)),
            Item::Define(frame) => Some(frame.name.clone()),
            _ => None,
        };
        items.iter().filter_map(of).collect::<Vec<_>>()
    };
    assert_eq!(told(&items), ["old=Some(\"plc1\")", "plc1.p0"]);
    assert_eq!(told(&drain(store, &mut stranger).0), Vec::<String>::new());
    let cursor = reader.cursor(store.setup().epoch, store.statistics().head);
    let resume = || Reader::resume(store, filter(&["old.**"]), Delivery::Every, cursor);
    assert!(resume().is_ok());
    let mut everything = Reader::snapshot(Filter::everything(), Delivery::Every);
    drain(store, &mut everything);

    store.set_aliases(&[]);
    assert_eq!(drain(store, &mut reader).1, Progress::Expired);
    assert_eq!(resume().unwrap_err(), StartError::Filter);
    assert_eq!(drain(store, &mut stranger).1, Progress::AtHead);
    let (items, progress) = drain(store, &mut everything);
    assert_eq!(
        (told(&items), progress),
        (vec!["old=None".to_owned()], Progress::AtHead)
    );
}

#[test]
fn who_fell_behind_is_told_what_old_names_are_gone() {
    let bench = bench(1, 4096);
    let store = &bench.store;
    let line = link(store, "line");
    store.put_alias(line, &alias("line.a", "line.b")).unwrap();
    let mut reader = Reader::snapshot(Filter::everything(), Delivery::Every);
    drain(store, &mut reader);
    store.remove_alias(line, &name("line.a"));
    store.put_alias(line, &alias("line.c", "line.d")).unwrap();
    (0..200).for_each(|value| {
        bench.put(0, f64::from(value));
    });
    let (items, _) = drain(store, &mut reader);
    assert!(items.iter().any(|item| matches!(item, Item::Gap(_))));
    let aliases = items.iter().filter_map(|item| match item {
        Item::Alias(frame) => Some((frame.from.as_str(), frame.to.as_deref())),
        _ => None,
    });
    let aliases: Vec<_> = aliases.collect();
    assert_eq!(aliases, [("line.c", Some("line.d")), ("line.a", None)]);
}

#[test]
fn a_new_name_begins_with_the_last_value_of_the_old_one() {
    let bench = bench(1, 1 << 20);
    let store = &bench.store;
    bench.put(0, 21.5);
    store.set_aliases(&[alias("plc1", "press")]);
    store.remove_source(bench.source);
    let source = store.put_own_source(None, "press", Role::Adapter, Quality::GOOD, true);
    let define = |of: &str, scalar: Scalar| {
        store
            .define(source, &name(of), Definition::new(scalar))
            .unwrap();
        store.point(of).unwrap()
    };
    let view = define("press.p0", Scalar::F64);
    assert_eq!(view.value, Some(Value::F64(21.5)));
    assert_eq!(
        view.quality,
        Quality::of(Reason::Restarted),
        "nobody has read it since"
    );
    store.end_renaming();
    assert_eq!(define("press.p1", Scalar::F64).value, None);
}

#[test]
fn a_link_moves_with_all_it_brought() {
    let bench = bench(1, 1 << 20);
    let store = &bench.store;
    let line = link(store, "line");
    let point = store
        .define_mirror(line, &name("line.t"), Definition::new(Scalar::F64), 5)
        .unwrap();
    let cursor = mainstem_wire::Cursor {
        epoch: store.setup().epoch,
        sequence: 9,
        filter: 1,
    };
    let row = MirrorRow {
        point,
        quality: Quality::GOOD,
        epoch: 3,
        origin: 8,
        time: 5,
        value: Some(Value::F64(1.0)),
    };
    store.apply_mirror(line, &mut vec![row], false, Some(cursor));
    store.put_alias(line, &alias("line.a", "line.t")).unwrap();
    assert!(store.move_link(&name("line"), &name("press")));
    assert!(
        !store.move_link(&name("line"), &name("press")),
        "it is not there any more"
    );
    let moved = store.point("press.t").unwrap();
    assert_eq!(
        (moved.value, moved.quality),
        (Some(Value::F64(1.0)), Quality::GOOD)
    );
    assert!(store.point("line.t").is_none());
    let state = store.mirror_state(link(store, "press"));
    assert_eq!(
        (state.cursor, state.points),
        (Some(cursor), vec![(5, moved.id)])
    );
    assert_eq!(store.find("press.a").unwrap().view.name, name("press.t"));
}

#[test]
fn a_checkpoint_keeps_what_neighbours_told_and_the_node_its_new_name() {
    let bench = bench(1, 1 << 20);
    let line = link(&bench.store, "line");
    bench
        .store
        .put_alias(line, &alias("line.a", "line.b"))
        .unwrap();
    bench
        .store
        .put_own_source(None, "oldname", Role::Node, Quality::GOOD, true);
    let (again, _) = setup(2, 1 << 20);
    again.restore(&bench.store.checkpoint()).unwrap();
    let aliases = again.aliases();
    assert_eq!((aliases.len(), aliases[0].to.as_str()), (1, "line.b"));
    let nodes = again
        .sources()
        .into_iter()
        .filter(|source| source.role == Role::Node);
    assert_eq!(
        nodes.map(|node| node.name.to_string()).collect::<Vec<_>>(),
        ["line1"]
    );
}

fn pattern() -> impl Strategy<Value = String> {
    let segment = || prop_oneof!["[ab]", Just("*".to_owned()), Just("**".to_owned())];
    let deny = prop_oneof![Just(""), Just("!")];
    (deny, proptest::collection::vec(segment(), 1..4))
        .prop_map(|(deny, segments)| format!("{deny}{}", segments.join(".")))
}

proptest! {
    /// A rename with an alias gives no right that neither name has, and takes no `!` away.
    #[test]
    fn an_alias_never_widens(
        patterns in proptest::collection::vec(pattern(), 0..5),
        old in "[ab](\\.[ab]){0,2}",
        new in "[ab](\\.[ab]){0,2}",
    ) {
        let set = globs(&patterns.iter().map(String::as_str).collect::<Vec<_>>());
        let both = set.decide([new.as_str(), old.as_str()]).allowed;
        let denied = |name: &str| set.deciding(name).is_some_and(|rule| rule.starts_with('!'));
        prop_assert!(!both || set.allows(&old) || set.allows(&new));
        prop_assert!(!(both && (denied(&old) || denied(&new))));
        prop_assert!(both || !set.allows(&old) || denied(&new));
        // Whom a path concerns is never told too few.
        prop_assert!(!set.allows(&old) || (set.may_allow_below(&old) && set.touches(&old)));
    }
}
