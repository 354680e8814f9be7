//! Largest triangle, three buckets (LTTB): of each bucket the point that changes the line most.

use super::hull::{Corner, Hull};
use super::{Buckets, Dot};

/// Thins a stream to about one point for each bucket. The first and the last point of each unbroken
/// part of the line stay.
#[derive(Debug)]
pub struct Triangles {
    buckets: Buckets,
    /// What the next triangle begins at: the point told last.
    told: Option<Dot>,
    /// The bucket that waits for the mean of the one behind it.
    waiting: Hull,
    open: Hull,
    open_bucket: i64,
    mean: Mean,
    /// The last point so far.
    last: Option<Dot>,
    /// The bucket in which the line was broken last.
    broken: Option<i64>,
}

#[derive(Debug, Default)]
struct Mean {
    count: f64,
    x: f64,
    y: f64,
}

impl Triangles {
    /// For a chart from one moment until before another, with about so many points.
    pub fn new(from: i64, to: i64, points: usize) -> Self {
        Self {
            buckets: Buckets::new(from, to, points.saturating_sub(2)),
            told: None,
            waiting: Hull::default(),
            open: Hull::default(),
            open_bucket: 0,
            mean: Mean::default(),
            last: None,
            broken: None,
        }
    }

    /// Takes in a point that is not earlier than those before, and appends what is certain now.
    pub fn push(&mut self, dot: Dot, out: &mut Vec<Dot>) {
        let Some(value) = dot.value.filter(|value| value.is_finite()) else {
            return self.break_off(dot, out);
        };
        if self.told.is_none() {
            self.told = Some(dot);
            self.open_bucket = self.buckets.of(dot.at);
            out.push(dot);
            return;
        }
        let bucket = self.buckets.of(dot.at);
        if bucket != self.open_bucket {
            self.close(out);
            self.open_bucket = bucket;
        }
        let corner = Corner {
            x: self.x(dot.at),
            y: value,
            at: dot.at,
            quality: dot.quality,
        };
        self.open.push(corner);
        self.mean.count += 1.0;
        self.mean.x += corner.x;
        self.mean.y += corner.y;
        self.last = Some(dot);
    }

    /// Appends what was still open. The stream is over.
    pub fn finish(&mut self, out: &mut Vec<Dot>) {
        self.close(out);
        let Some(last) = self.last.take() else {
            return self.forget();
        };
        if let (Some(told), Some(value)) = (self.told, last.value)
            && let Some(corner) = self
                .waiting
                .farthest(self.point(told), (self.x(last.at), value))
            && corner.at != last.at
        {
            out.push(dot(corner));
        }
        out.push(last);
        self.forget();
    }

    fn forget(&mut self) {
        self.told = None;
        self.waiting.clear();
        self.open.clear();
        self.mean = Mean::default();
    }

    fn break_off(&mut self, dot: Dot, out: &mut Vec<Dot>) {
        let bucket = self.buckets.of(dot.at);
        if self.broken.replace(bucket) == Some(bucket) {
            return;
        }
        self.finish(out);
        out.push(Dot { value: None, ..dot });
    }

    /// The open bucket is full: the one before it can be decided, and this one waits.
    fn close(&mut self, out: &mut Vec<Dot>) {
        if self.open.is_empty() {
            return;
        }
        let mean = std::mem::take(&mut self.mean);
        let middle = (mean.x / mean.count, mean.y / mean.count);
        if let Some(told) = self.told
            && let Some(corner) = self.waiting.farthest(self.point(told), middle)
        {
            out.push(dot(corner));
            self.told = Some(dot(corner));
        }
        std::mem::swap(&mut self.waiting, &mut self.open);
        self.open.clear();
    }

    fn point(&self, dot: Dot) -> (f64, f64) {
        (self.x(dot.at), dot.value.unwrap_or_default())
    }

    /// Time in buckets, so that the numbers stay small.
    fn x(&self, at: i64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "only areas are compared")]
        let (distance, length) = ((at - self.buckets.from) as f64, self.buckets.length as f64);
        distance / length
    }
}

fn dot(corner: Corner) -> Dot {
    Dot {
        at: corner.at,
        value: Some(corner.y),
        quality: corner.quality,
    }
}
