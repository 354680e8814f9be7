//! The configuration of one adapter as the kinds see it: already parsed, spans left behind.

use std::time::Duration;

use mainstem_model::{Access, Definition, Limits, Scalar, ValueType};

/// One configured connection with its endpoints.
#[derive(Clone, Debug, PartialEq)]
pub struct AdapterSpec {
    /// The adapter's name: the resource id of the connection.
    pub name: String,
    /// The content of `connection:`. Secrets are already resolved.
    pub connection: serde_json::Value,
    /// Its endpoints in the order of the file.
    pub endpoints: Vec<EndpointSpec>,
    /// A folder of its own for what it must keep (certificates).
    pub folder: std::path::PathBuf,
    /// The folder of the node file: what is written there as a relative path begins here.
    pub home: std::path::PathBuf,
}

/// One endpoint: a datapoint and the device address it stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointSpec {
    /// The datapoint's name below the adapter's name.
    pub name: String,
    /// The protocol's own part: the content of `subscribe:`, `read:` or `write:`, `interval` left
    /// in for kinds that need it there.
    pub operation: serde_json::Value,
    /// How often it is polled; `None` where the file says nothing (the kind's default holds).
    pub interval: Option<Duration>,
    /// Declared access: `subscribe` and `read` give `r`, `write` gives `w`, `access: rw` both.
    pub access: Access,
    /// Declared type, where the file overrides what the kind derives.
    pub value_type: Option<ValueType>,
    /// Unit for people.
    pub unit: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// Range for writes, in scaled units.
    pub limits: Option<Limits>,
    /// Linear scaling between device and datapoint.
    pub scaling: Option<Scaling>,
    /// Whose clock stamps the samples; the kind's default where absent.
    pub time: Option<TimePolicy>,
    /// After how long without confirmation the datapoint is stale.
    pub stale_after: Option<Duration>,
    /// Whether this datapoint must keep changing as long as the device lives: if it does not
    /// change for this long, the adapter's source is frozen.
    pub life: Option<Duration>,
}

impl EndpointSpec {
    /// The datapoint's definition, from the type of the raw value that the kind derived: the type
    /// that the file declares, else `f64` where there is scaling, else the raw type.
    pub fn definition(&self, raw: impl Into<ValueType>) -> Definition {
        let raw = raw.into();
        let scaled = ValueType {
            scalar: Scalar::F64,
            array: raw.array,
        };
        let derived = if self.scaling.is_some() { scaled } else { raw };
        let definition = Definition {
            access: self.access,
            limits: self.limits,
            ..Definition::new(self.value_type.unwrap_or(derived))
        };
        let unit = self.unit.as_deref().unwrap_or_default();
        definition
            .unit(unit)
            .description(self.description.as_deref().unwrap_or_default())
    }
}

/// Datapoint = raw × factor + offset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaling {
    /// The factor, not zero.
    pub factor: f64,
    /// The offset.
    pub offset: f64,
}

impl Scaling {
    /// From the device to the datapoint.
    pub fn apply(self, raw: f64) -> f64 {
        raw * self.factor + self.offset
    }

    /// From the datapoint to the device.
    pub fn invert(self, scaled: f64) -> f64 {
        (scaled - self.offset) / self.factor
    }
}

/// Whose clock stamps the samples of an endpoint.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum TimePolicy {
    /// The device's stamp.
    Source,
    /// This node's clock at the moment of reading.
    Node,
}
