//! The list of clients' certificates.

use std::sync::Arc;

use mainstem_telemetry::SystemClock;
use opcua::crypto::X509Data;

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
    let health = Health::new(Arc::new(SystemClock));
    let list = Certificates::new(folder.path(), health.clone());
    let one = certificate("a/b ../c");
    assert!(!list.admits(&one).unwrap());
    assert!(
        !list.admits(&one).unwrap(),
        "asking again makes it no more trusted"
    );
    let asks = || health.get(PROBLEM).is_some_and(|problem| problem.active);
    assert!(asks());
    let listed = list.list().unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].state, CertificateState::Waiting);

    // As another tool may show it.
    let shown = listed[0].thumbprint.to_uppercase();
    list.decide(&shown, CertificateState::Trusted).unwrap();
    assert!(list.admits(&one).unwrap());
    assert!(!asks());

    list.decide(&shown, CertificateState::Refused).unwrap();
    assert!(!list.admits(&one).unwrap());
    assert!(
        health.get(PROBLEM).is_none(),
        "what was refused asks nobody again"
    );
    assert_eq!(list.list().unwrap()[0].state, CertificateState::Refused);

    let unknown = list.decide(&"0".repeat(64), CertificateState::Trusted);
    assert!(matches!(unknown, Err(CertificateError::Unknown(_))));
    for name in ["", "../../own/cert", &"g".repeat(64)] {
        let error = list.decide(name, CertificateState::Trusted).unwrap_err();
        assert!(matches!(error, CertificateError::NoThumbprint(_)));
    }
}

#[test]
fn the_list_is_bounded_and_takes_certificates_only() {
    let folder = tempfile::tempdir().unwrap();
    let list = Certificates::new(folder.path(), Health::new(Arc::new(SystemClock)));
    assert!(!list.admits(b"no certificate").unwrap());
    assert_eq!(list.list().unwrap(), []);
    let waiting = folder.path().join(WAITING);
    fs::create_dir_all(&waiting).unwrap();
    for number in 0..CERTIFICATES_MAX + 5 {
        fs::write(waiting.join(format!("{number}.der")), b"x").unwrap();
    }
    assert!(!list.admits(&certificate("late")).unwrap());
    assert_eq!(list.list().unwrap().len(), CERTIFICATES_MAX);
}
