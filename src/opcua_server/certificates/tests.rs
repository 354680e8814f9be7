//! What a waiting client means for the node's health; the list itself is tested in its own room.

use std::sync::Arc;

use mainstem_telemetry::SystemClock;
use opcua::crypto::{X509, X509Data};

use super::*;

#[test]
fn whoever_waits_is_a_problem_until_somebody_decides() {
    let folder = tempfile::tempdir().unwrap();
    let health = Health::new(Arc::new(SystemClock));
    let list = Certificates::new(folder.path(), health.clone());
    let (parsed, _) = X509::cert_and_pkey(&X509Data::sample_cert()).unwrap();
    let one = parsed.to_der().unwrap();
    let asks = || health.get(PROBLEM).is_some_and(|problem| problem.active);
    assert!(!list.admits(b"no certificate").unwrap() && !asks());
    assert!(!list.admits(&one).unwrap() && asks());

    let shown = list.list().unwrap()[0].thumbprint.clone();
    list.decide(&shown, CertificateState::Trusted).unwrap();
    assert!(list.admits(&one).unwrap() && !asks());
    list.decide(&shown, CertificateState::Refused).unwrap();
    assert!(!list.admits(&one).unwrap() && !asks());
}
