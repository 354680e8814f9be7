//! What this node itself says about a link: datapoints below the remote's name that belong to this
//! node and stay good, and the health problem while there is no communication.

mod notices;

use std::sync::Arc;

use mainstem_model::{Definition, Name, Quality, Reason, Role, Sample, Scalar, Value};
use mainstem_store::{PointId, SourceId, Store};
use mainstem_telemetry::{Health, Problem, Severity};

use crate::mirror::PutBack;

/// What is said so far, so that only what changed is said.
pub(crate) struct Own {
    store: Arc<Store>,
    health: Health,
    name: String,
    prefix: String,
    source: SourceId,
    connection: Option<PointId>,
    batch: Vec<(PointId, Sample)>,
    pruned: Option<String>,
    put_back: Option<PutBack>,
    has_twin: bool,
    /// The last state and cause that were told.
    told: Option<(Quality, String)>,
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
            batch: Vec::new(),
            pruned: None,
            put_back: None,
            has_twin: false,
            told: None,
        };
        let words = Definition::new(Scalar::Text).description("online or offline");
        own.connection = own.define("connection", words);
        own
    }

    fn define(&self, suffix: &str, definition: Definition) -> Option<PointId> {
        let name = Name::new(&format!("{}.{suffix}", self.prefix)).ok()?;
        // Only a remote's own datapoint of that name can be in the way; then it goes first.
        self.store.define(self.source, &name, definition).ok()
    }

    pub(crate) fn tell_status(&mut self, quality: Quality, cause: &str) {
        let word = if is_up(quality) { "online" } else { "offline" };
        self.put(self.connection, Value::text(word));
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
        if is_up(*quality) || cause.is_empty() || told == cause {
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

    pub(crate) fn all_clear(&self) {
        self.health.clear(&format!("link.{}", self.name));
        for what in ["pruned", "restored", "twin"] {
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

/// Whether there is communication, whatever the values are worth.
pub(super) fn is_up(quality: Quality) -> bool {
    quality.is_good() || quality.reason == Reason::ClockDrift
}
