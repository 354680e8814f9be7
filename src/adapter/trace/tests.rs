//! What a reader sees of a wire, and what it costs while nobody looks.

use mainstem_model::ManualClock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

fn wire() -> Trace {
    Trace::new(Arc::new(ManualClock::new(Timestamp::from_micros(7))))
}

#[test]
fn while_nobody_looks_nothing_is_decoded() {
    let trace = wire();
    let unwanted = || panic!("nobody looks");
    trace.frame(Direction::Sent, &[1], unwanted);
    let reader = trace.read().unwrap();
    assert!(trace.is_on());
    drop(reader);
    assert!(!trace.is_on());
    trace.frame(Direction::Sent, &[1], unwanted);
}

#[test]
fn a_reader_sees_frames_in_their_order_with_time_and_length() {
    let trace = wire();
    let mut reader = trace.read().unwrap();
    trace
        .clone()
        .frame(Direction::Sent, &[1, 2], || "ask".into());
    trace.note(|| "connected".into());
    let long = vec![0; TRACE_FRAME_BYTES_MAX + 1];
    let text = "ä".repeat(TRACE_TEXT_BYTES_MAX);
    trace.frame(Direction::Received, &long, || text);
    let frame = reader.try_next().unwrap();
    assert_eq!((frame.at.micros(), frame.bytes), (7, vec![1, 2]));
    assert_eq!((frame.direction.as_str(), &*frame.text), ("sent", "ask"));
    assert_eq!(reader.try_next().unwrap().direction, Direction::Note);
    let frame = reader.try_next().unwrap();
    assert_eq!(frame.length, TRACE_FRAME_BYTES_MAX + 1);
    assert_eq!(frame.bytes.len(), TRACE_FRAME_BYTES_MAX);
    assert!(frame.text.len() <= TRACE_TEXT_BYTES_MAX + '…'.len_utf8());
    assert_eq!(reader.try_next(), None);
}

#[test]
fn a_slow_reader_is_told_what_was_left_out_and_disturbs_no_other() {
    let trace = wire();
    let mut slow = trace.read().unwrap();
    let mut fast = trace.read().unwrap();
    for number in 0..TRACE_FRAMES_WAITING_MAX + 3 {
        trace.note(|| number.to_string());
        assert_eq!(fast.try_next().unwrap().text, number.to_string());
    }
    assert_eq!(slow.left_out(), 3);
    for _ in 0..TRACE_FRAMES_WAITING_MAX {
        assert_eq!(slow.try_next().unwrap().left_out, 0);
    }
    trace.note(|| "later".into());
    let frame = slow.try_next().unwrap();
    assert_eq!((frame.left_out, &*frame.text), (3, "later"));
    assert_eq!(slow.left_out(), 0);
}

#[test]
fn seats_are_few_and_free_again() {
    let trace = wire();
    let mut readers: Vec<_> = (0..TRACE_READERS_MAX)
        .map(|_| trace.read().unwrap())
        .collect();
    assert_eq!(trace.read().unwrap_err(), TraceBusy);
    readers.pop();
    assert!(trace.read().is_ok());
}

#[tokio::test]
async fn a_reader_ends_with_its_adapter() {
    let trace = wire();
    let mut reader = trace.read().unwrap();
    drop(trace);
    assert_eq!(reader.next().await, None);
    assert_eq!(reader.left_out(), 0);
}

#[tokio::test]
async fn a_traced_stream_tells_what_passes() {
    let trace = wire();
    let mut reader = trace.read().unwrap();
    let (near, mut far) = tokio::io::duplex(64);
    let decode = |_: Direction, bytes: &[u8]| format!("{} bytes", bytes.len());
    let mut near = Traced::new(near, trace, decode);
    near.write_all(b"abc").await.unwrap();
    far.write_all(b"de").await.unwrap();
    let mut answer = [0; 2];
    near.read_exact(&mut answer).await.unwrap();
    let sent = reader.try_next().unwrap();
    assert_eq!((sent.direction, &*sent.text), (Direction::Sent, "3 bytes"));
    let received = reader.try_next().unwrap();
    assert_eq!(received.direction, Direction::Received);
    assert_eq!(received.bytes, b"de");
}
