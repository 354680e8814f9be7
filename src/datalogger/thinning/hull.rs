//! The convex hull of points that come in the order of time. The point that makes the largest
//! triangle with two others is a corner of it, so the rest can be forgotten.

/// Corners kept on one side. Beyond it the one that sticks out least is forgotten, which moves the
/// hull by less than anybody sees.
const CORNERS_MAX: usize = 256;

/// A point with what it carries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Corner {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) at: i64,
    pub(super) quality: u16,
}

/// The upper and the lower side.
#[derive(Debug, Default)]
pub(super) struct Hull {
    upper: Vec<Corner>,
    lower: Vec<Corner>,
}

impl Hull {
    pub(super) fn clear(&mut self) {
        self.upper.clear();
        self.lower.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.upper.is_empty()
    }

    /// Takes in a point that is not earlier than those before.
    pub(super) fn push(&mut self, corner: Corner) {
        add(&mut self.upper, corner, 1.0);
        add(&mut self.lower, corner, -1.0);
    }

    /// The corner that makes the largest triangle with two points; of equals the earliest.
    pub(super) fn farthest(&self, a: (f64, f64), c: (f64, f64)) -> Option<Corner> {
        let area = |b: &Corner| ((a.0 - c.0) * (b.y - a.1) - (a.0 - b.x) * (c.1 - a.1)).abs();
        let mut best: Option<(f64, Corner)> = None;
        for corner in self.upper.iter().chain(&self.lower) {
            let found = area(corner);
            let is_better = best.is_none_or(|(most, before)| {
                found > most || (found == most && corner.at < before.at)
            });
            if is_better {
                best = Some((found, *corner));
            }
        }
        best.map(|(_, corner)| corner)
    }
}

fn cross(a: &Corner, b: &Corner, c: &Corner) -> f64 {
    (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)
}

fn add(side: &mut Vec<Corner>, corner: Corner, sign: f64) {
    while let [.., a, b] = side.as_slice() {
        // The middle one is no corner when the way does not bend at it.
        if sign * cross(a, b, &corner) >= 0.0 {
            side.pop();
        } else {
            break;
        }
    }
    side.push(corner);
    if side.len() > CORNERS_MAX {
        forget(side);
    }
}

fn forget(side: &mut Vec<Corner>) {
    let flattest = side
        .windows(3)
        .map(|part| cross(&part[0], &part[1], &part[2]).abs())
        .enumerate()
        .min_by(|(_, one), (_, other)| one.total_cmp(other));
    if let Some((index, _)) = flattest {
        side.remove(index + 1);
    }
}
