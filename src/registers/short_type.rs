//! The words of `type:`, with the orders beside it.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::data_type::{Format, Number, Order};

/// A type without an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum ShortType {
    /// A register or bit that is not 0.
    Bool,
    /// Signed, one register.
    I16,
    /// Unsigned, one register.
    U16,
    /// Signed, two registers.
    I32,
    /// Unsigned, two registers.
    U32,
    /// Signed, four registers.
    I64,
    /// Unsigned, four registers.
    U64,
    /// IEEE 754, two registers.
    F32,
    /// IEEE 754, four registers.
    F64,
    /// Characters, two in each register.
    Text,
    /// The bytes as they arrive.
    Bytes,
}

/// Which end comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Endian {
    /// The most significant.
    Big,
    /// The least significant.
    Little,
}

impl ShortType {
    /// With its orders; big where nothing was said.
    pub fn format(self, words: Option<Endian>, bytes: Option<Endian>) -> Format {
        let order = Order {
            words_swapped: words == Some(Endian::Little),
            bytes_swapped: bytes == Some(Endian::Little),
        };
        let number = match self {
            Self::Bool => return Format::Bool,
            Self::Bytes => return Format::Raw,
            Self::Text => {
                return Format::Text {
                    swapped: order.bytes_swapped,
                };
            }
            Self::I16 => Number::I16,
            Self::U16 => Number::U16,
            Self::I32 => Number::I32,
            Self::U32 => Number::U32,
            Self::I64 => Number::I64,
            Self::U64 => Number::U64,
            Self::F32 => Number::F32,
            Self::F64 => Number::F64,
        };
        Format::Number(number, order)
    }
}
