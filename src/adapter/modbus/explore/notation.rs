//! Addresses as manuals, Kepware and people write them: `40001`, `400001`, `3:0`, `40001.3`,
//! `40100.20H`. Pure.

use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};

use super::function_code;
use crate::binding::Table;
use crate::data_type::{DataType, Format, Number, Order};

/// An address in one of the notations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Notation {
    /// The table.
    pub(super) table: Table,
    /// The address as it stands in the request, counted from 0.
    pub(super) address: u16,
    /// How it was written, and is shown.
    style: Style,
    /// What stands behind the point.
    part: Part,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// `40001`: a digit for the table, and the number counted from 1 in so many digits.
    Modicon(usize),
    /// `3:0`.
    FunctionCode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Whole,
    /// `.3`: one bit of a register.
    Bit(u8),
    /// `.20H`: a text of so many bytes, `L` with the second byte of each register first.
    Text {
        bytes: u16,
        swapped: bool,
    },
}

impl Notation {
    /// Another address of the same table, written alike.
    pub(super) fn at(&self, address: u16) -> Self {
        Self { address, ..*self }
    }

    /// Whether it means all of the register.
    pub(super) fn is_whole(&self) -> bool {
        self.part == Part::Whole
    }
}

impl FromStr for Notation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (place, part) = text.split_once('.').unwrap_or((text, ""));
        let (table, address, style) = match place.split_once(':') {
            Some((code, address)) => by_code(code, address)?,
            None => modicon(place)?,
        };
        let part = part_of(text, part)?;
        if part != Part::Whole && table.has_bits() {
            return Err(format!(
                "`{text}` is a bit already: nothing stands behind it"
            ));
        }
        Ok(Self {
            table,
            address,
            style,
            part,
        })
    }
}

fn by_code(code: &str, address: &str) -> Result<(Table, u16, Style), String> {
    let table = match code {
        "1" => Table::Coils,
        "2" => Table::DiscreteInputs,
        "3" => Table::HoldingRegisters,
        "4" => Table::InputRegisters,
        _ => return Err(format!("`{code}:` is no function code that reads: 1 2 3 4")),
    };
    let number = match address.strip_prefix("0x") {
        Some(digits) => u16::from_str_radix(digits, 16),
        None => address.parse(),
    };
    let number = number.map_err(|_| format!("`{address}` is no address: 0 to 65535"))?;
    Ok((table, number, Style::FunctionCode))
}

fn modicon(text: &str) -> Result<(Table, u16, Style), String> {
    let unclear = || {
        format!(
            "`{text}` is no Modbus address: five or six digits such as 40001 or 400001, or function \
             code and address such as 3:0"
        )
    };
    if !matches!(text.len(), 5 | 6) || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(unclear());
    }
    let (digit, number) = text.split_at(1);
    let table = match digit {
        "0" => Table::Coils,
        "1" => Table::DiscreteInputs,
        "3" => Table::InputRegisters,
        "4" => Table::HoldingRegisters,
        _ => return Err(unclear()),
    };
    let number: u32 = number.parse().map_err(|_| unclear())?;
    let address = number
        .checked_sub(1)
        .and_then(|address| u16::try_from(address).ok());
    let address =
        address.ok_or_else(|| format!("`{text}`: this notation counts from 1 to 65536"))?;
    Ok((table, address, Style::Modicon(text.len() - 1)))
}

fn part_of(text: &str, part: &str) -> Result<Part, String> {
    if part.is_empty() && !text.ends_with('.') {
        return Ok(Part::Whole);
    }
    let unclear =
        || format!("`{text}`: behind the point stands a bit from 0 to 15, or a text as `.20H`");
    let (number, swapped) = match part.strip_suffix(['H', 'h']) {
        Some(number) => (number, Some(false)),
        None => match part.strip_suffix(['L', 'l']) {
            Some(number) => (number, Some(true)),
            None => (part, None),
        },
    };
    let number: u16 = number.parse().map_err(|_| unclear())?;
    match swapped {
        None => match u8::try_from(number) {
            Ok(bit) if bit < 16 => Ok(Part::Bit(bit)),
            _ => Err(unclear()),
        },
        Some(swapped) if (1..=250).contains(&number) => Ok(Part::Text {
            bytes: number,
            swapped,
        }),
        Some(_) => Err(format!("`{text}`: a text has 1 to 250 bytes")),
    }
}

impl fmt::Display for Notation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.style {
            Style::FunctionCode => write!(f, "{}:{}", function_code(self.table), self.address)?,
            Style::Modicon(digits) => {
                let table = match self.table {
                    Table::Coils => 0,
                    Table::DiscreteInputs => 1,
                    Table::InputRegisters => 3,
                    Table::HoldingRegisters => 4,
                };
                write!(f, "{table}{:0digits$}", u32::from(self.address) + 1)?;
            }
        }
        match self.part {
            Part::Whole => Ok(()),
            Part::Bit(bit) => write!(f, ".{bit}"),
            Part::Text { bytes, swapped } => {
                write!(f, ".{bytes}{}", if swapped { 'L' } else { 'H' })
            }
        }
    }
}

/// What is to be read at each address.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wanted {
    /// Whatever the notation says alone.
    Open,
    /// A word of `dataType:`.
    Long(String, Format),
    /// A word of `type:` with its order.
    Short(String, Number, Order),
    /// A word of `type:` that has no order.
    Plain(&'static str),
}

impl Wanted {
    pub(super) fn of(notation: &Notation, word: Option<&str>) -> Result<Self, String> {
        let Some(word) = word else {
            return Ok(Self::Open);
        };
        let (name, order) = word.split_once([' ', ':']).unwrap_or((word, ""));
        let fits = |plain: bool| plain || (notation.is_whole() && !notation.table.has_bits());
        let no_room = || format!("`{notation}` is no place for the type {word}");
        match name {
            "bool" if order.is_empty() => return Ok(Self::Plain("bool")),
            "text" if order.is_empty() && !notation.table.has_bits() => {
                return Ok(Self::Plain("text"));
            }
            _ if !fits(false) => return Err(no_room()),
            _ => {}
        }
        if let Some(number) = short_number(name) {
            return Ok(Self::Short(name.to_owned(), number, order_of(order)?));
        }
        match DataType::try_from(word.to_owned()) {
            Ok(DataType(format)) if format.words().is_some() => {
                Ok(Self::Long(word.to_owned(), format))
            }
            Ok(_) => Err(format!("{word} needs a length; write it into the file")),
            Err(_) => Err(format!(
                "`{word}` is no type: bool i16 u16 i32 u32 i64 u64 f32 f64 text, an order behind it \
                 such as `f32 CDAB`, or Connectware's words such as floatBEWS"
            )),
        }
    }

    /// Addresses from one to the next.
    pub(super) fn addresses(&self) -> usize {
        usize::from(match self {
            Self::Short(_, number, _) => number.words(),
            Self::Long(_, format) => format.words().unwrap_or(1),
            Self::Open | Self::Plain(_) => 1,
        })
    }

    pub(super) fn operation(&self, notation: &Notation) -> Value {
        let mut operation = json!({
            "fc": function_code(notation.table),
            "address": notation.address,
        });
        match self {
            Self::Open => {}
            Self::Long(word, _) => operation["dataType"] = json!(word),
            Self::Short(word, _, order) => {
                operation["type"] = json!(word);
                put_order(&mut operation, *order);
            }
            Self::Plain("bool") if notation.table.has_bits() => {}
            Self::Plain("bool") if matches!(notation.part, Part::Bit(_)) => {}
            Self::Plain(word) => operation["type"] = json!(word),
        }
        match notation.part {
            Part::Whole => {}
            Part::Bit(bit) => operation["bit"] = json!(bit),
            Part::Text { bytes, swapped } => {
                operation["type"] = json!("text");
                operation["length"] = json!(bytes.div_ceil(2));
                if swapped {
                    operation["byte_order"] = json!("little");
                }
            }
        }
        operation
    }
}

/// Writes the order where it is not the standard's.
pub(super) fn put_order(operation: &mut Value, order: Order) {
    if order.words_swapped {
        operation["word_order"] = json!("little");
    }
    if order.bytes_swapped {
        operation["byte_order"] = json!("little");
    }
}

fn short_number(word: &str) -> Option<Number> {
    Some(match word {
        "i16" => Number::I16,
        "u16" => Number::U16,
        "i32" => Number::I32,
        "u32" => Number::U32,
        "i64" => Number::I64,
        "u64" => Number::U64,
        "f32" => Number::F32,
        "f64" => Number::F64,
        _ => return None,
    })
}

/// The four orders by the letters that manuals use for the bytes of 32 bits.
pub(super) const ORDERS: [(&str, Order); 4] = [
    (
        "ABCD",
        Order {
            words_swapped: false,
            bytes_swapped: false,
        },
    ),
    (
        "CDAB",
        Order {
            words_swapped: true,
            bytes_swapped: false,
        },
    ),
    (
        "BADC",
        Order {
            words_swapped: false,
            bytes_swapped: true,
        },
    ),
    (
        "DCBA",
        Order {
            words_swapped: true,
            bytes_swapped: true,
        },
    ),
];

fn order_of(letters: &str) -> Result<Order, String> {
    if letters.is_empty() {
        return Ok(Order::default());
    }
    let found = ORDERS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(letters));
    let found = found.map(|(_, order)| *order);
    found.ok_or_else(|| format!("`{letters}` is no order: ABCD CDAB BADC DCBA"))
}
