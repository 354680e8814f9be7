//! What a value is meant to be: between what devices send and what datapoints hold.

use std::sync::Arc;

use mainstem_adapter::convert;
use mainstem_model::{Scalar, Value, ValueType};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::codec::value::{self, Raw};
use crate::codec::{ObjectId, moment};

/// The types of BACnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(crate) enum DataType {
    /// A number with 32 bits.
    Real,
    /// A number with 64 bits.
    Double,
    /// A number that is not negative.
    Unsigned,
    /// A whole number.
    Signed,
    /// True or false.
    Boolean,
    /// A number that stands for a word.
    Enumerated,
    /// An enumeration of 0, inactive, and 1, active.
    Switch,
    /// A text.
    CharacterString,
    /// Bytes.
    OctetString,
    /// Several bits.
    BitString,
    /// A day.
    Date,
    /// A time of day.
    Time,
    /// A day and a time of day.
    Datetime,
    /// A type and an instance.
    ObjectIdentifier,
    /// Whatever it is, as JSON.
    Json,
}

impl DataType {
    /// The type of a datapoint that holds it.
    pub(crate) fn value_type(self) -> ValueType {
        let scalar = match self {
            Self::Real => Scalar::F32,
            Self::Double => Scalar::F64,
            Self::Unsigned => Scalar::U32,
            Self::Signed => Scalar::I32,
            Self::Boolean | Self::Switch | Self::BitString => Scalar::Bool,
            Self::Enumerated => Scalar::U32,
            Self::CharacterString | Self::Date | Self::Time | Self::ObjectIdentifier => {
                Scalar::Text
            }
            Self::OctetString => Scalar::Bytes,
            Self::Datetime => Scalar::Time,
            Self::Json => Scalar::Json,
        };
        ValueType {
            scalar,
            array: self == Self::BitString,
        }
    }
}

/// The value that a device sent; `None` where it cannot be one of this type. Numbers stay what they
/// are on the wire, for the runner converts them.
pub(crate) fn from_raw(data_type: DataType, values: &[Raw]) -> Option<Value> {
    match (data_type, values) {
        (DataType::Json, [one]) => Some(json(&value::to_json(one))),
        (DataType::Json, several) => {
            let items = several.iter().map(value::to_json).collect();
            Some(json(&serde_json::Value::Array(items)))
        }
        (DataType::Datetime, [Raw::Group(_, inner)]) => value::to_moment(inner).map(Value::Time),
        (DataType::Datetime, several) => value::to_moment(several).map(Value::Time),
        (data_type, [one]) => single(data_type, one),
        _ => None,
    }
}

fn single(data_type: DataType, raw: &Raw) -> Option<Value> {
    match (data_type, raw) {
        (DataType::CharacterString, Raw::Text(text)) => Some(Value::text(text)),
        (DataType::OctetString, Raw::Octets(bytes)) => Some(Value::Bytes(bytes.as_slice().into())),
        (DataType::BitString, Raw::Bits(bits)) => {
            let bits: Arc<[Value]> = bits.iter().map(|bit| Value::Bool(*bit)).collect();
            Some(Value::Array(bits))
        }
        (DataType::Date, Raw::Date(date)) => Some(Value::text(&moment::date_text(*date))),
        (DataType::Time, Raw::Time(time)) => Some(Value::text(&moment::time_text(*time))),
        (DataType::ObjectIdentifier, Raw::Object(object)) => {
            Some(Value::text(&crate::names::object_text(*object)))
        }
        (DataType::Switch, Raw::Enumerated(number)) => match number {
            0 => Some(Value::Bool(false)),
            1 => Some(Value::Bool(true)),
            _ => None,
        },
        (
            DataType::Real
            | DataType::Double
            | DataType::Unsigned
            | DataType::Signed
            | DataType::Boolean
            | DataType::Enumerated
            | DataType::Switch,
            raw,
        ) => number(raw),
        _ => None,
    }
}

fn number(raw: &Raw) -> Option<Value> {
    Some(match raw {
        Raw::Boolean(on) => Value::Bool(*on),
        Raw::Unsigned(number) => Value::UInt(*number),
        Raw::Signed(number) => Value::Int(*number),
        Raw::Real(number) => Value::F32(*number),
        Raw::Double(number) => Value::F64(*number),
        Raw::Enumerated(number) => Value::UInt(u64::from(*number)),
        _ => return None,
    })
}

fn json(value: &serde_json::Value) -> Value {
    Value::Json(value.to_string().into())
}

/// What a device is sent for a value, or why that cannot be.
pub(crate) fn to_raw(data_type: DataType, value: &Value) -> Result<Vec<Raw>, String> {
    let wrong = || format!("{value:?} is no {data_type:?}");
    let whole = |scalar| number_as(value, scalar)?.as_integer().ok_or_else(wrong);
    let raw = match (data_type, value) {
        (DataType::Json, Value::Json(text)) if text.trim() == "null" => Raw::Null,
        (DataType::Json, _) => {
            return Err("only null can be written as JSON: give the endpoint a `dataType`".into());
        }
        (DataType::Real, _) => match number_as(value, Scalar::F32)? {
            Value::F32(number) => Raw::Real(number),
            _ => return Err(wrong()),
        },
        (DataType::Double, _) => match number_as(value, Scalar::F64)? {
            Value::F64(number) => Raw::Double(number),
            _ => return Err(wrong()),
        },
        (DataType::Unsigned, _) => {
            Raw::Unsigned(u64::try_from(whole(Scalar::U64)?).map_err(|_| wrong())?)
        }
        (DataType::Signed, _) => {
            Raw::Signed(i64::try_from(whole(Scalar::I64)?).map_err(|_| wrong())?)
        }
        (DataType::Enumerated | DataType::Switch, _) => {
            let number = u32::try_from(whole(Scalar::U32)?).map_err(|_| wrong())?;
            if data_type == DataType::Switch && number > 1 {
                return Err(wrong());
            }
            Raw::Enumerated(number)
        }
        (DataType::Boolean, _) => match number_as(value, Scalar::Bool)? {
            Value::Bool(on) => Raw::Boolean(on),
            _ => return Err(wrong()),
        },
        (DataType::CharacterString, Value::Text(text)) => Raw::Text(text.to_string()),
        (DataType::OctetString, Value::Bytes(bytes)) => Raw::Octets(bytes.to_vec()),
        (DataType::BitString, Value::Array(items)) => {
            let bit = |item: &Value| match item {
                Value::Bool(on) => Some(*on),
                _ => None,
            };
            Raw::Bits(
                items
                    .iter()
                    .map(bit)
                    .collect::<Option<_>>()
                    .ok_or_else(wrong)?,
            )
        }
        (DataType::Date, Value::Text(text)) => {
            let date = moment::date(text);
            Raw::Date(date.ok_or_else(|| format!("`{text}` is no date such as 2026-11-20"))?)
        }
        (DataType::Time, Value::Text(text)) => {
            let time = moment::time(text);
            Raw::Time(time.ok_or_else(|| format!("`{text}` is no time such as 13:05:00"))?)
        }
        (DataType::Datetime, Value::Time(at)) => {
            let (date, time) = moment::parts(*at).ok_or_else(wrong)?;
            return Ok(vec![Raw::Date(date), Raw::Time(time)]);
        }
        (DataType::ObjectIdentifier, Value::Text(text)) => {
            Raw::Object(object(text).ok_or_else(|| format!("`{text}` is no object"))?)
        }
        _ => return Err(wrong()),
    };
    Ok(vec![raw])
}

fn number_as(value: &Value, scalar: Scalar) -> Result<Value, String> {
    convert(value.clone(), ValueType::from(scalar)).map_err(|error| error.to_string())
}

/// An object as `analog-input,3`.
pub(crate) fn object(text: &str) -> Option<ObjectId> {
    let (kind, instance) = text.rsplit_once([',', ':'])?;
    let instance = instance.trim().parse().ok()?;
    let kind = crate::names::kind(kind.trim())?;
    (instance <= crate::codec::INSTANCE_MAX).then_some(ObjectId { kind, instance })
}
