//! Where adapters hang in the rest of the program: the one seam between a runner and the store.

use std::sync::Arc;

use mainstem_model::{Quality, Sample};

use crate::{Outlets, Point, PointId, Standing};

/// The place in which adapters are installed. The composition root implements it over the store.
pub trait Site: Send + Sync {
    /// Makes an adapter known: its source, its sub-sources and its datapoints. Called once per
    /// runner, before the first session. Names are looked up here and never again: everything
    /// later goes through the returned seat by index.
    fn define(&self, installation: &Installation<'_>) -> Arc<dyn SiteAdapter>;

    /// Where adapters get datapoints that they carry out; none in a site without a store.
    fn outlets(&self) -> Option<&dyn Outlets> {
        None
    }
}

/// What a runner brings along.
#[derive(Clone, Copy, Debug)]
pub struct Installation<'a> {
    /// The adapter's name; the names of its datapoints stand below it.
    pub adapter: &'a str,
    /// The kind's name.
    pub kind: &'a str,
    /// Its datapoints; a [`PointId`] is the index in this list.
    pub points: &'a [Point],
    /// Its sub-sources; a device index is the index in this list.
    pub devices: &'a [String],
}

/// One adapter's seat in the site.
///
/// The runner calls it under a lock of its own, so calls come one after the other and in the order
/// in which things happened. A source becomes good only after the samples that it vouches for:
///
/// 1. a session comes up, or a sub-source comes back: its status is uncertain (`catching_up`);
/// 2. each of its readable datapoints is read. The first sample is applied in any case, so that
///    the age of a value that did not change is known;
/// 3. what was not read in time (twice its interval, at least 2 s, at most 60 s) gets a sample of
///    its own: `stale` if there is a value from before, `waiting` if there is none. What is bad by
///    itself stays as it is;
/// 4. the status is good. So no value from before the cut is ever shown as good.
///
/// After a session's end none of its samples comes any more. Nothing here may block or call back
/// into the runner. Only [`SiteAdapter::standing`] may run beside the others.
pub trait SiteAdapter: Send + Sync {
    /// Applies samples in their order, as one batch. Every sample differs from the one before it
    /// in value, quality or source time, except for the first after a cut. Drains the list and leaves it its capacity, so that the
    /// hot path allocates nothing.
    fn apply(&self, batch: &mut Vec<(PointId, Sample)>);

    /// The trust in the adapter's source, or in one of its sub-sources, each by itself: whoever
    /// shows a datapoint takes the worst of its own quality, its sub-source's and the adapter's.
    /// Only changes are told: a sub-source begins good, the adapter's source is told once before
    /// the first session. Sub-sources are told before the adapter they hang on becomes good.
    fn status(&self, device: Option<usize>, quality: Quality);

    /// The device has just vouched for values of this source, changed or not. At most once per
    /// source and batch; after the batch was applied.
    fn confirm(&self, device: Option<usize>);

    /// The adapter's state changed: for alarms and events.
    fn standing(&self, standing: &Standing);
}
