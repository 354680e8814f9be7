//! Tests of `identity`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::files::CA_KEY_FILE;
use super::*;

const DAY: i64 = 24 * 3600 * 1_000_000;

fn now() -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000)
}

fn later(days: i64) -> Timestamp {
    Timestamp::from_micros(now().micros() + days * DAY)
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn load(folder: &tempfile::TempDir, given: &[&str], at: Timestamp) -> Identity {
    Identity::load_or_create(folder.path(), "line1", &names(given), at).unwrap()
}

fn certificate(folder: &tempfile::TempDir) -> String {
    fs::read_to_string(folder.path().join(CERTIFICATE_FILE)).unwrap()
}

#[test]
fn an_identity_lasts_and_an_epoch_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let first = load(&folder, &["localhost", "::1"], now());
    let before = certificate(&folder);
    let second = load(&folder, &["::1", "localhost"], later(1));
    assert_eq!((first.id(), first.pin()), (second.id(), second.pin()));
    assert_eq!(certificate(&folder), before);
    assert_eq!((first.epoch().counter, second.epoch().counter), (1, 2));
    assert_ne!(first.epoch().random, second.epoch().random);
    assert_ne!(first.instance(), second.instance());
    assert_eq!(second.notices(), &[] as &[String]);
    for file in [KEY_FILE, CA_KEY_FILE] {
        let mode = fs::metadata(folder.path().join(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[test]
fn the_certificate_is_renewed_and_the_key_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let first = load(&folder, &["a"], now());
    let mut seen = vec![certificate(&folder)];
    let starts = [
        (&["a", "b"][..], now()),
        (&["a", "b"], later(800)),
        (&["a", "b"], now()),
    ];
    for (given, at) in starts {
        let next = load(&folder, given, at);
        assert_eq!(next.pin(), first.pin());
        assert_eq!(next.notices().len(), 1, "{:?}", next.notices());
        assert!(!seen.contains(&certificate(&folder)));
        seen.push(certificate(&folder));
    }
}

#[test]
fn a_damaged_certificate_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let first = load(&folder, &["a"], now());
    for damage in [
        "",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        fs::write(folder.path().join(CERTIFICATE_FILE), damage).unwrap();
        assert_eq!(load(&folder, &["a"], now()).pin(), first.pin());
    }
    fs::remove_file(folder.path().join(CA_FILE)).unwrap();
    assert_eq!(load(&folder, &["a"], now()).pin(), first.pin());
}

#[test]
fn what_only_a_person_can_repair_is_named() {
    for file in [KEY_FILE, CA_KEY_FILE, CA_FILE, NODE_FILE] {
        let folder = tempfile::tempdir().unwrap();
        drop(load(&folder, &["a"], now()));
        let path = folder.path().join(file);
        let good = fs::read(&path).unwrap();
        fs::write(&path, b"\xff\x00 damaged").unwrap();
        let again = || Identity::load_or_create(folder.path(), "line1", &names(&["a"]), now());
        let text = again().unwrap_err().to_string();
        assert!(text.contains(file) && text.contains("backup"), "{text}");
        if [KEY_FILE, CA_KEY_FILE].contains(&file) {
            fs::remove_file(&path).unwrap();
            assert!(again().unwrap_err().to_string().contains("missing"));
        }
        fs::write(&path, good).unwrap();
        again().unwrap();
    }
}

#[test]
fn a_ca_of_another_node_is_refused() {
    let (mine, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    drop((load(&mine, &["a"], now()), load(&other, &["a"], now())));
    fs::copy(other.path().join(CA_FILE), mine.path().join(CA_FILE)).unwrap();
    let error = Identity::load_or_create(mine.path(), "line1", &names(&["a"]), now());
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("does not belong to ca-key.pem")
    );
}

#[test]
fn a_key_that_others_can_read_is_made_private() {
    let folder = tempfile::tempdir().unwrap();
    drop(load(&folder, &["a"], now()));
    let path = folder.path().join(KEY_FILE);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(load(&folder, &["a"], now()).notices().len(), 1);
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn a_lost_count_of_starts_does_not_go_back() {
    let folder = tempfile::tempdir().unwrap();
    let first = load(&folder, &["a"], now()).epoch();
    fs::write(folder.path().join("epoch"), b"damaged").unwrap();
    let second = load(&folder, &["a"], now());
    assert!(second.epoch().counter > first.counter);
    assert_eq!(second.notices().len(), 1);
    assert_eq!(
        load(&folder, &["a"], now()).epoch().counter,
        second.epoch().counter + 1
    );
}

#[test]
fn names_and_clocks_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let make = |given: &[String], at| {
        Identity::load_or_create(folder.path(), "größe", given, at).map(|_| ())
    };
    assert!(matches!(
        make(&names(&["größe"]), now()),
        Err(IdentityError::Name(_))
    ));
    let many: Vec<String> = (0..=NAMES_MAX).map(|number| format!("n{number}")).collect();
    assert!(matches!(make(&many, now()), Err(IdentityError::Names(_))));
    make(&many[1..], now()).unwrap();
    // A clock that stands at 1970 or far away is no reason not to start.
    for at in [i64::MIN, 0, 250_000_000_000_000_000, i64::MAX] {
        make(&many[1..], Timestamp::from_micros(at)).unwrap();
    }
}
