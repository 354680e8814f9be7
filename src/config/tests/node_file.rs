//! Holds `config/node.yaml` against the code: every option stands in it, every line of it is
//! right, and the defaults that it tells are the defaults.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use mainstem_remote::{RemoteSection, UplinkSection};
use mainstem_service::{
    HttpNodeSection, HttpServerSection, InputBuffering, MappingSection, ModbusNodeSection,
    ModbusServerSection, OpcuaNodeSection, OpcuaServerSection, Services, Transaction,
};
use serde_json::Value;

use super::kinds::KINDS;
use crate::load::load_with;
use crate::names::type_of;
use crate::parse::parse;
use crate::report::Report;
use crate::resources::{ConnectionSection, EndpointSection};
use crate::schema::schema_of;
use crate::sections::NodeFile;
use crate::{NodeConfig, StrategyConfig};

fn text() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/node.yaml");
    std::fs::read_to_string(path).unwrap()
}

/// Takes the `#` away where an option stands behind it: where no blank follows it.
fn uncommented(text: &str) -> String {
    let line = |line: &str| match line.trim_start().strip_prefix('#') {
        Some(rest) if !rest.is_empty() && !starts_prose(rest) => line.replacen('#', "", 1),
        _ => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

// `#  key:` belongs to a block that is commented out as a whole, `# Text` explains.
fn starts_prose(rest: &str) -> bool {
    rest.starts_with(' ') && !rest.starts_with("  ")
}

/// Loads a text in a folder that has every file that the text refers to.
fn loaded(text: &str) -> NodeConfig {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.yaml");
    std::fs::write(&path, text).unwrap();
    let put = |name: &str| {
        let file: PathBuf = folder.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, format!("the-secret-in-{name}")).unwrap();
    };
    for part in text.split("${file:").skip(1) {
        put(part.split('}').next().unwrap());
    }
    for line in text
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("ca: "))
    {
        put(line);
    }
    let environment = |_: &str| Some("a-secret-of-24-characters".to_owned());
    load_with(&path, &KINDS, &environment).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn every_line_is_right_and_tells_the_defaults() {
    let (short, full) = (loaded(&text()), loaded(&uncommented(&text())));
    assert_eq!(short.adapters.len(), 1, "the file as it is runs anywhere");
    assert_eq!(full.remotes.len(), 4);
    assert_eq!(full.remotes[2].types.len(), 2);
    assert_eq!((short.uplinks.len(), full.uplinks.len()), (0, 2));
    assert_eq!(
        (full.uplinks[0].spare, full.uplinks[0].keepalive.as_secs()),
        (2, 5)
    );
    assert_eq!(full.support.unwrap().role, "viewer");
    assert_eq!(full.hsyco.unwrap().addresses.texts().len(), 2);
    assert_eq!((short.policies.len(), full.policies.len()), (0, 2));
    assert_eq!(
        (&short.feed, &short.limits, &short.log),
        (&full.feed, &full.limits, &full.log)
    );
    assert_eq!(short.listen[0].address, full.listen[0].address);
    assert_eq!(
        short.unix_socket.unwrap().file_name(),
        full.unix_socket.unwrap().file_name()
    );
    assert_eq!(short.node.data.file_name(), full.node.data.file_name());
    let plc = full
        .adapters
        .iter()
        .find(|adapter| adapter.name.as_str() == "plc1")
        .unwrap();
    assert_eq!(
        (&plc.strategy, plc.paused),
        (&StrategyConfig::default(), false)
    );
    assert_eq!(plc.spec.endpoints.len(), 3);
    services_have_their_defaults(&full.services);
    let (all, few) = (full.remotes[0].clone(), full.remotes[1].clone());
    let mut defaults = few;
    defaults.name = all.name.clone();
    defaults.prefix = all.prefix.clone();
    defaults.routes = all.routes.clone();
    defaults.proxy = all.proxy.clone();
    defaults.trust = all.trust.clone();
    defaults.token = all.token.clone();
    // What is off by default can only be shown switched on.
    assert!(defaults.pacing.is_none() && all.pacing.check().is_ok());
    defaults.pacing = all.pacing;
    assert_eq!(all, defaults);
}

fn services_have_their_defaults(services: &Services) {
    assert_eq!(services.address.id(), "line1");
    let node = &services.http_nodes[0];
    assert_eq!(node.path, "/data/mes/order");
    assert_eq!(node.head.transaction, Some(Transaction::default()));
    assert_eq!(node.head.reply_topic(), "services/line1/orders/new/tres");
    let server = &services.opcua_server.as_ref().unwrap().section;
    let usual = OpcuaServerSection::default();
    assert_eq!(
        (
            server.port,
            &server.resource_path,
            &server.security_policies
        ),
        (usual.port, &usual.resource_path, &usual.security_policies)
    );
    assert_eq!(services.opcua_nodes.len(), 2);
    let [mapping] = services.mappings.as_slice() else {
        panic!("one mapping")
    };
    assert_eq!(mapping.items[0].rules.len(), 8);
    assert_eq!(mapping.input_buffering, InputBuffering::default());
    let own = &mapping.items[1];
    assert_eq!(
        own.subscribe[0].pattern.filter(),
        "services/line1/orders/new/treq"
    );
    assert_eq!(
        own.publish.topic.to_string(),
        "services/line1/orders/new/tres"
    );
}

#[test]
fn every_option_stands_in_it() {
    let text = uncommented(&text());
    let tree = parse(&text, &mut Report::new(Path::new("node.yaml"), &text)).unwrap();
    let json = tree.to_json();
    let (mut wanted, mut there) = (BTreeSet::new(), BTreeSet::new());
    let mut look = |schema: &Value, value: &Value, at: &str| {
        visit(schema, Some(value), at, &mut wanted, &mut there);
    };
    look(&schema_of::<NodeFile>(), &json, "");
    for resource in json["resources"].as_object().unwrap().values() {
        let name = type_of(resource).unwrap();
        let schema = match name {
            "Connection" => schema_of::<ConnectionSection>(),
            "Endpoint" => schema_of::<EndpointSection>(),
            "Uplink" => schema_of::<UplinkSection>(),
            "Server::Http" => schema_of::<HttpServerSection>(),
            "Server::Modbus" => schema_of::<ModbusServerSection>(),
            "Node::Modbus" => schema_of::<ModbusNodeSection>(),
            "Server::Opcua" => schema_of::<OpcuaServerSection>(),
            "Node::Http" => schema_of::<HttpNodeSection>(),
            // What all nodes have stands once, at the HTTP node.
            "Node::Opcua" => without_head(schema_of::<OpcuaNodeSection>()),
            "Mapping" => schema_of::<MappingSection>(),
            _ => schema_of::<RemoteSection>(),
        };
        look(&schema, &resource["properties"], name);
    }
    // It is known only to be refused with a reason.
    wanted.retain(|path| !(path.starts_with("Mapping") && path.ends_with(".connection")));
    let missing: Vec<&String> = wanted.difference(&there).collect();
    assert!(missing.is_empty(), "not in config/node.yaml: {missing:?}");
    assert!(
        wanted.len() > 70,
        "the schemas were visited: {}",
        wanted.len()
    );
}

fn without_head(mut schema: Value) -> Value {
    let head = schema_of::<mainstem_service::NodeHeadSection>();
    let own = schema["properties"].as_object_mut().unwrap();
    for key in head["properties"].as_object().unwrap().keys() {
        own.shift_remove(key);
    }
    schema
}

fn visit(
    schema: &Value,
    value: Option<&Value>,
    at: &str,
    wanted: &mut BTreeSet<String>,
    there: &mut BTreeSet<String>,
) {
    if let Some(Value::Array(branches)) = schema.get("anyOf") {
        branches
            .iter()
            .for_each(|branch| visit(branch, value, at, wanted, there));
    }
    if let Some(Value::Object(properties)) = schema.get("properties") {
        for (key, below) in properties {
            let path = format!("{at}.{key}");
            let found = value.and_then(|value| value.get(key));
            if found.is_some() {
                there.insert(path.clone());
            }
            wanted.insert(path.clone());
            visit(below, found, &path, wanted, there);
        }
    }
    if let (Some(below), Some(Value::Object(map))) = (schema.get("additionalProperties"), value) {
        map.values()
            .for_each(|item| visit(below, Some(item), at, wanted, there));
    }
    if let (Some(below), Some(Value::Array(items))) = (schema.get("items"), value) {
        items
            .iter()
            .for_each(|item| visit(below, Some(item), at, wanted, there));
    }
}
