//! The declared type of a datapoint.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The type of one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scalar {
    /// True or false.
    Bool,
    /// Signed, 8 bits.
    I8,
    /// Signed, 16 bits.
    I16,
    /// Signed, 32 bits.
    I32,
    /// Signed, 64 bits.
    I64,
    /// Unsigned, 8 bits.
    U8,
    /// Unsigned, 16 bits.
    U16,
    /// Unsigned, 32 bits.
    U32,
    /// Unsigned, 64 bits.
    U64,
    /// IEEE 754, 32 bits.
    F32,
    /// IEEE 754, 64 bits.
    F64,
    /// Unicode text.
    Text,
    /// Raw bytes.
    Bytes,
    /// A moment.
    Time,
    /// Any JSON.
    Json,
}

const WORDS: [(Scalar, &str); 15] = [
    (Scalar::Bool, "bool"),
    (Scalar::I8, "i8"),
    (Scalar::I16, "i16"),
    (Scalar::I32, "i32"),
    (Scalar::I64, "i64"),
    (Scalar::U8, "u8"),
    (Scalar::U16, "u16"),
    (Scalar::U32, "u32"),
    (Scalar::U64, "u64"),
    (Scalar::F32, "f32"),
    (Scalar::F64, "f64"),
    (Scalar::Text, "text"),
    (Scalar::Bytes, "bytes"),
    (Scalar::Time, "time"),
    (Scalar::Json, "json"),
];

impl Scalar {
    /// The smallest and the largest integer of the type, for integer types.
    pub fn integer_range(self) -> Option<(i128, i128)> {
        Some(match self {
            Self::I8 => (i128::from(i8::MIN), i128::from(i8::MAX)),
            Self::I16 => (i128::from(i16::MIN), i128::from(i16::MAX)),
            Self::I32 => (i128::from(i32::MIN), i128::from(i32::MAX)),
            Self::I64 => (i128::from(i64::MIN), i128::from(i64::MAX)),
            Self::U8 => (0, i128::from(u8::MAX)),
            Self::U16 => (0, i128::from(u16::MAX)),
            Self::U32 => (0, i128::from(u32::MAX)),
            Self::U64 => (0, i128::from(u64::MAX)),
            _ => return None,
        })
    }

    /// Whether values of the type are numbers.
    pub fn is_numeric(self) -> bool {
        self.integer_range().is_some() || self.is_float()
    }

    /// Whether the type is `f32` or `f64`.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }

    fn word(self) -> &'static str {
        WORDS
            .iter()
            .find(|(scalar, _)| *scalar == self)
            .map_or("json", |(_, word)| word)
    }
}

/// A declared type: one element or an array of them. Written `f64` or `f64[]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ValueType {
    /// The type of the element, or of each element.
    pub scalar: Scalar,
    /// Whether it is an array.
    pub array: bool,
}

/// A word that is no type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no type: expected one of bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 text bytes time json, or one of these with [] behind it"
)]
pub struct UnknownType(String);

impl From<Scalar> for ValueType {
    fn from(scalar: Scalar) -> Self {
        Self {
            scalar,
            array: false,
        }
    }
}

impl FromStr for ValueType {
    type Err = UnknownType;

    fn from_str(text: &str) -> Result<Self, UnknownType> {
        let (word, array) = match text.strip_suffix("[]") {
            Some(word) => (word, true),
            None => (text, false),
        };
        let found = WORDS.iter().find(|(_, known)| *known == word);
        let (scalar, _) = found.ok_or_else(|| UnknownType(text.chars().take(64).collect()))?;
        Ok(Self {
            scalar: *scalar,
            array,
        })
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.scalar.word())?;
        f.write_str(if self.array { "[]" } else { "" })
    }
}

impl TryFrom<String> for ValueType {
    type Error = UnknownType;

    fn try_from(text: String) -> Result<Self, UnknownType> {
        text.parse()
    }
}

impl From<ValueType> for String {
    fn from(value_type: ValueType) -> Self {
        value_type.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back() {
        for (scalar, word) in WORDS {
            assert_eq!(word.parse::<ValueType>().unwrap(), scalar.into());
            let array: ValueType = format!("{word}[]").parse().unwrap();
            assert!(array.array);
            assert_eq!(array.to_string(), format!("{word}[]"));
        }
        assert!("float".parse::<ValueType>().is_err());
    }
}
