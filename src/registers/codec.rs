//! Registers and bits to values and back. Pure.

use mainstem_model::{Scalar, Value};

use crate::data_type::{Format, Number, Order};

/// Why a value cannot be written as its data type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// Another kind of value.
    #[error("{found} cannot be written here, {expected:?} is expected")]
    Type {
        /// The type of the datapoint.
        expected: Scalar,
        /// What was given, in words.
        found: &'static str,
    },
    /// A number that the type cannot hold.
    #[error("{found} is outside the range of {expected:?}")]
    Range {
        /// The type of the datapoint.
        expected: Scalar,
        /// The number.
        found: String,
    },
    /// More or fewer bytes than the registers or bits hold.
    #[error("{found} bytes do not fit, {expected} are expected")]
    Length {
        /// Bytes that fit.
        expected: usize,
        /// Bytes given.
        found: usize,
    },
}

impl EncodeError {
    /// The stable code of the refusal.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Type { .. } => "TypeMismatch",
            Self::Range { .. } | Self::Length { .. } => "OutOfRange",
        }
    }
}

/// The value in some registers; there are as many as the format asks for.
pub fn decode_words(format: Format, words: &[u16]) -> Value {
    match format {
        Format::Raw => Value::Bytes(words.iter().flat_map(|word| word.to_be_bytes()).collect()),
        Format::Bool => Value::Bool(words.iter().any(|word| *word != 0)),
        Format::Bit(bit) => Value::Bool(words.first().is_some_and(|word| word >> bit & 1 == 1)),
        Format::Number(number, order) => decode_number(number, gather(words, order)),
        Format::Text { swapped } => decode_text(words, swapped),
    }
}

/// The value in some bits.
pub fn decode_bits(format: Format, bits: &[bool]) -> Value {
    match format {
        Format::Raw => Value::Bytes(bits.chunks(8).map(pack).collect()),
        _ => Value::Bool(bits.iter().any(|bit| *bit)),
    }
}

/// The registers of a value.
pub fn encode_words(format: Format, value: &Value, count: u16) -> Result<Vec<u16>, EncodeError> {
    match format {
        Format::Raw => encode_raw(value, usize::from(count) * 2).map(to_words),
        Format::Bool | Format::Bit(_) => Ok(vec![u16::from(encode_bool(value)?)]),
        Format::Number(number, order) => {
            let bits = encode_number(number, value)?;
            Ok(scatter(bits, number.words(), order))
        }
        Format::Text { swapped } => encode_text(value, count, swapped),
    }
}

/// The bits of a value.
pub fn encode_bits(format: Format, value: &Value, count: u16) -> Result<Vec<bool>, EncodeError> {
    if format != Format::Raw {
        return Ok(vec![encode_bool(value)?]);
    }
    let bytes = encode_raw(value, usize::from(count).div_ceil(8))?;
    let bit = |index: usize| bytes[index / 8] >> (index % 8) & 1 == 1;
    Ok((0..usize::from(count)).map(bit).collect())
}

/// Puts the words into one number, the most significant first.
fn gather(words: &[u16], order: Order) -> u64 {
    let join = |bits: u64, word: &u16| {
        let word = if order.bytes_swapped {
            word.swap_bytes()
        } else {
            *word
        };
        bits << 16 | u64::from(word)
    };
    if order.words_swapped {
        words.iter().rev().fold(0, join)
    } else {
        words.iter().fold(0, join)
    }
}

fn scatter(bits: u64, count: u16, order: Order) -> Vec<u16> {
    let [a, b, c, d, e, f, g, h] = bits.to_be_bytes();
    let all = [[a, b], [c, d], [e, f], [g, h]].map(u16::from_be_bytes);
    let mut words = all[4 - usize::from(count)..].to_vec();
    if order.words_swapped {
        words.reverse();
    }
    if order.bytes_swapped {
        words.iter_mut().for_each(|word| *word = word.swap_bytes());
    }
    words
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the words gathered are the number's own"
)]
fn decode_number(number: Number, bits: u64) -> Value {
    match number {
        Number::I16 => Value::Int(i64::from((bits as u16).cast_signed())),
        Number::I32 => Value::Int(i64::from((bits as u32).cast_signed())),
        Number::I64 => Value::Int(bits.cast_signed()),
        Number::U16 | Number::U32 | Number::U64 => Value::UInt(bits),
        Number::F32 => Value::F32(f32::from_bits(bits as u32)),
        Number::F64 => Value::F64(f64::from_bits(bits)),
    }
}

fn encode_number(number: Number, value: &Value) -> Result<u64, EncodeError> {
    let expected = number.scalar();
    match number {
        Number::F32 => encode_f32(value).map(|float| u64::from(float.to_bits())),
        Number::F64 => {
            let float = value.as_f64().filter(|_| !matches!(value, Value::Bool(_)));
            float.map(f64::to_bits).ok_or(EncodeError::Type {
                expected,
                found: value.kind(),
            })
        }
        _ => {
            let integer = encode_integer(expected, value)?;
            // Two's complement: the upper words of a negative number are cut off by `scatter`.
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "in range"
            )]
            Ok(integer as u64)
        }
    }
}

fn encode_f32(value: &Value) -> Result<f32, EncodeError> {
    let expected = Scalar::F32;
    let wide = match value {
        Value::F32(float) => return Ok(*float),
        Value::Bool(_) => None,
        _ => value.as_f64(),
    };
    let wide = wide.ok_or(EncodeError::Type {
        expected,
        found: value.kind(),
    })?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "an overflow is caught below"
    )]
    let float = wide as f32;
    if wide.is_finite() && !float.is_finite() {
        return Err(EncodeError::Range {
            expected,
            found: wide.to_string(),
        });
    }
    Ok(float)
}

fn encode_integer(expected: Scalar, value: &Value) -> Result<i128, EncodeError> {
    let (low, high) = expected.integer_range().unwrap_or((0, 0));
    let range = |found: String| EncodeError::Range { expected, found };
    let integer = match value {
        // Inverting a scaling leaves 214.99999999999997 where 215 is meant.
        Value::F32(_) | Value::F64(_) => {
            let float = value.as_f64().unwrap_or(f64::NAN).round();
            if !float.is_finite() {
                return Err(range(float.to_string()));
            }
            #[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
            let integer = float as i128;
            integer
        }
        _ => value.as_integer().ok_or(EncodeError::Type {
            expected,
            found: value.kind(),
        })?,
    };
    if integer < low || integer > high {
        return Err(range(integer.to_string()));
    }
    Ok(integer)
}

fn encode_bool(value: &Value) -> Result<bool, EncodeError> {
    match value {
        Value::Bool(on) => Ok(*on),
        _ => match value.as_integer() {
            Some(0) => Ok(false),
            Some(1) => Ok(true),
            _ => Err(EncodeError::Type {
                expected: Scalar::Bool,
                found: value.kind(),
            }),
        },
    }
}

fn encode_raw(value: &Value, expected: usize) -> Result<Vec<u8>, EncodeError> {
    match value {
        Value::Bytes(bytes) if bytes.len() == expected => Ok(bytes.to_vec()),
        Value::Bytes(bytes) => Err(EncodeError::Length {
            expected,
            found: bytes.len(),
        }),
        _ => Err(EncodeError::Type {
            expected: Scalar::Bytes,
            found: value.kind(),
        }),
    }
}

fn decode_text(words: &[u16], swapped: bool) -> Value {
    let ordered = |word: &u16| {
        if swapped {
            word.to_le_bytes()
        } else {
            word.to_be_bytes()
        }
    };
    let bytes: Vec<u8> = words.iter().flat_map(ordered).collect();
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(bytes.len());
    match std::str::from_utf8(&bytes[..end]) {
        Ok(text) => Value::text(text.trim_end()),
        // What is no UTF-8 is most often Latin-1, whose codes are the first of Unicode.
        Err(_) => {
            let text: String = bytes[..end].iter().map(|byte| char::from(*byte)).collect();
            Value::text(text.trim_end())
        }
    }
}

fn encode_text(value: &Value, count: u16, swapped: bool) -> Result<Vec<u16>, EncodeError> {
    let Value::Text(text) = value else {
        return Err(EncodeError::Type {
            expected: Scalar::Text,
            found: value.kind(),
        });
    };
    let expected = usize::from(count) * 2;
    if text.len() > expected {
        return Err(EncodeError::Length {
            expected,
            found: text.len(),
        });
    }
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(expected, 0);
    let mut words = to_words(bytes);
    if swapped {
        words.iter_mut().for_each(|word| *word = word.swap_bytes());
    }
    Ok(words)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it consumes what an encoder made"
)]
fn to_words(bytes: Vec<u8>) -> Vec<u16> {
    let word = |pair: &[u8]| u16::from_be_bytes([pair[0], pair[1]]);
    bytes.chunks_exact(2).map(word).collect()
}

/// Eight bits in a byte, the first in the lowest place, as on the wire.
fn pack(bits: &[bool]) -> u8 {
    bits.iter()
        .enumerate()
        .fold(0, |byte, (place, bit)| byte | u8::from(*bit) << place)
}

#[cfg(test)]
mod tests;
