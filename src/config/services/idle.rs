//! What a file may say of server nodes and this program does not do. Nothing is taken in silence.

use mainstem_service::{InputBuffering, Interpolation, OpcuaNode, Services};

/// A sentence for everything that has no effect.
pub(crate) fn idle(services: &Services) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(server) = &services.opcua_server
        && !server.section.nodeset_files.is_empty()
    {
        found.push(format!(
            "`nodesetFiles` of `{}` has no effect: no node sets are loaded",
            server.id
        ));
    }
    for node in &services.opcua_nodes {
        let head = &node.head;
        let mut tell = |key: &str, why: &str| {
            found.push(format!("`{key}` of `{}` has no effect: {why}", head.id));
        };
        of_history(node, &mut tell);
        if !head.rules.is_empty() {
            tell("rules", "give them to a mapping from or to its topics");
        }
        if head.input_buffering != InputBuffering::default() {
            tell("inputBuffering", "nothing is kept for a client of OPC UA");
        }
    }
    found
}

fn of_history(node: &OpcuaNode, tell: &mut impl FnMut(&str, &str)) {
    let why = "history is what data loggers record, and of datapoints only";
    if node.historize {
        tell("historize", why);
    }
    if node.interpolation != Interpolation::default() {
        tell("interpolation", why);
    }
}
