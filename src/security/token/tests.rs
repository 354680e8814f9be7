//! Tests of `token`.

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use mainstem_model::{ManualClock, Name};

use super::throttle::FAILURES_MAX;
use super::*;

struct Place {
    folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
}

impl Place {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_800_000_000_000)));
        Self {
            folder: tempfile::tempdir().unwrap(),
            clock,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn open_with(&self, declared: Vec<DeclaredToken>) -> Tokens {
        let roles = Arc::new(Roles::new([]));
        Tokens::open(
            self.folder.path(),
            roles,
            declared,
            Arc::clone(&self.clock) as _,
        )
        .unwrap()
    }

    fn open(&self) -> Tokens {
        self.open_with(Vec::new())
    }

    fn admin(&self) -> String {
        fs::read_to_string(self.path(ADMIN_TOKEN_FILE))
            .unwrap()
            .trim()
            .to_owned()
    }
}

fn new(name: &str, role: &str) -> NewToken {
    NewToken {
        name: name.to_owned(),
        role: role.to_owned(),
        expires: None,
        provide: None,
        from: AddressList::default(),
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_first_start_makes_the_administrators_token() {
    let place = Place::new();
    drop(place.open());
    let text = place.admin();
    assert_eq!(text.len(), 3 + 8 + 1 + 43);
    assert_eq!(mode(&place.path(ADMIN_TOKEN_FILE)), 0o600);
    assert_eq!(mode(&place.path(TOKENS_FILE)), 0o600);
    assert!(
        !fs::read_to_string(place.path(TOKENS_FILE))
            .unwrap()
            .contains(&text)
    );

    // It is still there after a restart, and gone after its first use; the token stays valid.
    let tokens = place.open();
    let first = tokens.verify(&text, None).unwrap();
    assert!(first.first_login && first.principal.rights.admin);
    assert!(!place.path(ADMIN_TOKEN_FILE).exists());
    assert!(!tokens.verify(&text, None).unwrap().first_login);
    assert!(!place.open().verify(&text, None).unwrap().first_login);
    assert!(!place.path(ADMIN_TOKEN_FILE).exists());
}

#[test]
fn tokens_are_made_listed_and_revoked() {
    let place = Place::new();
    let tokens = place.open();
    let provide = Some(Name::new("mes").unwrap());
    let from = AddressList::new(vec!["10.0.0.0/8".parse().unwrap()]);
    let (info, text) = tokens
        .create(&NewToken {
            provide,
            from,
            ..new("mes", "viewer")
        })
        .unwrap();
    assert_eq!((info.name.as_str(), info.last_used), ("mes", None));
    let again = place.open();
    let mes = again.verify(&text, None).unwrap().principal;
    assert!(mes.may_provide("mes.x").allowed && !mes.may_write("mes.x").allowed);
    assert!(mes.may_come_from(IpAddr::from([10, 9, 9, 9])));
    assert!(!mes.may_come_from(IpAddr::from([11, 9, 9, 9])));
    let listed = again
        .list()
        .into_iter()
        .find(|token| token.id == info.id)
        .unwrap();
    assert_eq!(listed.last_used, Some(place.clock.now()));
    assert!(again.revoke(&info.id).unwrap());
    assert!(!again.revoke(&info.id).unwrap());
    assert_eq!(again.verify(&text, None).unwrap_err(), Refusal::Unknown);
    assert_eq!(place.open().list().len(), 1);
}

#[test]
fn names_roles_and_number_are_checked() {
    let place = Place::new();
    let tokens = place.open();
    assert!(matches!(
        tokens.create(&new("x", "boss")),
        Err(TokenError::Role(_))
    ));
    for name in ["", "admin", "a\nb", &"x".repeat(NAME_BYTES_MAX + 1)] {
        assert!(
            matches!(
                tokens.create(&new(name, "viewer")),
                Err(TokenError::Name(_))
            ),
            "{name}"
        );
    }
    let stored = vec![Stored::make(new("x", "viewer"), place.clock.now()).0; TOKENS_MAX];
    tokens.state.write().stored = stored;
    assert!(matches!(
        tokens.create(&new("y", "viewer")),
        Err(TokenError::Full)
    ));
}

#[test]
fn a_changed_token_is_no_token() {
    let place = Place::new();
    let tokens = place.open();
    let text = place.admin();
    for at in 0..text.len() {
        let mut bad = text.clone().into_bytes();
        bad[at] = if bad[at] == b'x' { b'y' } else { b'x' };
        let bad = String::from_utf8(bad).unwrap();
        assert_eq!(
            tokens.verify(&bad, None).unwrap_err(),
            Refusal::Unknown,
            "at {at}"
        );
    }
    for bad in [
        "",
        "ms_",
        "ms__",
        &text[..text.len() - 1],
        &format!("{text}x"),
        "größe",
    ] {
        assert_eq!(tokens.verify(bad, None).unwrap_err(), Refusal::Unknown);
    }
}

#[test]
fn tokens_end() {
    let place = Place::new();
    let tokens = place.open();
    let expires = Some(Timestamp::from_micros(
        place.clock.now().micros() + 1_000_000,
    ));
    let (_, text) = tokens
        .create(&NewToken {
            expires,
            ..new("short", "viewer")
        })
        .unwrap();
    assert!(tokens.verify(&text, None).is_ok());
    place.clock.advance(Duration::from_secs(1));
    assert_eq!(tokens.verify(&text, None).unwrap_err(), Refusal::Expired);
}

#[test]
fn declared_tokens_count_until_they_are_not_declared() {
    let place = Place::new();
    let declared = |role| DeclaredToken {
        token: new("scada", role),
        hash: Hash::of("s3cret"),
    };
    let tokens = place.open_with(vec![declared("viewer")]);
    assert_eq!(
        tokens.verify("s3cret", None).unwrap().principal.name,
        "scada"
    );
    assert_eq!(
        tokens.list().last().unwrap().origin,
        TokenOrigin::Configuration
    );
    assert!(matches!(
        tokens.create(&new("scada", "viewer")),
        Err(TokenError::Name(_))
    ));
    tokens.reload(Arc::new(Roles::new([])), vec![declared("gone")]);
    assert_eq!(tokens.verify("s3cret", None).unwrap_err(), Refusal::NoRole);
    tokens.reload(Arc::new(Roles::new([])), Vec::new());
    assert_eq!(tokens.verify("s3cret", None).unwrap_err(), Refusal::Unknown);
}

#[test]
fn failures_are_throttled_but_not_the_valid() {
    let place = Place::new();
    let tokens = place.open();
    let address = Some(Address::from(IpAddr::from([10, 0, 0, 1])));
    for _ in 0..FAILURES_MAX {
        assert_eq!(
            tokens.verify("wrong", address).unwrap_err(),
            Refusal::Unknown
        );
    }
    assert_eq!(
        tokens.verify("wrong", address).unwrap_err(),
        Refusal::Throttled(60)
    );
    assert!(tokens.verify(&place.admin(), address).is_ok());
    assert_eq!(tokens.verify("wrong", None).unwrap_err(), Refusal::Unknown);
    assert_eq!(tokens.failures(), u64::from(FAILURES_MAX) + 1);
}

#[test]
fn a_damaged_file_is_named() {
    let place = Place::new();
    drop(place.open());
    fs::write(place.path(TOKENS_FILE), b"{\"tokens\":[{").unwrap();
    let roles = Arc::new(Roles::new([]));
    let opened = Tokens::open(
        place.folder.path(),
        roles,
        Vec::new(),
        Arc::clone(&place.clock) as _,
    );
    let Err(error) = opened else {
        panic!("a damaged file was accepted")
    };
    let text = error.to_string();
    assert!(
        text.contains(TOKENS_FILE) && text.contains("remove it"),
        "{text}"
    );
}
