//! Bytes of a CPU as values and back. Pure.

mod clock;
mod text;

use mainstem_adapter::convert;
use mainstem_model::{Scalar, Value, ValueError};

use crate::data_type::{DataType, Format};

/// Why a value cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EncodeError {
    /// It has another type, or is out of range.
    #[error("the value does not fit: {0}")]
    Value(#[from] ValueError),
    /// It has more or fewer elements than the address.
    #[error("{found} elements or bytes are given, the address has {expected}")]
    Length {
        /// What the endpoint declares.
        expected: u16,
        /// What was given.
        found: usize,
    },
    /// A character that the CPU cannot store.
    #[error("the character {0:?} is none of Latin-1, which is all that CHAR and STRING hold")]
    Character(char),
    /// A moment that the type cannot hold.
    #[error("this moment is outside what the data type of the CPU can hold")]
    Moment,
}

impl EncodeError {
    /// A stable word.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Value(_) => "BadType",
            Self::Length { .. } => "BadLength",
            Self::Character(_) => "BadCharacter",
            Self::Moment => "BadMoment",
        }
    }
}

/// The value in the bytes of an address; `None` where they make no sense as this type.
pub(crate) fn decode(format: Format, bytes: &[u8]) -> Option<Value> {
    if bytes.len() != format.size() {
        return None;
    }
    if !format.array {
        return decode_one(format, bytes);
    }
    let elements = bytes.chunks_exact(format.data_type.unit());
    let elements = elements.map(|element| decode_one(format.element(), element));
    Some(Value::Array(elements.collect::<Option<Vec<_>>>()?.into()))
}

fn decode_one(format: Format, bytes: &[u8]) -> Option<Value> {
    use DataType as D;
    Some(match format.data_type {
        D::Bool => Value::Bool(bytes.first()? >> format.bit & 1 == 1),
        D::Byte | D::Usint => Value::UInt((*bytes.first()?).into()),
        D::Sint => Value::Int(i8::from_be_bytes(bytes.try_into().ok()?).into()),
        D::Word | D::Uint => Value::UInt(u16::from_be_bytes(bytes.try_into().ok()?).into()),
        D::Int => Value::Int(i16::from_be_bytes(bytes.try_into().ok()?).into()),
        D::Dword | D::Udint => Value::UInt(u32::from_be_bytes(bytes.try_into().ok()?).into()),
        D::Dint | D::Time => Value::Int(i32::from_be_bytes(bytes.try_into().ok()?).into()),
        D::TimeOfDay => {
            let millis = u32::from_be_bytes(bytes.try_into().ok()?);
            Value::UInt((millis < clock::DAY_MILLIS).then_some(millis)?.into())
        }
        D::Lword | D::Ulint => Value::UInt(u64::from_be_bytes(bytes.try_into().ok()?)),
        D::Ltod => {
            let nanos = u64::from_be_bytes(bytes.try_into().ok()?);
            Value::UInt((nanos < clock::DAY_NANOS).then_some(nanos)?)
        }
        D::Lint | D::Ltime => Value::Int(i64::from_be_bytes(bytes.try_into().ok()?)),
        D::Real => Value::F32(f32::from_be_bytes(bytes.try_into().ok()?)),
        D::Lreal => Value::F64(f64::from_be_bytes(bytes.try_into().ok()?)),
        D::Raw => Value::Bytes(bytes.into()),
        D::Char => text::decode_char(bytes),
        D::String => text::decode_string(bytes)?,
        D::Wstring => text::decode_wstring(bytes)?,
        D::Date => Value::Time(clock::decode_date(bytes)?),
        D::DateAndTime => Value::Time(clock::decode_date_and_time(bytes)?),
        D::Dtl => Value::Time(clock::decode_dtl(bytes)?),
        D::Ldt => Value::Time(clock::decode_ldt(bytes)?),
        D::S5time | D::Timer => Value::UInt(clock::decode_s5time(bytes)?.into()),
        D::Counter => Value::UInt(clock::decode_counter(bytes)?.into()),
    })
}

/// The bytes of a value. Of a `STRING` or `WSTRING` without the first part of the header, which
/// says how long it may become and is the CPU's own.
pub(crate) fn encode(format: Format, value: &Value) -> Result<Vec<u8>, EncodeError> {
    let value = convert(value.clone(), format.value_type())?;
    let Value::Array(elements) = &value else {
        return encode_one(format, &value);
    };
    if elements.len() != usize::from(format.length) {
        return Err(EncodeError::Length {
            expected: format.length,
            found: elements.len(),
        });
    }
    let mut bytes = Vec::with_capacity(format.size());
    for element in elements.iter() {
        bytes.extend(encode_one(format.element(), element)?);
    }
    Ok(bytes)
}

fn encode_one(format: Format, value: &Value) -> Result<Vec<u8>, EncodeError> {
    use DataType as D;
    match (value, format.data_type) {
        (Value::Time(moment), data_type) => {
            clock::encode(data_type, *moment).ok_or(EncodeError::Moment)
        }
        (Value::Text(written), D::Char) => text::encode_char(written, format.length),
        (Value::Text(written), D::Wstring) => text::encode_wstring(written, format.length),
        (Value::Text(written), _) => text::encode_string(written, format.length),
        (Value::Bytes(bytes), _) if bytes.len() == usize::from(format.length) => Ok(bytes.to_vec()),
        (Value::Bytes(bytes), _) => Err(EncodeError::Length {
            expected: format.length,
            found: bytes.len(),
        }),
        (Value::F32(number), _) => Ok(number.to_be_bytes().into()),
        (Value::F64(number), _) => Ok(number.to_be_bytes().into()),
        (number, D::S5time) => {
            let millis = number.as_integer().and_then(clock::encode_s5time);
            millis.ok_or(EncodeError::Moment)
        }
        (number, D::TimeOfDay | D::Ltod) => {
            let whole = number.as_integer().unwrap_or_default();
            let end = if format.data_type == D::Ltod {
                i128::from(clock::DAY_NANOS)
            } else {
                i128::from(clock::DAY_MILLIS)
            };
            if whole >= end {
                return Err(EncodeError::Moment);
            }
            Ok(low_bytes(whole, format.data_type.unit()))
        }
        (Value::Bool(on), _) => Ok(vec![u8::from(*on)]),
        (number, _) => {
            let whole = number.as_integer().ok_or(ValueError::Type {
                expected: Scalar::I64.into(),
                found: number.kind().to_owned(),
            })?;
            Ok(low_bytes(whole, format.data_type.unit()))
        }
    }
}

/// The lowest bytes of a number that is known to fit, the highest of them first.
fn low_bytes(whole: i128, count: usize) -> Vec<u8> {
    let all = whole.to_be_bytes();
    all[all.len() - count.min(all.len())..].to_vec()
}

#[cfg(test)]
mod tests;
