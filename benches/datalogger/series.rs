//! The samples of the bench: the same for every store.

/// Series of the crowd.
pub(crate) const CROWD: u32 = 1000;
/// Samples of each of them.
pub(crate) const CROWD_ROWS: u64 = 10_000;
/// Samples of the series that has a day.
pub(crate) const DAY_ROWS: u64 = 86_400;
pub(crate) const ROWS: u64 = CROWD as u64 * CROWD_ROWS + DAY_ROWS;
/// Samples handed over at once.
pub(crate) const BATCH: usize = 10_000;
/// The first moment, in microseconds.
pub(crate) const START: i64 = 1_760_000_000_000_000;

/// What the values are.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    /// A walk in steps of a tenth, as a temperature is: decimals, stamps in ms with jitter.
    Walk,
    /// All 52 bits of noise, stamps in µs with jitter: what no coding makes small.
    Noise,
}

pub(crate) const SHAPES: [(&str, Shape); 2] = [("walk", Shape::Walk), ("noise", Shape::Noise)];

/// One sample.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) series: u32,
    pub(crate) row: u64,
    pub(crate) time: i64,
    pub(crate) value: f64,
}

fn mix(seed: u64) -> u64 {
    let mut state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

/// Batches in the order of arrival: the day's series first, then the crowd side by side.
pub(crate) fn batches(shape: Shape) -> impl Iterator<Item = Vec<Sample>> {
    long_batches(shape, CROWD_ROWS)
}

/// The same with another number of samples for each series of the crowd.
pub(crate) fn long_batches(shape: Shape, crowd_rows: u64) -> impl Iterator<Item = Vec<Sample>> {
    let mut walks = vec![200_i64; CROWD as usize + 1];
    let day = (1..=DAY_ROWS).map(|row| (CROWD, row));
    let crowd = (1..=crowd_rows).flat_map(|row| (0..CROWD).map(move |series| (series, row)));
    let mut all = day.chain(crowd).map(move |(series, row)| {
        let random = mix(row << 20 | u64::from(series));
        let walk = &mut walks[series as usize];
        *walk += (random % 7).cast_signed() - 3;
        let second = START + row.cast_signed() * 1_000_000;
        let jitter = (random >> 32).cast_signed();
        let (time, value) = match shape {
            Shape::Walk => (second + jitter % 8 * 1000, *walk as f64 / 10.0),
            Shape::Noise => (second + jitter % 8000, (random >> 12) as f64 / 4096.0),
        };
        Sample {
            series,
            row,
            time,
            value,
        }
    });
    std::iter::from_fn(move || {
        let batch: Vec<_> = all.by_ref().take(BATCH).collect();
        (!batch.is_empty()).then_some(batch)
    })
}
