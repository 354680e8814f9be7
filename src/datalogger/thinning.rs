//! Fewer points for a chart, from a stream of any length, in memory that does not grow with it.
//!
//! Both ways divide the time that the chart shows into equal buckets. Where a line has to be
//! broken, since nothing is known, it stays broken: at most one break for each bucket is kept.

mod hull;
mod pixel;
mod triangle;

#[cfg(test)]
mod tests;

pub use pixel::Pixels;
pub use triangle::Triangles;

/// A point of a chart, or a break of its line where there is no value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dot {
    /// When: microseconds.
    pub at: i64,
    /// The number; none is a break.
    pub value: Option<f64>,
    /// The code of its quality, which goes along.
    pub quality: u16,
}

/// The equal buckets of a span of time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Buckets {
    from: i64,
    length: i64,
    last: i64,
}

impl Buckets {
    /// So many buckets, at least one, from one moment until before another.
    pub(crate) fn new(from: i64, to: i64, count: usize) -> Self {
        let count = i64::try_from(count.max(1)).unwrap_or(i64::MAX);
        let span = to.saturating_sub(from).max(1);
        // Rounded up, so that the last bucket ends behind the span.
        let length = span / count + i64::from(span % count != 0);
        Self {
            from,
            length,
            last: count - 1,
        }
    }

    /// The bucket of a moment; what is outside belongs to the one at the edge.
    pub(crate) fn of(self, at: i64) -> i64 {
        (at.saturating_sub(self.from) / self.length).clamp(0, self.last)
    }
}
