//! TLS before a foreign broker, and log-ins that come to nothing.

use std::sync::Arc;

use mainstem_adapter::WriteAnswer;
use mainstem_adapter::conformance::{Observed, Rig};
use mainstem_adapter_kafka::KIND;
use mainstem_model::{Access, Value};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls_pki_types::PrivateKeyDer;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use crate::peer::{PATIENCE, Peer, endpoint, reads, spec};

/// An authority in `ca.pem`, and what a server shows that it vouches for.
fn certificates(folder: &std::path::Path) -> TlsAcceptor {
    let authority_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&authority_key).unwrap();
    std::fs::write(folder.join("ca.pem"), authority.pem()).unwrap();
    let issuer = Issuer::new(params, authority_key);
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let server = server.signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![server.der().clone()], key);
    TlsAcceptor::from(Arc::new(config.unwrap()))
}

/// TLS in front of a broker. Returns its port.
async fn shield(acceptor: TlsAcceptor, far: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    TaskTracker::new().spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let (acceptor, far) = (acceptor.clone(), far.clone());
            TaskTracker::new().spawn(async move {
                let mut near = acceptor.accept(near).await?;
                let mut far = TcpStream::connect(far).await?;
                copy_bidirectional(&mut near, &mut far).await
            });
        }
    });
    port
}

#[tokio::test]
async fn a_broker_behind_tls_is_believed_only_with_the_right_authority() {
    let Some(peer) = Peer::start(&["press"]) else {
        return;
    };
    peer.produce("press", r#"{"pressure":4.5}"#);
    let port = shield(certificates(peer.folder.path()), peer.address.clone()).await;
    let order = json!({ "topic": "written" });
    let mut spec = peer.spec(vec![
        reads("pressure", "f64", "press", "/pressure"),
        endpoint("order", Access::Write, Some("text"), order),
    ]);
    spec.connection["addresses"] = json!({ peer.address.as_str(): format!("127.0.0.1:{port}") });
    spec.connection["tls"] = json!({ "ca": "ca.pem" });
    let rig = Rig::start(KIND, spec.clone());
    let is_good = |seen: &Observed| (seen.value("pressure")? == Value::F64(4.5)).then_some(());
    rig.witness.until("the value", PATIENCE, is_good).await;
    let written = rig.write("order", Value::text("A-17"), PATIENCE).await;
    assert_eq!(written, WriteAnswer::Applied { verified: false });
    rig.runner.stop().await;
    let other = TempDir::new().unwrap();
    certificates(other.path());
    spec.home = other.path().to_owned();
    let rig = Rig::start(KIND, spec);
    let is_told = |seen: &Observed| {
        let cause = seen.standings.last()?.cause.clone()?;
        (cause.code == "no_connection" && cause.message.contains("certificate")).then_some(())
    };
    rig.witness
        .until("the wrong authority", PATIENCE, is_told)
        .await;
    assert_eq!(rig.witness.observed().value("pressure"), None);
    rig.runner.stop().await;
}

/// A broker that answers log-ins with these, one after the other.
async fn guard(answers: &'static [&'static [u8]]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    TaskTracker::new().spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            TaskTracker::new().spawn(async move {
                for answer in answers {
                    let length = stream.read_i32().await?;
                    let mut request = vec![0; usize::try_from(length).unwrap()];
                    stream.read_exact(&mut request).await?;
                    let length = i32::try_from(4 + answer.len()).unwrap();
                    stream.write_i32(length).await?;
                    stream.write_all(&request[4..8]).await?;
                    stream.write_all(answer).await?;
                }
                stream.read_to_end(&mut Vec::new()).await
            });
        }
    });
    port
}

/// The mechanism is not known.
const UNKNOWN_MECHANISM: &[u8] = &[0, 33, 0, 0, 0, 0];
/// The mechanism is taken.
const OFFERED: &[u8] = &[0, 0, 0, 0, 0, 0];
/// A challenge that continues no nonce: `r=x,s=AAAA,i=4096`.
const CHEATING: &[u8] = b"\0\0\xff\xff\0\0\0\x11r=x,s=AAAA,i=4096";
/// The log-in is refused, with a text.
const REFUSED: &[u8] = b"\0\x3a\0\x09not today\xff\xff\xff\xff";

#[tokio::test]
async fn a_log_in_that_comes_to_nothing_is_told_and_not_tried_in_a_hurry() {
    for (answers, words) in [
        (&[UNKNOWN_MECHANISM][..], "does not offer SCRAM-SHA-256"),
        (&[OFFERED, CHEATING], "does not continue ours"),
        (&[OFFERED, REFUSED], "not today"),
        (&[OFFERED, b"\0"], "no answer"),
    ] {
        let folder = TempDir::new().unwrap();
        let connection = json!({
            "brokers": [format!("127.0.0.1:{}", guard(answers).await)],
            "sasl": { "mechanism": "scram-sha-256", "username": "line1", "password": "pencil" },
        });
        let endpoints = vec![reads("pressure", "f64", "press", "/pressure")];
        let rig = Rig::start(KIND, spec(connection, endpoints, &folder));
        let is_told = |seen: &Observed| {
            let cause = seen.standings.last()?.cause.clone()?;
            cause.message.contains(words).then_some(())
        };
        rig.witness.until(words, PATIENCE, is_told).await;
        let seen = rig.witness.observed();
        let said = format!("{:?}", seen.standings);
        assert!(!said.contains("pencil"), "{said}");
        rig.runner.stop().await;
    }
}

#[test]
fn a_password_is_not_sent_for_everybody_to_read() {
    let folder = TempDir::new().unwrap();
    let connection = json!({
        "brokers": ["kafka1:9092"],
        "sasl": { "mechanism": "plain", "username": "line1", "password": "pencil" },
    });
    let problems = (KIND.build)(&spec(connection, Vec::new(), &folder))
        .err()
        .unwrap();
    assert_eq!(problems[0].pointer, "/connection/sasl/mechanism");
}
