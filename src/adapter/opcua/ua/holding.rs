//! What a node holds, and values for it.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use mainstem_model::Value;
use opcua::types::{
    Array, DataValue, NumericRange, ReadValueId, Variant, VariantScalarTypeId as Type,
};
use serde_json::Value as Json;

use super::structures::{Shape, Structures};
use super::to_device::{NodeType, variant};

/// What a node holds, read once per session.
#[derive(Clone)]
pub(crate) struct Holding {
    node: NodeType,
    rank: i32,
    shape: Option<Arc<Shape>>,
}

impl Holding {
    /// From the attributes of a node. A type of the server's own tells what it is by its
    /// definition, or by the value that the node has now.
    pub(super) fn new(
        node: Option<NodeType>,
        value_rank: &DataValue,
        shape: Option<Arc<Shape>>,
    ) -> Option<Self> {
        let rank = match value_rank.value {
            Some(Variant::Int32(rank)) => rank,
            _ => -2,
        };
        let array = node.map_or(rank > 0, |node| node.array);
        let scalar = match shape.as_deref() {
            Some(Shape::Plain(scalar)) => Some(*scalar),
            Some(Shape::Structure(_)) => Some(Type::ExtensionObject),
            Some(Shape::Enumeration(enumeration)) => Some(enumeration.encoded()),
            None => None,
        };
        // A type that leaves the choice to the value has the value's.
        let told = scalar.filter(|scalar| *scalar != Type::Variant);
        let scalar = told.or(node.map(|node| node.scalar)).or(scalar)?;
        Some(Self {
            node: NodeType { scalar, array },
            rank,
            shape,
        })
    }

    /// Converts; if that is impossible, why.
    pub(super) fn variant(
        &self,
        value: &Value,
        spot: &ReadValueId,
        structures: &Structures,
    ) -> Result<Variant, String> {
        let part = spot.index_range != NumericRange::None;
        // One element of an array is written as an array of one.
        if part && !matches!(value, Value::Array(_) | Value::Json(_)) {
            let one = self.whole(value, false, structures)?;
            let array = Array::new(self.node.scalar, vec![one]).map_err(|why| why.to_string())?;
            return Ok(Variant::Array(Box::new(array)));
        }
        self.whole(value, self.node.array, structures)
    }

    fn whole(
        &self,
        value: &Value,
        array: bool,
        structures: &Structures,
    ) -> Result<Variant, String> {
        let shape = self.shape.as_deref();
        match (value, shape) {
            (Value::Json(_), _) | (Value::Text(_), Some(Shape::Enumeration(_))) => {
                let json = as_json(value)?;
                let is_one = matches!(value, Value::Text(_)) && !array;
                let rank = if is_one { -1 } else { self.rank };
                structures.from_json(&json, self.node.scalar, rank, shape)
            }
            _ => variant(value, NodeType { array, ..self.node }),
        }
    }
}

/// A value as JSON.
pub(super) fn as_json(value: &Value) -> Result<Json, String> {
    Ok(match value {
        Value::Json(text) => serde_json::from_str(text).map_err(|why| why.to_string())?,
        Value::Bool(value) => (*value).into(),
        Value::Int(value) => (*value).into(),
        Value::UInt(value) => (*value).into(),
        Value::F32(value) => f64::from(*value).into(),
        Value::F64(value) => (*value).into(),
        Value::Text(text) => text.as_ref().into(),
        Value::Bytes(bytes) => BASE64.encode(bytes).into(),
        Value::Time(moment) => moment.to_string().into(),
        Value::Array(items) => items.iter().map(as_json).collect::<Result<Json, _>>()?,
    })
}
