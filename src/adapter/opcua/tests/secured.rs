//! Sessions with Basic256Sha256, users and certificates.

use std::path::Path;

use mainstem_adapter::{Adapter, SessionEnd, WriteAnswer};
use mainstem_model::Value;
use serde_json::json;

use super::harness::{Session, built, subscribed};
use super::server::TestServer;
use crate::{KIND, server_certificates};
use mainstem_opcua_trust::CertificateState;

fn adapter(folder: &Path, server: &TestServer, mode: &str, password: &str) -> Box<dyn Adapter> {
    let connection = json!({
        "host": "127.0.0.1",
        "port": server.port,
        "securityPolicy": "Basic256Sha256",
        "securityMode": mode,
        "username": "operator",
        "password": password,
        "requestTimeout": 30_000,
    });
    let endpoints = vec![subscribed("double", "f64", &server.node("double"))];
    built(&KIND, folder, connection, endpoints).adapter
}

fn refused(ended: Result<(), SessionEnd>, expected: &str) -> String {
    match ended {
        Err(SessionEnd::Refused { code, message, .. }) if code == expected => message,
        other => panic!("{other:?}"),
    }
}

/// The server trusts no client any more.
fn forget_clients(folder: &std::path::Path) {
    for file in std::fs::read_dir(folder.join("server/trusted")).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
}

/// Our key is nobody else's business.
fn assert_key_is_ours(folder: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    let key = std::fs::metadata(folder.join("pki/private/key.pem")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
}

// One test, because every key costs seconds in a build without optimisation.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_trusted_by_its_thumbprint_and_users_by_their_passwords() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::secured(folder.path(), true).await;

    // Nobody has trusted this server yet.
    let session = Session::start(adapter(folder.path(), &server, "SignAndEncrypt", "right"));
    let (adapter_again, ended) = session.end().await;
    let message = refused(ended, "certificate_untrusted");
    let list = server_certificates(folder.path());
    let [certificate] = &list.list().unwrap()[..] else {
        panic!("one certificate should wait");
    };
    assert_eq!(certificate.state, CertificateState::Waiting);
    assert!(message.contains(&format!(
        "mainstem adapters certificates trust press {}",
        certificate.thumbprint
    )));
    assert!(
        message.contains(&certificate.sha1) && certificate.sha1.len() == 40,
        "{message}"
    );

    // The same adapter finds it trusted at the next try.
    let trusted = CertificateState::Trusted;
    list.decide(&certificate.thumbprint, trusted).unwrap();
    let session = Session::start(adapter_again);
    session.until_value(0, Value::F64(1.5)).await;
    let applied = WriteAnswer::Applied { verified: true };
    assert_eq!(session.write(0, Value::F64(2.5)).await, applied);
    session.stop().await.1.unwrap();

    let session = Session::start(adapter(folder.path(), &server, "Sign", "right"));
    session.until_value(0, Value::F64(2.5)).await;
    session.stop().await.1.unwrap();

    let session = Session::start(adapter(folder.path(), &server, "SignAndEncrypt", "wrong"));
    let message = refused(session.end().await.1, "access_denied");
    assert!(
        message.contains("operator") && !message.contains("wrong"),
        "{message}"
    );

    assert_key_is_ours(folder.path());

    // An endpoint that is not offered says what is.
    let connection = json!({ "host": "127.0.0.1", "port": server.port });
    let session = Session::start(built(&KIND, folder.path(), connection, Vec::new()).adapter);
    let message = refused(session.end().await.1, "no_matching_endpoint");
    assert!(
        message.contains("Basic256Sha256/SignAndEncrypt"),
        "{message}"
    );

    // Somebody thinks better of it.
    let rejected = CertificateState::Refused;
    list.decide(&certificate.thumbprint, rejected).unwrap();
    let session = Session::start(adapter(folder.path(), &server, "SignAndEncrypt", "right"));
    let message = refused(session.end().await.1, "certificate_rejected");
    assert!(message.contains(&certificate.thumbprint), "{message}");
    list.decide(&certificate.thumbprint, trusted).unwrap();
    let server_port = server.port;
    server.stop().await;

    // A server with the same key that does not trust us: the other side refuses, and we say so.
    let server = TestServer::secured_at(folder.path(), server_port, false).await;
    forget_clients(folder.path());
    let session = Session::start(adapter(folder.path(), &server, "SignAndEncrypt", "right"));
    let message = refused(session.end().await.1, "certificate_refused");
    assert!(message.contains("refuses our certificate"), "{message}");
    assert!(message.contains("pki/own/cert.der"), "{message}");

    // A server that got another key is another server, whoever answers at the same place.
    let other = tempfile::tempdir().unwrap();
    let port = server.port;
    server.stop().await;
    let server = TestServer::secured_at(other.path(), port, true).await;
    let session = Session::start(adapter(folder.path(), &server, "SignAndEncrypt", "right"));
    let message = refused(session.end().await.1, "certificate_changed");
    let listed = list.list().unwrap();
    assert_eq!(listed.len(), 2);
    for certificate in listed {
        assert!(message.contains(&certificate.thumbprint), "{message}");
    }
    server.stop().await;
}
