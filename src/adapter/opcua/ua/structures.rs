//! What the server's own data types look like, and values of them as JSON. A definition is asked
//! for when a value of its type is met first, never all of them: servers have thousands.

mod builtin;
mod definition;
mod dictionary;
mod learn;
mod raw;
mod read;
mod write;
mod xml;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use opcua::types::{
    ContextOwned, DecodingOptions, NamespaceMap, NodeId, VariantScalarTypeId as Type,
};
use parking_lot::RwLock;

pub(crate) use definition::{Key, Shape};
pub(crate) use raw::RawBodies;
pub(crate) use read::Missing;

/// Definitions that are kept; more than any server's values have been seen to need.
const DEFINITIONS_MAX: usize = 4096;

/// The types of one server, as far as they are known. They are learned anew in each session: a
/// controller gets another program now and then.
pub(crate) struct Structures {
    context: ContextOwned,
    catalog: RwLock<Catalog>,
}

/// Definitions by what asks for them.
#[derive(Default)]
pub(crate) struct Catalog {
    shapes: BTreeMap<Key, Arc<Shape>>,
    encodings: BTreeMap<Key, Key>,
    refused: BTreeMap<Key, String>,
}

impl Structures {
    /// Nothing is known yet. The options bound what one value may take.
    pub(crate) fn new(options: DecodingOptions) -> Self {
        let loaders = RawBodies::collection();
        Self {
            context: ContextOwned::new(NamespaceMap::new(), loaders, options),
            catalog: RwLock::default(),
        }
    }

    /// What a data type is, if that is known.
    pub(crate) fn shape(&self, data_type: &NodeId) -> Option<Arc<Shape>> {
        self.catalog.read().shape(&Key::node(data_type))
    }

    /// Remembers that a type cannot be learned, and why.
    pub(crate) fn refuse(&self, id: &NodeId, reason: String) {
        let mut catalog = self.catalog.write();
        if catalog.refused.len() < DEFINITIONS_MAX {
            catalog.refused.insert(Key::node(id), reason);
        }
    }
}

impl Catalog {
    fn shape(&self, key: &Key) -> Option<Arc<Shape>> {
        self.shapes.get(key).cloned()
    }

    /// The type that an encoding stands for. Some servers name the type where its encoding belongs.
    fn encoded(&self, id: &NodeId) -> Option<Arc<Shape>> {
        let id = Key::node(id);
        self.shape(self.encodings.get(&id).unwrap_or(&id))
    }

    fn insert(&mut self, key: Key, shape: Shape) {
        if self.shapes.len() < DEFINITIONS_MAX {
            if let Shape::Structure(structure) = &shape
                && let Some(encoding) = &structure.encoding
            {
                self.encodings.insert(Key::node(encoding), key.clone());
            }
            self.shapes.insert(key, Arc::new(shape));
        }
    }
}

/// The built-in type of a data type that needs no server to be known.
pub(crate) fn builtin(id: &NodeId) -> Option<Type> {
    definition::builtin(id).or_else(|| super::to_device::builtin(id))
}
