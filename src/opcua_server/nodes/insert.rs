//! Server nodes in the library's address space.

use opcua::server::address_space::{AddressSpace, MethodBuilder, ObjectBuilder, VariableBuilder};
use opcua::types::{Argument, LocalizedText, NodeId, UAString};

use super::{ArgumentSpec, ServerNode, ServerNodeKind, scalar};

/// Puts one node into the space, below another.
pub(super) fn insert(
    space: &mut AddressSpace,
    node: &ServerNode,
    id: &NodeId,
    above: &NodeId,
    namespace: u16,
) {
    let name = opcua::types::QualifiedName::new(namespace, node.browse_name.clone());
    let shown = node.browse_name.as_str();
    match &node.kind {
        ServerNodeKind::Object => {
            ObjectBuilder::new(id, name, shown)
                .has_type_definition(opcua::types::ObjectTypeId::BaseObjectType)
                .component_of(above.clone())
                .insert(space);
        }
        ServerNodeKind::Variable { data_type, tie, .. } => {
            let mut variable = VariableBuilder::new(id, name, shown)
                .data_type(NodeId::new(0, number(data_type)))
                .has_type_definition(opcua::types::VariableTypeId::BaseDataVariableType)
                .component_of(above.clone());
            let does = tie.use_of();
            if does.receives || does.holds {
                variable = variable.writable();
            }
            variable.insert(space);
        }
        ServerNodeKind::Method {
            inputs, outputs, ..
        } => {
            let below = |part: &str| NodeId::new(namespace, format!("{}!{part}", node.name));
            MethodBuilder::new(id, name, shown)
                .component_of(above.clone())
                .executable(true)
                .user_executable(true)
                .input_args(space, &below("InputArguments"), &arguments(inputs))
                .output_args(space, &below("OutputArguments"), &arguments(outputs))
                .insert(space);
        }
    }
}

fn number(data_type: &str) -> u32 {
    scalar(data_type).map_or(24, |scalar| scalar as u32)
}

fn arguments(specs: &[ArgumentSpec]) -> Vec<Argument> {
    let argument = |spec: &ArgumentSpec| Argument {
        name: UAString::from(spec.name.as_str()),
        data_type: NodeId::new(0, number(&spec.data_type)),
        value_rank: if spec.is_array { 1 } else { -1 },
        array_dimensions: None,
        description: LocalizedText::new("", &spec.description),
    };
    specs.iter().map(argument).collect()
}
