//! Asking the server for definitions: the attribute DataTypeDefinition where there is one (1.04),
//! else the supertypes, the texts of an enumeration, or the type dictionary of older servers.

use opcua::types::{
    AttributeId, BrowseDirection, DataValue, EnumDefinition, EnumValueType, Error, NodeId,
    ReferenceTypeId, StructureDefinition, Variant, VariantScalarTypeId as Type,
};

use super::definition::{Enumeration, FIELDS_MAX, Of, Shape, Structure, builtin};
use super::{Key, Structures, dictionary};
use crate::ua::browse::local;
use crate::ua::from_device;
use crate::ua::requests::Requests;

/// How deep types may stand in types.
const LAYERS_MAX: usize = 32;
/// Types of one layer; their definitions are one read.
const LAYER_TYPES_MAX: usize = 200;
/// How many supertypes are looked at.
const SUPERTYPES_MAX: usize = 16;
/// Supertypes of which no attribute tells: Structure and Enumeration.
const STRUCTURE: u32 = 22;
const ENUMERATION: u32 = 29;

impl Structures {
    /// Learns the type of structures that are marked with this encoding.
    pub(crate) async fn learn_encoding(
        &self,
        requests: &Requests,
        encoding: &NodeId,
    ) -> Result<(), Error> {
        let inverse = BrowseDirection::Inverse;
        let data_type = requests
            .referred(encoding, inverse, ReferenceTypeId::HasEncoding)
            .await?;
        // Some servers name the type where its encoding belongs.
        let data_type = data_type.unwrap_or_else(|| encoding.clone());
        self.learn(requests, &data_type).await?;
        let key = Key::node(&data_type);
        let is_known = {
            let mut catalog = self.catalog.write();
            let is_known = catalog.shapes.contains_key(&key);
            if is_known {
                catalog.encodings.insert(Key::node(encoding), key);
            }
            is_known
        };
        if !is_known {
            let reason = match self.catalog.read().refused.get(&Key::node(&data_type)) {
                Some(reason) => reason.clone(),
                None => "the server does not describe this type".to_owned(),
            };
            self.refuse(encoding, reason);
        }
        Ok(())
    }

    /// Learns a data type, and what its fields are made of. Only a lost session is an error; what
    /// cannot be learned is refused with a reason.
    pub(crate) async fn learn(&self, requests: &Requests, data_type: &NodeId) -> Result<(), Error> {
        let mut layer = vec![data_type.clone()];
        for _ in 0..LAYERS_MAX {
            layer.retain(|id| builtin(id).is_none() && !self.was_asked(id));
            layer.sort_by_key(ToString::to_string);
            layer.dedup();
            layer.truncate(LAYER_TYPES_MAX);
            if layer.is_empty() {
                break;
            }
            let attributes = [
                AttributeId::DataTypeDefinition,
                AttributeId::BrowseName,
                AttributeId::IsAbstract,
            ];
            let what = layer
                .iter()
                .flat_map(|id| attributes.map(|name| (id.clone(), name)));
            let found = requests.read(what.collect()).await?;
            let mut next = Vec::new();
            for (id, found) in layer.iter().zip(found.chunks(attributes.len())) {
                match self.define(requests, id, found).await? {
                    Ok(shape) => {
                        if let Shape::Structure(structure) = &shape {
                            next.extend(structure.needs().cloned());
                        }
                        self.catalog.write().insert(Key::node(id), shape);
                    }
                    Err(reason) => self.refuse(id, reason),
                }
            }
            layer = next;
        }
        Ok(())
    }

    fn was_asked(&self, id: &NodeId) -> bool {
        let (catalog, key) = (self.catalog.read(), Key::node(id));
        catalog.shapes.contains_key(&key) || catalog.refused.contains_key(&key)
    }

    async fn define(
        &self,
        requests: &Requests,
        id: &NodeId,
        found: &[DataValue],
    ) -> Result<Result<Shape, String>, Error> {
        let [definition, name, is_abstract] = found else {
            return Ok(Err("it could not be read".into()));
        };
        let name = match &name.value {
            Some(Variant::QualifiedName(name)) => name.name.as_ref().to_owned(),
            _ => id.to_string(),
        };
        if matches!(is_abstract.value, Some(Variant::Boolean(true))) {
            return Ok(Ok(self.abstract_type(requests, id).await?));
        }
        if let Some(Variant::ExtensionObject(object)) = &definition.value {
            if let Some(definition) = object.inner_as::<StructureDefinition>() {
                let structure = Structure::new(name, definition.clone());
                return Ok(structure.map(Shape::Structure));
            }
            if let Some(definition) = object.inner_as::<EnumDefinition>() {
                let encoded = self.supertype(requests, id).await?.unwrap_or(Type::Int32);
                let enumeration = Enumeration::new(definition.clone(), encoded);
                return Ok(Ok(Shape::Enumeration(enumeration)));
            }
        }
        match self.supertype(requests, id).await? {
            Some(Type::ExtensionObject) => {
                let described = self.described(requests, id).await?;
                Ok(described.ok_or_else(|| format!("the server does not describe {name}")))
            }
            Some(Type::Int32) => {
                let listed = listed(requests, id).await?;
                Ok(Ok(
                    listed.map_or(Shape::Plain(Type::Int32), Shape::Enumeration)
                ))
            }
            Some(builtin) => Ok(Ok(Shape::Plain(builtin))),
            None => Ok(Err(format!("the server does not tell what {name} is"))),
        }
    }

    // Values say themselves what they are.
    async fn abstract_type(&self, requests: &Requests, id: &NodeId) -> Result<Shape, Error> {
        let supertype = self.supertype(requests, id).await?;
        Ok(Shape::Plain(match supertype {
            Some(Type::ExtensionObject) => Type::ExtensionObject,
            _ => Type::Variant,
        }))
    }

    // The built-in type at the end of the supertypes.
    async fn supertype(&self, requests: &Requests, id: &NodeId) -> Result<Option<Type>, Error> {
        let mut id = id.clone();
        for _ in 0..SUPERTYPES_MAX {
            match (id.namespace, id.as_u32()) {
                (0, Some(STRUCTURE)) => return Ok(Some(Type::ExtensionObject)),
                (0, Some(ENUMERATION)) => return Ok(Some(Type::Int32)),
                _ => {}
            }
            if let Some(found) = builtin(&id) {
                return Ok(Some(found));
            }
            let inverse = BrowseDirection::Inverse;
            match requests
                .referred(&id, inverse, ReferenceTypeId::HasSubtype)
                .await?
            {
                Some(parent) => id = parent,
                None => break,
            }
        }
        Ok(None)
    }

    // From the type dictionary, whose entry the encoding's description names (part 5, annex D).
    async fn described(&self, requests: &Requests, id: &NodeId) -> Result<Option<Shape>, Error> {
        let forward = BrowseDirection::Forward;
        let encodings = requests
            .references(id, forward, ReferenceTypeId::HasEncoding)
            .await?;
        let is_binary = |name: &str| name == "Default Binary";
        let encoding = encodings
            .into_iter()
            .find(|found| is_binary(found.browse_name.name.as_ref()));
        let Some(encoding) = encoding.and_then(local) else {
            return Ok(None);
        };
        let description = ReferenceTypeId::HasDescription;
        let Some(entry) = requests.referred(&encoding, forward, description).await? else {
            return Ok(None);
        };
        let inverse = BrowseDirection::Inverse;
        let component = ReferenceTypeId::HasComponent;
        let Some(book) = requests.referred(&entry, inverse, component).await? else {
            return Ok(None);
        };
        let found = requests.read_values(vec![entry, book.clone()]).await?;
        let (Some(Variant::String(name)), Some(Variant::ByteString(xml))) =
            (&found[0].value, &found[1].value)
        else {
            return Ok(None);
        };
        self.learn_dictionary(&book.to_string(), xml.as_ref());
        let key = Key::Named(book.to_string(), name.as_ref().to_owned());
        let known = self.catalog.read().shape(&key);
        Ok(known.map(|shape| match &*shape {
            Shape::Structure(structure) => Shape::Structure(Structure {
                encoding: Some(encoding),
                ..structure.clone()
            }),
            other => other.clone(),
        }))
    }

    fn learn_dictionary(&self, book: &str, xml: &[u8]) {
        let mut catalog = self.catalog.write();
        for (name, shape) in dictionary::definitions(book, xml) {
            catalog.insert(Key::Named(book.to_owned(), name), shape);
        }
    }
}

// The names of an enumeration from before 1.04: a property of its type.
async fn listed(requests: &Requests, id: &NodeId) -> Result<Option<Enumeration>, Error> {
    let forward = BrowseDirection::Forward;
    let properties = requests
        .references(id, forward, ReferenceTypeId::HasProperty)
        .await?;
    let is_list = |name: &str| name == "EnumStrings" || name == "EnumValues";
    let list = properties
        .into_iter()
        .find(|found| is_list(found.browse_name.name.as_ref()));
    let Some(list) = list.and_then(local) else {
        return Ok(None);
    };
    let mut found = requests.read_values(vec![list]).await?;
    let Some(Variant::Array(array)) = found.pop().and_then(|found| found.value) else {
        return Ok(None);
    };
    let name = |(index, item): (i64, &Variant)| match item {
        Variant::ExtensionObject(object) => {
            let value = object.inner_as::<EnumValueType>()?;
            Some((value.value, value.display_name.text.as_ref().to_owned()))
        }
        text => Some((index, from_device::text(text)?)),
    };
    let names = (0..)
        .zip(array.values.iter())
        .take(FIELDS_MAX)
        .filter_map(name)
        .collect();
    Ok(Some(Enumeration {
        encoded: Type::Int32,
        names,
    }))
}

/// The type of a dictionary's field that is no entry of the same dictionary.
pub(super) fn well_known(name: &str) -> Option<Of> {
    let builtin = match name {
        "Boolean" => Type::Boolean,
        "SByte" => Type::SByte,
        "Byte" => Type::Byte,
        "Int16" => Type::Int16,
        "UInt16" => Type::UInt16,
        "Int32" => Type::Int32,
        "UInt32" => Type::UInt32,
        "Int64" => Type::Int64,
        "UInt64" => Type::UInt64,
        "Float" => Type::Float,
        "Double" => Type::Double,
        "String" | "CharArray" | "WideString" => Type::String,
        "DateTime" => Type::DateTime,
        "Guid" => Type::Guid,
        "ByteString" => Type::ByteString,
        "XmlElement" => Type::XmlElement,
        "NodeId" => Type::NodeId,
        "ExpandedNodeId" => Type::ExpandedNodeId,
        "StatusCode" => Type::StatusCode,
        "QualifiedName" => Type::QualifiedName,
        "LocalizedText" => Type::LocalizedText,
        "ExtensionObject" => Type::ExtensionObject,
        "DataValue" => Type::DataValue,
        "Variant" => Type::Variant,
        "DiagnosticInfo" => Type::DiagnosticInfo,
        _ => return None,
    };
    Some(Of::Builtin(builtin))
}
