//! JSON as a value of a node's type: arrays, matrices, enumerations by number or name, structures
//! as their definitions say.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use opcua::types::{
    Array, BinaryEncodable, ByteString, ByteStringBody, Context, ExtensionObject, NodeId, Variant,
    VariantScalarTypeId as Type,
};
use serde_json::{Map, Value as Json};

use super::builtin::{self, shown};
use super::definition::{Enumeration, Field, Of, Presence, Shape, Structure};
use super::{Catalog, Structures};

/// Values within values.
const DEPTH_MAX: usize = 32;
/// Dimensions of an array.
const RANK_MAX: usize = 16;

impl Structures {
    /// JSON as a value of a built-in type, or of a type of the server's own. The rank is the
    /// node's: -1 is a single value, 1 and more so many dimensions, others leave it to the JSON.
    pub(crate) fn from_json(
        &self,
        json: &Json,
        scalar: Type,
        rank: i32,
        shape: Option<&Shape>,
    ) -> Result<Variant, String> {
        let writer = Writer {
            catalog: &self.catalog.read(),
            context: self.context.context(),
        };
        let single = |json: &Json| match shape {
            Some(Shape::Enumeration(enumeration)) => writer.enumeration(json, enumeration),
            Some(Shape::Structure(structure)) => writer.object(json, structure),
            _ if scalar == Type::ExtensionObject => raw_object(json),
            _ => builtin::from_json(json, scalar),
        };
        let scalar = match shape {
            Some(Shape::Enumeration(enumeration)) => enumeration.encoded,
            _ => scalar,
        };
        match (json, rank) {
            (Json::Array(_), 0.. | -2 | -3) => array(json, scalar, rank, &single),
            (_, 1..) => Err(format!("the node holds an array, not {}", shown(json))),
            _ => single(json),
        }
    }
}

fn array(
    json: &Json,
    scalar: Type,
    rank: i32,
    single: &dyn Fn(&Json) -> Result<Variant, String>,
) -> Result<Variant, String> {
    let mut dimensions = Vec::new();
    let mut first = Some(json);
    while let Some(Json::Array(items)) = first {
        let wanted = usize::try_from(rank).unwrap_or(0);
        if dimensions.len() == RANK_MAX || (wanted > 0 && dimensions.len() == wanted) {
            break;
        }
        dimensions.push(u32::try_from(items.len()).map_err(|_| "far too many values")?);
        first = items.first();
    }
    let mut values = Vec::new();
    flatten(json, &dimensions, single, &mut values)?;
    // A node of any number of dimensions gets as many as the JSON has; a plain array has one.
    let built = if dimensions.len() > 1 {
        Array::new_multi(scalar, values, dimensions)
    } else {
        Array::new(scalar, values)
    };
    Ok(Variant::Array(Box::new(
        built.map_err(|error| error.to_string())?,
    )))
}

fn flatten(
    json: &Json,
    dimensions: &[u32],
    single: &dyn Fn(&Json) -> Result<Variant, String>,
    values: &mut Vec<Variant>,
) -> Result<(), String> {
    let [size, below @ ..] = dimensions else {
        values.push(single(json)?);
        return Ok(());
    };
    match json {
        Json::Array(items) if items.len() == *size as usize => items
            .iter()
            .try_for_each(|item| flatten(item, below, single, values)),
        Json::Array(items) => Err(format!(
            "a row of {} values beside one of {size}",
            items.len()
        )),
        other => Err(format!("{} beside an array", shown(other))),
    }
}

/// A structure in the form in which one that cannot be decoded is read.
fn raw_object(json: &Json) -> Result<Variant, String> {
    if json.is_null() {
        return Ok(Variant::ExtensionObject(ExtensionObject::null()));
    }
    let part = |name: &str| json.get(name).and_then(Json::as_str);
    let (Some(id), Some(body)) = (part("typeId"), part("body")) else {
        return Err(
            "the node holds a structure of an unknown type: an object with typeId and \
                    body (base64) would do"
                .into(),
        );
    };
    let id: NodeId = id.parse().map_err(|_| format!("{id:?} is no node id"))?;
    let bytes = BASE64.decode(body).map_err(|_| "body is no base64")?;
    Ok(extension(id, bytes))
}

fn extension(encoding: NodeId, bytes: Vec<u8>) -> Variant {
    let body = ByteStringBody::new(ByteString::from(bytes), encoding);
    Variant::ExtensionObject(ExtensionObject::new(body))
}

struct Writer<'a> {
    catalog: &'a Catalog,
    context: Context<'a>,
}

impl Writer<'_> {
    fn enumeration(&self, json: &Json, enumeration: &Enumeration) -> Result<Variant, String> {
        let Json::String(name) = json else {
            return builtin::from_json(json, enumeration.encoded);
        };
        let value = enumeration.value(name);
        let value = value.ok_or_else(|| format!("{name:?} is none of the enumeration's names"))?;
        builtin::from_json(&value.into(), enumeration.encoded)
    }

    fn object(&self, json: &Json, structure: &Structure) -> Result<Variant, String> {
        if json.get("typeId").is_some() && json.get("body").is_some() {
            return raw_object(json);
        }
        let encoding = structure
            .encoding
            .clone()
            .ok_or_else(|| format!("the server does not tell how {} is encoded", structure.name))?;
        let mut bytes = Vec::new();
        self.structure(json, structure, &mut bytes, 0)?;
        Ok(extension(encoding, bytes))
    }

    fn structure(
        &self,
        json: &Json,
        structure: &Structure,
        bytes: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), String> {
        if depth > DEPTH_MAX {
            return Err("structures within structures without an end".into());
        }
        if json.is_null() && structure.presence == Presence::One {
            return self.put(&Variant::UInt32(0), bytes);
        }
        let Json::Object(given) = json else {
            return Err(format!(
                "{} is an object, not {}",
                structure.name,
                shown(json)
            ));
        };
        let is_known = |name: &&String| structure.fields.iter().any(|field| field.name == **name);
        if let Some(stranger) = given.keys().find(|name| !is_known(name)) {
            return Err(format!("{} has no field {stranger:?}", structure.name));
        }
        match structure.presence {
            Presence::One => return self.alternative(given, structure, bytes, depth),
            Presence::Masked => {
                let optional = structure.fields.iter().filter(|field| field.optional);
                let mask = optional
                    .take(32)
                    .enumerate()
                    .fold(0u32, |mask, (index, field)| {
                        mask | (u32::from(given.contains_key(&field.name)) << index)
                    });
                self.put(&Variant::UInt32(mask), bytes)?;
            }
            Presence::All => {}
        }
        for field in &structure.fields {
            match given.get(&field.name) {
                Some(value) => self.field(value, field, bytes, depth)?,
                None if field.optional && structure.presence == Presence::Masked => {}
                None => {
                    return Err(format!(
                        "{} lacks its field {:?}",
                        structure.name, field.name
                    ));
                }
            }
        }
        Ok(())
    }

    fn alternative(
        &self,
        given: &Map<String, Json>,
        structure: &Structure,
        bytes: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), String> {
        let mut fields = structure.fields.iter().zip(1u32..);
        let chosen = fields.find(|(field, _)| given.contains_key(&field.name));
        let (Some((field, number)), 1) = (chosen, given.len()) else {
            return Err(format!(
                "{} takes exactly one of its fields",
                structure.name
            ));
        };
        self.put(&Variant::UInt32(number), bytes)?;
        self.field(&given[&field.name], field, bytes, depth)
    }

    fn field(
        &self,
        json: &Json,
        field: &Field,
        bytes: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), String> {
        let at = |why: String| format!("{}: {why}", field.name);
        if field.rank < 1 {
            return self.single(json, field, bytes, depth).map_err(at);
        }
        if json.is_null() {
            return self.put(&Variant::Int32(-1), bytes);
        }
        let mut dimensions = Vec::new();
        let mut level = Some(json);
        while let Some(Json::Array(items)) = level {
            if dimensions.len() == usize::try_from(field.rank).unwrap_or(1).min(RANK_MAX) {
                break;
            }
            dimensions.push(items.len());
            level = items.first();
        }
        let rank = usize::try_from(field.rank).unwrap_or(1).min(RANK_MAX);
        if dimensions.last() == Some(&0) {
            dimensions.resize(rank, 0);
        }
        if dimensions.len() < rank {
            return Err(at(format!(
                "an array with {rank} dimensions, not {}",
                shown(json)
            )));
        }
        let size = |size: usize| i32::try_from(size).map_err(|_| at("far too many values".into()));
        if field.rank > 1 {
            self.put(&Variant::Int32(size(dimensions.len())?), bytes)?;
        }
        for dimension in &dimensions {
            self.put(&Variant::Int32(size(*dimension)?), bytes)?;
        }
        self.rows(json, &dimensions, field, bytes, depth + 1)
            .map_err(at)
    }

    fn rows(
        &self,
        json: &Json,
        dimensions: &[usize],
        field: &Field,
        bytes: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), String> {
        match (dimensions, json) {
            ([], _) => self.single(json, field, bytes, depth),
            ([size, below @ ..], Json::Array(items)) if items.len() == *size => {
                let mut items = items.iter();
                items.try_for_each(|item| self.rows(item, below, field, bytes, depth))
            }
            ([size, ..], other) => Err(format!("{} beside a row of {size}", shown(other))),
        }
    }

    fn single(
        &self,
        json: &Json,
        field: &Field,
        bytes: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), String> {
        let shape = match &field.of {
            Of::Builtin(Type::ExtensionObject) => return self.put(&raw_object(json)?, bytes),
            Of::Builtin(Type::Variant) => return self.any(json, bytes),
            Of::Builtin(builtin) => {
                return self.put(&builtin::from_json(json, *builtin)?, bytes);
            }
            Of::Type(key, _) => self.catalog.shape(key).ok_or("its type is not known")?,
        };
        match &*shape {
            Shape::Structure(structure) if field.subtypes => {
                self.put(&self.object(json, structure)?, bytes)
            }
            Shape::Plain(Type::ExtensionObject) => self.put(&raw_object(json)?, bytes),
            _ if field.subtypes => self.any(json, bytes),
            Shape::Structure(structure) => self.structure(json, structure, bytes, depth + 1),
            Shape::Plain(Type::Variant) => self.any(json, bytes),
            Shape::Plain(builtin) => self.put(&builtin::from_json(json, *builtin)?, bytes),
            Shape::Enumeration(enumeration) => {
                self.put(&self.enumeration(json, enumeration)?, bytes)
            }
        }
    }

    // A place for any value has the type beside it.
    fn any(&self, json: &Json, bytes: &mut Vec<u8>) -> Result<(), String> {
        let value = match builtin::from_json(json, Type::Variant)? {
            Variant::Variant(inner) => *inner,
            other => other,
        };
        value
            .encode(bytes, &self.context)
            .map_err(|error| error.to_string())
    }

    fn put(&self, value: &Variant, bytes: &mut Vec<u8>) -> Result<(), String> {
        value
            .encode_value(bytes, &self.context)
            .map_err(|error| error.to_string())
    }
}
