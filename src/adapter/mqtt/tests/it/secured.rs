//! TLS to a broker that asks for a certificate, and the will that it publishes.

use std::path::Path;

use mainstem_model::{Access, Value};
use serde_json::{Value as Json, json};

use crate::broker::{Broker, Ear, is_here};
use crate::rig::{self, PATIENCE, start};

/// An authority, a broker and a node with certificates by it, all in a folder.
fn certificates(folder: &Path) {
    let mut authority = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = authority.self_signed(&key).unwrap();
    std::fs::write(folder.join("ca"), certificate.pem()).unwrap();
    let issuer = rcgen::Issuer::new(authority, key);
    for name in ["broker", "node"] {
        let mut leaf = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        leaf.distinguished_name
            .push(rcgen::DnType::CommonName, name);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = leaf.signed_by(&key, &issuer).unwrap();
        std::fs::write(folder.join(name), certificate.pem()).unwrap();
        std::fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }
}

fn echo(port: u16, more: &Json) -> mainstem_adapter::AdapterSpec {
    let operation = json!({"topic": "hall/echo", "writeTopic": "hall/echo"});
    let endpoints = vec![rig::endpoint("echo", Access::ReadWrite, "i64", operation)];
    rig::spec(port, more, endpoints)
}

async fn by_tls(version: &str) {
    if !is_here() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let at = folder.path().display();
    let broker = Broker::with(&format!(
        "cafile {at}/ca\ncertfile {at}/broker\nkeyfile {at}/broker.key\nrequire_certificate true\n"
    ));
    let place = |name: &str| folder.path().join(name);
    let own = json!({"ca": place("ca"), "certificate": place("node"), "key": place("node.key")});
    let way = json!({"scheme": "mqtts", "version": version, "tls": own});
    let rig = start(echo(broker.port, &way));
    rig.online().await;
    rig.write("echo", Value::Int(7), PATIENCE).await;
    rig.value("echo", &Value::Int(7)).await;
    rig.runner.stop().await;

    // Without a certificate of ours, and with an authority that did not sign the broker's.
    std::fs::write(place("other"), other_authority()).unwrap();
    let nobody = json!({"ca": place("ca")});
    let stranger =
        json!({"ca": place("other"), "certificate": place("node"), "key": place("node.key")});
    for tls in [nobody, stranger] {
        let way = json!({"scheme": "mqtts", "version": version, "tls": tls});
        let rig = start(echo(broker.port, &way));
        rig.until(|rig| rig.runner.standing().cause.is_some()).await;
        assert!(rig.witness.observed().samples.is_empty());
        rig.runner.stop().await;
    }
}

fn other_authority() -> String {
    let mut authority = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    authority.self_signed(&key).unwrap().pem()
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_with_a_certificate_of_our_own_by_3() {
    by_tls("3.1.1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_with_a_certificate_of_our_own_by_5() {
    by_tls("5").await;
}

async fn last_will(version: &str) {
    if !is_here() {
        return;
    }
    let broker = Broker::start();
    let ear = Ear::start(&broker, "hall/line1");
    let will = json!({"topic": "hall/line1", "payload": "gone", "qos": 1, "retain": true});
    let rig = start(echo(
        broker.port,
        &json!({"version": version, "will": will}),
    ));
    rig.online().await;
    // A clean end is none that a broker tells.
    rig.runner.stop().await;
    assert_eq!(ear.settled(&broker), 0, "{}", ear.text());

    let rig = start(echo(
        broker.port,
        &json!({"version": version, "will": will}),
    ));
    rig.online().await;
    // The broker takes the client for gone when another comes with its id; here it is frozen out.
    broker.signal("STOP");
    rig.until(|rig| rig.runner.standing().cause.is_some()).await;
    broker.signal("CONT");
    rig.until(|_| ear.count() == 1).await;
    rig.runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_will_is_told_when_the_line_is_lost_by_3() {
    last_will("3.1.1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_will_is_told_when_the_line_is_lost_by_5() {
    last_will("5").await;
}
