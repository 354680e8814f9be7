//! What the adapter has to do, decided before any I/O.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use mainstem_adapter::PointId;
use mainstem_model::ValueType;

use crate::browse_path::{Address, BrowsePath};
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
    /// The node: a variable, a method, or what events come from.
    pub(crate) address: Address,
    /// What there is to have of it.
    pub(crate) what: What,
    /// The type of raw readings and raw writes.
    pub(crate) value_type: ValueType,
    /// How values arrive.
    pub(crate) acquire: Acquire,
    /// Whether writes are possible.
    pub(crate) writable: bool,
    /// After how long without confirmation it is stale.
    pub(crate) stale_after: Option<Duration>,
}

/// What a node has for us.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    /// An attribute, the value as a rule.
    Value(ValuePlan),
    /// A method, called by a write.
    Method(MethodPlan),
    /// Events.
    Events(EventPlan),
}

/// An attribute of a node.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ValuePlan {
    /// The attribute; the value if absent.
    pub(crate) attribute: Option<u32>,
    /// The part of an array.
    pub(crate) range: Option<String>,
    /// Whether values of enumerations are shown by their names.
    pub(crate) names: bool,
    /// What counts as a change.
    pub(crate) filter: ChangeFilter,
}

/// What counts as a change (part 4, 7.22.2).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ChangeFilter {
    /// How far a value has to move.
    pub(crate) deadband: Option<f64>,
    /// In per cent of the node's range instead of its own unit.
    pub(crate) percent: bool,
    /// 0: status; 1: status and value, the server's default; 2: also its time stamp.
    pub(crate) trigger: Option<u32>,
}

/// How a method is called.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MethodPlan {
    /// The object that it is called on; the one that has it, if absent.
    pub(crate) object: Option<Address>,
    /// How long an answer may take.
    pub(crate) timeout: Option<Duration>,
}

/// Which events, and what of them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EventPlan {
    /// Fields, by the name that they have in the value.
    pub(crate) fields: Vec<(String, EventField)>,
    /// Types of events, subtypes included; all if empty.
    pub(crate) types: Vec<NodeAddress>,
    /// The least severity.
    pub(crate) severity: Option<u16>,
}

/// A field of an event.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum EventField {
    /// By its place in the event.
    Path(BrowsePath),
    /// The condition that the event is about.
    ConditionId,
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
    /// By the answer to a write: a method's.
    Answer,
    /// Write only.
    Never,
}

impl Plan {
    /// All points with their numbers.
    pub(crate) fn all(&self) -> Vec<(PointId, &PointPlan)> {
        (0..).map(PointId).zip(&self.points).collect()
    }

    /// The points of a poll interval, in order.
    pub(crate) fn polled(&self) -> BTreeMap<Duration, Vec<PointId>> {
        self.grouped(|acquire| match acquire {
            Acquire::Poll(interval) => Some(*interval),
            _ => None,
        })
    }

    /// The points that have a value only when somebody sends one: events and answers.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = PointId> {
        let all = (0..).map(PointId).zip(&self.points);
        let waiting = all.filter(|(_, point)| {
            point.acquire != Acquire::Never && !matches!(point.what, What::Value(_))
        });
        waiting.map(|(id, _)| id)
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
            Acquire::Answer | Acquire::Never => None,
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
