//! A walk through XML with limits: no definitions, no entities of one's own, bounded depth.

use std::borrow::Cow;

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::Unusable;

/// How deep elements may be nested.
const DEPTH_MAX: usize = 64;
/// Attributes that an element may have.
const ATTRIBUTES_MAX: usize = 64;

/// What is met on the way.
pub(super) trait Visitor {
    /// An element begins.
    fn open(&mut self, element: &Element) -> Result<(), Unusable>;
    /// Text within the innermost element.
    fn text(&mut self, text: &str);
    /// The innermost element ends; its name without the namespace.
    fn close(&mut self, name: &str) -> Result<(), Unusable>;
}

/// An element with its attributes.
pub(super) struct Element {
    /// The name without the namespace.
    pub(super) name: String,
    attributes: Vec<(String, String)>,
}

impl Element {
    /// An attribute.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str())
    }

    /// An attribute, or nothing.
    pub(super) fn text(&self, key: &str) -> String {
        self.get(key).unwrap_or_default().to_owned()
    }

    /// A number; 0 if there is none.
    pub(super) fn number(&self, key: &str) -> u64 {
        self.get(key)
            .and_then(|text| text.parse().ok())
            .unwrap_or_default()
    }
}

/// Walks a document from its beginning to its end.
pub(super) fn walk(document: &[u8], visitor: &mut impl Visitor) -> Result<(), Unusable> {
    let text = std::str::from_utf8(document).map_err(|_| invalid("it is no UTF-8"))?;
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut depth = 0_usize;
    loop {
        match reader
            .read_event()
            .map_err(|error| invalid(&error.to_string()))?
        {
            Event::Start(start) => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return Err(invalid("its elements are nested too deep"));
                }
                visitor.open(&element(&start)?)?;
            }
            Event::Empty(start) => {
                let element = element(&start)?;
                visitor.open(&element)?;
                visitor.close(&element.name)?;
            }
            Event::End(end) => {
                depth = depth.saturating_sub(1);
                visitor.close(&local(end.local_name().as_ref()))?;
            }
            Event::Text(text) => visitor.text(&text.xml10_content()),
            Event::CData(text) => visitor.text(&text.xml10_content()),
            Event::GeneralRef(entity) => {
                let letter = entity.resolve_char_ref();
                let letter = letter.map_err(|error| invalid(&error.to_string()))?;
                let name = entity.xml10_content();
                match (letter, resolve_predefined_entity(&name)) {
                    (Some(letter), _) => visitor.text(letter.encode_utf8(&mut [0; 4])),
                    (None, Some(text)) => visitor.text(text),
                    (None, None) => return Err(invalid("it has entities of its own")),
                }
            }
            Event::DocType(_) => return Err(invalid("it defines a type of its own")),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof if depth == 0 => return Ok(()),
            Event::Eof => return Err(invalid("it ends early")),
        }
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, Unusable> {
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| invalid(&error.to_string()))?;
        if attributes.len() == ATTRIBUTES_MAX {
            return Err(invalid("an element has too many attributes"));
        }
        let value: Cow<'_, str> = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|error| invalid(&error.to_string()))?;
        attributes.push((
            local(attribute.key.local_name().as_ref()),
            value.into_owned(),
        ));
    }
    Ok(Element {
        name: local(start.local_name().as_ref()),
        attributes,
    })
}

fn local(name: &str) -> String {
    name.to_owned()
}

/// A document that cannot be used.
pub(super) fn invalid(why: &str) -> Unusable {
    Unusable::Invalid(format!("what the agent sent cannot be read: {why}"))
}
