//! `MTConnectDevices`: what an agent has.

use super::Unusable;
use super::walk::{Element, Visitor, invalid, walk};

/// Data items that one document may have.
const ITEMS_MAX: usize = 100_000;

/// A data item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Item {
    /// Device, components, and its own name.
    pub(crate) path: Vec<String>,
    pub(crate) id: String,
    /// SAMPLE, EVENT or CONDITION.
    pub(crate) category: String,
    pub(crate) type_of: String,
    pub(crate) sub_type: String,
    pub(crate) units: String,
    /// VALUE, TIME_SERIES, DATA_SET, TABLE or DISCRETE.
    pub(crate) representation: String,
}

/// Reads a document.
pub(crate) fn devices(document: &[u8]) -> Result<Vec<Item>, Unusable> {
    let mut reader = Reader::default();
    walk(document, &mut reader)?;
    if let Some((code, text)) = reader.error {
        return Err(Unusable::Error { code, text });
    }
    match reader.is_right {
        true => Ok(reader.items),
        false => Err(invalid("it is no MTConnectDevices: check host and port")),
    }
}

#[derive(Default)]
struct Reader {
    items: Vec<Item>,
    is_right: bool,
    depth: usize,
    /// Devices and components around, with their depths.
    around: Vec<(usize, String)>,
    error: Option<(String, String)>,
}

impl Visitor for Reader {
    fn open(&mut self, element: &Element) -> Result<(), Unusable> {
        self.depth += 1;
        match (self.depth, element.name.as_str()) {
            (1, "MTConnectDevices") => self.is_right = true,
            (_, "Error") if !self.is_right && self.error.is_none() => {
                self.error = Some((element.text("errorCode"), String::new()));
            }
            (_, "DataItem") => {
                if self.items.len() == ITEMS_MAX {
                    return Err(invalid("it has too many data items"));
                }
                self.items.push(self.item(element));
            }
            // Whatever has an id is a device or a component; compositions and filters are not met
            // between it and its data items.
            (3.., _) if element.get("id").is_some() => {
                let name = element.get("name").or(element.get("id"));
                let name = name.unwrap_or_default().to_owned();
                self.around.push((self.depth, name));
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if let Some((_, said)) = &mut self.error
            && said.len() < 1024
        {
            said.push_str(text.trim());
        }
    }

    fn close(&mut self, _name: &str) -> Result<(), Unusable> {
        self.around.retain(|(depth, _)| *depth < self.depth);
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }
}

impl Reader {
    fn item(&self, element: &Element) -> Item {
        let id = element.text("id");
        let own = element.get("name").unwrap_or(&id).to_owned();
        let around = self.around.iter().map(|(_, name)| name.clone());
        Item {
            path: around.chain([own]).collect(),
            category: element.text("category"),
            type_of: element.text("type"),
            sub_type: element.text("subType"),
            units: element.text("units"),
            representation: element.text("representation"),
            id,
        }
    }
}
