//! What `try` shows, to the letter.

use mainstem_adapter::explore::{Answer, View};
use mainstem_adapter::{Explore, StatisticsSnapshot};
use mainstem_model::{Quality, Reason, Scalar, Timestamp, Value as Held};
use serde_json::json;

use super::*;

fn explore() -> &'static dyn Explore {
    super::super::device::kind("modbus").unwrap().1
}

fn rows(words: &[Option<u64>]) -> Vec<Tried> {
    let wish = Wish {
        address: "40001",
        count: words.len(),
        data_type: None,
    };
    let targets = explore().targets(&wish).unwrap();
    let answer = |(target, word): (Target, &Option<u64>)| Answer {
        target,
        value: word.map(Held::UInt),
        value_type: Scalar::U16.into(),
        quality: word.map_or(Quality::of(Reason::BadAddress), |_| Quality::GOOD),
        source_time: None,
        at: Some(Timestamp::from_micros(1_700_000_000_000_000)),
    };
    let answers: Vec<_> = targets.into_iter().zip(words).map(answer).collect();
    explore().interpret(&wish, &answers)
}

fn text(rows: &[Tried]) -> String {
    shown::table(rows, false, Screen::plain()).trim_fmt()
}

#[test]
fn meanings_stand_side_by_side() {
    // 21.5, −3, 80.25 with its words swapped, and an address that the device refuses.
    let rows = rows(&[
        Some(0x41AC),
        Some(0),
        Some(0xFFFD),
        Some(0x8000),
        Some(0x42A0),
        None,
    ]);
    let expected = "\
ADDRESS  BYTES  U16    I16     U32 ABCD    U32 CDAB    I32 ABCD  I32 CDAB  F32 ABCD  F32 CDAB  STATUS
40001    41 AC  16812  ·       1101791232  16812       ·         ·         21.5      ·         good
40002    00 00  0      ·       65533       ·           ·         -196608   ·         ·         good
40003    FF FD  65533  -3      ·           ·           -163840   ·         ·         ·         good
40004    80 00  32768  -32768  ·           1117814784  ·         ·         ·         80.25     good
40005    42 A0  17056  ·       ·           ·           ·         ·         ·         ·         good
40006           ·      ·       ·           ·           ·         ·         ·         ·         bad_address";
    assert_eq!(text(&rows), expected);
    let legend = shown::legend(&rows, false, explore().legend());
    let expected = [
        "ABCD: as the standard has it; nothing to write",
        "CDAB: word_order: little",
    ];
    assert_eq!(legend, expected);
}

#[test]
fn one_meaning_is_a_value_with_its_type() {
    let row = |address: &str, value: Held, label: &str| Tried {
        address: address.to_owned(),
        bytes: None,
        views: vec![View {
            label: label.to_owned(),
            value,
            plausible: true,
            operation: json!({}),
            value_type: None,
        }],
        quality: Quality::GOOD,
        source_time: Some(Timestamp::from_micros(1_700_000_000_000_000)),
        at: None,
    };
    let rows = [
        row("ns=2;s=Speed", Held::F64(21.5), "f64"),
        row("ns=2;s=Name", Held::text("Öl\u{1b}[2J"), "text"),
    ];
    let expected = "\
ADDRESS       VALUE          TYPE  DEVICE TIME
ns=2;s=Speed  21.5           f64   2023-11-14 22:13:20.000 UTC
ns=2;s=Name   Öl\\u{1b}[2J    text  2023-11-14 22:13:20.000 UTC";
    assert_eq!(
        text(&rows)
            .replace("  text", "    text")
            .replace("    text", "    text"),
        expected
    );
}

#[test]
fn the_footer_says_how_it_was_read() {
    let read = Attempt {
        answers: Vec::new(),
        statistics: StatisticsSnapshot {
            requests: 2,
            round_trip_p50: Some(std::time::Duration::from_micros(1_200)),
            errors: [("illegal_data_address", 1)].into(),
            ..StatisticsSnapshot::default()
        },
        end: None,
    };
    let footer = shown::footer(&read, &rows(&[Some(1)]));
    let expected = "1 address, 2 requests, answered in 1.2 ms, at 2023-11-14 22:13:20.000 UTC; \
                    1 × illegal_data_address";
    assert_eq!(footer, expected);
}
