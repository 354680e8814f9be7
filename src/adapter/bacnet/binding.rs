//! One endpoint after its configuration was checked.

use std::time::Duration;

use mainstem_adapter::{EndpointSpec, Problem, fields};
use mainstem_model::{Access, Scalar, ValueType};
use serde_json::json;

use crate::codec::ObjectId;
use crate::codec::service::Target;
use crate::config::EndpointConfig;
use crate::data_type::DataType;
use crate::names;

/// How often an endpoint is polled that says nothing about it.
const INTERVAL_DEFAULT: Duration = Duration::from_secs(1);

/// An endpoint, ready for use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binding {
    /// Which property of which object.
    pub(crate) target: Target,
    /// What its value is.
    pub(crate) data_type: DataType,
    /// How often it is polled, if at all.
    pub(crate) poll: Option<Duration>,
    /// Whether it may be written.
    pub(crate) writable: bool,
    /// Whether writing gives the priority up.
    pub(crate) relinquish: bool,
    /// The priority of writes.
    pub(crate) priority: Option<u8>,
    /// Whether it is subscribed to.
    pub(crate) cov: bool,
}

impl Binding {
    /// Checks an endpoint; all problems are reported.
    pub(crate) fn new(
        pointer: &str,
        spec: &EndpointSpec,
        cov_default: bool,
    ) -> Result<Self, Vec<Problem>> {
        let place = format!("{pointer}/operation");
        let smallest = json!({ "objectType": "device", "objectInstance": 1 });
        let config: EndpointConfig = fields::read(&spec.operation, &place, &smallest, "Bacnet")?;
        let mut problems = Vec::new();
        let mut report = |key: &str, message: &str, expected: &str| {
            problems.push(Problem::new(format!("{place}/{key}"), message, expected));
        };
        let kind = names::kind(&config.object_type.text());
        if kind.is_none() {
            report(
                "objectType",
                "there is no such object type",
                "as `analog-input` or `binary-value`, or a number up to 1023",
            );
        }
        let word = config.property.as_ref();
        let property = word.map_or(Some(names::PRESENT_VALUE), |word| {
            names::property(&word.text())
        });
        if property.is_none() {
            report(
                "property",
                "there is no such property",
                "as `present-value` or `object-name`, or a number up to 4194303",
            );
        }
        let writable = spec.access.is_writable();
        let is_present = property == Some(names::PRESENT_VALUE) && config.index.is_none();
        contradictions(&config, spec.access, is_present, &mut report);
        let (Some(kind), Some(property), true) = (kind, property, problems.is_empty()) else {
            return Err(problems);
        };
        let own = config.interval.map(Duration::from_millis);
        let interval = spec.interval.or(own).unwrap_or(INTERVAL_DEFAULT);
        let usual = || names::usual_type(kind, property);
        let target = Target {
            object: ObjectId {
                kind,
                instance: config.object_instance,
            },
            property,
            index: config.index,
        };
        Ok(Self {
            target,
            data_type: config.data_type.unwrap_or_else(usual),
            poll: (spec.access != Access::Write).then_some(interval),
            writable,
            relinquish: config.relinquish,
            priority: config.priority,
            cov: is_present && config.cov.unwrap_or(cov_default),
        })
    }

    /// The type of its datapoint.
    pub(crate) fn value_type(&self) -> ValueType {
        match self.relinquish {
            true => ValueType::from(Scalar::Bool),
            false => self.data_type.value_type(),
        }
    }

    /// Whether the object's status flags are asked for with it.
    pub(crate) fn has_flags(&self) -> bool {
        // Devices, files and the like have none; those that are not standard may have.
        let is_without = matches!(self.target.object.kind, 6 | 8 | 10 | 15 | 29);
        self.target.property == names::PRESENT_VALUE && !is_without
    }

    /// As `analog-input,3 present-value`, for messages.
    pub(crate) fn place(&self) -> String {
        let object = names::object_text(self.target.object);
        let property = names::property_text(self.target.property);
        match self.target.index {
            None => format!("{object} {property}"),
            Some(index) => format!("{object} {property}[{index}]"),
        }
    }
}

/// Options that do not go together.
fn contradictions(
    config: &EndpointConfig,
    access: Access,
    is_present: bool,
    report: &mut impl FnMut(&str, &str, &str),
) {
    if config.relinquish && access != Access::Write {
        report(
            "relinquish",
            "a priority is given up by a write",
            "an endpoint with `write:`",
        );
    }
    if config.relinquish && config.priority.is_none() {
        report(
            "relinquish",
            "it is not said which priority",
            "`priority` beside it",
        );
    }
    if config.cov == Some(true) && !is_present {
        report(
            "cov",
            "only present-values are told",
            "`property: present-value`, or no `cov`",
        );
    }
}
