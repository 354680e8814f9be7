//! The canaries of the nodes behind one link: looks at them once a second, tells the age of the
//! remote's own as a datapoint of this node, and raises an alarm where a link says that all is
//! well and a canary says otherwise.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{Definition, Monotonic, Name, Quality, Role, Sample, Scalar, Value};
use mainstem_store::{PointId, SourceId, Store};
use mainstem_telemetry::{Health, Problem, Severity};

use crate::canary::{self, Canary, CanaryView};

/// How often they are looked at.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Canaries that are watched behind one link; further nodes are not.
const CANARIES_MAX: usize = 1000;
/// The limit of an age is at least so many times the silence that a link is allowed.
const SILENCES: u32 = 3;

pub(super) struct Canaries {
    store: Arc<Store>,
    health: Health,
    name: String,
    prefix: String,
    link: SourceId,
    /// This node's own source, which its age hangs on.
    own: SourceId,
    floor: Duration,
    /// The tree as it was when the nodes were looked up.
    topotime: Option<u64>,
    known: BTreeMap<String, Canary>,
    point: Option<PointId>,
    told: Option<u64>,
    looked: Monotonic,
    is_late: bool,
}

impl Canaries {
    pub(super) fn new(
        store: &Arc<Store>,
        health: &Health,
        name: &str,
        prefix: &str,
        link: SourceId,
        uncertain_after: Duration,
    ) -> Self {
        let node = Arc::clone(&store.setup().name);
        let own = store.put_own_source(None, &node, Role::Node, Quality::GOOD, true);
        Self {
            own,
            store: Arc::clone(store),
            health: health.clone(),
            name: name.to_owned(),
            prefix: prefix.to_owned(),
            link,
            floor: uncertain_after * SILENCES,
            topotime: None,
            known: BTreeMap::new(),
            point: None,
            told: None,
            looked: Monotonic::default(),
            is_late: false,
        }
    }

    /// Looks at all of them, if it is time to.
    pub(super) fn look(&mut self, now: Monotonic) {
        if self.topotime.is_some() && now.since(self.looked) < LOOK_EVERY {
            return;
        }
        self.looked = now;
        let topotime = self.store.topotime();
        if self.topotime != Some(topotime) {
            self.topotime = Some(topotime);
            self.find(now);
        }
        for (path, canary) in &mut self.known {
            let seen = self.store.point(&format!("{path}.{}", canary::NAME));
            let is_good = seen.as_ref().is_some_and(|seen| seen.quality.is_good());
            canary.see(seen.and_then(|seen| seen.value).as_ref(), is_good, now);
        }
        self.tell(now);
        self.judge(now);
    }

    /// Which nodes there are behind the link, and which of them have a canary.
    fn find(&mut self, now: Monotonic) {
        let below = self.store.subtree(self.link).into_iter();
        let links = below.filter(|id| {
            let source = self.store.source(*id);
            source.is_some_and(|source| source.role == Role::Link)
        });
        let paths: Vec<String> = links
            .take(CANARIES_MAX)
            .map(|id| self.store.path(id))
            .collect();
        let has_one = |path: &String| {
            let name = format!("{path}.{}", canary::NAME);
            self.store.point(&name).is_some()
        };
        let mut old = std::mem::take(&mut self.known);
        self.known = paths
            .into_iter()
            .filter(has_one)
            .map(|path| {
                let canary = old.remove(&path);
                let canary = canary.unwrap_or_else(|| Canary::new(self.floor, now));
                (path, canary)
            })
            .collect();
    }

    pub(super) fn views(&self, now: Monotonic) -> Vec<CanaryView> {
        let views = self.known.iter().map(|(path, canary)| CanaryView {
            path: path.clone(),
            age: canary.age(now),
            limit: canary.limit(),
            is_late: canary.is_late(now),
        });
        views.collect()
    }

    /// The age of the remote's own canary, in steps: a link on which all is well costs no rows.
    fn tell(&mut self, now: Monotonic) {
        let name = format!("{}.{}.age", self.prefix, canary::NAME);
        let Some(canary) = self.known.get(&self.prefix) else {
            self.forget(&name);
            return;
        };
        let age = canary::told(canary.age(now));
        if self.told == Some(age) {
            return;
        }
        if self.point.is_none() {
            let text = "how long ago the canary of the remote last changed here, in steps";
            let definition = Definition::new(Scalar::F64).unit("s").description(text);
            // Only a remote's own datapoint of that name can be in the way; then it goes first.
            let defined = Name::new(&name)
                .ok()
                .and_then(|name| self.store.define(self.own, &name, definition).ok());
            self.point = defined;
        }
        if let Some(point) = self.point {
            #[expect(clippy::cast_precision_loss, reason = "seconds for people")]
            let sample = Sample::good(Value::F64(age as f64), None);
            self.store.apply(self.own, &mut vec![(point, sample)]);
            self.told = Some(age);
        }
    }

    /// The remote has no canary: what a checkpoint brought back of its age is not true any more.
    fn forget(&mut self, name: &str) {
        (self.point, self.told) = (None, None);
        let known = self.store.point(name);
        if let Some(known) = known.filter(|known| known.source == self.own) {
            self.store.remove_points(&[known.id]);
        }
    }

    fn id(&self) -> String {
        format!("link.{}.canary", self.name)
    }

    fn judge(&mut self, now: Monotonic) {
        let late = self.known.iter().find(|(_, canary)| canary.is_late(now));
        let Some((path, canary)) = late else {
            if std::mem::take(&mut self.is_late) {
                self.health.clear(&self.id());
            }
            return;
        };
        self.is_late = true;
        self.health.raise(Problem {
            id: self.id(),
            severity: Severity::High,
            source: self.name.clone(),
            text: format!(
                "The link {} says that all is well, but the canary of {path} has not changed here \
                 for more than {:.0} s: its values may be old.",
                self.name,
                canary.limit().as_secs_f64()
            ),
            action: format!(
                "Look at the node {path} (`mainstem doctor` there), then read everything anew: \
                 `mainstem remotes resync {}`.",
                self.name
            ),
        });
    }

    /// The link ends: nothing is said about it any more.
    pub(super) fn all_clear(&self) {
        self.health.clear(&self.id());
    }
}

#[cfg(test)]
mod tests;
