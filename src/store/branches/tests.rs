//! The tree of names, level by level.

use mainstem_model::{Definition, GlobSet, Name, Quality, Role, Scalar};

use crate::tests::setup;
use crate::{Level, Store};

const NAMES: [&str; 7] = [
    "a.x",
    "a.x-y",
    "a.x.z",
    "a.x.z2",
    "b",
    "line1.plc.temp",
    "line1.plc.speed",
];

fn filled() -> std::sync::Arc<Store> {
    let (store, _) = setup(1, 1 << 20);
    let source = store.put_own_source(None, "node", Role::Node, Quality::GOOD, true);
    for name in NAMES {
        let name = Name::new(name).unwrap();
        store
            .define(source, &name, Definition::new(Scalar::F64))
            .unwrap();
    }
    store
}

fn words(level: &Level) -> Vec<String> {
    let mark = |is_point| if is_point { "" } else { "/" };
    let branches = level.branches.iter();
    branches
        .map(|branch| format!("{}{}", branch.path, mark(branch.is_point)))
        .collect()
}

#[test]
fn each_level_has_each_name_once() {
    let (store, all) = (filled(), GlobSet::everything());
    let level = |path| words(&store.level(path, None, &all, 100));
    assert_eq!(level(None), ["a/", "b", "line1/"]);
    assert_eq!(level(Some("a")), ["a.x", "a.x-y"]);
    assert_eq!(level(Some("a.x")), ["a.x.z", "a.x.z2"]);
    assert_eq!(level(Some("line1")), ["line1.plc/"]);
    assert_eq!(level(Some("b")), [""; 0]);
    assert_eq!(level(Some("nothing")), [""; 0]);
}

#[test]
fn a_level_comes_in_parts() {
    let (store, all) = (filled(), GlobSet::everything());
    let first = store.level(None, None, &all, 1);
    assert_eq!(words(&first), ["a/"]);
    let second = store.level(None, first.next.as_deref(), &all, 1);
    assert_eq!(words(&second), ["b"]);
    let rest = store.level(None, second.next.as_deref(), &all, 100);
    assert_eq!((words(&rest), rest.next), (vec!["line1/".to_owned()], None));
}

#[test]
fn what_may_not_be_seen_is_not_there() {
    let store = filled();
    let some = GlobSet::new(&["!a.x.z2", "a.x.*"]).unwrap();
    assert_eq!(words(&store.level(None, None, &some, 100)), ["a/"]);
    assert_eq!(words(&store.level(Some("a"), None, &some, 100)), ["a.x/"]);
    assert_eq!(
        words(&store.level(Some("a.x"), None, &some, 100)),
        ["a.x.z"]
    );
    assert!(store.has_below("a", &some) && !store.has_below("line1", &some));
}
