//! A value that is written, as the node's own data type wants it.

use mainstem_model::Value;
use opcua::types::{
    Array, ByteString, DataValue, DateTime, Guid, Identifier, LocalizedText, NodeId, UAString,
    Variant, VariantScalarTypeId as Type,
};

use super::from_device::{TICKS_AT_1970, TICKS_PER_MICRO};

/// How far from an integer a float may be to be written as one: what scaling there and back
/// leaves behind.
const ROUNDING: f64 = 1e-9;

/// What a node holds, read once per session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct NodeType {
    /// The built-in type of the value, or of each element.
    pub(crate) scalar: Type,
    /// Whether it is an array.
    pub(crate) array: bool,
}

impl NodeType {
    /// From the attributes DataType, ValueRank and Value of a node. A type of the server's own
    /// (an enumeration, say) tells its built-in type by the value it has now.
    pub(crate) fn learn(
        data_type: &DataValue,
        value_rank: &DataValue,
        current: &DataValue,
    ) -> Option<Self> {
        let current = current.value.as_ref();
        let declared = match &data_type.value {
            Some(Variant::NodeId(id)) => builtin(id),
            _ => None,
        };
        let scalar = match current {
            Some(Variant::Array(array)) => Some(array.value_type),
            Some(value) => value.scalar_type_id(),
            None => None,
        };
        let rank = match value_rank.value {
            Some(Variant::Int32(rank)) => rank,
            _ => -2,
        };
        // Ranks: -1 is a scalar, 1 an array, -3 to 0 leave it to the value.
        let array = rank == 1 || (rank != -1 && matches!(current, Some(Variant::Array(_))));
        Some(Self {
            scalar: declared.or(scalar)?,
            array,
        })
    }
}

// Built-in types have the ids 1 to 25 in namespace 0; of their well-known subtypes those matter
// that a variable has and that may have no value yet.
pub(super) fn builtin(id: &NodeId) -> Option<Type> {
    let Identifier::Numeric(number) = id.identifier else {
        return None;
    };
    match (id.namespace, number) {
        (0, 1..=21) => Type::try_from(number).ok(),
        // Enumeration, and numbers under other names: Duration, UtcTime, LocaleId, UriString.
        (0, 29) => Some(Type::Int32),
        (0, 290) => Some(Type::Double),
        (0, 294) => Some(Type::DateTime),
        (0, 295 | 23_751) => Some(Type::String),
        _ => None,
    }
}

/// Converts; if that is impossible, why.
pub(crate) fn variant(value: &Value, node: NodeType) -> Result<Variant, String> {
    match (value, node) {
        (
            Value::Array(items),
            NodeType {
                array: true,
                scalar,
            },
        ) => {
            let values: Vec<_> = items
                .iter()
                .map(|item| element(item, scalar))
                .collect::<Result<_, _>>()?;
            let array = Array::new(scalar, values).map_err(|error| error.to_string())?;
            Ok(Variant::Array(Box::new(array)))
        }
        (
            Value::Bytes(bytes),
            NodeType {
                array: true,
                scalar: Type::Byte,
            },
        ) => {
            let values: Vec<_> = bytes.iter().map(|byte| Variant::Byte(*byte)).collect();
            let array = Array::new(Type::Byte, values).map_err(|error| error.to_string())?;
            Ok(Variant::Array(Box::new(array)))
        }
        (
            _,
            NodeType {
                array: true,
                scalar,
            },
        ) => Err(format!(
            "the node holds an array of {scalar}, not {}",
            value.kind()
        )),
        (Value::Array(_), NodeType { scalar, .. }) => {
            Err(format!("the node holds one {scalar}, not an array"))
        }
        _ => element(value, node.scalar),
    }
}

pub(super) fn element(value: &Value, wanted: Type) -> Result<Variant, String> {
    let converted = match (wanted, value) {
        (Type::Boolean, Value::Bool(value)) => Variant::Boolean(*value),
        (Type::Float, _) => return float(value),
        (Type::Double, _) => Variant::Double(double(value)?),
        (Type::String, Value::Text(text) | Value::Json(text)) => {
            Variant::String(UAString::from(text.as_ref()))
        }
        (Type::LocalizedText, Value::Text(text)) => {
            Variant::LocalizedText(Box::new(LocalizedText::from(text.as_ref())))
        }
        (Type::Guid, Value::Text(text)) => {
            let guid: Guid = text.parse().map_err(|_| format!("{text:?} is no GUID"))?;
            Variant::Guid(Box::new(guid))
        }
        (Type::ByteString, Value::Bytes(bytes)) => {
            Variant::ByteString(ByteString::from(bytes.to_vec()))
        }
        (Type::DateTime, Value::Time(moment)) => {
            let ticks = moment.micros().saturating_mul(TICKS_PER_MICRO);
            // OPC UA has no moment before 1601.
            let ticks = ticks.saturating_add(TICKS_AT_1970).max(0);
            Variant::DateTime(Box::new(DateTime::from(ticks)))
        }
        (Type::Variant, _) => return natural(value),
        _ => return integer(value, wanted),
    };
    Ok(converted)
}

// A node of any type takes the value as it is.
fn natural(value: &Value) -> Result<Variant, String> {
    let wanted = match value {
        Value::Bool(_) => Type::Boolean,
        Value::Int(_) => Type::Int64,
        Value::UInt(_) => Type::UInt64,
        Value::F32(_) => Type::Float,
        Value::F64(_) => Type::Double,
        Value::Text(_) | Value::Json(_) => Type::String,
        Value::Bytes(_) => Type::ByteString,
        Value::Time(_) => Type::DateTime,
        Value::Array(_) => return Err("the node holds any single value, not an array".into()),
    };
    element(value, wanted)
}

fn float(value: &Value) -> Result<Variant, String> {
    if let Value::F32(value) = value {
        return Ok(Variant::Float(*value));
    }
    let double = double(value)?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the nearest float is what is wanted"
    )]
    let float = double as f32;
    if float.is_infinite() && double.is_finite() {
        return Err(format!("{double} is out of the range of Float"));
    }
    Ok(Variant::Float(float))
}

fn double(value: &Value) -> Result<f64, String> {
    match value {
        Value::F64(value) => Ok(*value),
        Value::F32(value) => Ok(f64::from(*value)),
        Value::Int(_) | Value::UInt(_) => {
            let number = value.as_f64().unwrap_or_default();
            #[expect(
                clippy::cast_possible_truncation,
                reason = "compared with the original"
            )]
            let back = number as i128;
            if Some(back) == value.as_integer() {
                Ok(number)
            } else {
                Err(format!(
                    "a float would change {}",
                    value.as_integer().unwrap_or_default()
                ))
            }
        }
        other => Err(format!("the node holds a number, not {}", other.kind())),
    }
}

fn integer(value: &Value, wanted: Type) -> Result<Variant, String> {
    let number = match (value, value.as_integer()) {
        (_, Some(number)) => number,
        (Value::F32(_) | Value::F64(_), None) => whole(value.as_f64().unwrap_or(f64::NAN))?,
        _ => return Err(format!("the node holds {wanted}, not {}", value.kind())),
    };
    let converted = match wanted {
        Type::SByte => number.try_into().map(Variant::SByte).ok(),
        Type::Byte => number.try_into().map(Variant::Byte).ok(),
        Type::Int16 => number.try_into().map(Variant::Int16).ok(),
        Type::UInt16 => number.try_into().map(Variant::UInt16).ok(),
        Type::Int32 => number.try_into().map(Variant::Int32).ok(),
        Type::UInt32 => number.try_into().map(Variant::UInt32).ok(),
        Type::Int64 => number.try_into().map(Variant::Int64).ok(),
        Type::UInt64 => number.try_into().map(Variant::UInt64).ok(),
        _ => return Err(format!("the node holds {wanted}, not {}", value.kind())),
    };
    converted.ok_or_else(|| format!("{number} is out of the range of {wanted}"))
}

fn whole(number: f64) -> Result<i128, String> {
    let rounded = number.round();
    if number.is_finite() && (number - rounded).abs() <= ROUNDING * number.abs().max(1.0) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "saturates, and is checked after"
        )]
        return Ok(rounded as i128);
    }
    Err(format!("{number} is no integer, and the node holds one"))
}
