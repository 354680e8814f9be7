//! Why a write would not be carried out: what is asked, and what each hop says.

use mainstem_model::Space;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::form;

/// Steps of one explanation, over all hops.
pub const STEPS_MAX: usize = 128;

/// The body of `POST /api/v1/writes/explain`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ExplainRequestDocument {
    /// `variable`, where it is about one; absent for a datapoint.
    #[serde(default, skip_serializing_if = "Space::is_datapoint")]
    #[schema(value_type = String, example = "variable", pattern = "^(datapoint|variable)$")]
    pub kind: Space,
    /// The datapoint or variable.
    pub name: String,
    /// The value that would be written, in the JSON of the datapoint's type.
    #[schema(value_type = serde_json::Value)]
    pub value: Box<RawValue>,
    /// How long the datapoint would have the value, if not for good.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "form::duration_text"
    )]
    #[schema(
        example = "500ms",
        pattern = r"^[0-9]{1,6}(\.[0-9]{1,3})? ?(ms|s|min|h)$"
    )]
    pub pulse: Option<String>,
}

/// The body of `POST /api/v1/link/explain`: the same, as a neighbour asks on.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LinkExplain {
    /// `variable`, where it is about one; only for a receiver that told the feature `variables`.
    #[serde(default, skip_serializing_if = "Space::is_datapoint")]
    #[schema(value_type = String, example = "variable", pattern = "^(datapoint|variable)$")]
    pub kind: Space,
    /// The datapoint or variable, by its name at the node that receives this.
    pub name: String,
    /// The value.
    #[schema(value_type = serde_json::Value)]
    pub value: Box<RawValue>,
    /// How long the datapoint would have it, in microseconds.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "form::optional_unsigned"
    )]
    #[schema(format = "uint64", maximum = 18446744073709551615u64)]
    pub pulse_us: Option<u64>,
    /// How long the sender waits for the answer, in microseconds.
    #[serde(deserialize_with = "form::unsigned")]
    #[schema(format = "uint64", maximum = 18446744073709551615u64)]
    pub budget_us: u64,
    /// Nodes that asked so far; a write passes at most 8.
    #[serde(default, deserialize_with = "form::small")]
    #[schema(format = "uint32", maximum = 4294967295u64)]
    pub passed: u32,
}

/// One rule at one hop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExplainStep {
    /// The node whose rule it is.
    pub node: String,
    /// The way to it, as a path of names seen from the node that answers; not there if here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hop: Option<String>,
    /// `request datapoint role access type limits owner filter communication policy`.
    pub rule: String,
    /// Whether it lets the write pass.
    pub allowed: bool,
    /// The reason that the write would be refused with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// A sentence about it.
    pub message: String,
}

/// Whether a write would be carried out, as far as can be told before: the device has not been
/// asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExplainDocument {
    /// The datapoint, by its name at this node.
    pub name: String,
    /// Whether no rule of any hop refuses it.
    pub allowed: bool,
    /// The step that refuses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<ExplainStep>,
    /// Every rule that was asked, from this node down to the owner.
    #[schema(max_items = 128)]
    pub steps: Vec<ExplainStep>,
}

impl ExplainDocument {
    /// From the steps: the first that refuses decides.
    pub fn new(name: String, mut steps: Vec<ExplainStep>) -> Self {
        steps.truncate(STEPS_MAX);
        let refused = steps.iter().find(|step| !step.allowed).cloned();
        Self {
            name,
            allowed: refused.is_none(),
            refused,
            steps,
        }
    }
}
