//! The data types of STEP 7, how long they are, and what they become. Pure.

use mainstem_model::{Scalar, ValueType};
use serde::{Deserialize, Deserializer};

/// A type of STEP 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DataType {
    /// One bit.
    Bool,
    /// Eight bits.
    Byte,
    /// Unsigned, one byte.
    Usint,
    /// Signed, one byte.
    Sint,
    /// Sixteen bits.
    Word,
    /// Unsigned, two bytes.
    Uint,
    /// Signed, two bytes.
    Int,
    /// Thirty-two bits.
    Dword,
    /// Unsigned, four bytes.
    Udint,
    /// Signed, four bytes.
    Dint,
    /// Sixty-four bits.
    Lword,
    /// Unsigned, eight bytes.
    Ulint,
    /// Signed, eight bytes.
    Lint,
    /// IEEE 754, four bytes.
    Real,
    /// IEEE 754, eight bytes.
    Lreal,
    /// Characters without a header.
    Char,
    /// Two bytes of header, then characters of one byte.
    String,
    /// Four bytes of header, then characters of two bytes.
    Wstring,
    /// Bytes as they are.
    Raw,
    /// Days since 1990.
    Date,
    /// Milliseconds since midnight.
    TimeOfDay,
    /// Eight bytes of decimal digits.
    DateAndTime,
    /// Twelve bytes, to the nanosecond.
    Dtl,
    /// Nanoseconds since 1970.
    Ldt,
    /// Milliseconds, signed.
    Time,
    /// Nanoseconds, signed.
    Ltime,
    /// Nanoseconds since midnight.
    Ltod,
    /// Three decimal digits and a time base.
    S5time,
    /// A timer of the S7-300: as `S5time`.
    Timer,
    /// A counter of the S7-300: three decimal digits.
    Counter,
}

/// Names in the configuration, with bytes per element and what an element becomes. `timer` and
/// `counter` follow from the address.
const NAMES: &[(&str, DataType, usize, Scalar)] = &[
    ("bool", DataType::Bool, 1, Scalar::Bool),
    ("byte", DataType::Byte, 1, Scalar::U8),
    ("usint", DataType::Usint, 1, Scalar::U8),
    ("sint", DataType::Sint, 1, Scalar::I8),
    ("word", DataType::Word, 2, Scalar::U16),
    ("uint", DataType::Uint, 2, Scalar::U16),
    ("int", DataType::Int, 2, Scalar::I16),
    ("dword", DataType::Dword, 4, Scalar::U32),
    ("udint", DataType::Udint, 4, Scalar::U32),
    ("dint", DataType::Dint, 4, Scalar::I32),
    ("lword", DataType::Lword, 8, Scalar::U64),
    ("ulint", DataType::Ulint, 8, Scalar::U64),
    ("lint", DataType::Lint, 8, Scalar::I64),
    ("real", DataType::Real, 4, Scalar::F32),
    ("lreal", DataType::Lreal, 8, Scalar::F64),
    ("char", DataType::Char, 1, Scalar::Text),
    ("string", DataType::String, 1, Scalar::Text),
    ("wstring", DataType::Wstring, 2, Scalar::Text),
    ("raw", DataType::Raw, 1, Scalar::Bytes),
    ("date", DataType::Date, 2, Scalar::Time),
    ("timeofday", DataType::TimeOfDay, 4, Scalar::U32),
    ("dateandtime", DataType::DateAndTime, 8, Scalar::Time),
    ("dtl", DataType::Dtl, 12, Scalar::Time),
    ("ldt", DataType::Ldt, 8, Scalar::Time),
    ("time", DataType::Time, 4, Scalar::I32),
    ("ltime", DataType::Ltime, 8, Scalar::I64),
    ("ltod", DataType::Ltod, 8, Scalar::U64),
    ("s5time", DataType::S5time, 2, Scalar::U32),
    ("timer", DataType::Timer, 2, Scalar::U32),
    ("counter", DataType::Counter, 2, Scalar::U16),
];

/// Short forms that people know.
const SHORT: &[(&str, DataType)] = &[
    ("dt", DataType::DateAndTime),
    ("tod", DataType::TimeOfDay),
    ("bytes", DataType::Raw),
    ("float", DataType::Real),
    ("double", DataType::Lreal),
    ("ltimeofday", DataType::Ltod),
];

impl DataType {
    /// By its name, whatever its case and how its words are joined.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let plain: String = name
            .chars()
            .filter(|c| !matches!(c, '_' | '-' | ' '))
            .map(|c| c.to_ascii_lowercase())
            .collect();
        let short = SHORT.iter().find(|(word, _)| *word == plain);
        let long = NAMES.iter().find(|(word, ..)| *word == plain);
        let named = short.map(|row| row.1).or(long.map(|row| row.1));
        named.filter(|found| !matches!(found, Self::Timer | Self::Counter))
    }

    fn row(self) -> (usize, Scalar) {
        let row = NAMES.iter().find(|(_, data_type, ..)| *data_type == self);
        row.map_or((1, Scalar::Bytes), |(_, _, bytes, scalar)| {
            (*bytes, *scalar)
        })
    }

    /// Bytes of one element or character.
    pub(crate) fn unit(self) -> usize {
        self.row().0
    }

    /// Bytes before the characters.
    pub(crate) fn header(self) -> usize {
        match self {
            Self::String => 2,
            Self::Wstring => 4,
            _ => 0,
        }
    }

    /// Whether `length` counts characters or bytes of one value, not elements of an array.
    pub(crate) fn is_sequence(self) -> bool {
        matches!(self, Self::Char | Self::String | Self::Wstring | Self::Raw)
    }

    /// The longest `length`.
    pub(crate) fn length_max(self) -> u16 {
        match self {
            Self::Bool | Self::Timer | Self::Counter => 1,
            Self::String => 254,
            Self::Wstring => 16_382,
            _ => 8_192,
        }
    }
}

impl<'de> Deserialize<'de> for DataType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let unknown = || serde::de::Error::custom(format!("`{name}` is no data type"));
        Self::named(&name).ok_or_else(unknown)
    }
}

/// A type with its length: what stands at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    /// The type.
    pub(crate) data_type: DataType,
    /// Elements, characters or bytes.
    pub(crate) length: u16,
    /// Whether it is an array.
    pub(crate) array: bool,
    /// The bit, for bools.
    pub(crate) bit: u8,
}

impl Format {
    /// Bytes in the CPU.
    pub(crate) fn size(self) -> usize {
        self.data_type.header() + self.data_type.unit() * usize::from(self.length)
    }

    /// The type of the datapoint.
    pub(crate) fn value_type(self) -> ValueType {
        ValueType {
            scalar: self.data_type.row().1,
            array: self.array,
        }
    }

    /// One element of an array.
    pub(crate) fn element(self) -> Self {
        Self {
            length: 1,
            array: false,
            ..self
        }
    }
}
