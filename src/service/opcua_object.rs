//! `Node::OpcuaObject`: a whole object of a companion specification. A file may have it, and is
//! refused with a reason.

use crate::NodeHeadSection;

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
