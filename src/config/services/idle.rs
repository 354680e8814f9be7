//! Options that are right and do nothing: said by `check`, and when the node starts.

use mainstem_model::Name;
use mainstem_service::{Interpolation, Mapping, ModbusNode, NodeHead, OpcuaNode, Qos, Services};

/// What has no effect. The foreign broker is asked for QoS 1 at most.
pub(crate) fn idle(services: &Services, is_foreign: bool) -> Vec<String> {
    let http = services.http_nodes.iter().map(|node| &node.head);
    let opcua = services.opcua_nodes.iter().map(|node| &node.head);
    let mut idle: Vec<String> = http.chain(opcua).flat_map(of_node).collect();
    idle.extend(services.opcua_nodes.iter().flat_map(of_history));
    if let Some(server) = &services.opcua_server
        && !server.section.nodeset_files.is_empty()
    {
        idle.push(format!(
            "resources.{}: `nodesetFiles` has no effect: no node sets are loaded",
            server.id
        ));
    }
    if is_foreign {
        idle.extend(services.mappings.iter().flat_map(of_mapping));
    }
    idle
}

/// Nodes of Modbus servers whose datapoint nothing in the file brings. A provider may still bring
/// it.
pub(crate) fn nowhere(services: &Services, may_have: impl Fn(&Name) -> bool) -> Vec<String> {
    let is_nowhere = |node: &&ModbusNode| {
        let name = Name::new(&node.datapoint);
        !name.is_ok_and(|name| may_have(&name))
    };
    let nodes = services.modbus_nodes.iter().filter(is_nowhere);
    nodes
        .map(|node| {
            let ModbusNode { id, datapoint, .. } = node;
            format!("resources.{id}: nothing in this file brings the datapoint `{datapoint}`")
        })
        .collect()
}

fn of_node(head: &NodeHead) -> impl Iterator<Item = String> {
    let (id, operation) = (&head.id, head.operation);
    let retain = (head.retain && !operation.receives()).then(|| {
        let operation = operation.as_str();
        format!("resources.{id}: `retain` with `operation: {operation}` keeps nothing")
    });
    let buffering = head.input_buffering.enabled.then(|| {
        format!(
            "resources.{id}: `inputBuffering` of a server node keeps nothing: while the bus is \
             away, its clients are told so at once"
        )
    });
    retain.into_iter().chain(buffering)
}

fn of_history(node: &OpcuaNode) -> impl Iterator<Item = String> {
    let given = [
        ("historize", node.historize),
        (
            "interpolation",
            node.interpolation != Interpolation::default(),
        ),
    ];
    let given = given.into_iter().filter(|(_, is_given)| *is_given);
    given.map(|(key, _)| {
        format!(
            "resources.{}: `{key}` has no effect: history is what data loggers record, and of \
             datapoints only",
            node.head.id
        )
    })
}

fn of_mapping(mapping: &Mapping) -> impl Iterator<Item = String> {
    let filters = mapping.items.iter().flat_map(|item| &item.subscribe);
    let surest = filters.filter(|subscribe| subscribe.qos > Qos::AT_LEAST_ONCE);
    let id = &mapping.id;
    surest.map(move |subscribe| {
        let filter = subscribe.pattern.filter();
        format!(
            "resources.{id}: `{filter}` is subscribed with QoS 1 in place of 2: a foreign broker \
             may tell a message twice"
        )
    })
}
