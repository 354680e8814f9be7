//! The elementary data types of CIP, their codes and what they become. Pure.

use mainstem_model::{Scalar, ValueType};
use serde::{Deserialize, Deserializer};

/// The code that announces a structure; a handle follows that tells which.
pub(crate) const STRUCTURE: u16 = 0x02A0;
/// The handle of Logix' own STRING, which holds 82 characters.
pub(crate) const LOGIX_STRING: u16 = 0x0FCE;
/// A CIP STRING: two bytes of length, then characters.
pub(crate) const CIP_STRING: u16 = 0xD0;
/// A CIP SHORT_STRING: one byte of length, then characters.
pub(crate) const CIP_SHORT_STRING: u16 = 0xDA;
/// Thirty-two BOOL in a word, as arrays of BOOL are kept.
pub(crate) const WORD_OF_BOOLS: u16 = 0xD3;
/// What a text takes in an answer as a rule: type, handle, length, characters, fill bytes.
const TEXT_USUAL: usize = 96;
/// Bytes of the longest text that is read.
const TEXT_MAX: usize = 8192;

/// An elementary type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DataType {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its code on the wire.
    pub(crate) code: u16,
    /// Bytes of an element; 0 for texts.
    pub(crate) size: usize,
    /// What an element becomes.
    pub(crate) scalar: Scalar,
}

const fn row(name: &'static str, code: u16, size: usize, scalar: Scalar) -> DataType {
    DataType {
        name,
        code,
        size,
        scalar,
    }
}

const TYPES: [DataType; 16] = [
    row("BOOL", 0xC1, 1, Scalar::Bool),
    row("SINT", 0xC2, 1, Scalar::I8),
    row("INT", 0xC3, 2, Scalar::I16),
    row("DINT", 0xC4, 4, Scalar::I32),
    row("LINT", 0xC5, 8, Scalar::I64),
    row("USINT", 0xC6, 1, Scalar::U8),
    row("UINT", 0xC7, 2, Scalar::U16),
    row("UDINT", 0xC8, 4, Scalar::U32),
    row("ULINT", 0xC9, 8, Scalar::U64),
    row("REAL", 0xCA, 4, Scalar::F32),
    row("LREAL", 0xCB, 8, Scalar::F64),
    row("STRING", CIP_STRING, 0, Scalar::Text),
    row("BYTE", 0xD1, 1, Scalar::U8),
    row("WORD", 0xD2, 2, Scalar::U16),
    row("DWORD", WORD_OF_BOOLS, 4, Scalar::U32),
    row("LWORD", 0xD4, 8, Scalar::U64),
];

impl DataType {
    /// By its name, whatever its case.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let found = TYPES.iter().find(|row| row.name.eq_ignore_ascii_case(name));
        found.copied()
    }

    /// By the word of a datapoint's type: `i16`, `f32`, `text`.
    pub(crate) fn word(word: &str) -> Option<Self> {
        let word: ValueType = word.parse().ok()?;
        let found = TYPES.iter().find(|row| row.scalar == word.scalar);
        found.copied().filter(|_| !word.array)
    }

    /// By the code of an answer.
    pub(crate) fn coded(code: u16) -> Option<Self> {
        TYPES.iter().find(|row| row.code == code).copied()
    }

    /// Whether it is a text.
    pub(crate) fn is_text(self) -> bool {
        self.code == CIP_STRING
    }
}

impl<'de> Deserialize<'de> for DataType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let names = TYPES.map(|row| row.name).join(" ");
        let unknown = || serde::de::Error::custom(format!("`{name}` is none of {names}"));
        Self::named(&name).ok_or_else(unknown)
    }
}

/// What is read or written at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A number of whatever type the controller says.
    Number,
    /// Elements of a type.
    Elements(DataType),
    /// A bit of an integer of whatever type.
    Bit(u8),
    /// Bits of words, from this bit of the first word on.
    Packed(u8),
}

/// A shape with its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    /// What it is.
    pub(crate) shape: Shape,
    /// Elements; of a text the most characters.
    pub(crate) length: u16,
    /// Whether the datapoint is an array.
    pub(crate) array: bool,
}

impl Format {
    /// The type of the datapoint.
    pub(crate) fn value_type(self) -> ValueType {
        let scalar = match self.shape {
            Shape::Number => Scalar::F64,
            Shape::Elements(data_type) => data_type.scalar,
            Shape::Bit(_) | Shape::Packed(_) => Scalar::Bool,
        };
        ValueType {
            scalar,
            array: self.array,
        }
    }

    /// Whether it is a text.
    pub(crate) fn is_text(self) -> bool {
        matches!(self.shape, Shape::Elements(data_type) if data_type.is_text())
    }

    /// Elements to ask the controller for.
    pub(crate) fn count(self) -> u16 {
        match self.shape {
            Shape::Packed(bit) => (self.length.saturating_add(bit.into())).div_ceil(32),
            _ if self.is_text() => 1,
            _ => self.length,
        }
    }

    /// Bytes after which no more is read, because it is not what the endpoint means.
    pub(crate) fn bytes_max(self) -> usize {
        match self.is_text() {
            true => TEXT_MAX,
            false => self.answer_bytes(),
        }
    }

    /// Bytes that the elements take, or as a rule take, in an answer.
    pub(crate) fn answer_bytes(self) -> usize {
        let size = match self.shape {
            Shape::Number | Shape::Bit(_) => 8,
            Shape::Packed(_) => 4,
            Shape::Elements(data_type) if data_type.is_text() => {
                return TEXT_USUAL.max(usize::from(self.length) + 8);
            }
            Shape::Elements(data_type) => data_type.size,
        };
        size * usize::from(self.count())
    }
}
