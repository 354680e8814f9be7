//! Values as JSON: arrays, matrices, structures as their definitions say. A structure that cannot
//! be read stays base64, with its type and the reason; nothing that a server sends stops anything.

use std::cell::Cell;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use opcua::types::{
    Array, BinaryDecodable, Context, DataValue, ExtensionObject, NodeId, Variant,
    VariantScalarTypeId as Type,
};
use serde_json::{Map, Value as Json, json};

use super::definition::{Enumeration, Field, Of, Presence, Shape, Structure};
use super::{Catalog, Structures, builtin, raw};
use crate::ua::json::plain;

/// Values within values.
const DEPTH_MAX: usize = 32;
/// Dimensions of an array.
const RANK_MAX: usize = 16;
/// Values in one value; above this many it is no datapoint.
const VALUES_MAX: usize = 1_000_000;

/// Why a value is no JSON (yet).
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Missing {
    /// The type behind this encoding has to be asked for first.
    Encoding(NodeId),
    /// Values within values without an end, or far too many.
    Endless,
}

// A body that does not fit its definition, or a type that is not known; for people.
enum Trouble {
    Missing(Missing),
    Wrong(String),
}

impl From<Missing> for Trouble {
    fn from(missing: Missing) -> Self {
        Self::Missing(missing)
    }
}

impl From<opcua::types::Error> for Trouble {
    fn from(error: opcua::types::Error) -> Self {
        Self::Wrong(error.to_string())
    }
}

impl Structures {
    /// A value as JSON. `shape` is the node's own data type, if it is known and matters; with
    /// `names`, values of enumerations are their names.
    pub(crate) fn json(
        &self,
        found: &Variant,
        shape: Option<&Shape>,
        names: bool,
    ) -> Result<Json, Missing> {
        let reader = Reader {
            catalog: &self.catalog.read(),
            context: self.context.context(),
            names,
            left: Cell::new(VALUES_MAX),
        };
        match shape {
            Some(Shape::Enumeration(enumeration)) if names => {
                reader.variant(found, 0, &|value| reader.named(value, enumeration))
            }
            _ => reader.variant(found, 0, &|_| None),
        }
    }
}

struct Reader<'a> {
    catalog: &'a Catalog,
    context: Context<'a>,
    names: bool,
    left: Cell<usize>,
}

type Special<'a> = &'a dyn Fn(&Variant) -> Option<Json>;

impl Reader<'_> {
    fn count(&self, values: usize, depth: usize) -> Result<(), Missing> {
        let left = self
            .left
            .get()
            .checked_sub(values)
            .filter(|_| depth <= DEPTH_MAX);
        self.left.set(left.ok_or(Missing::Endless)?);
        Ok(())
    }

    fn variant(&self, found: &Variant, depth: usize, special: Special) -> Result<Json, Missing> {
        self.count(1, depth)?;
        if let Some(json) = special(found) {
            return Ok(json);
        }
        Ok(match found {
            Variant::Array(array) => return self.array(array, depth, special),
            Variant::Variant(inner) => return self.variant(inner, depth + 1, &|_| None),
            Variant::ExtensionObject(object) => return self.object(object, depth),
            Variant::DataValue(value) => return self.data_value(value, depth),
            Variant::DiagnosticInfo(_) => Json::Null,
            single => plain(single),
        })
    }

    // A matrix as arrays of arrays; its elements stand row by row.
    fn array(&self, array: &Array, depth: usize, special: Special) -> Result<Json, Missing> {
        let items = array.values.iter();
        let items = items
            .map(|item| self.variant(item, depth + 1, special))
            .collect::<Result<Vec<_>, _>>()?;
        let dimensions = array.dimensions.as_deref().unwrap_or_default();
        matrix(items, dimensions)
    }

    fn data_value(&self, found: &DataValue, depth: usize) -> Result<Json, Missing> {
        let value = found.value.as_ref().unwrap_or(&Variant::Empty);
        let mut json = Map::new();
        json.insert("value".into(), self.variant(value, depth + 1, &|_| None)?);
        if let Some(status) = found.status {
            json.insert("status".into(), status.bits().into());
        }
        if let Some(stamp) = found.source_timestamp {
            let stamp = plain(&Variant::DateTime(Box::new(stamp)));
            json.insert("sourceTimestamp".into(), stamp);
        }
        Ok(json.into())
    }

    fn object(&self, object: &ExtensionObject, depth: usize) -> Result<Json, Missing> {
        let Some((encoding, bytes)) = raw::parts(object, &self.context) else {
            return Ok(Json::Null);
        };
        let undecoded = |reason: &str| {
            json!({
                "typeId": encoding.to_string(), "body": BASE64.encode(&bytes), "reason": reason,
            })
        };
        let shape = match self.catalog.encoded(&encoding) {
            Some(shape) => shape,
            None => match self.catalog.refused.get(&super::Key::node(&encoding)) {
                Some(reason) => return Ok(undecoded(reason)),
                None => return Err(Missing::Encoding(encoding)),
            },
        };
        let Shape::Structure(structure) = &*shape else {
            return Ok(undecoded("the server says that this type is no structure"));
        };
        let mut rest = &bytes[..];
        match self.structure(structure, &mut rest, depth + 1) {
            Ok(json) if rest.is_empty() => Ok(json),
            Ok(_) => Ok(undecoded(&format!(
                "{} has {} bytes more",
                structure.name,
                rest.len()
            ))),
            Err(Trouble::Wrong(why)) => Ok(undecoded(&format!("{}: {why}", structure.name))),
            Err(Trouble::Missing(missing)) => Err(missing),
        }
    }

    fn structure(
        &self,
        structure: &Structure,
        bytes: &mut &[u8],
        depth: usize,
    ) -> Result<Json, Trouble> {
        self.count(1, depth)?;
        if structure.presence == Presence::One {
            let chosen = u32::decode(bytes, &self.context)? as usize;
            let Some(index) = chosen.checked_sub(1) else {
                return Ok(Json::Null);
            };
            let field = structure.fields.get(index);
            let field = field.ok_or_else(|| Trouble::Wrong(format!("no alternative {chosen}")))?;
            let value = self.field(field, bytes, depth)?;
            return Ok(Map::from_iter([(field.name.clone(), value)]).into());
        }
        let mut mask = match structure.presence {
            Presence::Masked => u32::decode(bytes, &self.context)?,
            _ => u32::MAX,
        };
        let mut json = Map::with_capacity(structure.fields.len());
        for field in &structure.fields {
            if field.optional && structure.presence == Presence::Masked {
                let is_there = mask & 1 == 1;
                mask >>= 1;
                if !is_there {
                    continue;
                }
            }
            json.insert(field.name.clone(), self.field(field, bytes, depth)?);
        }
        Ok(json.into())
    }

    fn field(&self, field: &Field, bytes: &mut &[u8], depth: usize) -> Result<Json, Trouble> {
        if field.rank < 1 {
            return self.single(field, bytes, depth);
        }
        let length = i32::decode(bytes, &self.context)?;
        let Ok(length) = usize::try_from(length) else {
            return Ok(Json::Null);
        };
        let mut dimensions = Vec::new();
        let mut values = length;
        if field.rank > 1 {
            if length > RANK_MAX {
                return Err(Trouble::Wrong(format!(
                    "{} has {length} dimensions",
                    field.name
                )));
            }
            for _ in 0..length {
                dimensions.push(u32::decode(bytes, &self.context)?);
            }
            values = dimensions
                .iter()
                .try_fold(1usize, |all, size| all.checked_mul(*size as usize))
                .ok_or(Missing::Endless)?;
        }
        self.count(values, depth)?;
        let mut items = Vec::new();
        for _ in 0..values {
            items.push(self.single(field, bytes, depth + 1)?);
        }
        Ok(matrix(items, &dimensions)?)
    }

    fn single(&self, field: &Field, bytes: &mut &[u8], depth: usize) -> Result<Json, Trouble> {
        let shape = match &field.of {
            Of::Builtin(builtin) => return self.builtin(*builtin, bytes, depth),
            Of::Type(key, _) => self.catalog.shape(key).ok_or_else(|| {
                let why = self.catalog.refused.get(key).map_or("", String::as_str);
                Trouble::Wrong(format!(
                    "the type of its field {} is not known {why}",
                    field.name
                ))
            })?,
        };
        match &*shape {
            Shape::Structure(_) if field.subtypes => {
                self.builtin(Type::ExtensionObject, bytes, depth)
            }
            _ if field.subtypes => self.builtin(Type::Variant, bytes, depth),
            Shape::Structure(structure) => self.structure(structure, bytes, depth + 1),
            Shape::Plain(builtin) => self.builtin(*builtin, bytes, depth),
            Shape::Enumeration(enumeration) => {
                let value = builtin::decode(enumeration.encoded, bytes, &self.context)?;
                let named = self.named(&value, enumeration).filter(|_| self.names);
                Ok(named.unwrap_or_else(|| plain(&value)))
            }
        }
    }

    fn builtin(&self, wanted: Type, bytes: &mut &[u8], depth: usize) -> Result<Json, Trouble> {
        let value = builtin::decode(wanted, bytes, &self.context)?;
        Ok(self.variant(&value, depth + 1, &|_| None)?)
    }

    fn named(&self, value: &Variant, enumeration: &Enumeration) -> Option<Json> {
        let number = crate::ua::from_device::integer(value)?;
        let name = enumeration.name(i64::try_from(number).ok()?)?;
        Some(name.into())
    }
}

// Dimensions were multiplied and compared with the number of values before.
fn matrix(mut items: Vec<Json>, dimensions: &[u32]) -> Result<Json, Missing> {
    if dimensions.len() > RANK_MAX {
        return Err(Missing::Endless);
    }
    for &size in dimensions.iter().skip(1).rev() {
        let size = usize::try_from(size).unwrap_or(usize::MAX).max(1);
        items = items.chunks(size).map(|row| row.to_vec().into()).collect();
    }
    Ok(items.into())
}
