//! An adapter kind: one row in the registry, and how it turns configuration into an adapter.

use mainstem_model::Definition;

use crate::{Adapter, AdapterSpec, Explore};

/// A protocol as the rest of the program knows it. The registry is one visible list of these.
#[derive(Clone, Copy)]
pub struct Kind {
    /// The word in `protocol:`, compared without regard to case.
    pub name: &'static str,
    /// One sentence for lists.
    pub summary: &'static str,
    /// The commented `sample.yaml`, a valid `resources:` fragment.
    pub sample: &'static str,
    /// JSON Schema of `connection:`.
    pub connection_schema: fn() -> serde_json::Value,
    /// JSON Schema of the operation of an endpoint (`subscribe:`, `read:` or `write:`).
    pub endpoint_schema: fn() -> serde_json::Value,
    /// Checks everything that can be checked without I/O, and makes the adapter. All problems are
    /// reported, not the first.
    pub build: fn(&AdapterSpec) -> Result<Built, Vec<Problem>>,
    /// What it does for somebody who does not know the device yet: `adapters try`, `browse` and
    /// `import`. `None` where there is nothing to explore.
    pub explore: Option<&'static dyn Explore>,
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kind")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What [`Kind::build`] made.
pub struct Built {
    /// The adapter, not connected yet.
    pub adapter: Box<dyn Adapter>,
    /// Its datapoints; [`PointId`] is the index in this list.
    pub points: Vec<Point>,
    /// The names of its sub-sources (devices behind a gateway), one segment each.
    pub devices: Vec<String>,
}

/// One datapoint of an adapter.
#[derive(Clone, Debug)]
pub struct Point {
    /// Its name below the adapter's name; an endpoint's name for what comes from an endpoint.
    pub name: String,
    /// Type, unit, access and limits, after scaling.
    pub definition: Definition,
    /// The endpoint in [`AdapterSpec::endpoints`] that it comes from; `None` for built-in points.
    pub endpoint: Option<usize>,
    /// The sub-source in [`Built::devices`] that it hangs on, if any.
    pub device: Option<usize>,
}

/// The index of a datapoint in [`Built::points`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PointId(pub u32);

impl PointId {
    /// The datapoint at an index. A configuration has far fewer than the number can count.
    pub fn at(index: usize) -> Self {
        Self(u32::try_from(index).unwrap_or(u32::MAX))
    }
}

/// One thing that is wrong with an adapter's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// JSON pointer within the spec: `/connection/host`, `/endpoints/3/operation/address`.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// What was expected, as a person would write it.
    pub expected: String,
}

impl Problem {
    /// A problem at a place.
    pub fn new(
        pointer: impl Into<String>,
        message: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self {
            pointer: pointer.into(),
            message: message.into(),
            expected: expected.into(),
        }
    }
}
