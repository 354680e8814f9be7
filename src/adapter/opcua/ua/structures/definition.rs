//! The definition of a data type (part 3, 8.48 to 8.52).

use opcua::types::{
    EnumDefinition, Identifier, NodeId, StructureDefinition, StructureType,
    VariantScalarTypeId as Type,
};

/// Fields of one structure.
pub(super) const FIELDS_MAX: usize = 1024;
/// The first and last built-in type; they are their own data types.
const BUILTIN: std::ops::RangeInclusive<u32> = 1..=25;

/// Names a definition: by the node of a data type, or by its name in a type dictionary.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// As text, which has an order.
    Node(String),
    /// Dictionary and name.
    Named(String, String),
}

impl Key {
    pub(crate) fn node(id: &NodeId) -> Self {
        Self::Node(id.to_string())
    }
}

/// What a data type is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    /// Fields.
    Structure(Structure),
    /// Names for numbers.
    Enumeration(Enumeration),
    /// A built-in type under another name, such as Duration.
    Plain(Type),
}

/// A structure, or a union.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Structure {
    /// For people.
    pub(super) name: String,
    /// Which fields there are in a value.
    pub(super) presence: Presence,
    /// In order.
    pub(super) fields: Vec<Field>,
    /// What values of it are marked with, if that is known.
    pub(super) encoding: Option<NodeId>,
}

/// Which fields of a structure there are in a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Presence {
    /// All of them.
    #[default]
    All,
    /// A mask in front tells of the optional ones.
    Masked,
    /// One, whose number stands in front; 0 is none.
    One,
}

/// A field.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    /// Its name in JSON.
    pub(super) name: String,
    /// Its type.
    pub(super) of: Of,
    /// Below 1 a single value, else the number of dimensions.
    pub(super) rank: i32,
    /// Whether it may be absent.
    pub(super) optional: bool,
    /// Whether a value may be of a subtype, and so says itself what it is.
    pub(super) subtypes: bool,
}

/// The type of a field.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Of {
    /// Built in.
    Builtin(Type),
    /// To be looked up.
    Type(Key, Option<NodeId>),
}

/// An enumeration.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Enumeration {
    /// How its values are encoded; Int32 unless it is a set of options.
    pub(super) encoded: Type,
    /// Names by value.
    pub(super) names: Vec<(i64, String)>,
}

impl Enumeration {
    pub(crate) fn encoded(&self) -> Type {
        self.encoded
    }

    pub(crate) fn name(&self, value: i64) -> Option<&str> {
        let found = self.names.iter().find(|(known, _)| *known == value);
        found.map(|(_, name)| name.as_str())
    }

    pub(super) fn value(&self, name: &str) -> Option<i64> {
        let found = self.names.iter().find(|(_, known)| known == name);
        found.map(|(value, _)| *value)
    }

    pub(super) fn new(definition: EnumDefinition, encoded: Type) -> Self {
        let fields = definition.fields.into_iter().flatten();
        let names = fields
            .take(FIELDS_MAX)
            .map(|field| (field.value, field.name.as_ref().to_owned()))
            .collect();
        Self { encoded, names }
    }
}

impl Structure {
    /// From the attribute DataTypeDefinition.
    pub(super) fn new(name: String, definition: StructureDefinition) -> Result<Self, String> {
        let fields = definition.fields.unwrap_or_default();
        if fields.len() > FIELDS_MAX {
            return Err(format!("it has {} fields", fields.len()));
        }
        let (presence, subtypes) = match definition.structure_type {
            StructureType::Structure => (Presence::All, false),
            StructureType::StructureWithOptionalFields => (Presence::Masked, false),
            StructureType::Union => (Presence::One, false),
            StructureType::StructureWithSubtypedValues => (Presence::All, true),
            StructureType::UnionWithSubtypedValues => (Presence::One, true),
        };
        let fields = fields.into_iter().map(|field| Field {
            name: field.name.as_ref().to_owned(),
            of: Of::data_type(&field.data_type),
            rank: field.value_rank,
            // With subtyped values the same flag says that subtypes are allowed.
            optional: field.is_optional && !subtypes,
            subtypes: field.is_optional && subtypes,
        });
        let encoding = Some(definition.default_encoding_id).filter(|id| !id.is_null());
        Ok(Self {
            name,
            presence,
            fields: fields.collect(),
            encoding,
        })
    }

    /// The data types that have to be known before a value can be read.
    pub(super) fn needs(&self) -> impl Iterator<Item = &NodeId> {
        self.fields.iter().filter_map(|field| match &field.of {
            Of::Type(_, node) => node.as_ref(),
            Of::Builtin(_) => None,
        })
    }
}

impl Of {
    /// By the node of a data type.
    pub(super) fn data_type(id: &NodeId) -> Self {
        match builtin(id) {
            Some(builtin) => Self::Builtin(builtin),
            None => Self::Type(Key::node(id), Some(id.clone())),
        }
    }
}

/// The built-in type that a data type is. A structure that is only known to be one says itself
/// what it is, and so does a number that is only known to be one.
pub(super) fn builtin(id: &NodeId) -> Option<Type> {
    match (id.namespace, &id.identifier) {
        (0, Identifier::Numeric(24 | 26..=28)) => Some(Type::Variant),
        (0, Identifier::Numeric(number)) if BUILTIN.contains(number) => {
            Type::try_from(*number).ok()
        }
        _ => None,
    }
}
