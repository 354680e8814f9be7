//! What arrives, as a value of the declared type. Only what loses nothing is converted; all else
//! is `bad_type`, counted under the type that was found.

use mainstem_adapter::{PointId, Reading, Statistics};
use mainstem_model::{Quality, Reason, Scalar, Timestamp, Value, ValueType};
use opcua::types::{Array, DataValue, DateTime, NodeId, Variant, VariantScalarTypeId};

use super::json::plain;
use super::structures::{Missing, Shape, Structures};
use crate::quality;

/// 1970 in OPC UA's count: intervals of 100 ns since 1601.
pub(crate) const TICKS_AT_1970: i64 = 116_444_736_000_000_000;
/// OPC UA's count per microsecond.
pub(crate) const TICKS_PER_MICRO: i64 = 10;
/// Up to here every integer is a 64-bit float exactly.
const EXACT_F64: u128 = 1 << f64::MANTISSA_DIGITS;
/// Up to here every integer is a 32-bit float exactly.
const EXACT_F32: u128 = 1 << f32::MANTISSA_DIGITS;

/// The statistics code of what was found instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mismatch(pub(crate) &'static str);

/// What has to be known before a value can be read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Need {
    /// The type behind an encoding.
    Encoding(NodeId),
    /// The node's own data type.
    OwnType,
}

/// How the values of a point are read.
#[derive(Clone, Copy)]
pub(crate) struct Lens<'a> {
    /// The declared type.
    pub(crate) declared: ValueType,
    /// Whether values of enumerations are names.
    pub(crate) names: bool,
    /// Whether a part of an array is asked for.
    pub(crate) part: bool,
    /// The node's own data type: not asked for yet, or not to be known, or known.
    pub(crate) own: Option<Option<&'a Shape>>,
    /// The server's types.
    pub(crate) structures: &'a Structures,
}

/// A reading from what a read or a notification gave.
pub(crate) fn reading(
    point: PointId,
    found: &DataValue,
    lens: Lens,
    statistics: &Statistics,
) -> Result<Reading, Need> {
    let status = found.status.unwrap_or_default();
    let mut quality = quality::of_status(status.bits());
    let mut converted = None;
    if quality::has_value(quality) {
        match lens.value(found.value.as_ref().unwrap_or(&Variant::Empty)) {
            Ok(value) => converted = Some(value),
            Err(Unread::Need(need)) => return Err(need),
            Err(Unread::Mismatch(Mismatch(code))) => {
                statistics.failed(code);
                quality = Quality::of(Reason::BadType);
            }
        }
    } else {
        statistics.failed(status.sub_code().name());
    }
    if quality::overflowed(status.bits()) {
        statistics.failed("queue_overflow");
    }
    let stamp = found.source_timestamp.filter(|stamp| stamp.ticks() > 0);
    Ok(Reading {
        point,
        value: converted,
        quality,
        source_time: stamp.map(time),
    })
}

enum Unread {
    Need(Need),
    Mismatch(Mismatch),
}

impl From<Mismatch> for Unread {
    fn from(mismatch: Mismatch) -> Self {
        Self::Mismatch(mismatch)
    }
}

impl Lens<'_> {
    fn value(&self, found: &Variant) -> Result<Value, Unread> {
        // A single element of an array is an array of one.
        if self.part
            && !self.declared.array
            && let Variant::Array(array) = found
            && let [one] = &array.values[..]
        {
            return self.whole(one);
        }
        self.whole(found)
    }

    fn whole(&self, found: &Variant) -> Result<Value, Unread> {
        let Self { declared, .. } = self;
        let is_number = integer(found).is_some();
        if !declared.array && declared.scalar == Scalar::Text && is_number {
            return self.name(found);
        }
        if declared.array || declared.scalar != Scalar::Json {
            return Ok(value(found, *declared)?);
        }
        let shape = match self.own {
            None if self.names => return Err(Unread::Need(Need::OwnType)),
            None => None,
            Some(shape) => shape,
        };
        let json = self.structures.json(found, shape, self.names);
        let json = json.map_err(|missing| match missing {
            Missing::Encoding(id) => Unread::Need(Need::Encoding(id)),
            Missing::Endless => Unread::Mismatch(Mismatch("bad_type_too_deep")),
        })?;
        Ok(checked(Value::Json(json.to_string().into()), *declared)?)
    }

    // A number declared as text is the name of an enumeration's value, or nothing.
    fn name(&self, found: &Variant) -> Result<Value, Unread> {
        let Some(shape) = self.own else {
            return Err(Unread::Need(Need::OwnType));
        };
        let number = integer(found).and_then(|number| i64::try_from(number).ok());
        let name = match (shape, number) {
            (Some(Shape::Enumeration(enumeration)), Some(number)) => {
                let known = enumeration.name(number).map(str::to_owned);
                Some(known.unwrap_or_else(|| number.to_string()))
            }
            _ => None,
        };
        let name = name.ok_or(Mismatch(found_code(found)))?;
        Ok(checked(Value::text(&name), self.declared)?)
    }
}

/// A value of the declared type, of what needs no server to be understood.
pub(crate) fn value(found: &Variant, declared: ValueType) -> Result<Value, Mismatch> {
    let mismatch = Mismatch(found_code(found));
    let value = match (found, declared) {
        (
            Variant::ByteString(_),
            ValueType {
                scalar: Scalar::U8,
                array: true,
            },
        ) => bytes(found)
            .map(|bytes| {
                bytes
                    .iter()
                    .map(|byte| Value::UInt(u64::from(*byte)))
                    .collect()
            })
            .map(Value::Array),
        (
            Variant::Array(array),
            ValueType {
                scalar: Scalar::Bytes,
                array: false,
            },
        ) if array.value_type == VariantScalarTypeId::Byte && is_flat(array) => {
            bytes(found).map(|bytes| Value::Bytes(bytes.into()))
        }
        (
            Variant::Array(array),
            ValueType {
                scalar: element,
                array: true,
            },
        ) if is_flat(array) => {
            let items: Option<_> = array
                .values
                .iter()
                .map(|item| scalar(item, element))
                .collect();
            items.map(Value::Array)
        }
        (Variant::Array(_), _) | (_, ValueType { array: true, .. }) => None,
        (
            _,
            ValueType {
                scalar: element, ..
            },
        ) => scalar(found, element),
    };
    checked(value.ok_or(mismatch)?, declared)
}

fn checked(value: Value, declared: ValueType) -> Result<Value, Mismatch> {
    match value.check(declared) {
        Ok(()) => Ok(value),
        Err(_) => Err(Mismatch("bad_type_too_large")),
    }
}

/// A moment in microseconds. What lies outside of OPC UA's years is its first or last moment
/// (part 6, 5.2.2.5).
pub(crate) fn time(moment: DateTime) -> Timestamp {
    let ticks = moment.ticks().clamp(0, DateTime::endtimes_ticks());
    Timestamp::from_micros((ticks - TICKS_AT_1970).div_euclid(TICKS_PER_MICRO))
}

fn is_flat(array: &Array) -> bool {
    array
        .dimensions
        .as_ref()
        .is_none_or(|dimensions| dimensions.len() <= 1)
}

fn scalar(found: &Variant, declared: Scalar) -> Option<Value> {
    match declared {
        Scalar::Bool => match found {
            Variant::Boolean(value) => Some(Value::Bool(*value)),
            _ => None,
        },
        Scalar::F32 => match found {
            Variant::Float(value) => Some(Value::F32(*value)),
            #[expect(
                clippy::cast_precision_loss,
                reason = "the integer is exact in the float"
            )]
            _ => exact(found, EXACT_F32).map(|number| Value::F32(number as f32)),
        },
        Scalar::F64 => match found {
            Variant::Double(value) => Some(Value::F64(*value)),
            Variant::Float(value) => Some(Value::F64(f64::from(*value))),
            #[expect(
                clippy::cast_precision_loss,
                reason = "the integer is exact in the float"
            )]
            _ => exact(found, EXACT_F64).map(|number| Value::F64(number as f64)),
        },
        Scalar::Text => text(found).map(|text| Value::text(&text)),
        Scalar::Bytes => match found {
            Variant::ByteString(value) => Some(Value::Bytes(value.as_ref().into())),
            _ => None,
        },
        Scalar::Time => match found {
            Variant::DateTime(moment) => Some(Value::Time(time(**moment))),
            _ => None,
        },
        Scalar::Json => match found {
            Variant::ExtensionObject(_)
            | Variant::Variant(_)
            | Variant::DataValue(_)
            | Variant::Array(_) => None,
            single => Some(Value::Json(plain(single).to_string().into())),
        },
        _ => integer(found).and_then(|number| Value::integer(number, declared.into()).ok()),
    }
}

fn exact(found: &Variant, limit: u128) -> Option<i128> {
    integer(found).filter(|number| number.unsigned_abs() <= limit)
}

pub(super) fn integer(found: &Variant) -> Option<i128> {
    Some(match found {
        Variant::SByte(value) => i128::from(*value),
        Variant::Byte(value) => i128::from(*value),
        Variant::Int16(value) => i128::from(*value),
        Variant::UInt16(value) => i128::from(*value),
        Variant::Int32(value) => i128::from(*value),
        Variant::UInt32(value) => i128::from(*value),
        Variant::Int64(value) => i128::from(*value),
        Variant::UInt64(value) => i128::from(*value),
        Variant::StatusCode(value) => i128::from(value.bits()),
        _ => return None,
    })
}

// A null text is an empty text: nobody can show the difference.
pub(super) fn text(found: &Variant) -> Option<String> {
    Some(match found {
        Variant::String(value) => value.as_ref().to_owned(),
        Variant::LocalizedText(value) => value.text.as_ref().to_owned(),
        Variant::QualifiedName(value) => value.name.as_ref().to_owned(),
        Variant::XmlElement(value) => value.to_string(),
        Variant::Guid(value) => value.to_string(),
        Variant::NodeId(value) => value.to_string(),
        Variant::ExpandedNodeId(value) => value.to_string(),
        _ => return None,
    })
}

fn bytes(found: &Variant) -> Option<Vec<u8>> {
    match found {
        Variant::ByteString(value) => Some(value.as_ref().to_vec()),
        Variant::Array(array) => array
            .values
            .iter()
            .map(|item| match item {
                Variant::Byte(byte) => Some(*byte),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

fn found_code(found: &Variant) -> &'static str {
    match found {
        Variant::Empty => "bad_type_null",
        Variant::Boolean(_) => "bad_type_Boolean",
        Variant::SByte(_) => "bad_type_SByte",
        Variant::Byte(_) => "bad_type_Byte",
        Variant::Int16(_) => "bad_type_Int16",
        Variant::UInt16(_) => "bad_type_UInt16",
        Variant::Int32(_) => "bad_type_Int32",
        Variant::UInt32(_) => "bad_type_UInt32",
        Variant::Int64(_) => "bad_type_Int64",
        Variant::UInt64(_) => "bad_type_UInt64",
        Variant::Float(_) => "bad_type_Float",
        Variant::Double(_) => "bad_type_Double",
        Variant::String(_) => "bad_type_String",
        Variant::DateTime(_) => "bad_type_DateTime",
        Variant::ByteString(_) => "bad_type_ByteString",
        Variant::LocalizedText(_) => "bad_type_LocalizedText",
        Variant::ExtensionObject(_) => "bad_type_Structure",
        Variant::Array(array) if is_flat(array) => "bad_type_array",
        Variant::Array(_) => "bad_type_matrix",
        _ => "bad_type_other",
    }
}
