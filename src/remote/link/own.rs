//! What this node itself says about a link: datapoints below the remote's name that belong to this
//! node and stay good, and the health problem while there is no communication.

mod notices;

use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{Definition, Name, Quality, Reason, Role, Sample, Scalar, Value};
use mainstem_store::{PointId, SourceId, Store};
use mainstem_telemetry::{Health, Problem, Severity};

use crate::clock::Offset;
use crate::mirror::PutBack;

pub(crate) struct Own {
    store: Arc<Store>,
    health: Health,
    name: String,
    prefix: String,
    source: SourceId,
    connection: Option<PointId>,
    offset: Option<PointId>,
    uncertainty: Option<PointId>,
    batch: Vec<(PointId, Sample)>,
    pruned: Option<String>,
    put_back: Option<PutBack>,
    has_twin: bool,
    /// The last state and cause that were told.
    told: Option<(Quality, String)>,
    drift: Option<Duration>,
    clock: Drift,
}

/// How a remote's clock stands to ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drift {
    Right,
    Off,
    TooFar,
}

/// From this difference on it is worth a warning.
const OFF_US: u64 = 1_000_000;

/// What is certain of a difference counts.
fn drift(best: Offset, limit: Duration) -> Drift {
    let certain = best
        .wall_us
        .unsigned_abs()
        .saturating_sub(best.uncertainty_us);
    if u128::from(certain) >= limit.as_micros() {
        Drift::TooFar
    } else if certain >= OFF_US {
        Drift::Off
    } else {
        Drift::Right
    }
}

impl Own {
    pub(crate) fn new(store: &Arc<Store>, health: &Health, name: &str, prefix: &str) -> Self {
        let node = Arc::clone(&store.setup().name);
        let source = store.put_own_source(None, &node, Role::Node, Quality::GOOD, true);
        let mut own = Self {
            store: Arc::clone(store),
            health: health.clone(),
            name: name.to_owned(),
            prefix: prefix.to_owned(),
            source,
            connection: None,
            offset: None,
            uncertainty: None,
            batch: Vec::new(),
            pruned: None,
            put_back: None,
            has_twin: false,
            told: None,
            drift: None,
            clock: Drift::Right,
        };
        let words = Definition::new(Scalar::Text).description("online or offline");
        own.connection = own.define("connection", words);
        own
    }

    /// With what beats tell about the remote's clock.
    #[must_use]
    pub(crate) fn with_clock(mut self, drift: Option<Duration>) -> Self {
        self.drift = drift;
        let seconds = |text| Definition::new(Scalar::F64).unit("s").description(text);
        let ahead = "clock of the remote minus the clock here";
        self.offset = self.define("clock.offset", seconds(ahead));
        let wrong = "how wrong the offset can be";
        self.uncertainty = self.define("clock.uncertainty", seconds(wrong));
        self
    }

    fn define(&self, suffix: &str, definition: Definition) -> Option<PointId> {
        let name = Name::new(&format!("{}.{suffix}", self.prefix)).ok()?;
        // Only a remote's own datapoint of that name can be in the way; then it goes first.
        self.store.define(self.source, &name, definition).ok()
    }

    pub(crate) fn tell_status(&mut self, quality: Quality, cause: &str) {
        let word = if quality.is_good() {
            "online"
        } else {
            "offline"
        };
        self.put(self.connection, Value::text(word));
        if !quality.is_good() {
            // Nobody measures the clock of a remote that is not heard.
            let stale = Sample::without_value(Quality::of(Reason::Stale), None);
            let clock = [self.offset, self.uncertainty].into_iter().flatten();
            self.batch.extend(clock.map(|point| (point, stale.clone())));
        }
        self.flush();
        self.told = Some((quality, cause.to_owned()));
        self.alarm(quality, cause);
    }

    fn alarm(&self, quality: Quality, cause: &str) {
        let id = format!("link.{}", self.name);
        match quality.reason {
            Reason::LinkDown | Reason::LinkQuiet => {}
            // Beginning and catching up need nobody.
            Reason::Restarted | Reason::Catching => return,
            _ => {
                self.health.clear(&id);
                return;
            }
        }
        let severity = match quality.status {
            mainstem_model::Status::Bad => Severity::High,
            _ => Severity::Warning,
        };
        self.health.raise(Problem {
            id,
            severity,
            source: self.name.clone(),
            text: format!("No communication with {}: {cause}", self.name),
            action: format!(
                "See that the remote runs and that this node reaches its address; `mainstem \
                 remotes show {}` has the details.",
                self.name
            ),
        });
    }

    /// The cause of what was told changed: a refusal behind a silence says what to do.
    pub(crate) fn tell_cause(&mut self, cause: &str, is_refused: bool) {
        let Some((quality, told)) = &self.told else {
            return;
        };
        if quality.is_good() || cause.is_empty() || told == cause {
            return;
        }
        let quality = if is_refused && quality.reason == Reason::Restarted {
            Quality::of(Reason::LinkQuiet)
        } else {
            *quality
        };
        self.alarm(quality, cause);
        self.told = Some((quality, cause.to_owned()));
    }

    /// Something below the remote has no place here; or nothing any more.
    pub(crate) fn tell_pruned(&mut self, pruned: Option<&str>) {
        if self.pruned.as_deref() == pruned {
            return;
        }
        self.pruned = pruned.map(str::to_owned);
        let id = format!("link.{}.pruned", self.name);
        let Some(why) = pruned else {
            self.health.clear(&id);
            return;
        };
        self.health.raise(Problem {
            id,
            severity: Severity::Warning,
            source: self.name.clone(),
            text: format!("Something below {} is left out: {why}", self.name),
            action: "Remove one of the remote entries that lead there twice.".into(),
        });
    }

    pub(crate) fn tell_offset(&mut self, best: Offset) {
        let seconds = |micros: f64| Value::F64((micros / 1000.0).round() / 1000.0);
        #[expect(clippy::cast_precision_loss, reason = "microseconds of an offset")]
        let (offset, uncertainty) = (best.wall_us as f64, best.uncertainty_us as f64);
        self.put(self.offset, seconds(offset));
        self.put(self.uncertainty, seconds(uncertainty));
        self.flush();
        self.judge_clock(best);
    }

    /// A clock that is off is somebody's task, whatever the values are worth.
    fn judge_clock(&mut self, best: Offset) {
        let standing = self.drift.map_or(Drift::Right, |limit| drift(best, limit));
        if standing == self.clock {
            return;
        }
        self.clock = standing;
        let id = format!("link.{}.clock", self.name);
        let severity = match standing {
            Drift::Right => {
                self.health.clear(&id);
                return;
            }
            Drift::Off => Severity::Warning,
            Drift::TooFar => Severity::High,
        };
        let ahead = if best.wall_us > 0 {
            "ahead of"
        } else {
            "behind"
        };
        #[expect(clippy::cast_precision_loss, reason = "microseconds of an offset")]
        let seconds = (best.wall_us as f64 / 1e6).abs();
        self.health.raise(Problem {
            id,
            severity,
            source: self.name.clone(),
            text: format!(
                "The clock of {} is {seconds:.1} s {ahead} this node's.",
                self.name
            ),
            action: "Set the wrong one, best by NTP on both; `drift` of the remote entry is the \
                     limit."
                .into(),
        });
    }

    pub(crate) fn all_clear(&self) {
        self.health.clear(&format!("link.{}", self.name));
        for what in ["pruned", "clock", "restored", "twin"] {
            self.health.clear(&format!("link.{}.{what}", self.name));
        }
    }

    fn put(&mut self, point: Option<PointId>, value: Value) {
        self.batch
            .extend(point.map(|point| (point, Sample::good(value, None))));
    }

    fn flush(&mut self) {
        self.store.apply(self.source, &mut self.batch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_drift_is_exact_and_uncertainty_is_in_doubt() {
        let of = |wall_us, uncertainty_us| Offset {
            monotonic_us: 0,
            wall_us,
            uncertainty_us,
        };
        let limit = Duration::from_secs(4);
        let cases = [
            (999_999, 0, Drift::Right),
            (1_000_000, 0, Drift::Off),
            (-3_900_000, 0, Drift::Off),
            (-4_000_000, 0, Drift::TooFar),
            (4_100_000, 200_000, Drift::Off),
            (4_100_000, 100_000, Drift::TooFar),
            (i64::MIN, 0, Drift::TooFar),
        ];
        for (wall, uncertainty, expected) in cases {
            assert_eq!(drift(of(wall, uncertainty), limit), expected, "{wall}");
        }
    }
}
