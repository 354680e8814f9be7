//! How many there are of something per second, as a mean over a few seconds. Pure.

use std::time::Duration;

use mainstem_model::Monotonic;

/// A mean is taken over at least this long.
const SPAN: Duration = Duration::from_secs(5);

/// A counter that is looked at now and then.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rate {
    looked: Option<(Monotonic, u64)>,
    mean: f64,
}

impl Rate {
    /// The counter shows this much now; the mean per second.
    pub(crate) fn look(&mut self, count: u64, now: Monotonic) -> f64 {
        let (since, before) = *self.looked.get_or_insert((now, count));
        let span = now.since(since);
        if span >= SPAN {
            #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
            let more = count.saturating_sub(before) as f64;
            self.mean = more / span.as_secs_f64();
            self.looked = Some((now, count));
        }
        self.mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_over_five_seconds() {
        let at = |seconds| Monotonic::default().after(Duration::from_secs(seconds));
        let mut rate = Rate::default();
        let looks = [
            (1, 100, 0.0),
            (4, 400, 0.0),
            (6, 600, 100.0),
            (9, 600, 100.0),
            (16, 600, 0.0),
        ];
        for (seconds, count, expected) in looks {
            let mean = rate.look(count, at(seconds));
            assert!((mean - expected).abs() < 1e-9, "{seconds}: {mean}");
        }
    }
}
