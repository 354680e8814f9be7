//! Tests of `request`: the examples of the specification, and what is none.

use proptest::prelude::*;

use super::*;

fn span(start: u16, count: u16) -> Span {
    Span { start, count }
}

#[test]
fn every_function_code_is_read() {
    let cases: [(&[u8], Request); 8] = [
        (
            &[1, 0, 0x13, 0, 0x13],
            Request::Read {
                table: Table::Coils,
                span: span(19, 19),
            },
        ),
        (
            &[4, 0, 8, 0, 1],
            Request::Read {
                table: Table::InputRegisters,
                span: span(8, 1),
            },
        ),
        (
            &[5, 0, 0xAC, 0xFF, 0],
            Request::Write {
                table: Table::Coils,
                span: span(172, 1),
                words: vec![1],
            },
        ),
        (
            &[15, 0, 0x13, 0, 10, 2, 0xCD, 1],
            Request::Write {
                table: Table::Coils,
                span: span(19, 10),
                words: vec![1, 0, 1, 1, 0, 0, 1, 1, 1, 0],
            },
        ),
        (
            &[16, 0, 1, 0, 2, 4, 0, 10, 1, 2],
            Request::Write {
                table: Table::HoldingRegisters,
                span: span(1, 2),
                words: vec![10, 258],
            },
        ),
        (
            &[22, 0, 4, 0, 0xF2, 0, 0x25],
            Request::Mask {
                address: 4,
                and: 0xF2,
                or: 0x25,
            },
        ),
        (
            &[23, 0, 3, 0, 6, 0, 14, 0, 1, 2, 0, 255],
            Request::ReadWrite {
                read: span(3, 6),
                write: span(14, 1),
                words: vec![255],
            },
        ),
        (
            &[43, 14, 1, 0],
            Request::Identify {
                level: 1,
                object: 0,
            },
        ),
    ];
    for (bytes, wanted) in cases {
        assert_eq!(request(bytes), Ok(wanted), "{bytes:?}");
    }
}

#[test]
fn what_is_no_request_is_refused() {
    let value = Exception::IllegalDataValue;
    let cases: [(&[u8], Exception); 16] = [
        (&[], Exception::IllegalFunction),
        (&[0], Exception::IllegalFunction),
        (&[7], Exception::IllegalFunction),
        (&[0x83, 0, 0, 0, 1], Exception::IllegalFunction),
        (&[43, 13, 0, 0], Exception::IllegalFunction),
        (&[3], value),
        (&[3, 0, 0, 0], value),
        (&[3, 0, 0, 0, 1, 0], value),
        (&[3, 0, 0, 0, 0], value),
        (&[3, 0, 0, 0, 126], value),
        (&[1, 0, 0, 7, 0xD1], value),
        (&[3, 0xFF, 0xFF, 0, 2], Exception::IllegalDataAddress),
        (&[5, 0, 0, 0xFF, 1], value),
        // The count of bytes is not that of the registers, then not that of the bytes.
        (&[16, 0, 0, 0, 1, 4, 0, 1, 0, 2], value),
        (&[16, 0, 0, 0, 1, 2, 0, 1, 0], value),
        (&[15, 0, 0, 0, 9, 1, 0xFF], value),
    ];
    for (bytes, wanted) in cases {
        assert_eq!(request(bytes), Err(wanted), "{bytes:?}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..260)) {
        if let Ok(Request::Write { span, words, .. }) = request(&bytes) {
            prop_assert_eq!(words.len(), usize::from(span.count));
        }
    }
}
