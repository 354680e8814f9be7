//! What a neighbour may say about variables, and what becomes of it where it should not have.

use std::sync::Arc;

use mainstem_model::{GlobSet, Quality, Role};
use mainstem_store::{Filter, Store, StoreLimits};
use mainstem_wire::decode_line;

use super::super::tests::{HELLO, SOURCE, greeted, mirror_of, send};
use super::super::{Mirror, Step};

fn variable(name: &str, value: &str, origin: u64) -> String {
    format!(
        r#"{{"variable":[{{"name":"{name}","value":{value},"source":0,"time":"2026-11-20T08:00:00Z","origin":{origin},"epoch":1}}]}}"#
    )
}

fn value(store: &Store, name: &str) -> Option<String> {
    Some(store.variable(name)?.value.to_string())
}

fn is_change(step: Step) -> bool {
    step.changes == 1
}

#[test]
fn a_variable_stands_below_the_prefix_and_is_told_once() {
    let (store, mut mirror) = greeted();
    let set = variable("status.text", "\"on\"", 3);
    assert!(is_change(send(&mut mirror, &set).unwrap()));
    assert!(!is_change(send(&mut mirror, &set).unwrap()));
    assert_eq!(value(&store, "line1.status.text").unwrap(), "on");
    assert!(store.variable("status.text").is_none());
    let older = variable("status.text", "\"older\"", 2);
    assert!(!is_change(send(&mut mirror, &older).unwrap()));
    let removed = variable("status.text", "null", 9);
    assert!(is_change(send(&mut mirror, &removed).unwrap()));
    assert!(!is_change(send(&mut mirror, &removed).unwrap()));
    assert!(
        !is_change(send(&mut mirror, &set).unwrap()),
        "it was removed"
    );
    assert!(value(&store, "line1.status.text").is_none());
}

#[test]
fn what_is_hostile_is_left_out_and_harms_nothing_else() {
    let (store, mut mirror) = greeted();
    let long = format!("\"{}\"", "x".repeat(64 * 1024 + 1));
    let deep = ["x"; 16].join(".");
    for (name, text) in [
        ("one", "\"no attribute\""),
        ("a..b", "\"\""),
        ("a b.c", "\"\""),
        (deep.as_str(), "\"\""),
        ("a.long", long.as_str()),
    ] {
        send(&mut mirror, &variable(name, text, 1)).unwrap();
    }
    assert_eq!(
        mirror.counters().left_out,
        5,
        "{:?}",
        mirror.last_left_out()
    );
    // Of a source that nobody named.
    let stray = variable("a.stray", "\"\"", 1).replace("\"source\":0", "\"source\":77");
    send(&mut mirror, &stray).unwrap();
    let none = variable("a.none", "\"\"", 1).replace("\"source\":0,", "");
    send(&mut mirror, &none).unwrap();
    assert_eq!(store.statistics().variables, 0);
    assert!(decode_line(br#"{"variable":[{"name":"a.b","value":[1]}]}"#).is_err());
    send(&mut mirror, &variable("a.good", "\"x\"", 1)).unwrap();
    assert_eq!(value(&store, "line1.a.good").unwrap(), "x");
}

#[test]
fn a_remote_cannot_touch_what_is_not_its() {
    let (store, mut mirror) = greeted();
    let name = mainstem_model::Name::new("line1.own.text").unwrap();
    store.set_variable(&name, "mine".into()).unwrap();
    send(&mut mirror, &variable("own.text", "\"theirs\"", 1)).unwrap();
    send(&mut mirror, &variable("own.text", "null", 2)).unwrap();
    assert_eq!(value(&store, "line1.own.text").unwrap(), "mine");
    assert_eq!(mirror.counters().left_out, 1);
}

#[test]
fn a_flood_of_variables_ends_at_the_limit() {
    let limits = StoreLimits {
        variables_max: 100,
        ..StoreLimits::default()
    };
    let (store, mut mirror) = mirror_of(limits);
    for line in [HELLO, SOURCE] {
        send(&mut mirror, line).unwrap();
    }
    for index in 0..1000 {
        send(&mut mirror, &variable(&format!("a.v{index}"), "\"\"", 1)).unwrap();
    }
    assert_eq!(store.statistics().variables, 90);
    assert_eq!(mirror.counters().left_out, 910);
}

#[test]
fn only_what_is_wanted_is_kept() {
    let (store, mut mirror) = greeted();
    for name in ["status.text", "secret.text"] {
        send(&mut mirror, &variable(name, "\"x\"", 1)).unwrap();
    }
    assert_eq!(store.statistics().variables, 2);
    drop(mirror);
    // The next start of the link has a narrower option.
    let link = link(&store);
    let all = GlobSet::everything;
    let narrow = Filter::new(all(), all()).with_variables(GlobSet::new(&["status.**"]).unwrap());
    let mut mirror = Mirror::new(Arc::clone(&store), link, "line1", narrow);
    assert!(store.variable("line1.status.text").is_some());
    assert!(store.variable("line1.secret.text").is_none());
    for line in [HELLO, SOURCE, &variable("secret.text", "\"y\"", 2)] {
        send(&mut mirror, line).unwrap();
    }
    assert_eq!(store.statistics().variables, 1);
    assert_eq!(mirror.counters().left_out, 0, "that is no fault");
}

fn link(store: &Store) -> mainstem_store::SourceId {
    store.put_own_source(None, "line1", Role::Link, Quality::GOOD, false)
}

#[test]
fn only_what_the_neighbour_knows_wholly_is_removed() {
    let (store, mut mirror) = greeted();
    for name in ["a.kept", "a.gone", "a.late"] {
        send(&mut mirror, &variable(name, "\"x\"", 1)).unwrap();
    }
    send(&mut mirror, r#"{"end":true,"s":9}"#).unwrap();
    mirror.flush();
    for (complete, left) in [("false", 2), ("true", 1)] {
        mirror.begin();
        send(&mut mirror, HELLO).unwrap();
        let source = SOURCE.replace("\"complete\":true", &format!("\"complete\":{complete}"));
        send(&mut mirror, &source).unwrap();
        send(&mut mirror, &variable("a.kept", "\"x\"", 1)).unwrap();
        send(&mut mirror, &variable("a.late", "\"x\"", 1)).unwrap();
        send(&mut mirror, &variable("a.late", "null", 2)).unwrap();
        send(&mut mirror, r#"{"end":true,"s":9}"#).unwrap();
        assert_eq!(store.statistics().variables, left, "complete: {complete}");
    }
    assert!(store.variable("line1.a.kept").is_some());
}

#[test]
fn a_node_put_back_to_an_earlier_state_counts_again() {
    let (store, mut mirror) = greeted();
    send(&mut mirror, &variable("a.b", "\"later\"", 50)).unwrap();
    mirror.begin();
    // The same counter, another life: it was restored from a backup.
    let restored = |line: &str| line.replace("\"random\":5", "\"random\":6");
    for line in [HELLO, SOURCE] {
        send(&mut mirror, &restored(line)).unwrap();
    }
    send(&mut mirror, &variable("a.b", "\"restored\"", 4)).unwrap();
    assert_eq!(value(&store, "line1.a.b").unwrap(), "restored");
}
