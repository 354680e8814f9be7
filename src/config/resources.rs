//! The `properties:` of connections and endpoints, as written.

use std::time::Duration;

use mainstem_adapter::TimePolicy;
use mainstem_model::{Access, ValueType, quantity};
use mainstem_service::Qos;
use serde_json::Value;

/// A connection to a device or service.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ConnectionSection {
    /// The adapter kind.
    #[expect(dead_code, reason = "looked at before the struct is made")]
    pub(crate) protocol: String,
    /// The kind's own options.
    #[serde(default)]
    #[schemars(with = "std::collections::BTreeMap<String, Value>")]
    #[expect(dead_code, reason = "looked at before the struct is made")]
    pub(crate) connection: Value,
    /// When to try again after a failure. Connectware's place, within `connection`, is read too.
    #[serde(default)]
    pub(crate) connection_strategy: Option<StrategyConfig>,
    /// Whether the adapter is to run.
    #[serde(default)]
    pub(crate) target_state: TargetState,
}

/// Whether an adapter is to run.
#[derive(Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TargetState {
    /// Connect, and connect again.
    #[default]
    Connected,
    /// Stay configured, without a connection.
    Disconnected,
}

/// When to try again after a failure. The delays are upper bounds: the actual ones are random
/// below them, so that a hundred nodes do not come back at the same moment.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct StrategyConfig {
    /// The longest wait before the second try.
    #[serde(deserialize_with = "quantity::millis")]
    #[schemars(with = "String", extend(
        "type" = ["string", "integer"],
        "duration" = {"min": "100ms", "max": "1h", "number": "milliseconds"}
    ))]
    pub initial_delay: Duration,
    /// The longest wait of all.
    #[serde(deserialize_with = "quantity::millis")]
    #[schemars(with = "String", extend(
        "type" = ["string", "integer"],
        "duration" = {"min": "100ms", "max": "24h", "number": "milliseconds"}
    ))]
    pub max_delay: Duration,
    /// By what the wait grows from try to try.
    #[schemars(range(min = 1, max = 10))]
    pub increment_factor: f64,
}

impl Default for StrategyConfig {
    fn default() -> Self {
        Self {
            initial_delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(30),
            increment_factor: 2.0,
        }
    }
}

/// A datapoint and the device address it stands for.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndpointSection {
    /// The adapter kind; if it is given, it is that of the connection.
    #[serde(default)]
    #[expect(dead_code, reason = "looked at before the struct is made")]
    pub(crate) protocol: Option<String>,
    /// The resource id of the connection.
    #[expect(dead_code, reason = "looked at before the struct is made")]
    pub(crate) connection: String,
    /// Read continuously: the device address, in the kind's own options.
    #[serde(default)]
    #[schemars(with = "Option<std::collections::BTreeMap<String, Value>>")]
    pub(crate) subscribe: Option<Value>,
    /// The same as `subscribe`, in Connectware's word for a read on demand.
    #[serde(default)]
    #[schemars(with = "Option<std::collections::BTreeMap<String, Value>>")]
    pub(crate) read: Option<Value>,
    /// Written only.
    #[serde(default)]
    #[schemars(with = "Option<std::collections::BTreeMap<String, Value>>")]
    pub(crate) write: Option<Value>,
    /// The datapoint's whole name, in place of `<connection>.<endpoint>`.
    #[serde(default)]
    #[schemars(extend("format" = "name"))]
    #[expect(dead_code, reason = "looked at before the struct is made")]
    pub(crate) name: Option<String>,
    /// Its topic below the service's root, in place of its id.
    #[serde(default)]
    #[schemars(length(min = 1, max = 512))]
    #[expect(dead_code, reason = "looked at with the other topics")]
    pub(crate) topic: Option<String>,
    /// How surely its messages are published.
    #[serde(default)]
    #[expect(dead_code, reason = "looked at with the topics")]
    pub(crate) qos: Qos,
    /// Whether the broker keeps its last value.
    #[serde(default)]
    #[expect(dead_code, reason = "looked at with the topics")]
    pub(crate) retain: bool,
    /// `r`, `w` or `rw`.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("enum" = ["r", "w", "rw"]))]
    pub(crate) access: Option<Access>,
    /// The datapoint's type, where the kind's own is not the wanted one.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("format" = "value-type"))]
    pub(crate) r#type: Option<ValueType>,
    /// The unit as a person reads it.
    #[serde(default)]
    #[schemars(length(max = 32))]
    pub(crate) unit: Option<String>,
    /// What the datapoint is.
    #[serde(default)]
    #[schemars(length(max = 512))]
    pub(crate) description: Option<String>,
    /// The range of values that may be written, in scaled units.
    #[serde(default)]
    pub(crate) limits: Option<LimitsSection>,
    /// Datapoint = device value × factor + offset.
    #[serde(default)]
    pub(crate) scaling: Option<ScalingSection>,
    /// Whose clock stamps the samples.
    #[serde(default)]
    pub(crate) time: Option<TimePolicy>,
    /// After how long without a confirmation the datapoint is stale.
    #[serde(default, deserialize_with = "quantity::optional_duration")]
    #[schemars(with = "Option<String>", extend("duration" = {"min": "100ms", "max": "8760h"}))]
    pub(crate) stale_after: Option<Duration>,
    /// How long the value may stay the same before the device counts as frozen.
    #[serde(default, deserialize_with = "quantity::optional_duration")]
    #[schemars(with = "Option<String>", extend("duration" = {"min": "100ms", "max": "24h"}))]
    pub(crate) life: Option<Duration>,
}

/// The range of values that may be written.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitsSection {
    /// Smallest value allowed.
    #[serde(default)]
    pub(crate) min: Option<f64>,
    /// Largest value allowed.
    #[serde(default)]
    pub(crate) max: Option<f64>,
}

/// Linear scaling.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScalingSection {
    /// The factor, not zero.
    #[serde(default = "one")]
    pub(crate) factor: f64,
    /// The offset.
    #[serde(default)]
    pub(crate) offset: f64,
}

fn one() -> f64 {
    1.0
}
