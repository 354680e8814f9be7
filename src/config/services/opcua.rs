//! The OPC UA server and its nodes.

use mainstem_service::{
    OpcuaNodeSection, OpcuaNodeType, OpcuaObjectSection, OpcuaServer, OpcuaServerSection,
    OpcuaType, Operation, Services,
};
use serde::Deserialize;
use serde_json::Value;

use super::each;
use super::family::Family;
use super::http::{check_rules, check_transaction};
use super::topics::Topics;
use crate::load::Draft;
use crate::tree::join;

pub(super) fn server(draft: &mut Draft<'_>, services: &mut Services) {
    for (section, id, _) in each::<OpcuaServerSection>(draft, "Server::Opcua") {
        if let Some(other) = &services.opcua_server {
            let message = format!("`{id}` is a second OPC UA server beside `{}`", other.id);
            let expected = "one OPC UA server; nodes of all sorts can be below it";
            draft.problem(&join("/resources", &id), message, expected);
            continue;
        }
        services.opcua_server = Some(OpcuaServer { id, section });
    }
}

pub(super) fn nodes(
    draft: &mut Draft<'_>,
    family: &Family,
    topics: &mut Topics,
    services: &mut Services,
) {
    for (section, id, pointer) in each::<OpcuaNodeSection>(draft, "Node::Opcua") {
        check_node(draft, &section, &pointer);
        check_rules(draft, &section.head, &pointer);
        let topic = topics.take(draft, &id, section.head.topic.as_deref(), &pointer);
        if let (Some(topic), Some(server)) = (topic, family.server(&id)) {
            services
                .opcua_nodes
                .push(section.resolve(&id, server, topic));
        }
    }
}

pub(super) fn objects(
    draft: &mut Draft<'_>,
    family: &Family,
    topics: &mut Topics,
    services: &mut Services,
) {
    for (section, id, pointer) in each::<OpcuaObjectSection>(draft, "Node::OpcuaObject") {
        if section.head.operation == Some(Operation::Transaction) {
            let message = "an object holds no requests";
            let expected = "`serverProvides`, `serverReceives` or `serverProvidesReceives`";
            draft.problem(&join(&pointer, "operation"), message, expected);
        }
        let topic = topics.take(draft, &id, section.head.topic.as_deref(), &pointer);
        if let (Some(topic), Some(server)) = (topic, family.server(&id)) {
            services
                .opcua_objects
                .push(section.resolve(&id, server, topic));
        }
    }
}

fn check_node(draft: &mut Draft<'_>, section: &OpcuaNodeSection, pointer: &str) {
    let (kind, head) = (section.node_type, &section.head);
    let is_method = kind == OpcuaNodeType::Method;
    let operation = match (head.operation, is_method) {
        (None, true) => Some(Operation::Transaction),
        (given, _) => given,
    };
    check_transaction(draft, head, operation, pointer);
    let wrong = match (kind, head.operation) {
        (OpcuaNodeType::Method, Some(other)) if other.provides() => {
            Some("a method is called: it has no value to provide")
        }
        (OpcuaNodeType::Object, Some(_)) => Some("an object has no value and is not called"),
        _ => None,
    };
    if let Some(message) = wrong {
        let expected = "`transaction` or `serverReceives` for a `Method`; no operation for an \
                        `Object`";
        draft.problem(&join(pointer, "operation"), message, expected);
    }
    for (key, is_there) in [
        ("inputArguments", !section.input_arguments.is_empty()),
        ("outputArguments", !section.output_arguments.is_empty()),
    ] {
        if is_there && !is_method {
            let message = format!("`{key}` of a node that is no method");
            draft.problem(&join(pointer, key), message, "`nodeType: Method`");
        }
    }
    check_names(draft, section, pointer);
    check_type(draft, section, pointer);
}

fn check_names(draft: &mut Draft<'_>, section: &OpcuaNodeSection, pointer: &str) {
    for (key, arguments) in [
        ("inputArguments", &section.input_arguments),
        ("outputArguments", &section.output_arguments),
    ] {
        for (index, argument) in arguments.iter().enumerate() {
            if arguments[..index].iter().any(|a| a.name == argument.name) {
                let at = join(&join(&join(pointer, key), &index.to_string()), "name");
                let message = format!("a second argument `{}`", argument.name);
                draft.problem(&at, message, "a name of its own for each argument");
            }
        }
    }
}

/// A variable needs a type that can be sent: a built-in one, or one that stands beside the node's.
fn check_type(draft: &mut Draft<'_>, section: &OpcuaNodeSection, pointer: &str) {
    let Some(name) = section.data_type.as_deref() else {
        return;
    };
    let is_built_in = OpcuaType::deserialize(Value::from(name)).is_ok();
    let is_node = name.contains('=');
    let at = join(pointer, "dataType");
    if !is_built_in && !is_node {
        let message = format!("there is no built-in type `{name}`");
        let expected = "a built-in type such as `Double`, `Int32`, `String`, or the id of a data \
                        type node such as `ns=2;i=3001`";
        draft.problem(&at, message, expected);
    } else if is_node && section.serialize_data_type.is_none() {
        let message = format!("how a value of `{name}` is sent is not known");
        draft.problem(
            &at,
            message,
            "`serializeDataType` with a built-in type beside it",
        );
    }
}
