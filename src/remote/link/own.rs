//! What this node itself says about a link: datapoints below the remote's name that belong to this
//! node and stay good, and the health problem while there is no communication.

use std::sync::Arc;

use mainstem_model::{Definition, Name, Quality, Reason, Role, Sample, Scalar, Value};
use mainstem_store::{PointId, SourceId, Store};
use mainstem_telemetry::{Health, Problem, Severity};

use crate::clock::Offset;

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
        };
        let words = Definition::new(Scalar::Text).description("online or offline");
        own.connection = own.define("connection", words);
        own
    }

    /// With what beats tell about the remote's clock.
    #[must_use]
    pub(crate) fn with_clock(mut self) -> Self {
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
        self.flush();
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

    pub(crate) fn tell_offset(&mut self, best: Offset) {
        let seconds = |micros: f64| Value::F64((micros / 1000.0).round() / 1000.0);
        #[expect(clippy::cast_precision_loss, reason = "microseconds of an offset")]
        let (offset, uncertainty) = (best.wall_us as f64, best.uncertainty_us as f64);
        self.put(self.offset, seconds(offset));
        self.put(self.uncertainty, seconds(uncertainty));
        self.flush();
    }

    pub(crate) fn all_clear(&self) {
        self.health.clear(&format!("link.{}", self.name));
    }

    fn put(&mut self, point: Option<PointId>, value: Value) {
        self.batch
            .extend(point.map(|point| (point, Sample::good(value, None))));
    }

    fn flush(&mut self) {
        self.store.apply(self.source, &mut self.batch);
    }
}
