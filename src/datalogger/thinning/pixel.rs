//! The first, the smallest, the largest and the last point of each bucket: a line drawn through
//! them covers the same pixels as one through all points, if a bucket is a pixel wide.

use super::{Buckets, Dot};

/// Thins a stream to at most four points for each bucket, and one break.
#[derive(Debug)]
pub struct Pixels {
    buckets: Buckets,
    open: Option<Open>,
    /// The bucket in which the line was broken last.
    broken: Option<i64>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    bucket: i64,
    first: Dot,
    low: Dot,
    high: Dot,
    last: Dot,
}

impl Pixels {
    /// For a chart from one moment until before another, so many pixels wide.
    pub fn new(from: i64, to: i64, pixels: usize) -> Self {
        Self {
            buckets: Buckets::new(from, to, pixels),
            open: None,
            broken: None,
        }
    }

    /// Takes in a point that is not earlier than those before, and appends what is certain now.
    pub fn push(&mut self, dot: Dot, out: &mut Vec<Dot>) {
        let bucket = self.buckets.of(dot.at);
        let Some(value) = dot.value.filter(|value| value.is_finite()) else {
            if self.broken.replace(bucket) != Some(bucket) {
                self.finish(out);
                out.push(Dot { value: None, ..dot });
            }
            return;
        };
        match &mut self.open {
            Some(open) if open.bucket == bucket => {
                // They were put in as numbers.
                if Some(value) < open.low.value {
                    open.low = dot;
                }
                if Some(value) > open.high.value {
                    open.high = dot;
                }
                open.last = dot;
            }
            _ => {
                self.finish(out);
                self.open = Some(Open {
                    bucket,
                    first: dot,
                    low: dot,
                    high: dot,
                    last: dot,
                });
            }
        }
    }

    /// Appends what was still open.
    pub fn finish(&mut self, out: &mut Vec<Dot>) {
        let Some(open) = self.open.take() else {
            return;
        };
        let (one, other) = if open.low.at <= open.high.at {
            (open.low, open.high)
        } else {
            (open.high, open.low)
        };
        let begun = out.len();
        for dot in [open.first, one, other, open.last] {
            // One point may be several of the four.
            if out[begun..].last() != Some(&dot) {
                out.push(dot);
            }
        }
    }
}
