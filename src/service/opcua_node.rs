//! `Node::Opcua`: an object, variable or method of the node's OPC UA server.

use std::time::Duration;

use mainstem_model::quantity;
use serde_json::Value;

use crate::{NodeHead, NodeHeadSection, Operation};

/// What a node is for OPC UA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
pub enum OpcuaNodeType {
    /// A folder for others.
    Object,
    /// A value.
    Variable,
    /// Something to be called.
    Method,
}

/// How values between two samples are thought of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Interpolation {
    /// As the one before.
    Stepped,
    /// On a line from one to the next.
    #[default]
    Sloped,
}

/// A built-in type of OPC UA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[expect(missing_docs, reason = "the standard's own words (part 6, 5.1.2)")]
pub enum OpcuaType {
    Boolean,
    Byte,
    ByteString,
    DataValue,
    DateTime,
    DiagnosticInfo,
    Double,
    ExpandedNodeId,
    ExtensionObject,
    Float,
    Guid,
    Int16,
    Int32,
    Int64,
    LocalizedText,
    NodeId,
    Null,
    QualifiedName,
    SByte,
    StatusCode,
    String,
    UInt16,
    UInt32,
    UInt64,
    Variant,
    XmlElement,
}

/// An argument of a method.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Argument {
    /// Its name, by which its value stands in the message.
    #[schemars(length(min = 1, max = 256))]
    pub name: String,
    /// What it is.
    #[serde(default)]
    #[schemars(length(max = 512))]
    pub description: Option<String>,
    /// Its type.
    pub data_type: OpcuaType,
    /// -1: one value; 1: an array; the standard's other ranks likewise.
    #[serde(default = "scalar")]
    #[schemars(range(min = -3, max = 16))]
    pub value_rank: i32,
}

fn scalar() -> i32 {
    -1
}

/// A node of the OPC UA server, as written.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct OpcuaNodeSection {
    /// What every node has.
    #[serde(flatten)]
    pub head: NodeHeadSection,
    /// Its browse name.
    #[schemars(length(min = 1, max = 512))]
    pub browse_name: String,
    /// Its id, such as `ns=1;s=spindleSpeed`; one is made where it has none.
    #[serde(default)]
    #[schemars(length(min = 1, max = 512))]
    pub node_id: Option<String>,
    /// What it is.
    pub node_type: OpcuaNodeType,
    /// Whether its values are kept.
    #[serde(default)]
    pub historize: bool,
    /// How values between two samples are thought of.
    #[serde(default)]
    pub interpolation: Interpolation,
    /// The longest time between two samples of its history.
    #[serde(default = "ten_seconds", deserialize_with = "quantity::millis")]
    #[schemars(with = "String", extend(
        "type" = ["string", "integer"],
        "duration" = {"min": "0s", "max": "24h", "number": "milliseconds"}
    ))]
    pub max_time_interval: Duration,
    /// The shortest time between two samples of its history.
    #[serde(default = "half_a_second", deserialize_with = "quantity::millis")]
    #[schemars(with = "String", extend(
        "type" = ["string", "integer"],
        "duration" = {"min": "0s", "max": "24h", "number": "milliseconds"}
    ))]
    pub min_time_interval: Duration,
    /// What a method is called with.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub input_arguments: Vec<Argument>,
    /// What a method answers.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub output_arguments: Vec<Argument>,
    /// The type of a variable: a built-in type's name, or the id of a data type node.
    #[serde(default)]
    #[schemars(length(min = 1, max = 512))]
    pub data_type: Option<String>,
    /// The built-in type on the wire, where `dataType` is the id of a node.
    #[serde(default)]
    pub serialize_data_type: Option<OpcuaType>,
    /// The value of a variable before the first message.
    #[serde(default)]
    pub initial_value: Option<Value>,
}

fn ten_seconds() -> Duration {
    Duration::from_secs(10)
}

fn half_a_second() -> Duration {
    Duration::from_millis(500)
}

/// A node of the OPC UA server.
#[derive(Clone, Debug, PartialEq)]
pub struct OpcuaNode {
    /// What every node has.
    pub head: NodeHead,
    /// Its browse name.
    pub browse_name: String,
    /// Its id, where the file names one.
    pub node_id: Option<String>,
    /// What it is.
    pub node_type: OpcuaNodeType,
    /// Whether its values are kept.
    pub historize: bool,
    /// How values between two samples are thought of.
    pub interpolation: Interpolation,
    /// The longest time between two samples of its history.
    pub max_time_interval: Duration,
    /// The shortest time between two samples of its history.
    pub min_time_interval: Duration,
    /// What a method is called with, in order.
    pub input_arguments: Vec<Argument>,
    /// What a method answers, in order.
    pub output_arguments: Vec<Argument>,
    /// The type of a variable: a built-in type's name, or the id of a data type node.
    pub data_type: Option<String>,
    /// The built-in type on the wire, where `data_type` is the id of a node.
    pub serialize_data_type: Option<OpcuaType>,
    /// The value of a variable before the first message.
    pub initial_value: Option<Value>,
}

impl OpcuaNodeSection {
    /// The node that is meant.
    #[must_use]
    pub fn resolve(self, id: &str, server: &str, topic: String) -> OpcuaNode {
        let usual = match self.node_type {
            OpcuaNodeType::Method => Operation::Transaction,
            OpcuaNodeType::Object | OpcuaNodeType::Variable => Operation::ServerProvides,
        };
        OpcuaNode {
            head: self.head.resolve(id, server, topic, usual),
            browse_name: self.browse_name,
            node_id: self.node_id,
            node_type: self.node_type,
            historize: self.historize,
            interpolation: self.interpolation,
            max_time_interval: self.max_time_interval,
            min_time_interval: self.min_time_interval,
            input_arguments: self.input_arguments,
            output_arguments: self.output_arguments,
            data_type: self.data_type,
            serialize_data_type: self.serialize_data_type,
            initial_value: self.initial_value,
        }
    }
}
