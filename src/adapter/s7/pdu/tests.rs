//! What CPUs send, and what they never should.

use proptest::prelude::*;

use super::*;
use crate::frame::{self, Tpdu};

fn bytes(start: u32, count: u32) -> Span {
    Span {
        area: Area::Block,
        db: 1,
        start,
        count,
    }
}

fn answer_of(parameters: &[u8], data: &[u8]) -> Vec<u8> {
    let mut pdu = vec![
        0x32,
        3,
        0,
        0,
        0,
        7,
        0,
        u8::try_from(parameters.len()).unwrap(),
    ];
    pdu.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
    pdu.extend([0, 0]);
    pdu.extend(parameters);
    pdu.extend(data);
    pdu
}

#[test]
fn a_read_of_two_items_has_the_bytes_of_the_protocol() {
    let timer = Span {
        area: Area::Timers,
        db: 0,
        start: 5,
        count: 1,
    };
    let expected = [
        0x32, 1, 0, 0, 0, 7, 0, 26, 0, 0, 4, 2, // header and function
        0x12, 0x0A, 0x10, 2, 0, 4, 0, 1, 0x84, 0, 0, 0x50, // DB1, four bytes from byte 10
        0x12, 0x0A, 0x10, 0x1D, 0, 1, 0, 0, 0x1D, 0, 0, 5, // T5
    ];
    assert_eq!(read_request(7, &[bytes(10, 4), timer]), expected);
}

#[test]
fn items_are_taken_apart_with_their_fill_bytes_and_refusals() {
    let data = [
        0xFF, 4, 0, 24, 1, 2, 3, 0, // three bytes and a fill byte
        0x0A, 0, 0, 0, // no such block
        0xFF, 9, 0, 2, 8, 9, // a timer counts bytes
    ];
    let timer = Span {
        area: Area::Timers,
        db: 0,
        start: 5,
        count: 1,
    };
    let spans = [bytes(0, 3), bytes(0, 2), timer];
    let pdu = answer_of(&[4, 3], &data);
    let items = read_answer(&pdu, 7, &spans).unwrap();
    assert_eq!(items, [Ok(&[1, 2, 3][..]), Err(0x0A), Ok(&[8, 9][..])]);
    assert!(read_answer(&pdu, 8, &spans).is_err(), "another request's");
    assert!(read_answer(&pdu, 7, &spans[..2]).is_err(), "too many items");
    let lied = answer_of(&[4, 1], &[0xFF, 4, 0xFF, 0xFF, 1]);
    assert!(
        read_answer(&lied, 7, &[bytes(0, 1)]).is_err(),
        "a length that is not there"
    );
}

#[test]
fn a_refused_request_carries_class_and_code() {
    let pdu = [0x32, 2, 0, 0, 0, 7, 0, 0, 0, 0, 0x81, 0x04];
    let refused = AnswerError::Refused {
        class: 0x81,
        code: 4,
    };
    assert_eq!(read_answer(&pdu, 7, &[bytes(0, 1)]), Err(refused.clone()));
    assert_eq!(write_answer(&pdu, 7), Err(refused));
    assert!(crate::fault::request(0x81, 4).message.contains("PUT/GET"));
}

#[test]
fn a_connection_is_asked_for_and_confirmed() {
    let request = frame::connect_request(0x0100, 0x0102);
    assert_eq!(request.len(), 22);
    assert_eq!(&request[..6], [3, 0, 0, 22, 0x11, 0xE0]);
    let confirm = [
        0x11, 0xD0, 0, 1, 0, 1, 0, 0xC1, 2, 1, 0, 0xC0, 1, 9, 0xC2, 2, 1, 2,
    ];
    assert_eq!(frame::parse(&confirm), Ok(Tpdu::Confirm { size: 512 }));
    assert_eq!(
        frame::parse(&[6, 0x80, 0, 0, 0, 0, 3]),
        Ok(Tpdu::Disconnect { reason: 3 })
    );
    assert!(frame::rest_of([3, 0, 0xFF, 0xFF]).is_err());
    assert!(frame::rest_of([3, 0, 0, 3]).is_err());
}

proptest! {
    #[test]
    fn nothing_that_arrives_does_harm(pdu in proptest::collection::vec(any::<u8>(), 0..300)) {
        let spans = [bytes(0, 2), bytes(9, 1)];
        drop(read_answer(&pdu, 7, &spans));
        drop(write_answer(&pdu, 7));
        drop(setup_answer(&pdu, 7));
        drop(frame::parse(&pdu));
        let tail = answer_of(&[4, 2], &pdu);
        if let Ok(items) = read_answer(&tail, 7, &spans) {
            prop_assert_eq!(items.len(), 2);
        }
    }
}
