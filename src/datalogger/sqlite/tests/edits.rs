//! What damage took, and sums that notice a change.

use proptest::prelude::*;

use super::*;
use crate::codec::tests::logged;
use crate::row_hash;

fn fast(folder: &Path) -> SqliteConfig {
    let mut config = config(folder);
    // A disk that need not survive a power cut makes the test faster, not weaker.
    config.synchronous = crate::Synchronous::Normal;
    config
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_flipped_bit_or_a_missing_row_changes_the_sum(
        values in prop::collection::vec((logged(), any::<i32>(), any::<u16>()), 1..60),
        at in any::<prop::sample::Index>(), what in 0..6_u8, bit in 0..16_u32,
    ) {
        let make = |place: usize, (value, time, quality): &(Logged, i32, u16)| Row {
            series: SeriesId(1),
            row: place as u64 + 1,
            time: i64::from(*time),
            received: None,
            value: value.clone(),
            quality: *quality,
        };
        let rows: Vec<Row> = values.iter().enumerate().map(|(at, row)| make(at, row)).collect();
        let sum = |rows: &[Row]| rows.iter().fold(0_u64, |sum, row| sum.wrapping_add(row_hash(row)));
        let mut other = rows.clone();
        let place = at.index(rows.len());
        let row = &mut other[place];
        match what {
            0 => drop(other.remove(place)),
            1 => row.time ^= 1 << bit,
            2 => row.quality ^= 1 << bit,
            3 => row.row ^= 1 << (bit + 8),
            4 => row.received = Some(row.time),
            _ => match &mut row.value {
                Logged::Number(number) => *number = f64::from_bits(number.to_bits() ^ (1 << bit)),
                Logged::Integer(integer) => *integer ^= 1 << bit,
                Logged::Bool(truth) => *truth = !*truth,
                Logged::Text(text) => *text = Arc::from(format!("{text}\0")),
                value => *value = Logged::Integer(0),
            },
        }
        prop_assert_ne!(sum(&rows), sum(&other));
    }
}

#[test]
fn what_damage_took_is_stored_again_once() {
    let folder = tempfile::tempdir().unwrap();
    let sink = open(fast(folder.path()));
    let series = sink.series(&key("a")).unwrap();
    let rows: Vec<Row> = (1..=300).map(|number| row(series, number)).collect();
    sink.append(rows[..100].to_vec()).wait().unwrap();
    sink.rotate().unwrap();
    sink.append(rows[100..].to_vec()).wait().unwrap();
    assert!(sink.settle(PATIENCE));
    drop(sink);
    std::fs::remove_file(folder.path().join("part-00000001.db")).unwrap();
    let sink = open(fast(folder.path()));
    assert_eq!(all(&sink, series).unwrap(), rows[100..]);
    // Its number counts as stored, so it is taken as a repetition.
    sink.append(rows[..100].to_vec()).wait().unwrap();
    assert_eq!(all(&sink, series).unwrap(), rows[100..]);
    assert_eq!(sink.restore(rows[..150].to_vec()).unwrap(), 100);
    assert_eq!(sink.restore(rows.clone()).unwrap(), 0);
    assert_eq!(all(&sink, series).unwrap(), rows);
    assert!(sink.settle(PATIENCE));
    assert_eq!(all(&sink, series).unwrap(), rows);
    assert_eq!(sink.integrity().unwrap().faults, vec![]);
}
