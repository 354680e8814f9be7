//! The value of a datapoint.

use std::sync::Arc;

use crate::limits::VALUE_BYTES_MAX;
use crate::{Scalar, Timestamp, ValueType};

/// A value. All integer types share two variants; the definition says which type it is.
/// Numbers are copied; texts, bytes and arrays are shared.
#[derive(Clone, Debug)]
pub enum Value {
    /// True or false.
    Bool(bool),
    /// Any signed integer type.
    Int(i64),
    /// Any unsigned integer type.
    UInt(u64),
    /// 32-bit float.
    F32(f32),
    /// 64-bit float.
    F64(f64),
    /// A text.
    Text(Arc<str>),
    /// Raw bytes.
    Bytes(Arc<[u8]>),
    /// A moment.
    Time(Timestamp),
    /// JSON, kept as its text.
    Json(Arc<str>),
    /// Elements of one type.
    Array(Arc<[Value]>),
}

/// Why a value does not fit its type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Another kind of value than the type asks for.
    #[error("expected {expected}, found {found}")]
    Type {
        /// The declared type.
        expected: ValueType,
        /// What was given, in a few words.
        found: String,
    },
    /// An integer outside its type's range.
    #[error("{found} is outside {expected}")]
    Range {
        /// The declared type.
        expected: ValueType,
        /// The number as given.
        found: String,
    },
    /// Larger than any value may be.
    #[error("a value has at most {VALUE_BYTES_MAX} bytes, this one {0}")]
    TooLarge(usize),
}

// Bits, not numbers: NaN equals NaN, so that a repeated NaN is no change, and -0 is not 0.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::UInt(a), Self::UInt(b)) => a == b,
            (Self::F32(a), Self::F32(b)) => a.to_bits() == b.to_bits(),
            (Self::F64(a), Self::F64(b)) => a.to_bits() == b.to_bits(),
            (Self::Text(a), Self::Text(b)) | (Self::Json(a), Self::Json(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Time(a), Self::Time(b)) => a == b,
            (Self::Array(a), Self::Array(b)) => a == b,
            _ => false,
        }
    }
}

impl Value {
    /// A text.
    pub fn text(text: &str) -> Self {
        Self::Text(text.into())
    }

    /// Bytes held beside the value itself.
    pub fn heap_bytes(&self) -> usize {
        match self {
            Self::Text(text) | Self::Json(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Array(items) => items
                .iter()
                .map(|item| size_of::<Self>() + item.heap_bytes())
                .sum(),
            _ => 0,
        }
    }

    /// The number, if this is one; booleans count as 0 and 1.
    pub fn as_f64(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "asked for as a float")]
        Some(match self {
            Self::Bool(b) => f64::from(u8::from(*b)),
            Self::Int(i) => *i as f64,
            Self::UInt(u) => *u as f64,
            Self::F32(f) => f64::from(*f),
            Self::F64(f) => *f,
            _ => return None,
        })
    }

    /// The integer, if this is one.
    pub fn as_integer(&self) -> Option<i128> {
        match self {
            Self::Int(i) => Some(i128::from(*i)),
            Self::UInt(u) => Some(i128::from(*u)),
            _ => None,
        }
    }

    /// An integer as a value of an integer type, if it is in the type's range.
    pub fn integer(number: i128, value_type: ValueType) -> Result<Self, ValueError> {
        let out_of_range = || ValueError::Range {
            expected: value_type,
            found: number.to_string(),
        };
        let range = value_type.scalar.integer_range();
        let (low, high) = range.ok_or_else(|| mismatch(value_type, "an integer"))?;
        if number < low || number > high {
            return Err(out_of_range());
        }
        if low < 0 {
            i64::try_from(number)
                .map(Self::Int)
                .map_err(|_| out_of_range())
        } else {
            u64::try_from(number)
                .map(Self::UInt)
                .map_err(|_| out_of_range())
        }
    }

    /// Checks this value against a declared type and the size limit.
    pub fn check(&self, value_type: ValueType) -> Result<(), ValueError> {
        let bytes = self.heap_bytes();
        if bytes > VALUE_BYTES_MAX {
            return Err(ValueError::TooLarge(bytes));
        }
        match self {
            Self::Array(items) if value_type.array => items
                .iter()
                .try_for_each(|item| item.check(value_type.scalar.into())),
            _ if value_type.array => Err(mismatch(value_type, self.kind())),
            _ => self.check_scalar(value_type),
        }
    }

    fn check_scalar(&self, value_type: ValueType) -> Result<(), ValueError> {
        let fits = match (self, value_type.scalar) {
            (Self::Bool(_), Scalar::Bool)
            | (Self::F32(_), Scalar::F32)
            | (Self::F64(_), Scalar::F64)
            | (Self::Text(_), Scalar::Text)
            | (Self::Bytes(_), Scalar::Bytes)
            | (Self::Time(_), Scalar::Time)
            | (Self::Json(_), Scalar::Json) => true,
            (Self::Int(i), scalar) => match scalar.integer_range() {
                Some((low, high)) if low < 0 => {
                    let number = i128::from(*i);
                    return in_range(number, low, high, value_type);
                }
                _ => false,
            },
            (Self::UInt(u), scalar) => match scalar.integer_range() {
                Some((0, high)) => return in_range(i128::from(*u), 0, high, value_type),
                _ => false,
            },
            _ => false,
        };
        if fits {
            Ok(())
        } else {
            Err(mismatch(value_type, self.kind()))
        }
    }

    /// What kind of value this is, in words for an error.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "a signed integer",
            Self::UInt(_) => "an unsigned integer",
            Self::F32(_) => "a 32-bit float",
            Self::F64(_) => "a 64-bit float",
            Self::Text(_) => "a text",
            Self::Bytes(_) => "bytes",
            Self::Time(_) => "a time",
            Self::Json(_) => "JSON",
            Self::Array(_) => "an array",
        }
    }
}

fn mismatch(expected: ValueType, found: &str) -> ValueError {
    ValueError::Type {
        expected,
        found: found.to_owned(),
    }
}

fn in_range(number: i128, low: i128, high: i128, expected: ValueType) -> Result<(), ValueError> {
    if (low..=high).contains(&number) {
        return Ok(());
    }
    Err(ValueError::Range {
        expected,
        found: number.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_small() {
        assert!(size_of::<Value>() <= 24);
    }

    #[test]
    fn types_are_checked() {
        let u16_type = ValueType::from(Scalar::U16);
        assert!(Value::UInt(65_535).check(u16_type).is_ok());
        assert!(matches!(
            Value::UInt(65_536).check(u16_type),
            Err(ValueError::Range { .. })
        ));
        assert!(Value::Int(1).check(u16_type).is_err());
        assert!(Value::integer(-1, u16_type).is_err());
        assert_eq!(Value::integer(7, u16_type), Ok(Value::UInt(7)));
        let array = ValueType {
            scalar: Scalar::I8,
            array: true,
        };
        assert!(Value::Array([Value::Int(1)].into()).check(array).is_ok());
        assert!(Value::Array([Value::Int(200)].into()).check(array).is_err());
        assert!(Value::Int(1).check(array).is_err());
    }

    #[test]
    fn nan_repeats_itself() {
        assert_eq!(Value::F64(f64::NAN), Value::F64(f64::NAN));
        assert_ne!(Value::F64(0.0), Value::F64(-0.0));
    }

    #[test]
    fn size_is_limited() {
        let text = "x".repeat(VALUE_BYTES_MAX);
        assert!(Value::text(&text).check(Scalar::Text.into()).is_ok());
        let text = "x".repeat(VALUE_BYTES_MAX + 1);
        assert!(Value::text(&text).check(Scalar::Text.into()).is_err());
    }
}
