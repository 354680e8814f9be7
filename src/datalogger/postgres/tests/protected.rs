//! TLS by an authority and by a pin, and a password that nobody sees.

use std::time::Duration;

use mainstem_device::{PostgresServer, Speed};
use mainstem_security::Pin;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::Sink;
use crate::postgres::shared::AWAY;
use crate::postgres::{PostgresConfig, TlsMode};
use crate::story::{Place, Postgres, all, key, row, server};

/// An authority, and a server that it vouches for, as PEM; and the server's key as a pin.
fn certificates() -> (String, String, String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let own = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let server = params.signed_by(&own, &issuer).unwrap();
    let pin = Pin::of_certificate(server.der()).unwrap().to_string();
    (authority.pem(), server.pem(), own.serialize_pem(), pin)
}

fn protect(server: &mut PostgresServer, certificate: &str, key: &str) {
    server
        .sql("mainstem", "CREATE ROLE node LOGIN PASSWORD 'open sesame'")
        .unwrap();
    server
        .sql("mainstem", "CREATE SCHEMA safe AUTHORIZATION node")
        .unwrap();
    let hba = server.place(
        "hba",
        "local all all trust\nhostssl all node all scram-sha-256\n",
    );
    let certificate = server.place("server.pem", certificate).unwrap();
    let key = server.place("server.key", key).unwrap();
    server.set(&[
        "ssl=on".to_owned(),
        format!("ssl_cert_file={}", certificate.display()),
        format!("ssl_key_file={}", key.display()),
        format!("hba_file={}", hba.unwrap().display()),
    ]);
    server.kill();
    server.up().unwrap();
}

#[test]
fn the_server_is_known_by_an_authority_or_a_pin_and_the_password_is_never_shown() {
    let Some(mut server) = server("the PostgreSQL store over TLS", Speed::Fast) else {
        return;
    };
    let (authority, certificate, own_key, pin) = certificates();
    protect(&mut server, &certificate, &own_key);
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, authority).unwrap();
    let other = folder.path().join("other.pem");
    std::fs::write(&other, certificates().0).unwrap();
    let config = PostgresConfig {
        port: server.port(),
        schema: "safe".to_owned(),
        user: "node".to_owned(),
        database: "mainstem".to_owned(),
        password: Some("open sesame".to_owned()),
        timeout: Duration::from_secs(5),
        gather: Duration::from_millis(20),
        ..PostgresConfig::new("127.0.0.1")
    };
    assert!(!format!("{config:?}").contains("sesame"));
    let said = |config: PostgresConfig| {
        let mut place = Postgres::new(&server, "safe");
        place.config = config;
        let sink = place.open();
        let told = place.health.get(AWAY).filter(|state| state.active);
        if told.is_none() {
            let series = sink.series(&key("a")).unwrap();
            sink.append(vec![row(series, 1)]).wait().unwrap();
            assert_eq!(all(&sink, series).unwrap(), [row(series, 1)]);
        }
        told.map(|state| state.problem.text)
    };
    let by_authority = PostgresConfig {
        ca: Some(ca),
        ..config.clone()
    };
    assert_eq!(said(by_authority.clone()), None);
    let by_pin = PostgresConfig {
        pin: Some(pin.clone()),
        ..config.clone()
    };
    assert_eq!(said(by_pin), None);
    let wrong = |config: PostgresConfig| {
        let told = said(config).unwrap();
        assert!(!told.contains("sesame"), "{told}");
        told
    };
    let strange = PostgresConfig {
        ca: Some(other),
        ..config.clone()
    };
    assert!(wrong(strange).contains("certificate"));
    let digit = if pin.ends_with('0') { "1" } else { "0" };
    let other = format!("{}{digit}", &pin[..pin.len() - 1]);
    wrong(PostgresConfig {
        pin: Some(other),
        ..config.clone()
    });
    let bad = PostgresConfig {
        password: Some("sesame oil".to_owned()),
        ..by_authority.clone()
    };
    assert!(wrong(bad).contains("password authentication failed"));
    let open = PostgresConfig {
        tls: TlsMode::Off,
        ..by_authority
    };
    wrong(open);
}
