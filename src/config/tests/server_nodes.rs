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

const MODBUS: &str =
    "  m: { type: Server::Modbus, properties: { role: viewer, allow: [ 10.0.0.0/8 ] } }\n";

/// What is said of one node of a Modbus server with these properties, beside a sound one at 0.
fn modbus(properties: &str) -> String {
    let sound = "  a: { type: Cybus::Node::Modbus, properties: { parent: !ref m, datapoint: plc.a, \
table: holdingRegisters, address: 0, type: f32, status: 2 } }\n";
    let node = format!(
        "  b: {{ type: Node::Modbus, properties: {{ parent: !ref m, datapoint: plc.b, \
         {properties} }} }}\n"
    );
    match load_text(&format!("{HEAD}{MODBUS}{sound}{node}")) {
        Ok(config) => format!("{:?}", config.services.modbus_nodes.last()),
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn nodes_of_a_modbus_server_have_a_shape_and_addresses_of_their_own() {
    let fine = modbus("table: holdingRegisters, address: 3, dataType: doubleBEWS, access: rw");
    assert!(
        fine.contains("count: 4") && fine.contains("is_writable: true"),
        "{fine}"
    );
    let wrong = [
        (
            "table: holdingRegisters, address: 1",
            "address 1 is taken by `a`",
        ),
        (
            "table: holdingRegisters, address: 8, status: 2",
            "address 2 is taken by `a`",
        ),
        (
            "table: holdingRegisters, address: 65535, type: u32",
            "end behind 65535",
        ),
        (
            "table: inputRegisters, address: 0, access: rw",
            "nobody can write inputs",
        ),
        ("table: coils, address: 0, type: u16", "holds single bits"),
        (
            "table: inputRegisters, address: 0, type: text",
            "has no length of its own",
        ),
        (
            "table: inputRegisters, address: 0, type: i32, length: 3",
            "does not fit the type",
        ),
        (
            "table: inputRegisters, address: 0, type: i32, dataType: int32BE",
            "exclude each other",
        ),
        (
            "table: inputRegisters, address: 0, scaling: { factor: 0 }",
            "nothing can be scaled",
        ),
        ("table: registers, address: 0", "`table` is not valid"),
        ("table: coils, address: 65536", "`address` is out of range"),
    ];
    for (properties, said) in wrong {
        let problems = modbus(properties);
        assert!(problems.contains(said), "{properties}: {problems}");
    }
    // The same addresses of another unit or another table are others.
    for properties in [
        "table: holdingRegisters, address: 0, unitId: 2",
        "table: inputRegisters, address: 0",
    ] {
        assert!(modbus(properties).starts_with("Some"), "{properties}");
    }
}

#[test]
fn a_datapoint_that_nothing_brings_is_warned_of() {
    let node = "  plc: { type: Connection, properties: { protocol: simulator } }
  a: { type: Node::Modbus, properties: { parent: !ref m, datapoint: plc.level, table: coils, \
address: 0 } }
  b: { type: Node::Modbus, properties: { parent: !ref m, datapoint: pcl.level, table: coils, \
address: 1 } }\n";
    let warnings = load_text(&format!("{HEAD}{MODBUS}{node}"))
        .unwrap()
        .warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("resources.b") && warnings[0].contains("`pcl.level`"));
}

#[test]
fn a_modbus_server_says_whose_rights_count_and_who_may_come() {
    let server = |properties: &str| {
        let text =
            format!("{HEAD}  m: {{ type: Server::Modbus, properties: {{ {properties} }} }}\n");
        load_text(&text).map_or_else(|problems| problems.to_string(), |_| "fine".to_owned())
    };
    assert_eq!(server("role: viewer, allow: [ \"*\" ]"), "fine");
    for (properties, said) in [
        ("allow: [ \"*\" ]", "`role` is missing"),
        ("role: viewer", "`allow` is missing"),
        ("role: viever, allow: [ \"*\" ]", "did you mean: viewer"),
        (
            "role: viewer, allow: [ plc ]",
            "an IP address, or a network",
        ),
        (
            "role: viewer, allow: [ \"*\" ], maxConnections: 0",
            "`maxConnections` is out of range",
        ),
        (
            "role: viewer, allow: [ \"*\" ], idleTimeout: 10ms",
            "`idleTimeout` is",
        ),
    ] {
        let problems = server(properties);
        assert!(problems.contains(said), "{properties}: {problems}");
    }
    // A mapping cannot refer to what has no topic.
    let node = "  n: { type: Node::Modbus, properties: { parent: !ref m, datapoint: plc.a, \
table: coils, address: 0 } }
  map: { type: Mapping, properties: { mappings: [ { subscribe: { endpoint: !ref n }, publish: \
{ topic: x } } ] } }\n";
    let problems = load_text(&format!("{HEAD}{MODBUS}{node}"))
        .unwrap_err()
        .to_string();
    assert!(
        problems.contains("`n` is of type Node::Modbus"),
        "{problems}"
    );
}
