//! What this node says about a remote's clock: datapoints below the remote's name that belong to
//! this node, and the health problem of a clock that is off.

use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{Definition, Monotonic, Name, Quality, Reason, Role, Sample, Scalar, Value};
use mainstem_store::{PointId, SourceId, Store};
use mainstem_telemetry::{Health, Problem, Severity};

use super::LinkOptions;
use crate::clock::Offset;
use crate::drift::ClockState;

/// Datapoints by which the adapter of a remote's own machine is known: names below the adapter's,
/// and their types. `time` is the clock itself.
const SYSTEM: [(&str, Scalar); 3] = [
    ("time", Scalar::Time),
    ("boot.time", Scalar::Time),
    ("start.elapsed", Scalar::F64),
];
/// The remote's tree is looked through for it at most this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

pub(super) struct LinkClock {
    store: Arc<Store>,
    health: Health,
    options: Arc<LinkOptions>,
    /// This node, which says all this.
    source: SourceId,
    /// The source of the link, below which the remote's adapters are.
    link: SourceId,
    offset: Option<PointId>,
    uncertainty: Option<PointId>,
    state: Option<PointId>,
    /// The name here of the remote's own `time`, and our `time.delta` beside it.
    system: Option<(Name, Option<PointId>)>,
    /// The place in our feed of the tree that was looked through, and when.
    looked: Option<(u64, Monotonic)>,
    standing: ClockState,
    batch: Vec<(PointId, Sample)>,
}

impl LinkClock {
    pub(super) fn new(
        store: &Arc<Store>,
        health: &Health,
        options: &Arc<LinkOptions>,
        link: SourceId,
    ) -> Self {
        let node = Arc::clone(&store.setup().name);
        let source = store.put_own_source(None, &node, Role::Node, Quality::GOOD, true);
        let mut clock = Self {
            store: Arc::clone(store),
            health: health.clone(),
            options: Arc::clone(options),
            source,
            link,
            offset: None,
            uncertainty: None,
            state: None,
            system: None,
            looked: None,
            standing: ClockState::Right,
            batch: Vec::new(),
        };
        let prefix = &options.prefix;
        let ahead = "clock of the remote minus the clock here";
        clock.offset = clock.define(&format!("{prefix}.clock.offset"), seconds(ahead));
        let wrong = "how wrong the offset can be";
        clock.uncertainty = clock.define(&format!("{prefix}.clock.uncertainty"), seconds(wrong));
        let words = Definition::new(Scalar::Text).description("ok, off or too_far");
        clock.state = clock.define(&format!("{prefix}.clock.state"), words);
        clock
    }

    fn define(&self, name: &str, definition: Definition) -> Option<PointId> {
        let name = Name::new(name).ok()?;
        // Only a remote's own datapoint of that name can be in the way; then it goes first.
        self.store.define(self.source, &name, definition).ok()
    }

    /// How the clock stands, as measured last.
    pub(super) fn standing(&self) -> ClockState {
        self.standing
    }

    /// The name here of the datapoint that is the remote's clock, if it has one.
    pub(super) fn time(&self) -> Option<&Name> {
        self.system.as_ref().map(|(time, _)| time)
    }

    /// The clock was measured.
    pub(super) fn tell(&mut self, best: Offset) {
        self.look();
        self.judge(best);
        let rounded = |micros: f64| Value::F64((micros / 1000.0).round() / 1000.0);
        #[expect(clippy::cast_precision_loss, reason = "microseconds of an offset")]
        let (ahead, wrong) = (best.wall_us as f64, best.uncertainty_us as f64);
        let delta = self.system.as_ref().and_then(|(_, delta)| *delta);
        self.put(self.offset, rounded(ahead));
        self.put(delta, rounded(ahead));
        self.put(self.uncertainty, rounded(wrong));
        self.put(self.state, Value::text(self.standing.as_str()));
        self.store.apply(self.source, &mut self.batch);
    }

    /// Nobody measures the clock of a remote that is not heard.
    pub(super) fn tell_silence(&mut self) {
        let stale = Sample::without_value(Quality::of(Reason::Stale), None);
        let delta = self.system.as_ref().and_then(|(_, delta)| *delta);
        let points = [self.offset, self.uncertainty, self.state, delta];
        let points = points.into_iter().flatten();
        self.batch
            .extend(points.map(|point| (point, stale.clone())));
        self.store.apply(self.source, &mut self.batch);
    }

    pub(super) fn all_clear(&self) {
        self.health.clear(&self.problem());
    }

    fn problem(&self) -> String {
        format!("link.{}.clock", self.options.name)
    }

    /// A clock that is off is somebody's task, whatever the values are worth.
    fn judge(&mut self, best: Offset) {
        let standing = ClockState::of(best, self.options.clock.drift);
        if standing == self.standing {
            return;
        }
        self.standing = standing;
        let severity = match standing {
            ClockState::Right => {
                self.all_clear();
                return;
            }
            ClockState::Off => Severity::Warning,
            ClockState::TooFar => Severity::High,
        };
        let ahead = match best.wall_us > 0 {
            true => "ahead of",
            false => "behind",
        };
        #[expect(clippy::cast_precision_loss, reason = "microseconds of an offset")]
        let seconds = (best.wall_us as f64 / 1e6).abs();
        let name = &self.options.name;
        self.health.raise(Problem {
            id: self.problem(),
            severity,
            source: name.clone(),
            text: format!("The clock of {name} is {seconds:.1} s {ahead} this node's."),
            action: "Set the wrong one, best by NTP on both; `drift` of the remote entry is the \
                     limit."
                .into(),
        });
    }

    /// Looks for the remote's own machine among its adapters, where the tree has changed.
    fn look(&mut self) {
        let (topotime, now) = (self.store.topotime(), self.store.clock().monotonic());
        let is_known =
            |(seen, at): (u64, Monotonic)| seen == topotime || now.since(at) < LOOK_EVERY;
        if self.looked.is_some_and(is_known) {
            return;
        }
        self.looked = Some((topotime, now));
        let found = self.find();
        if found.as_ref() == self.time() {
            return;
        }
        if let Some((_, Some(delta))) = self.system.take() {
            self.store.remove_points(&[delta]);
        }
        self.system = found.map(|time| {
            let ahead = "clock of the remote minus the clock here";
            let delta = self.define(&format!("{time}.delta"), seconds(ahead));
            (time, delta)
        });
    }

    /// A remote's own adapter hangs on the link, and has all that a machine has.
    fn find(&self) -> Option<Name> {
        let mut sources = self.store.sources().into_iter();
        sources.find_map(|source| {
            if source.parent != Some(self.link) || source.role != Role::Adapter {
                return None;
            }
            let adapter = format!("{}.{}", self.options.prefix, source.name);
            let has = |(name, scalar): &(&str, Scalar)| {
                let point = self.store.point(&format!("{adapter}.{name}"));
                point.is_some_and(|point| {
                    point.source == source.id && point.definition.value_type == (*scalar).into()
                })
            };
            let is_machine = SYSTEM.iter().all(has);
            is_machine.then(|| Name::new(&format!("{adapter}.time")).ok())?
        })
    }

    fn put(&mut self, point: Option<PointId>, value: Value) {
        self.batch
            .extend(point.map(|point| (point, Sample::good(value, None))));
    }
}

fn seconds(text: &str) -> Definition {
    Definition::new(Scalar::F64).unit("s").description(text)
}
