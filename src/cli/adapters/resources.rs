//! Resources of a node file, as text to edit: one connection, and endpoints below it. What cannot
//! be written as it stands becomes a comment, never nothing.

mod naming;
mod yaml;

use mainstem_adapter::explore::Found;
use serde_json::{Map, Value, json};

use super::device::Device;
use naming::Names;

/// One endpoint to be written.
#[derive(Clone, Debug, Default)]
pub(super) struct Item {
    /// Its place, from the outside to the inside; its name is made of it.
    pub(super) path: Vec<String>,
    pub(super) operation: Value,
    /// `subscribe`, unless it is only written.
    pub(super) is_write: bool,
    pub(super) value_type: Option<String>,
    pub(super) access: Option<&'static str>,
    pub(super) unit: Option<String>,
    pub(super) description: Option<String>,
    /// Further properties: scaling, limits.
    pub(super) more: Map<String, Value>,
    /// A value that was seen.
    pub(super) sample: Option<String>,
    /// Further remarks, one a line.
    pub(super) remarks: Vec<String>,
    /// Why it cannot be read as it stands.
    pub(super) obstacle: Option<String>,
}

impl From<&Found> for Item {
    fn from(found: &Found) -> Self {
        let is_writable = found.access.is_writable();
        Self {
            path: found.path.clone(),
            operation: found.operation.clone(),
            value_type: found.value_type.map(|word| word.to_string()),
            unit: found.unit.clone(),
            description: found.description.clone(),
            sample: found.sample.clone(),
            remarks: if is_writable {
                vec!["the device would let it be written: access: rw".into()]
            } else {
                Vec::new()
            },
            obstacle: found.obstacle.clone(),
            ..Self::default()
        }
    }
}

/// One connection and what hangs on it.
pub(super) struct Resources {
    id: String,
    protocol: String,
    connection: Value,
    items: Vec<(String, String, Item)>,
    names: Names,
}

impl Resources {
    /// Of a device that was asked. The password does not get into the file.
    pub(super) fn new(device: &Device, id: Option<&str>) -> Self {
        let protocol = device.kind.name.to_ascii_lowercase();
        let id = naming::component(id.unwrap_or(&protocol));
        let mut connection = device.connection.clone();
        if let Some(option) = device.secret {
            let pointer = format!("/{}", option.replace('.', "/"));
            if let Some(place) = connection.pointer_mut(&pointer) {
                *place = json!(format!("${{file:secrets/{id}.password}}"));
            }
        }
        Self::of(&id, &protocol, connection)
    }

    /// Of a connection as it stands.
    pub(super) fn of(id: &str, protocol: &str, connection: Value) -> Self {
        Self {
            names: Names::of(id),
            id: id.to_owned(),
            protocol: protocol.to_owned(),
            connection,
            items: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, item: Item) -> &str {
        let (id, name) = self.names.next(&item.path);
        self.items.push((id, name, item));
        self.items.last().map_or("", |(id, ..)| id)
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// A whole `resources:` section.
    pub(super) fn to_yaml(&self, by: &str) -> String {
        let mut out = format!("# Written by `{}`.\n", yaml::in_comment(by));
        out.push_str(
            "# Put it below `resources:` of a node file, and strike out what is not needed;\n",
        );
        out.push_str("# `mainstem check` looks over the result.\nresources:\n");
        self.write(&mut out);
        out
    }

    /// The resources alone, for several connections in one section.
    pub(super) fn write(&self, out: &mut String) {
        let mut properties = Map::new();
        properties.insert("protocol".into(), json!(self.protocol));
        properties.insert("connection".into(), self.connection.clone());
        yaml::resource(out, &self.id, "Cybus::Connection", &properties, "");
        for (id, name, item) in &self.items {
            out.push('\n');
            self.endpoint(out, id, name, item);
        }
    }

    fn endpoint(&self, out: &mut String, id: &str, name: &str, item: &Item) {
        let mut properties = Map::new();
        properties.insert("connection".into(), json!(self.id));
        properties.insert("name".into(), json!(name));
        let texts = [
            ("type", item.value_type.clone()),
            ("access", item.access.map(str::to_owned)),
            ("unit", item.unit.clone()),
            ("description", item.description.clone()),
        ];
        for (key, text) in texts {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                properties.insert(key.into(), json!(text));
            }
        }
        properties.extend(item.more.clone());
        let word = if item.is_write { "write" } else { "subscribe" };
        properties.insert(word.into(), item.operation.clone());
        // A text with `${` would be taken for a reference, perhaps to a secret of this machine.
        let mut obstacle = item.obstacle.clone();
        if Value::Object(properties.clone()).to_string().contains("${") {
            obstacle = Some("it has a `${`, which a node file would take for a reference".into());
        }
        if let Some(sample) = &item.sample {
            out.push_str(&format!("  # seen: {}\n", yaml::in_comment(sample)));
        }
        for remark in &item.remarks {
            out.push_str(&format!("  # {}\n", yaml::in_comment(remark)));
        }
        if let Some(obstacle) = &obstacle {
            out.push_str(&format!("  # left out: {}\n", yaml::in_comment(obstacle)));
        }
        let mark = if obstacle.is_some() { "# " } else { "" };
        yaml::resource(out, id, "Cybus::Endpoint", &properties, mark);
    }
}

#[cfg(test)]
mod tests;
