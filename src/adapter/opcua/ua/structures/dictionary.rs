//! Type dictionaries: how servers before 1.04 described their structures (part 3, annex C).

use std::collections::BTreeSet;

use opcua::types::VariantScalarTypeId as Type;

use super::Key;
use super::definition::{Enumeration, FIELDS_MAX, Field, Of, Presence, Shape, Structure};
use super::learn::well_known;
use super::xml::{Tag, tags};

/// Entries that are read.
const ENTRIES_MAX: usize = 2048;

/// The definitions in a dictionary, by name.
pub(super) fn definitions(book: &str, xml: &[u8]) -> Vec<(String, Shape)> {
    let text = String::from_utf8_lossy(xml);
    let mut found = Vec::new();
    let mut entry: Option<Entry> = None;
    for tag in tags(&text) {
        match tag {
            Tag::Open(kind @ ("StructuredType" | "EnumeratedType"), attributes) => {
                entry = Some(Entry::new(kind, &attributes));
            }
            Tag::Open("Field", attributes) => {
                if let Some(entry) = &mut entry {
                    entry.field(&attributes);
                }
            }
            Tag::Open("EnumeratedValue", attributes) => {
                if let Some(entry) = &mut entry {
                    entry.value(&attributes);
                }
            }
            Tag::Close("StructuredType" | "EnumeratedType") => {
                found.extend(entry.take().and_then(|entry| entry.shape(book)));
            }
            _ => {}
        }
        if found.len() >= ENTRIES_MAX {
            break;
        }
    }
    found
}

type Attributes<'a> = [(&'a str, String)];

fn attribute<'a>(attributes: &'a Attributes, name: &str) -> Option<&'a str> {
    let found = attributes.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| value.as_str())
}

#[derive(Default)]
struct Entry {
    name: String,
    is_enumeration: bool,
    bits: Option<String>,
    is_union: bool,
    fields: Vec<Raw>,
    values: Vec<(i64, String)>,
}

struct Raw {
    name: String,
    of: String,
    length: Option<String>,
    switch: Option<String>,
    has_switch_value: bool,
}

impl Entry {
    fn new(kind: &str, attributes: &Attributes) -> Self {
        let base = attribute(attributes, "BaseType").unwrap_or_default();
        Self {
            name: attribute(attributes, "Name").unwrap_or_default().to_owned(),
            is_enumeration: kind == "EnumeratedType",
            bits: attribute(attributes, "LengthInBits").map(str::to_owned),
            is_union: base.ends_with(":Union"),
            ..Self::default()
        }
    }

    fn field(&mut self, attributes: &Attributes) {
        let get = |name: &str| attribute(attributes, name).map(str::to_owned);
        if self.fields.len() < FIELDS_MAX {
            self.fields.push(Raw {
                name: get("Name").unwrap_or_default(),
                of: get("TypeName").unwrap_or_default(),
                length: get("LengthField"),
                switch: get("SwitchField"),
                has_switch_value: get("SwitchValue").is_some(),
            });
        }
    }

    fn value(&mut self, attributes: &Attributes) {
        let value = attribute(attributes, "Value").and_then(|value| value.parse().ok());
        if let (Some(value), Some(name)) = (value, attribute(attributes, "Name"))
            && self.values.len() < FIELDS_MAX
        {
            self.values.push((value, name.to_owned()));
        }
    }

    fn shape(self, book: &str) -> Option<(String, Shape)> {
        if self.is_enumeration {
            let encoded = match self.bits.as_deref() {
                Some("8") => Type::Byte,
                Some("16") => Type::UInt16,
                Some("64") => Type::UInt64,
                _ => Type::Int32,
            };
            let enumeration = Enumeration {
                encoded,
                names: self.values,
            };
            return Some((self.name, Shape::Enumeration(enumeration)));
        }
        let lengths: BTreeSet<_> = self
            .fields
            .iter()
            .filter_map(|f| f.length.clone())
            .collect();
        let switches: BTreeSet<_> = self
            .fields
            .iter()
            .filter_map(|f| f.switch.clone())
            .collect();
        let is_one = self.is_union || self.fields.iter().any(|field| field.has_switch_value);
        let mut fields = Vec::new();
        for raw in &self.fields {
            // Bits of the mask in front, and what only says how long the next field is.
            let is_bit = local(&raw.of) == "Bit";
            if is_bit || lengths.contains(&raw.name) || switches.contains(&raw.name) {
                continue;
            }
            fields.push(Field {
                name: raw.name.clone(),
                of: of(book, &raw.of)?,
                rank: if raw.length.is_some() { 1 } else { -1 },
                optional: raw.switch.is_some() && !is_one,
                subtypes: false,
            });
        }
        let is_masked = self.fields.iter().any(|field| local(&field.of) == "Bit");
        let presence = match (is_one, is_masked) {
            (true, _) => Presence::One,
            (false, true) => Presence::Masked,
            (false, false) => Presence::All,
        };
        let name = self.name.clone();
        let structure = Structure {
            name: self.name,
            presence,
            fields,
            encoding: None,
        };
        Some((name, Shape::Structure(structure)))
    }
}

// `opc:` are the dictionary language's own types, `ua:` those of the specification; all others
// stand in the same dictionary.
fn of(book: &str, name: &str) -> Option<Of> {
    let prefix = name.split(':').next().unwrap_or_default();
    match well_known(local(name)) {
        Some(known) if matches!(prefix, "opc" | "ua") => Some(known),
        _ if prefix == "opc" => None,
        _ => Some(Of::Type(
            Key::Named(book.to_owned(), local(name).to_owned()),
            None,
        )),
    }
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}
