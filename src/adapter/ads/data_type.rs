//! The data types of IEC 61131-3 as TwinCAT keeps them, and what they become. Pure.

use mainstem_model::{Scalar, ValueType};
use serde::{Deserialize, Deserializer};

/// A type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DataType {
    /// A byte that is 0 or not.
    Bool,
    /// A signed integer of so many bytes.
    Signed(usize),
    /// An unsigned integer of so many bytes.
    Unsigned(usize),
    /// IEEE 754, four bytes.
    Real,
    /// IEEE 754, eight bytes.
    Lreal,
    /// Characters of one byte, and a zero.
    String,
    /// Characters of two bytes, and a zero.
    Wstring,
    /// Seconds since 1970, four bytes: DATE and DATE_AND_TIME.
    Date,
    /// Nanoseconds since 1970, eight bytes: LDATE and LDT.
    Ldate,
    /// Bytes as they are.
    Raw,
}

use DataType as D;

/// Names in the configuration: those of IEC 61131-3, and Connectware's.
const NAMES: &[(&str, DataType)] = &[
    ("bool", D::Bool),
    ("sint", D::Signed(1)),
    ("int8", D::Signed(1)),
    ("usint", D::Unsigned(1)),
    ("byte", D::Unsigned(1)),
    ("uint8", D::Unsigned(1)),
    ("int", D::Signed(2)),
    ("int16", D::Signed(2)),
    ("uint", D::Unsigned(2)),
    ("word", D::Unsigned(2)),
    ("uint16", D::Unsigned(2)),
    ("dint", D::Signed(4)),
    ("int32", D::Signed(4)),
    ("udint", D::Unsigned(4)),
    ("dword", D::Unsigned(4)),
    ("uint32", D::Unsigned(4)),
    ("lint", D::Signed(8)),
    ("int64", D::Signed(8)),
    ("ulint", D::Unsigned(8)),
    ("lword", D::Unsigned(8)),
    ("uint64", D::Unsigned(8)),
    ("real", D::Real),
    ("real32", D::Real),
    ("float", D::Real),
    ("lreal", D::Lreal),
    ("real64", D::Lreal),
    ("double", D::Lreal),
    ("string", D::String),
    ("wstring", D::Wstring),
    ("time", D::Unsigned(4)),
    ("ltime", D::Unsigned(8)),
    ("tod", D::Unsigned(4)),
    ("timeofday", D::Unsigned(4)),
    ("ltod", D::Unsigned(8)),
    ("date", D::Date),
    ("dt", D::Date),
    ("dateandtime", D::Date),
    ("ldate", D::Ldate),
    ("ldt", D::Ldate),
    ("raw", D::Raw),
    ("bytes", D::Raw),
];

/// What a PLC calls the types of its symbols, as far as it says.
const CODES: &[(u32, DataType)] = &[
    (2, D::Signed(2)),
    (3, D::Signed(4)),
    (4, D::Real),
    (5, D::Lreal),
    (16, D::Signed(1)),
    (17, D::Unsigned(1)),
    (18, D::Unsigned(2)),
    (19, D::Unsigned(4)),
    (20, D::Signed(8)),
    (21, D::Unsigned(8)),
    (30, D::String),
    (31, D::Wstring),
    (33, D::Bool),
];

impl DataType {
    /// By its name, whatever its case and how its words are joined.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let plain: String = name
            .chars()
            .filter(|c| !matches!(c, '_' | '-' | ' '))
            .map(|c| c.to_ascii_lowercase())
            .collect();
        let row = NAMES.iter().find(|(word, _)| *word == plain);
        row.map(|(_, data_type)| *data_type)
    }

    /// By the code of a symbol.
    pub(crate) fn coded(code: u32) -> Option<Self> {
        let row = CODES.iter().find(|(known, _)| *known == code);
        row.map(|(_, data_type)| *data_type)
    }

    /// The shortest name.
    pub(crate) fn name(self) -> &'static str {
        let row = NAMES.iter().find(|(_, data_type)| *data_type == self);
        row.map_or("raw", |(word, _)| word)
    }

    /// Bytes of one element or character.
    pub(crate) fn unit(self) -> usize {
        match self {
            Self::Bool | Self::String | Self::Raw => 1,
            Self::Signed(bytes) | Self::Unsigned(bytes) => bytes,
            Self::Wstring => 2,
            Self::Real | Self::Date => 4,
            Self::Lreal | Self::Ldate => 8,
        }
    }

    /// What an element becomes.
    pub(crate) fn scalar(self) -> Scalar {
        match self {
            Self::Bool => Scalar::Bool,
            Self::Signed(1) => Scalar::I8,
            Self::Signed(2) => Scalar::I16,
            Self::Signed(4) => Scalar::I32,
            Self::Signed(_) => Scalar::I64,
            Self::Unsigned(1) => Scalar::U8,
            Self::Unsigned(2) => Scalar::U16,
            Self::Unsigned(4) => Scalar::U32,
            Self::Unsigned(_) => Scalar::U64,
            Self::Real => Scalar::F32,
            Self::Lreal => Scalar::F64,
            Self::String | Self::Wstring => Scalar::Text,
            Self::Date | Self::Ldate => Scalar::Time,
            Self::Raw => Scalar::Bytes,
        }
    }

    /// Whether it is a text.
    pub(crate) fn is_text(self) -> bool {
        matches!(self, Self::String | Self::Wstring)
    }

    /// Whether a symbol of this other type may be read as this one, if its size is right. Signs
    /// and enumerations are the reader's business; a REAL taken for a DINT is a mistake.
    pub(crate) fn may_be(self, other: Self) -> bool {
        let class = |data_type| match data_type {
            Self::Real | Self::Lreal => 1,
            Self::String => 2,
            Self::Wstring => 3,
            _ => 0,
        };
        self == Self::Raw || class(self) == class(other)
    }
}

impl<'de> Deserialize<'de> for DataType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let unknown = || {
            let names: Vec<&str> = NAMES.iter().map(|(word, _)| *word).collect();
            serde::de::Error::custom(format!("`{name}` is none of {}", names.join(" ")))
        };
        Self::named(&name).ok_or_else(unknown)
    }
}

/// A type with its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    /// The type; without one whatever number the symbol says it is.
    pub(crate) data_type: Option<DataType>,
    /// Elements, characters or bytes; of a symbol's text `None` leaves it to the PLC.
    pub(crate) length: Option<u32>,
    /// Whether the datapoint is an array.
    pub(crate) array: bool,
}

impl Format {
    /// The type of the datapoint.
    pub(crate) fn value_type(self) -> ValueType {
        ValueType {
            scalar: self.data_type.map_or(Scalar::F64, DataType::scalar),
            array: self.array,
        }
    }

    /// Bytes in the PLC, where the configuration tells.
    pub(crate) fn size(self) -> Option<usize> {
        let data_type = self.data_type?;
        let length = match (self.length, data_type.is_text()) {
            // A text ends with a zero.
            (Some(length), true) => length.saturating_add(1),
            (None, true) => return None,
            (length, false) => length.unwrap_or(1),
        };
        Some(
            data_type
                .unit()
                .saturating_mul(usize::try_from(length).ok()?),
        )
    }
}
