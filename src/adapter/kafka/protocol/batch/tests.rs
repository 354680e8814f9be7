//! Batches come back, and bad ones are told and passed over.

use proptest::prelude::*;

use super::{Batches, Message, read, write};

fn message() -> Message {
    Message {
        offset: 0,
        millis: 1_790_000_000_123,
        key: Some(b"press".to_vec()),
        value: Some(br#"{"value":7}"#.to_vec()),
        headers: vec![("unit".into(), b"bar".to_vec())],
    }
}

#[test]
fn a_batch_comes_back() {
    for is_gzip in [false, true] {
        let found = read(&write(&message(), is_gzip));
        assert_eq!(
            found,
            Batches {
                messages: vec![message()],
                next: Some(1),
                broken: Vec::new(),
            }
        );
    }
    let empty = Message::default();
    assert_eq!(read(&write(&empty, false)).messages, [empty]);
}

#[test]
fn the_cut_end_of_an_answer_is_left_for_later() {
    let mut bytes = write(&message(), false);
    let whole = bytes.len();
    bytes.extend_from_slice(&write(&message(), false));
    for cut in whole..bytes.len() - 1 {
        let found = read(&bytes[..cut]);
        assert_eq!((found.messages.len(), found.next), (1, Some(1)), "{cut}");
        assert!(found.broken.is_empty());
    }
}

#[test]
fn a_broken_batch_is_told_and_passed_over() {
    let mut bytes = write(&message(), false);
    // Its last offset says that it has ten.
    bytes[26] = 9;
    let good = write(&message(), false);
    bytes.extend_from_slice(&good);
    let found = read(&bytes);
    assert_eq!((found.messages.len(), found.broken.len()), (1, 1));
    assert_eq!(found.next, Some(10));
    let mut old = write(&message(), false);
    old[16] = 1;
    let found = read(&old);
    assert_eq!(
        (found.messages.len(), found.broken.len(), found.next),
        (0, 1, Some(1))
    );
}

proptest! {
    #[test]
    fn nothing_that_comes_is_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        read(&bytes);
    }

    #[test]
    fn no_change_of_a_byte_is_a_panic_or_a_wrong_message(at in 0_usize..120, to in any::<u8>()) {
        let mut bytes = write(&message(), false);
        let at = at % bytes.len();
        bytes[at] = to;
        let found = read(&bytes);
        // The offset and the leader's epoch are outside the checksum.
        if found.messages.len() == 1 {
            prop_assert_eq!(&found.messages[0].value, &message().value);
        }
    }
}
