//! What requests and answers say, for people who look at the wire.

use opcua::types::{DataValue, NodeId, ReadValueId, StatusCode, Variant};

/// Nodes and values shown of one message.
const SHOWN_MAX: usize = 8;
/// Characters of one value.
const VALUE_CHARACTERS_MAX: usize = 80;

fn list(parts: impl Iterator<Item = String>, count: usize) -> String {
    let shown: Vec<String> = parts.take(SHOWN_MAX).collect();
    let more = if count > SHOWN_MAX { " …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// A read.
pub(crate) fn read(nodes: &[ReadValueId]) -> String {
    let one = |node: &ReadValueId| match node.attribute_id {
        13 => node.node_id.to_string(),
        attribute => format!("{} attribute {attribute}", node.node_id),
    };
    let shown = list(nodes.iter().map(one), nodes.len());
    format!("Read {}: {shown}", nodes.len())
}

/// Its answer.
pub(crate) fn values(values: &[DataValue]) -> String {
    let shown = list(values.iter().map(value), values.len());
    format!("{} values: {shown}", values.len())
}

/// One value with its status.
pub(crate) fn value(found: &DataValue) -> String {
    let status = found.status.unwrap_or_default();
    let text = found.value.as_ref().map(of_variant).unwrap_or_default();
    match (status.is_good(), text.is_empty()) {
        (true, _) => text,
        (false, true) => status.sub_code().name().to_owned(),
        (false, false) => format!("{text} ({})", status.sub_code().name()),
    }
}

/// A write of one node.
pub(crate) fn write(node: &NodeId, value: &Variant) -> String {
    format!("Write {node}: {}", of_variant(value))
}

/// The answer to writes.
pub(crate) fn statuses(statuses: &[StatusCode]) -> String {
    let name = |status: &StatusCode| status.sub_code().name().to_owned();
    list(statuses.iter().map(name), statuses.len())
}

fn of_variant(value: &Variant) -> String {
    let text = match value {
        Variant::Array(array) => format!("{} elements", array.values.len()),
        Variant::ByteString(bytes) => format!("{} bytes", bytes.as_ref().len()),
        Variant::ExtensionObject(_) => "a structure".to_owned(),
        other => other.to_string(),
    };
    let mut characters = text.chars();
    let mut shown: String = characters.by_ref().take(VALUE_CHARACTERS_MAX).collect();
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}
