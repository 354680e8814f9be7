//! Tests of `tls`.

use std::io;

use mainstem_model::Timestamp;
use rustls::{ClientConnection, ServerConnection};

use rustls_pki_types::CertificateDer;

use super::*;

/// A moment at which certificates of these tests are valid: rustls looks at the real clock.
fn now() -> Timestamp {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap())
}

fn identity_at(folder: &tempfile::TempDir, now: Timestamp) -> Identity {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    Identity::load_or_create(folder.path(), "line1", &names, now).unwrap()
}

/// Shakes hands in memory; what the client knows then, or why it refused.
fn shake(
    server: &Identity,
    trust: &Trust,
    name: &str,
) -> Result<(Option<Pin>, Option<Vec<u8>>), rustls::Error> {
    let name = name.to_owned().try_into().unwrap();
    let mut client = ClientConnection::new(client_config(trust).unwrap(), name).unwrap();
    let mut server = ServerConnection::new(server_config(server).unwrap()).unwrap();
    let mut wire = Vec::new();
    while client.is_handshaking() || server.is_handshaking() {
        wire.clear();
        client.write_tls(&mut wire).unwrap();
        feed(&wire, |reader| server.read_tls(reader));
        server.process_new_packets()?;
        wire.clear();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        let mut rest = wire.as_slice();
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets()?;
        }
    }
    Ok((
        peer_pin(client.peer_certificates()),
        client.alpn_protocol().map(<[u8]>::to_vec),
    ))
}

fn feed(mut bytes: &[u8], mut read: impl FnMut(&mut dyn io::Read) -> io::Result<usize>) {
    while !bytes.is_empty() {
        read(&mut bytes).unwrap();
    }
}

#[test]
fn a_pin_lets_its_node_in_whatever_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let identity = identity_at(&folder, now());
    let pin: Pin = identity.pin().to_string().parse().unwrap();
    let (seen, protocol) = shake(&identity, &Trust::Pin(pin), "any.name").unwrap();
    assert_eq!(seen, Some(identity.pin()));
    assert_eq!(protocol.as_deref(), Some(b"h2".as_slice()));
}

#[test]
fn an_expired_certificate_stops_no_pin() {
    let folder = tempfile::tempdir().unwrap();
    let identity = identity_at(&folder, Timestamp::from_millis(0));
    assert!(shake(&identity, &Trust::Pin(identity.pin()), "localhost").is_ok());
    let error = shake(&identity, &Trust::CaFile(identity.ca_file()), "localhost").unwrap_err();
    assert!(error.to_string().contains("xpired"), "{error}");
}

#[test]
fn a_first_start_with_a_dead_clock_spoils_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for wrong in [0, 7_000_000_000_000] {
        drop(identity_at(&folder, Timestamp::from_millis(wrong)));
        let identity = identity_at(&folder, now());
        assert!(shake(&identity, &Trust::CaFile(identity.ca_file()), "localhost").is_ok());
    }
}

#[test]
fn another_key_is_refused_and_both_are_named() {
    let (mine, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mine, other) = (identity_at(&mine, now()), identity_at(&other, now()));
    let error = shake(&mine, &Trust::Pin(other.pin()), "localhost")
        .unwrap_err()
        .to_string();
    assert!(error.contains(&mine.pin().to_string()), "{error}");
    assert!(error.contains(&other.pin().to_string()), "{error}");
}

#[test]
fn a_ca_vouches_for_the_names_only() {
    let (folder, foreign) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let identity = identity_at(&folder, now());
    let trust = Trust::CaFile(identity.ca_file());
    for name in ["localhost", "127.0.0.1"] {
        assert!(shake(&identity, &trust, name).is_ok(), "{name}");
    }
    assert!(shake(&identity, &trust, "elsewhere").is_err());
    let foreign = Trust::CaFile(identity_at(&foreign, now()).ca_file());
    assert!(shake(&identity, &foreign, "localhost").is_err());
}

#[test]
fn a_renewed_certificate_is_shown_by_open_listeners() {
    let folder = tempfile::tempdir().unwrap();
    let identity = identity_at(&folder, now());
    let trust = Trust::CaFile(identity.ca_file());
    assert!(shake(&identity, &trust, "new.name").is_err());
    assert!(
        identity
            .renew_if_due(&["new.name".to_owned()], now())
            .unwrap()
    );
    assert_eq!(
        shake(&identity, &trust, "new.name").unwrap().0,
        Some(identity.pin())
    );
    assert!(
        !identity
            .renew_if_due(&["new.name".to_owned()], now())
            .unwrap()
    );
}

#[test]
fn a_ca_file_without_certificates_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    assert!(client_config(&Trust::CaFile(path.clone())).is_err());
    std::fs::write(&path, "nothing").unwrap();
    let error = client_config(&Trust::CaFile(path)).unwrap_err().to_string();
    assert!(
        error.contains("ca.pem") && error.contains("no certificate"),
        "{error}"
    );
}

#[test]
fn pins_are_checked() {
    let good = format!("sha256:{}", "aB".repeat(32));
    assert_eq!(
        good.parse::<Pin>().unwrap().to_string(),
        good.to_lowercase()
    );
    for bad in [
        "",
        "sha256:",
        "sha256:00",
        &good[7..],
        &format!("{good}0"),
        &good[..70],
    ] {
        assert_eq!(bad.parse::<Pin>(), Err(PinError), "{bad}");
    }
    assert_eq!(peer_pin(None), None);
    assert_eq!(peer_pin(Some(&[CertificateDer::from(vec![1, 2, 3])])), None);
}

#[test]
fn a_peer_that_speaks_no_tls_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let config = server_config(&identity_at(&folder, now())).unwrap();
    let mut server = ServerConnection::new(config).unwrap();
    feed(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", |reader| {
        server.read_tls(reader)
    });
    assert!(server.process_new_packets().is_err());
}
