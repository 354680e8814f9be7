//! Bytes of a PLC as values and back. Pure.

use mainstem_adapter::convert;
use mainstem_model::{Timestamp, Value, ValueError};

use crate::data_type::{DataType, Format};

/// Why a value cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EncodeError {
    /// It has another type, or is out of range.
    #[error("the value does not fit: {0}")]
    Value(#[from] ValueError),
    /// It has more or fewer elements than the variable.
    #[error("{found} elements or bytes are given, the variable has {expected}")]
    Length {
        /// What fits.
        expected: usize,
        /// What was given.
        found: usize,
    },
    /// A character that the PLC cannot store.
    #[error("the character {0:?} is none of Latin-1, which is all that a STRING holds")]
    Character(char),
    /// A text that is longer than the variable.
    #[error("the variable holds {most} characters, {wanted} were given")]
    TooLong {
        /// What fits.
        most: usize,
        /// What was given.
        wanted: usize,
    },
    /// A moment that the type cannot hold.
    #[error("this moment is outside what the data type of the PLC can hold")]
    Moment,
}

impl EncodeError {
    /// A stable word.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Value(_) => "BadType",
            Self::Length { .. } => "BadLength",
            Self::Character(_) => "BadCharacter",
            Self::TooLong { .. } => "TooLong",
            Self::Moment => "BadMoment",
        }
    }
}

/// The value in the bytes of a variable; `None` where they make no sense as this type. `code` is
/// what a symbol says about its type.
pub(crate) fn decode(format: Format, code: u32, bytes: &[u8]) -> Option<Value> {
    let data_type = format.data_type.or_else(|| DataType::coded(code))?;
    if data_type.is_text() || data_type == DataType::Raw {
        // A text without a declared type would be none of a number.
        return format.data_type.map(|_| whole(data_type, bytes));
    }
    let unit = data_type.unit();
    if !format.array {
        return one(data_type, bytes).filter(|_| bytes.len() == unit);
    }
    let count = usize::try_from(format.length.unwrap_or(1)).ok()?;
    if bytes.len() != count.checked_mul(unit)? {
        return None;
    }
    let elements = bytes
        .chunks_exact(unit)
        .map(|element| one(data_type, element));
    Some(Value::Array(elements.collect::<Option<Vec<_>>>()?.into()))
}

fn whole(data_type: DataType, bytes: &[u8]) -> Value {
    match data_type {
        DataType::String => {
            let text = bytes.iter().take_while(|byte| **byte != 0);
            Value::text(&text.copied().map(char::from).collect::<String>())
        }
        DataType::Wstring => {
            let units = bytes
                .chunks_exact(2)
                .map(|two| u16::from_le_bytes([two[0], two[1]]));
            let units: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
            Value::text(&String::from_utf16_lossy(&units))
        }
        _ => Value::Bytes(bytes.into()),
    }
}

fn one(data_type: DataType, bytes: &[u8]) -> Option<Value> {
    Some(match data_type {
        DataType::Bool => Value::Bool(*bytes.first()? != 0),
        DataType::Signed(1) => Value::Int(i8::from_le_bytes(bytes.try_into().ok()?).into()),
        DataType::Signed(2) => Value::Int(i16::from_le_bytes(bytes.try_into().ok()?).into()),
        DataType::Signed(4) => Value::Int(i32::from_le_bytes(bytes.try_into().ok()?).into()),
        DataType::Signed(_) => Value::Int(i64::from_le_bytes(bytes.try_into().ok()?)),
        DataType::Unsigned(1) => Value::UInt((*bytes.first()?).into()),
        DataType::Unsigned(2) => Value::UInt(u16::from_le_bytes(bytes.try_into().ok()?).into()),
        DataType::Unsigned(4) => Value::UInt(u32::from_le_bytes(bytes.try_into().ok()?).into()),
        DataType::Unsigned(_) => Value::UInt(u64::from_le_bytes(bytes.try_into().ok()?)),
        DataType::Real => Value::F32(f32::from_le_bytes(bytes.try_into().ok()?)),
        DataType::Lreal => Value::F64(f64::from_le_bytes(bytes.try_into().ok()?)),
        DataType::Date => {
            let seconds = u32::from_le_bytes(bytes.try_into().ok()?);
            Value::Time(Timestamp::from_micros(i64::from(seconds) * 1_000_000))
        }
        DataType::Ldate => {
            let nanos = u64::from_le_bytes(bytes.try_into().ok()?);
            Value::Time(Timestamp::from_micros(i64::try_from(nanos / 1000).ok()?))
        }
        DataType::String | DataType::Wstring | DataType::Raw => return None,
    })
}

/// The bytes of a value for a variable of `size` bytes.
pub(crate) fn encode(
    format: Format,
    data_type: DataType,
    size: usize,
    value: &Value,
) -> Result<Vec<u8>, EncodeError> {
    let wanted = mainstem_model::ValueType {
        scalar: data_type.scalar(),
        array: format.array,
    };
    let value = convert(value.clone(), wanted)?;
    let bytes = match &value {
        Value::Array(items) => {
            let parts = items.iter().map(|item| element(data_type, item));
            parts.collect::<Result<Vec<_>, _>>()?.concat()
        }
        Value::Text(text) => return encode_text(format, data_type, size, text),
        Value::Bytes(bytes) => bytes.to_vec(),
        single => element(data_type, single)?,
    };
    match bytes.len() == size {
        true => Ok(bytes),
        false => Err(EncodeError::Length {
            expected: size / data_type.unit(),
            found: bytes.len() / data_type.unit(),
        }),
    }
}

fn encode_text(
    format: Format,
    data_type: DataType,
    size: usize,
    text: &str,
) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::with_capacity(size);
    if data_type == DataType::Wstring {
        bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    } else {
        for c in text.chars() {
            bytes.push(u8::try_from(u32::from(c)).map_err(|_| EncodeError::Character(c))?);
        }
    }
    let unit = data_type.unit();
    let room = (size / unit).saturating_sub(1);
    let allowed = format
        .length
        .and_then(|length| usize::try_from(length).ok());
    let most = allowed.map_or(room, |allowed| allowed.min(room));
    let wanted = bytes.len() / unit;
    if wanted > most {
        return Err(EncodeError::TooLong { most, wanted });
    }
    bytes.resize(size, 0);
    Ok(bytes)
}

/// The bytes of one element that is known to have its type.
fn element(data_type: DataType, value: &Value) -> Result<Vec<u8>, EncodeError> {
    Ok(match (value, data_type) {
        (Value::Time(moment), DataType::Date) => {
            let seconds = moment.micros().div_euclid(1_000_000);
            let seconds = u32::try_from(seconds).map_err(|_| EncodeError::Moment)?;
            seconds.to_le_bytes().into()
        }
        (Value::Time(moment), _) => {
            let micros = u64::try_from(moment.micros()).ok();
            let nanos = micros.and_then(|micros| micros.checked_mul(1000));
            nanos.ok_or(EncodeError::Moment)?.to_le_bytes().into()
        }
        (Value::Bool(on), _) => vec![u8::from(*on)],
        (Value::F32(number), _) => number.to_le_bytes().into(),
        (Value::F64(number), _) => number.to_le_bytes().into(),
        (whole, _) => {
            let whole = whole.as_integer().unwrap_or_default().to_le_bytes();
            whole[..data_type.unit().min(whole.len())].to_vec()
        }
    })
}

#[cfg(test)]
mod tests;
