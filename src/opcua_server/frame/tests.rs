//! Foreign bytes before anything is decrypted.

use super::*;

fn chunk(kind: &[u8; 4], size: u32) -> [u8; HEADER_BYTES] {
    let mut bytes = [0; HEADER_BYTES];
    bytes[..4].copy_from_slice(kind);
    bytes[4..].copy_from_slice(&size.to_le_bytes());
    bytes
}

#[test]
fn a_header_is_believed_within_bounds_only() {
    let good = header(&chunk(b"MSGC", 65_535), 65_535).unwrap();
    assert_eq!(
        (good.kind, good.is_final, good.size),
        (Kind::Message, false, 65_535)
    );
    for size in [0, 7, 8] {
        assert_eq!(
            header(&chunk(b"MSGF", size), 65_535),
            Err(MALFORMED),
            "{size}"
        );
    }
    for size in [65_536, 0x7FFF_FFFF, u32::MAX] {
        assert_eq!(
            header(&chunk(b"MSGF", size), 65_535),
            Err(TOO_LARGE),
            "{size}"
        );
    }
    for kind in [b"ACKF", b"ERRF", b"RHEF", b"GET ", b"MSGX", b"\0\0\0\0"] {
        assert_eq!(header(&chunk(kind, 100), 65_535), Err(MALFORMED));
    }
}

#[test]
fn an_opening_tells_policy_and_certificate() {
    let mut body = 7_u32.to_le_bytes().to_vec();
    let uri = format!("{URI_PREFIX}Basic256Sha256");
    body.extend((uri.len() as u32).to_le_bytes());
    body.extend(uri.as_bytes());
    body.extend(3_u32.to_le_bytes());
    body.extend([1, 2, 3]);
    body.extend(20_u32.to_le_bytes());
    let read = opening(&body).unwrap();
    assert_eq!(
        (read.policy, read.certificate),
        ("Basic256Sha256", &[1, 2, 3][..])
    );
    for cut in 0..body.len() - 4 {
        assert!(opening(&body[..cut]).is_err(), "{cut}");
    }
    // A length that leads out of the message.
    body[4..8].copy_from_slice(&i32::MAX.to_le_bytes());
    assert_eq!(opening(&body), Err(MALFORMED));
}

#[test]
fn only_looking_at_endpoints_needs_no_security() {
    let request = |id: u16| {
        let mut body = vec![0; 16];
        body.extend([1, 0]);
        body.extend(id.to_le_bytes());
        body
    };
    assert!(is_discovery(&request(428)) && is_discovery(&request(422)));
    // CreateSession, ActivateSession, RegisterServer.
    for id in [461, 467, 437, 0, 65_535] {
        assert!(!is_discovery(&request(id)), "{id}");
    }
    assert!(!is_discovery(&[]) && !is_discovery(&[0; 17]));
}
