//! `Node::OpcuaObject`: a whole object of a companion specification.

use crate::{NodeHead, NodeHeadSection, Operation};

/// An object of a type of a node set, as written.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct OpcuaObjectSection {
    /// What every node has.
    #[serde(flatten)]
    pub head: NodeHeadSection,
    /// The object's browse name.
    #[schemars(length(min = 1, max = 512))]
    pub browse_name: String,
    /// The name of its type, such as `MachineToolType`.
    #[schemars(length(min = 1, max = 512))]
    pub object_type_name: String,
    /// The namespace of its type, such as `http://opcfoundation.org/UA/MachineTool/`.
    #[schemars(length(min = 1, max = 512))]
    pub source_namespace_url: String,
}

/// An object of a type of a node set.
#[derive(Clone, Debug, PartialEq)]
pub struct OpcuaObject {
    /// What every node has.
    pub head: NodeHead,
    /// The object's browse name.
    pub browse_name: String,
    /// The name of its type.
    pub object_type_name: String,
    /// The namespace of its type.
    pub source_namespace_url: String,
}

impl OpcuaObject {
    /// Where new values of its variables are published.
    #[must_use]
    pub fn write_topic(&self) -> String {
        format!("{}/write", self.head.topic)
    }
}

impl OpcuaObjectSection {
    /// The object that is meant.
    #[must_use]
    pub fn resolve(self, id: &str, server: &str, topic: String) -> OpcuaObject {
        let usual = Operation::ServerProvidesReceives;
        OpcuaObject {
            head: self.head.resolve(id, server, topic, usual),
            browse_name: self.browse_name,
            object_type_name: self.object_type_name,
            source_namespace_url: self.source_namespace_url,
        }
    }
}
