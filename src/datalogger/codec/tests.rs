//! What goes in comes back, and damage never passes for rows.

use std::sync::Arc;

use proptest::prelude::*;

use super::{block, staged};
use crate::{Edit, Logged, Row, SeriesId};

const SERIES: SeriesId = SeriesId(7);

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        3 => (-1_000_000..1_000_000_i32).prop_map(|value| f64::from(value) / 100.0),
        1 => any::<u64>().prop_map(f64::from_bits),
        1 => any::<f32>().prop_map(f64::from),
        1 => Just(-0.0),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(f64::NEG_INFINITY),
    ]
}

fn integer() -> impl Strategy<Value = i64> {
    prop_oneof![
        any::<i64>(),
        -5..5_i64,
        Just(i64::MIN),
        Just(i64::MAX),
        Just(0)
    ]
}

pub(crate) fn logged() -> impl Strategy<Value = Logged> {
    prop_oneof![
        4 => number().prop_map(Logged::Number),
        2 => integer().prop_map(Logged::Integer),
        1 => any::<bool>().prop_map(Logged::Bool),
        1 => "[a-zä]{0,9}".prop_map(|text| Logged::Text(Arc::from(text))),
        1 => Just(Logged::None),
    ]
}

/// An edit of some stretch; samples are not made of it.
pub(crate) fn edit() -> impl Strategy<Value = Logged> {
    (integer(), "[a-zä ]{0,9}").prop_map(|(to, note)| {
        let note = note.into();
        Logged::Edit(Arc::new(Edit { to, note }))
    })
}

fn row() -> impl Strategy<Value = Row> {
    let received = prop_oneof![Just(None), integer().prop_map(Some)];
    let value = prop_oneof![20 => logged(), 1 => edit()];
    (integer(), any::<u64>(), received, value, any::<u16>()).prop_map(
        |(time, row, received, value, quality)| Row {
            series: SERIES,
            row,
            time,
            received,
            value,
            quality,
        },
    )
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let mixed = prop::collection::vec(row(), 0..300);
    let alike = prop::collection::vec(number(), 1..700).prop_map(|values| {
        let rows = values.into_iter().zip(1_u64..).map(|(value, row)| Row {
            series: SERIES,
            row,
            time: row.cast_signed() * 1_000_000,
            received: None,
            value: Logged::Number(value),
            quality: 0,
        });
        rows.collect()
    });
    prop_oneof![mixed, alike]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_block_comes_back(rows in rows()) {
        prop_assert_eq!(block::decode(SERIES, &block::encode(&rows)), Ok(rows));
    }

    #[test]
    fn a_segment_comes_back(rows in rows()) {
        let mut blob = vec![1, 2, 3];
        let segment = staged::put_segment(&mut blob, &rows.iter().collect::<Vec<_>>(), vec![(1, 9), (11, u64::MAX)]);
        let bytes = &blob[segment.offset..segment.offset + segment.length];
        prop_assert_eq!(staged::get_segment(&Segment { series: SERIES, ..segment }, bytes), Ok(rows));
    }

    #[test]
    fn damaged_bytes_never_panic(rows in rows(), at in any::<prop::sample::Index>(), bit in 0_u32..8) {
        let mut bytes = block::encode(&rows);
        let place = at.index(bytes.len());
        bytes[place] ^= 1_u8 << bit;
        // The block's own checksum stands beside it; here it only must not panic.
        drop(block::decode(SERIES, &bytes));
        bytes.truncate(place);
        prop_assert!(block::decode(SERIES, &bytes).is_err());
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(block::decode(SERIES, &bytes));
        drop(staged::read_directory(&bytes));
        drop(staged::ranges_from_bytes(SERIES, &bytes));
    }
}

use staged::Segment;

#[test]
fn a_directory_comes_back_and_notices_every_flipped_bit() {
    let mut blob = Vec::new();
    let row = |series, time| Row {
        series: SeriesId(series),
        row: 3,
        time,
        received: Some(5),
        value: Logged::Integer(i64::MIN),
        quality: 515,
    };
    let segments = vec![
        staged::put_segment(
            &mut blob,
            &[&row(1, i64::MIN), &row(1, i64::MAX)],
            vec![(1, 2)],
        ),
        staged::put_segment(&mut blob, &[&row(9, 4)], vec![]),
    ];
    let bytes = staged::directory(&segments);
    assert_eq!(staged::read_directory(&bytes), Ok(segments));
    for bit in 0..bytes.len() * 8 {
        let mut bad = bytes.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(staged::read_directory(&bad).is_err(), "bit {bit}");
    }
}

#[test]
fn a_plain_series_is_small() {
    let rows = (1..=8000_u64).map(|row| Row {
        series: SERIES,
        row,
        time: 1_700_000_000_000_000 + row.cast_signed() * 1_000_000,
        received: None,
        value: Logged::Number(f64::from(u32::try_from(row % 97).unwrap()) / 10.0),
        quality: 0,
    });
    let bytes = block::encode(&rows.collect::<Vec<_>>());
    assert!(bytes.len() < 8000, "{} bytes for 8000 rows", bytes.len());
}
