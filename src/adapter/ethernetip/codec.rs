//! What a controller sends as values, and values as what it takes. Pure.

mod text;

use mainstem_adapter::convert;
use mainstem_model::{Scalar, Value, ValueError};

use crate::data_type::{DataType, Format, STRUCTURE, Shape, WORD_OF_BOOLS};

pub(crate) use text::encode_text;

/// The type and the bytes of a tag, as an answer has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Payload {
    /// The code of the type.
    pub(crate) code: u16,
    /// Which structure it is, if it is one.
    pub(crate) handle: u16,
    /// The elements.
    pub(crate) bytes: Vec<u8>,
}

/// What an answer holds is not what the endpoint says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the tag is {found}, not {expected}: {advice}")]
pub(crate) struct Mismatch {
    found: String,
    expected: &'static str,
    advice: String,
}

/// Why a value cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EncodeError {
    /// It has another type, or is out of range.
    #[error("the value does not fit: {0}")]
    Value(#[from] ValueError),
    /// It has more or fewer elements than the endpoint.
    #[error("{found} elements are given, the endpoint has {expected}")]
    Length {
        /// What the endpoint declares.
        expected: u16,
        /// What was given.
        found: usize,
    },
    /// A character that the controller cannot store.
    #[error("the character {0:?} is none of Latin-1, which is all that a STRING holds")]
    Character(char),
    /// A text that is longer than the tag.
    #[error("the tag holds {most} characters, {wanted} were given")]
    TooLong {
        /// What fits.
        most: usize,
        /// What was given.
        wanted: usize,
    },
    /// The tag has no form that texts are written in.
    #[error("{0}")]
    NoText(String),
}

impl EncodeError {
    /// A stable word.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Value(_) | Self::NoText(_) => "BadType",
            Self::Length { .. } => "BadLength",
            Self::Character(_) => "BadCharacter",
            Self::TooLong { .. } => "TooLong",
        }
    }
}

/// What a person calls the type of an answer.
fn found(payload: &Payload) -> String {
    match (DataType::coded(payload.code), payload.code) {
        (Some(known), _) => known.name.to_owned(),
        (None, STRUCTURE) => "a structure".to_owned(),
        (None, other) => format!("of type {other:#06x}"),
    }
}

fn mismatch(payload: &Payload, expected: &'static str) -> Mismatch {
    let found = found(payload);
    let advice = match (payload.code, DataType::coded(payload.code)) {
        (STRUCTURE, _) => "name one of its members".to_owned(),
        (WORD_OF_BOOLS, _) if expected == "BOOL" => {
            "for an element of an array of BOOL set `packed: true`".to_owned()
        }
        (_, Some(_)) => format!("set `tagType: {found}`, and look at `length`"),
        (_, None) => "this type is not supported".to_owned(),
    };
    Mismatch {
        found,
        expected,
        advice,
    }
}

/// The value in an answer.
pub(crate) fn decode(format: Format, payload: &Payload) -> Result<Value, Mismatch> {
    match format.shape {
        Shape::Number => number(payload).ok_or_else(|| mismatch(payload, "a number")),
        Shape::Bit(bit) => {
            let word = integer(payload).filter(|(_, bits)| bit < *bits);
            let (word, _) = word.ok_or_else(|| mismatch(payload, "an integer with this bit"))?;
            Ok(Value::Bool(word >> bit & 1 == 1))
        }
        Shape::Packed(bit) => {
            packed(format, payload, bit).ok_or_else(|| mismatch(payload, "an array of BOOL"))
        }
        Shape::Elements(data_type) if data_type.is_text() => {
            text::decode_text(payload).ok_or_else(|| mismatch(payload, "STRING"))
        }
        Shape::Elements(data_type) => {
            let wrong = || mismatch(payload, data_type.name);
            let expected = data_type.size * usize::from(format.length);
            if payload.code != data_type.code || payload.bytes.len() != expected {
                return Err(wrong());
            }
            let elements = payload.bytes.chunks_exact(data_type.size);
            let mut elements = elements.map(|bytes| one(data_type.scalar, bytes));
            let value = match format.array {
                false => elements.next().flatten(),
                true => elements
                    .collect::<Option<Vec<_>>>()
                    .map(|all| Value::Array(all.into())),
            };
            value.ok_or_else(wrong)
        }
    }
}

fn one(scalar: Scalar, bytes: &[u8]) -> Option<Value> {
    Some(match scalar {
        Scalar::Bool => Value::Bool(*bytes.first()? != 0),
        Scalar::I8 => Value::Int(i8::from_le_bytes(bytes.try_into().ok()?).into()),
        Scalar::I16 => Value::Int(i16::from_le_bytes(bytes.try_into().ok()?).into()),
        Scalar::I32 => Value::Int(i32::from_le_bytes(bytes.try_into().ok()?).into()),
        Scalar::I64 => Value::Int(i64::from_le_bytes(bytes.try_into().ok()?)),
        Scalar::U8 => Value::UInt((*bytes.first()?).into()),
        Scalar::U16 => Value::UInt(u16::from_le_bytes(bytes.try_into().ok()?).into()),
        Scalar::U32 => Value::UInt(u32::from_le_bytes(bytes.try_into().ok()?).into()),
        Scalar::U64 => Value::UInt(u64::from_le_bytes(bytes.try_into().ok()?)),
        Scalar::F32 => Value::F32(f32::from_le_bytes(bytes.try_into().ok()?)),
        Scalar::F64 => Value::F64(f64::from_le_bytes(bytes.try_into().ok()?)),
        _ => return None,
    })
}

fn number(payload: &Payload) -> Option<Value> {
    let data_type = DataType::coded(payload.code).filter(|found| !found.is_text())?;
    let value = one(data_type.scalar, &payload.bytes);
    value.filter(|_| payload.bytes.len() == data_type.size)
}

/// The bits of an integer, and how many it has.
fn integer(payload: &Payload) -> Option<(u64, u8)> {
    let data_type = DataType::coded(payload.code)?;
    let is_integer = data_type.scalar.integer_range().is_some();
    if !is_integer || payload.bytes.len() != data_type.size {
        return None;
    }
    let mut word = [0; 8];
    word[..data_type.size].copy_from_slice(&payload.bytes);
    let bits = u8::try_from(data_type.size * 8).ok()?;
    Some((u64::from_le_bytes(word), bits))
}

fn packed(format: Format, payload: &Payload, first: u8) -> Option<Value> {
    let is_whole = payload.bytes.len() == usize::from(format.count()) * 4;
    if payload.code != WORD_OF_BOOLS || !is_whole {
        return None;
    }
    let bit = |at: usize| Value::Bool(payload.bytes[at / 8] >> (at % 8) & 1 == 1);
    let first = usize::from(first);
    match format.array {
        false => Some(bit(first)),
        true => {
            let all = first..first + usize::from(format.length);
            Some(Value::Array(all.map(bit).collect()))
        }
    }
}

/// The elements of a value as the controller takes them. Not for texts and bits.
pub(crate) fn encode(format: Format, value: &Value) -> Result<Vec<u8>, EncodeError> {
    let value = convert(value.clone(), format.value_type())?;
    match &value {
        Value::Array(items) if items.len() == usize::from(format.length) => {
            let parts: Vec<Vec<u8>> = items.iter().map(|item| bytes(format, item)).collect();
            Ok(parts.concat())
        }
        Value::Array(items) => Err(EncodeError::Length {
            expected: format.length,
            found: items.len(),
        }),
        single => Ok(bytes(format, single)),
    }
}

/// The bytes of one element that is known to have the declared type.
fn bytes(format: Format, value: &Value) -> Vec<u8> {
    let size = match format.shape {
        Shape::Elements(data_type) => data_type.size,
        _ => 1,
    };
    match value {
        // Controllers show a BOOL as 0 or 1 and take any bit; 255 is what they send themselves.
        Value::Bool(on) => vec![if *on { 0xFF } else { 0 }],
        Value::F32(number) => number.to_le_bytes().into(),
        Value::F64(number) => number.to_le_bytes().into(),
        whole => {
            let whole = whole.as_integer().unwrap_or_default().to_le_bytes();
            whole[..size.min(whole.len())].to_vec()
        }
    }
}

/// The masks that set or clear a bit and leave its neighbours: what is or-ed, what is and-ed.
pub(crate) fn masks(bit: u8, on: bool, size: usize) -> (Vec<u8>, Vec<u8>) {
    let mask = 1u64.checked_shl(bit.into()).unwrap_or_default();
    let (or, and) = if on { (mask, u64::MAX) } else { (0, !mask) };
    let cut = |word: u64| word.to_le_bytes()[..size.min(8)].to_vec();
    (cut(or), cut(and))
}

#[cfg(test)]
mod tests;
