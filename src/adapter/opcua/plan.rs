//! What the adapter has to do, decided before any I/O.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use mainstem_adapter::PointId;
use mainstem_model::ValueType;

use crate::connection::ConnectionPlan;
use crate::node_address::NodeAddress;

/// Everything that a session needs.
pub(crate) struct Plan {
    /// How the server is reached.
    pub(crate) connection: ConnectionPlan,
    /// Where certificates live.
    pub(crate) folder: PathBuf,
    /// One entry per datapoint; [`PointId`] is the index.
    pub(crate) points: Vec<PointPlan>,
}

/// One datapoint.
#[derive(Clone, Debug)]
pub(crate) struct PointPlan {
    /// The node.
    pub(crate) address: NodeAddress,
    /// The type of raw readings and raw writes.
    pub(crate) value_type: ValueType,
    /// How values arrive.
    pub(crate) acquire: Acquire,
    /// Whether writes are possible.
    pub(crate) writable: bool,
    /// After how long without confirmation it is stale.
    pub(crate) stale_after: Option<Duration>,
}

/// How the values of a datapoint arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Acquire {
    /// The server sends what changed.
    Subscribe {
        /// Publishing interval; points with the same one share a subscription.
        publish: Duration,
        /// Sampling interval; the publishing interval if absent.
        sampling: Duration,
        /// Values that the server keeps.
        queue_size: u32,
        /// Which one it drops.
        discard_oldest: bool,
    },
    /// We ask.
    Poll(Duration),
    /// Write only.
    Never,
}

impl Plan {
    /// The points of a poll interval, in order.
    pub(crate) fn polled(&self) -> BTreeMap<Duration, Vec<PointId>> {
        self.grouped(|acquire| match acquire {
            Acquire::Poll(interval) => Some(*interval),
            _ => None,
        })
    }

    /// The points of a publishing interval, in order.
    pub(crate) fn subscribed(&self) -> BTreeMap<Duration, Vec<PointId>> {
        self.grouped(|acquire| match acquire {
            Acquire::Subscribe { publish, .. } => Some(*publish),
            _ => None,
        })
    }

    /// How often the first reading of a point is due.
    pub(crate) fn interval(&self, id: PointId) -> Option<Duration> {
        match self.point(id)?.acquire {
            Acquire::Subscribe {
                publish, sampling, ..
            } => Some(publish.max(sampling)),
            Acquire::Poll(interval) => Some(interval),
            Acquire::Never => None,
        }
    }

    /// A point's plan.
    pub(crate) fn point(&self, id: PointId) -> Option<&PointPlan> {
        self.points.get(id.0 as usize)
    }

    fn grouped(
        &self,
        interval: impl Fn(&Acquire) -> Option<Duration>,
    ) -> BTreeMap<Duration, Vec<PointId>> {
        let mut groups = BTreeMap::<Duration, Vec<PointId>>::new();
        for (point, id) in self.points.iter().zip(0..) {
            if let Some(interval) = interval(&point.acquire) {
                groups.entry(interval).or_default().push(PointId(id));
            }
        }
        groups
    }
}
