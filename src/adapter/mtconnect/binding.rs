//! Endpoints after their configuration was checked, and how what is told finds them.

use std::collections::BTreeMap;

use mainstem_adapter::{EndpointSpec, Point, Problem};
use mainstem_model::Scalar;

use crate::condition::{Conditions, Told};
use crate::shape::{self, DataType};
use mainstem_adapter::Reading;
use mainstem_model::Timestamp;

/// An endpoint, ready for use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binding {
    /// The key or the id of the data item.
    pub(crate) key: String,
    /// What its value is.
    pub(crate) data_type: DataType,
}

/// The type of an endpoint that does not name one: a number where the file declares one.
pub(crate) fn usual(spec: &EndpointSpec) -> DataType {
    let declared = spec.value_type;
    let is_number = |scalar: Scalar| scalar.is_numeric();
    match declared {
        Some(declared) if is_number(declared.scalar) && declared.array => DataType::Vector,
        Some(declared) if is_number(declared.scalar) => DataType::Sample,
        _ if spec.scaling.is_some() => DataType::Sample,
        _ => DataType::Event,
    }
}

/// What is wrong with an endpoint that wants to write.
pub(crate) fn is_read_only(pointer: &str, spec: &EndpointSpec) -> Option<Problem> {
    spec.access.is_writable().then(|| {
        Problem::new(
            format!("{pointer}/operation"),
            "MTConnect is only read",
            "`subscribe:` without `access: rw`",
        )
    })
}

/// The datapoints of endpoints.
pub(crate) fn points(endpoints: &[EndpointSpec], bindings: &[Binding]) -> Vec<Point> {
    let both = endpoints.iter().zip(bindings).enumerate();
    let point = |(index, (endpoint, binding)): (usize, (&EndpointSpec, &Binding))| Point {
        name: endpoint.name.clone(),
        definition: endpoint.definition(binding.data_type.value_type()),
        endpoint: Some(index),
        device: None,
    };
    both.map(point).collect()
}

/// The bindings of one connection, by their keys, and what is active of their conditions.
#[derive(Debug, Default)]
pub(crate) struct Bindings {
    list: Vec<Binding>,
    by_key: BTreeMap<String, Vec<usize>>,
    conditions: Vec<Conditions>,
}

impl Bindings {
    pub(crate) fn new(list: Vec<Binding>) -> Self {
        let mut by_key: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, binding) in list.iter().enumerate() {
            by_key.entry(binding.key.clone()).or_default().push(index);
        }
        Self {
            conditions: vec![Conditions::default(); list.len()],
            list,
            by_key,
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// The bindings of a key.
    pub(crate) fn of(&self, key: &str) -> &[usize] {
        self.by_key.get(key).map_or(&[], Vec::as_slice)
    }

    /// The type of a binding.
    pub(crate) fn data_type(&self, index: usize) -> DataType {
        self.list[index].data_type
    }

    /// A session begins: what is active is told anew.
    pub(crate) fn forget(&mut self) {
        for conditions in &mut self.conditions {
            conditions.clear();
        }
    }

    /// A reading of a value.
    pub(crate) fn value(&self, index: usize, text: &str, at: Option<Timestamp>) -> Reading {
        if shape::is_unavailable(text) {
            return shape::unavailable(index, at);
        }
        shape::reading(index, self.list[index].data_type.value(text), at)
    }

    /// A reading of a condition.
    pub(crate) fn condition(
        &mut self,
        index: usize,
        told: &Told<'_>,
        at: Option<Timestamp>,
    ) -> Reading {
        if !self.conditions[index].take(told) {
            return shape::unavailable(index, at);
        }
        let value = self.conditions[index].value(self.list[index].data_type);
        shape::reading(index, Some(value), at)
    }
}
