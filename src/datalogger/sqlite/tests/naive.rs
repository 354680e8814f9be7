//! Reading while rows are settled.

use super::*;

#[test]
fn a_reader_sees_each_row_once_while_rows_are_settled() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    config.synchronous = crate::Synchronous::Normal;
    config.settle_rows = 1000;
    let sink = open(config);
    let series = sink.series(&key("a")).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for from in 0..100_u64 {
                let rows = (1..=300).map(|place| row(series, from * 300 + place));
                sink.append(rows.collect()).wait().unwrap();
            }
        });
        while !writer.is_finished() {
            let least = sink.watermark(series).unwrap();
            let rows = all(&sink, series).unwrap();
            assert!(rows.len() as u64 >= least);
            assert!(rows.iter().zip(1..).all(|(row, number)| row.row == number));
        }
    });
    assert_eq!(all(&sink, series).unwrap().len(), 30_000);
}
