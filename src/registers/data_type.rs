//! The words of `dataType:` and `type:`, and what they mean.

use std::borrow::Cow;

use mainstem_model::Scalar;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

/// How the content of an address becomes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The bytes as they arrive.
    Raw,
    /// A coil, or a register that is not 0.
    Bool,
    /// One bit of a register.
    Bit(u8),
    /// A number in one, two or four registers.
    Number(Number, Order),
    /// Characters, two in each register.
    Text {
        /// Whether the two characters of a register stand in reverse.
        swapped: bool,
    },
}

/// The type of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// Signed, 16 bits.
    I16,
    /// Unsigned, 16 bits.
    U16,
    /// Signed, 32 bits.
    I32,
    /// Unsigned, 32 bits.
    U32,
    /// Signed, 64 bits.
    I64,
    /// Unsigned, 64 bits.
    U64,
    /// IEEE 754, 32 bits.
    F32,
    /// IEEE 754, 64 bits.
    F64,
}

/// How the bytes of a number are spread over registers. The default is big-endian throughout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Order {
    /// The least significant register comes first.
    pub words_swapped: bool,
    /// The less significant byte of each register comes first.
    pub bytes_swapped: bool,
}

/// A word of `dataType:`, with the order that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct DataType(pub Format);

const NUMBERS: [(&str, Number); 8] = [
    ("int16", Number::I16),
    ("uint16", Number::U16),
    ("int32", Number::I32),
    ("uint32", Number::U32),
    ("int64", Number::I64),
    ("uint64", Number::U64),
    ("float", Number::F32),
    ("double", Number::F64),
];

// `LE` reverses all bytes, as reading the whole as little-endian does; `WS` reverses the
// registers after that. So `LEWS` is left with the bytes of each register swapped.
const ORDERS: [(&str, Order); 4] = [
    (
        "BE",
        Order {
            words_swapped: false,
            bytes_swapped: false,
        },
    ),
    (
        "LE",
        Order {
            words_swapped: true,
            bytes_swapped: true,
        },
    ),
    (
        "BEWS",
        Order {
            words_swapped: true,
            bytes_swapped: false,
        },
    ),
    (
        "LEWS",
        Order {
            words_swapped: false,
            bytes_swapped: true,
        },
    ),
];

const PLAIN: [(&str, Format); 4] = [
    ("raw", Format::Raw),
    ("base64", Format::Raw),
    ("boolean", Format::Bool),
    ("string", Format::Text { swapped: false }),
];

impl Number {
    /// Registers that it takes.
    pub fn words(self) -> u16 {
        match self {
            Self::I16 | Self::U16 => 1,
            Self::I32 | Self::U32 | Self::F32 => 2,
            Self::I64 | Self::U64 | Self::F64 => 4,
        }
    }

    /// The type of the datapoint.
    pub fn scalar(self) -> Scalar {
        match self {
            Self::I16 => Scalar::I16,
            Self::U16 => Scalar::U16,
            Self::I32 => Scalar::I32,
            Self::U32 => Scalar::U32,
            Self::I64 => Scalar::I64,
            Self::U64 => Scalar::U64,
            Self::F32 => Scalar::F32,
            Self::F64 => Scalar::F64,
        }
    }
}

impl Format {
    /// The type of the datapoint.
    pub fn scalar(self) -> Scalar {
        match self {
            Self::Raw => Scalar::Bytes,
            Self::Bool | Self::Bit(_) => Scalar::Bool,
            Self::Number(number, _) => number.scalar(),
            Self::Text { .. } => Scalar::Text,
        }
    }

    /// Registers that it takes, if that does not depend on the endpoint's `length`.
    pub fn words(self) -> Option<u16> {
        match self {
            Self::Raw | Self::Text { .. } => None,
            Self::Bool | Self::Bit(_) => Some(1),
            Self::Number(number, _) => Some(number.words()),
        }
    }
}

/// Every word with its meaning, in the order in which people read them.
pub fn words() -> Vec<(String, Format)> {
    let mut words: Vec<_> = PLAIN
        .iter()
        .map(|(word, format)| ((*word).into(), *format))
        .collect();
    for (name, number) in NUMBERS {
        // One register has no words to swap.
        let orders = if number.words() == 1 { 2 } else { ORDERS.len() };
        for (suffix, order) in &ORDERS[..orders] {
            words.push((format!("{name}{suffix}"), Format::Number(number, *order)));
        }
    }
    words
}

impl TryFrom<String> for DataType {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let words = words();
        let found = words.iter().find(|(word, _)| *word == text);
        found.map(|(_, format)| Self(*format)).ok_or_else(|| {
            let known: Vec<&str> = words.iter().map(|(word, _)| word.as_str()).collect();
            let shown: String = text.chars().take(64).collect();
            format!("`{shown}` is no data type; known are {}", known.join(" "))
        })
    }
}

impl JsonSchema for DataType {
    fn schema_name() -> Cow<'static, str> {
        "DataType".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<String> = words().into_iter().map(|(word, _)| word).collect();
        json_schema!({ "type": "string", "enum": words })
    }
}
