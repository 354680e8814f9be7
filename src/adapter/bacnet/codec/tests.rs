//! The bytes, against examples worked out by hand after the standard's rules, and against anything.

use proptest::prelude::*;

use super::apdu::{self, Apdu};
use super::network::{self, Datagram, Station, Way};
use super::service::{self, Target};
use super::value::{self, Raw};
use super::{ObjectId, describe, moment, tag, text};

fn one(bytes: &[u8]) -> Raw {
    let mut values = value::decode_all(bytes).unwrap();
    assert_eq!(values.len(), 1);
    values.remove(0)
}

#[test]
fn values_have_these_bytes() {
    let rows: [(&[u8], Raw); 12] = [
        (&[0x00], Raw::Null),
        (&[0x11], Raw::Boolean(true)),
        (&[0x21, 0x48], Raw::Unsigned(72)),
        (&[0x31, 0x80], Raw::Signed(-128)),
        (&[0x32, 0x00, 0x80], Raw::Signed(128)),
        (&[0x44, 0x42, 0x90, 0x00, 0x00], Raw::Real(72.0)),
        (&[0x55, 8, 0x40, 0x52, 0, 0, 0, 0, 0, 0], Raw::Double(72.0)),
        (
            &[0x63, 0x12, 0x34, 0xFF],
            Raw::Octets(vec![0x12, 0x34, 0xFF]),
        ),
        (&[0x74, 0x00, b'a', b'b', b'c'], Raw::Text("abc".into())),
        (
            &[0x82, 0x03, 0xA8],
            Raw::Bits(vec![true, false, true, false, true]),
        ),
        (&[0x91, 0x05], Raw::Enumerated(5)),
        (
            &[0xC4, 0x00, 0xC0, 0x00, 0x0F],
            Raw::Object(ObjectId {
                kind: 3,
                instance: 15,
            }),
        ),
    ];
    for (bytes, wanted) in rows {
        assert_eq!(one(bytes), wanted);
        let mut written = Vec::new();
        value::encode(&mut written, &wanted);
        assert_eq!(written, bytes, "{wanted:?}");
    }
}

#[test]
fn texts_come_in_several_sets() {
    let rows: [(&[u8], Option<&str>); 9] = [
        (b"\x00Gr\xC3\xBC\xC3\x9Fe", Some("Grüße")),
        (b"\x00Gr\xFC\xDFe", Some("Grüße")),
        (b"\x01\x03\x52abc", Some("abc")),
        (b"\x01\x03\x52\x81", None),
        (b"\x03\x00\x00\x00\xFC", Some("ü")),
        (b"\x04\x00\xFC\x00a", Some("üa")),
        (b"\x04\x00\xFC\x00", None),
        (b"\x05\xFC", Some("ü")),
        (b"\x09abc", None),
    ];
    for (bytes, wanted) in rows {
        assert_eq!(text::decode(bytes).as_deref(), wanted, "{bytes:?}");
    }
}

#[test]
fn dates_and_times_may_be_open() {
    assert_eq!(moment::date_text([126, 11, 20, 5]), "2026-11-20");
    assert_eq!(moment::date_text([0xFF, 0xFF, 1, 0xFF]), "*-*-01");
    assert_eq!(moment::time_text([13, 5, 0xFF, 0xFF]), "13:05:*.*");
    assert_eq!(moment::date("*-02-31"), Some([0xFF, 2, 31, 0xFF]));
    assert_eq!(moment::time("13:05"), Some([13, 5, 0, 0]));
    for wrong in ["", "2026-13", "1899-01-01", "2026-1-1-1", "2026-15-01"] {
        assert_eq!(moment::date(wrong), None, "{wrong}");
    }
    for wrong in ["", "24:00", "1:2:3:4", "12:60"] {
        assert_eq!(moment::time(wrong), None, "{wrong}");
    }
    let at = moment::moment([126, 2, 28, 6], [23, 59, 58, 25]).unwrap();
    assert_eq!(moment::parts(at), Some(([126, 2, 28, 6], [23, 59, 58, 25])));
    assert_eq!(moment::moment([126, 2, 30, 6], [0, 0, 0, 0]), None);
    assert_eq!(moment::moment([0xFF, 2, 3, 6], [0, 0, 0, 0]), None);
}

#[test]
fn a_read_has_these_bytes() {
    let target = Target {
        object: ObjectId {
            kind: 0,
            instance: 5,
        },
        property: 85,
        index: None,
    };
    let mut request = apdu::request(1, service::READ, 1024, false);
    service::read(&mut request, &target);
    assert_eq!(
        request,
        [
            0x00, 0x04, 0x01, 0x0C, 0x0C, 0x00, 0x00, 0x00, 0x05, 0x19, 0x55
        ]
    );
    let answer = [
        0x30, 0x01, 0x0C, 0x0C, 0x00, 0x00, 0x00, 0x05, 0x19, 0x55, 0x3E, 0x44, 0x42, 0x90, 0x99,
        0x9A, 0x3F,
    ];
    let Ok(Apdu::Complex {
        invoke: 1,
        service: service::READ,
        body,
    }) = apdu::parse(&answer)
    else {
        panic!("no answer");
    };
    assert_eq!(
        service::read_answer(body),
        Ok((target, vec![Raw::Real(72.3)]))
    );
}

#[test]
fn messages_go_to_networks_behind_routers() {
    let station = Station {
        network: 2001,
        mac: vec![0x0A],
    };
    let datagram = network::wrap(Way::Unicast, Some(&station), true, &[0x10, 0x08]);
    assert_eq!(
        datagram,
        [
            0x81, 0x0A, 0, 13, 1, 0x24, 0x07, 0xD1, 1, 0x0A, 255, 0x10, 0x08
        ]
    );
    let answer = [0x81, 0x0A, 0, 12, 1, 0x08, 0x07, 0xD1, 1, 0x0A, 0x10, 0x00];
    let read = network::unwrap(&answer).unwrap();
    assert_eq!(
        read,
        Datagram::Message {
            origin: None,
            station: Some(station),
            apdu: &[0x10, 0x00],
        }
    );
    let away = [0x81, 0x0A, 0, 10, 1, 0x80, 0x03, 1, 0x07, 0xD1];
    assert_eq!(
        network::unwrap(&away),
        Ok(Datagram::Unreachable { network: 2001 })
    );
}

fn read_everything(bytes: &[u8]) {
    drop(network::unwrap(bytes));
    drop(describe::datagram(bytes));
    drop(describe::message(bytes));
    drop(value::decode_all(bytes));
    drop(service::read_answer(bytes));
    drop(service::read_multiple_answer(bytes));
    drop(service::notification(bytes));
    let _said = service::i_am(bytes);
    drop(text::decode(bytes));
}

proptest! {
    #[test]
    fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        read_everything(&bytes);
    }

    #[test]
    fn no_change_of_sound_bytes_does_harm(at in 0..60_usize, byte: u8, end in 0..60_usize) {
        let object = ObjectId { kind: 2, instance: 7 };
        let mut sound = vec![0x09, 1, 0x1C, 2, 0, 0, 1, 0x2C, 0, 0x80, 0, 7, 0x39, 9, 0x4E];
        sound.extend([0x09, 85, 0x2E, 0x44, 0, 0, 0, 0, 0x2F, 0x09, 111, 0x2E, 0x82, 4, 0]);
        sound.extend([0x2F, 0x4F]);
        prop_assert_eq!(service::notification(&sound).unwrap().object, object);
        if let Some(place) = sound.get_mut(at) {
            *place = byte;
        }
        sound.truncate(end);
        read_everything(&sound);
    }

    #[test]
    fn numbers_come_back(unsigned: u64, signed: i64) {
        prop_assert_eq!(tag::unsigned(&tag::unsigned_bytes(unsigned)), Some(unsigned));
        prop_assert_eq!(tag::signed(&tag::signed_bytes(signed)), Some(signed));
    }

    #[test]
    fn texts_of_any_length_come_back(text in ".{0,400}") {
        let mut bytes = Vec::new();
        value::encode(&mut bytes, &Raw::Text(text.clone()));
        prop_assert_eq!(one(&bytes), Raw::Text(text));
    }
}
