//! The map `types:` of a remote: patterns with types. Its order counts, so it becomes a list.

use std::fmt;

use mainstem_model::{Glob, ValueType};
use serde::de::{Deserializer, MapAccess, Visitor};

/// Reads the map in the order of the file.
pub(super) fn in_order<'de, D: Deserializer<'de>>(
    input: D,
) -> Result<Vec<(Glob, ValueType)>, D::Error> {
    struct InOrder;

    impl<'de> Visitor<'de> for InOrder {
        type Value = Vec<(Glob, ValueType)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map of patterns and types")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut found = Vec::new();
            while let Some(entry) = map.next_entry()? {
                found.push(entry);
            }
            Ok(found)
        }
    }

    input.deserialize_map(InOrder)
}
