//! The list of certificates.

use std::fs;

use opcua::crypto::{X509, X509Data};

use super::*;

fn certificate(name: &str) -> Vec<u8> {
    let data = X509Data {
        key_size: 2048,
        common_name: name.to_owned(),
        organization: "test".to_owned(),
        organizational_unit: "test".to_owned(),
        country: "XX".to_owned(),
        state: "none".to_owned(),
        alt_host_names: X509Data::alt_host_names("urn:test", None, true, false, false),
        certificate_duration_days: 1,
    };
    let (certificate, _) = X509::cert_and_pkey(&data).unwrap();
    certificate.to_der().unwrap()
}

#[test]
fn a_certificate_waits_is_trusted_and_is_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let list = Certificates::new(folder.path());
    let one = certificate("a/b ../c");
    for _ in 0..2 {
        let state = list.meet(&one).unwrap();
        assert_eq!(
            state,
            CertificateState::Waiting,
            "asking again trusts nothing"
        );
    }
    assert_eq!(list.waiting().unwrap(), 1);
    let listed = list.list().unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].state, CertificateState::Waiting);
    assert_eq!(listed[0].thumbprint, thumbprint(&one));

    // As another tool may show it.
    let upper = listed[0].thumbprint.to_uppercase();
    let pairs = upper.as_bytes().chunks(2).map(String::from_utf8_lossy);
    let shown = pairs.collect::<Vec<_>>().join(":");
    list.decide(&shown, CertificateState::Trusted).unwrap();
    assert_eq!(list.meet(&one).unwrap(), CertificateState::Trusted);
    assert_eq!(list.waiting().unwrap(), 0);
    assert_eq!(list.export(&shown).unwrap(), one);
    list.decide(&shown, CertificateState::Trusted).unwrap();
    assert_eq!(list.list().unwrap().len(), 1, "once more changes nothing");

    list.decide(&shown, CertificateState::Refused).unwrap();
    assert_eq!(list.meet(&one).unwrap(), CertificateState::Refused);
    assert_eq!(
        list.waiting().unwrap(),
        0,
        "what was refused asks nobody again"
    );

    let unknown = list.decide(&"0".repeat(64), CertificateState::Trusted);
    assert!(matches!(unknown, Err(CertificateError::Unknown(_))));
    for name in ["", "../../own/cert", &"g".repeat(64)] {
        let error = list.decide(name, CertificateState::Trusted).unwrap_err();
        assert!(matches!(error, CertificateError::NoThumbprint(_)));
    }
}

#[test]
fn a_file_that_was_changed_is_not_what_was_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let list = Certificates::new(folder.path());
    let one = certificate("one");
    list.meet(&one).unwrap();
    list.decide(&thumbprint(&one), CertificateState::Trusted)
        .unwrap();
    let path = fs::read_dir(folder.path().join("trusted")).unwrap().next();
    fs::write(path.unwrap().unwrap().path(), certificate("other")).unwrap();
    assert_eq!(list.meet(&one).unwrap(), CertificateState::Waiting);
}

#[test]
fn the_list_is_bounded_and_takes_certificates_only() {
    let folder = tempfile::tempdir().unwrap();
    let list = Certificates::new(folder.path());
    let state = list.meet(b"no certificate").unwrap();
    assert_eq!(state, CertificateState::Waiting);
    assert_eq!(list.list().unwrap(), []);
    let waiting = folder.path().join("waiting");
    fs::create_dir_all(&waiting).unwrap();
    for number in 0..CERTIFICATES_MAX + 5 {
        fs::write(waiting.join(format!("{number}.der")), b"x").unwrap();
    }
    list.meet(&certificate("late")).unwrap();
    assert_eq!(list.list().unwrap().len(), CERTIFICATES_MAX);
}

#[test]
fn text_is_read_back_as_the_same_certificate() {
    let one = certificate("one");
    let parsed = X509::from_pem(pem(&one).as_bytes()).unwrap();
    assert_eq!(parsed.to_der().unwrap(), one);
    assert!(pem(&one).lines().all(|line| line.len() <= 64));
}
