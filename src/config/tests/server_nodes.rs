//! What a file says of server nodes and nobody does is said, and not taken in silence.

use super::load_text;

const HEAD: &str = "version: 1\nnode: { name: line1 }\nlisten: []\nresources:\n";

#[test]
fn what_has_no_effect_is_warned_of() {
    let quiet = "  ua: { type: Server::Opcua, properties: {} }
  v: { type: Node::Opcua, properties: { parent: !ref ua, nodeType: Variable, browseName: v, \
dataType: Int32 } }\n";
    let config = load_text(&format!("{HEAD}{quiet}")).unwrap();
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    let loud = "  ua: { type: Server::Opcua, properties: { nodesetFiles: [ di ] } }
  v: { type: Node::Opcua, properties: { parent: !ref ua, nodeType: Variable, browseName: v, \
dataType: Int32, historize: true, interpolation: stepped, inputBuffering: { enabled: true } } }\n";
    let warnings = load_text(&format!("{HEAD}{loud}")).unwrap().warnings;
    let keys = [
        "v: `inputBuffering`",
        "v: `historize`",
        "v: `interpolation`",
        "ua: `nodesetFiles`",
    ];
    assert_eq!(warnings.len(), keys.len(), "{warnings:?}");
    for (warning, key) in warnings.iter().zip(keys) {
        assert!(
            warning.starts_with(&format!("resources.{key}")),
            "{warning}"
        );
    }
}

#[test]
fn an_object_of_a_node_set_is_refused_with_a_reason() {
    let object = "  ua: { type: Server::Opcua, properties: {} }
  tool: { type: Node::OpcuaObject, properties: { parent: !ref ua, browseName: t, \
objectTypeName: MachineToolType, sourceNamespaceUrl: http://example.com/ } }\n";
    let refused = load_text(&format!("{HEAD}{object}"))
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("`MachineToolType` cannot be made"),
        "{refused}"
    );
    assert!(refused.contains("nodeType: Object"), "{refused}");
}
