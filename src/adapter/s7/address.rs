//! Absolute addresses as people write them: `DB1.DBW4`, `MW10`, `%IX0.3`, `EB2`, `T5`, and
//! Connectware's `DB1,REAL4`. Pure.

use crate::data_type::DataType;

/// The last byte that any address may name.
pub(crate) const BYTE_MAX: u32 = 65_535;

/// A part of the CPU's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Area {
    /// The process image of the inputs.
    Inputs,
    /// The process image of the outputs.
    Outputs,
    /// Flags, in German Merker.
    Flags,
    /// A data block.
    Block,
    /// Timers of the S7-300 and S7-400.
    Timers,
    /// Counters of the S7-300 and S7-400.
    Counters,
}

impl Area {
    /// Its code in requests.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Inputs => 0x81,
            Self::Outputs => 0x82,
            Self::Flags => 0x83,
            Self::Block => 0x84,
            Self::Timers => 0x1D,
            Self::Counters => 0x1C,
        }
    }

    /// Whether its addresses count elements of two bytes, not bytes.
    pub(crate) fn has_elements(self) -> bool {
        matches!(self, Self::Timers | Self::Counters)
    }

    /// Bytes behind one address.
    pub(crate) fn unit_bytes(self) -> usize {
        if self.has_elements() { 2 } else { 1 }
    }
}

/// What an address says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// The memory.
    pub(crate) area: Area,
    /// The number of the data block; 0 elsewhere.
    pub(crate) db: u16,
    /// The first byte; the number of a timer or counter.
    pub(crate) start: u32,
    /// The bit, if it names one.
    pub(crate) bit: Option<u8>,
    /// The type that its letters stand for.
    pub(crate) data_type: DataType,
    /// The number of elements or characters, where the address tells it.
    pub(crate) length: Option<u16>,
}

/// Words that stand for a type, behind the area.
const LETTERS: &[(&str, DataType)] = &[
    ("", DataType::Bool),
    ("X", DataType::Bool),
    ("B", DataType::Byte),
    ("BYTE", DataType::Byte),
    ("W", DataType::Word),
    ("WORD", DataType::Word),
    ("D", DataType::Dword),
    ("DW", DataType::Dword),
    ("DWORD", DataType::Dword),
    ("L", DataType::Lword),
    ("LWORD", DataType::Lword),
    ("C", DataType::Char),
    ("CHAR", DataType::Char),
    ("S", DataType::String),
    ("STRING", DataType::String),
    ("I", DataType::Int),
    ("INT", DataType::Int),
    ("DI", DataType::Dint),
    ("DINT", DataType::Dint),
    ("R", DataType::Real),
    ("REAL", DataType::Real),
    ("LR", DataType::Lreal),
    ("LREAL", DataType::Lreal),
    ("DT", DataType::DateAndTime),
    ("DTL", DataType::Dtl),
];

impl Address {
    /// Reads an address; the error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let whole = text.trim().trim_start_matches('%').to_ascii_uppercase();
        if !whole.is_ascii() {
            return Err(format!("`{text}` is no S7 address"));
        }
        if let Some(rest) = whole.strip_prefix("DB") {
            let (number, rest) = digits(rest);
            let db: u16 = number
                .parse()
                .ok()
                .filter(|db| *db > 0)
                .ok_or("a data block has a number from 1 to 65535")?;
            if let Some(cell) = rest.strip_prefix('.') {
                return cell_of(Area::Block, db, cell.strip_prefix("DB").unwrap_or(cell));
            }
            let cell = rest.strip_prefix(',');
            let cell =
                cell.ok_or("behind the data block stands what is meant in it, as `.DBW4`")?;
            return cell_of(Area::Block, db, cell);
        }
        let mut letters = whole.chars();
        let area = match letters.next() {
            Some('M') => Area::Flags,
            Some('I' | 'E') => Area::Inputs,
            Some('Q' | 'A') => Area::Outputs,
            Some('T') => return element(Area::Timers, DataType::Timer, letters.as_str()),
            Some('C' | 'Z') => return element(Area::Counters, DataType::Counter, letters.as_str()),
            _ => return Err(format!("`{text}` begins with no area of an S7")),
        };
        cell_of(area, 0, letters.as_str())
    }
}

fn element(area: Area, data_type: DataType, number: &str) -> Result<Address, String> {
    let start = number.parse::<u16>();
    let start = start.map_err(|_| "a timer or counter has a number from 0 to 65535")?;
    Ok(Address {
        area,
        db: 0,
        start: start.into(),
        bit: None,
        data_type,
        length: None,
    })
}

/// Letters for the type, the byte, and a bit or a length.
fn cell_of(area: Area, db: u16, cell: &str) -> Result<Address, String> {
    let at = cell.find(|c: char| !c.is_ascii_alphabetic());
    let (letters, numbers) = cell.split_at(at.unwrap_or(cell.len()));
    let named = LETTERS.iter().find(|(word, _)| *word == letters);
    let data_type = named
        .ok_or_else(|| format!("`{letters}` stands for no type"))?
        .1;
    let (byte, rest) = digits(numbers);
    let start = byte.parse::<u32>().ok().filter(|byte| *byte <= BYTE_MAX);
    let start = start.ok_or("the byte is a number from 0 to 65535")?;
    let suffix = match rest.strip_prefix('.') {
        Some(suffix) => {
            let number = suffix.parse::<u16>();
            Some(number.map_err(|_| format!("`{suffix}` is no number"))?)
        }
        None if rest.is_empty() => None,
        None => return Err(format!("`{rest}` behind the byte has no meaning")),
    };
    let mut address = Address {
        area,
        db,
        start,
        bit: None,
        data_type,
        length: None,
    };
    if data_type == DataType::Bool {
        let bit = suffix.and_then(|bit| u8::try_from(bit).ok());
        let bit = bit.filter(|bit| *bit < 8);
        address.bit = Some(bit.ok_or("a bit is named by a byte and a bit from 0 to 7, as `0.3`")?);
    } else {
        address.length = suffix;
    }
    Ok(address)
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit());
    text.split_at(end.unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> (Area, u16, u32, Option<u8>, DataType, Option<u16>) {
        let address = Address::parse(text).unwrap();
        let Address {
            area,
            db,
            start,
            bit,
            data_type,
            length,
        } = address;
        (area, db, start, bit, data_type, length)
    }

    #[test]
    fn both_notations_are_understood() {
        use {Area::*, DataType as D};
        for (text, expected) in [
            ("DB1.DBX0.7", (Block, 1, 0, Some(7), D::Bool, None)),
            ("db12.dbb3", (Block, 12, 3, None, D::Byte, None)),
            ("%DB1.DBW4", (Block, 1, 4, None, D::Word, None)),
            (
                "DB65535.DBD65532",
                (Block, 65_535, 65_532, None, D::Dword, None),
            ),
            ("DB1.DBL8", (Block, 1, 8, None, D::Lword, None)),
            ("M0.1", (Flags, 0, 0, Some(1), D::Bool, None)),
            ("MX0.1", (Flags, 0, 0, Some(1), D::Bool, None)),
            ("MB9", (Flags, 0, 9, None, D::Byte, None)),
            ("IW2", (Inputs, 0, 2, None, D::Word, None)),
            ("EW2", (Inputs, 0, 2, None, D::Word, None)),
            (
                "E 0.3".replace(' ', "").as_str(),
                (Inputs, 0, 0, Some(3), D::Bool, None),
            ),
            ("QD4", (Outputs, 0, 4, None, D::Dword, None)),
            ("AB4", (Outputs, 0, 4, None, D::Byte, None)),
            ("T5", (Timers, 0, 5, None, D::Timer, None)),
            ("C7", (Counters, 0, 7, None, D::Counter, None)),
            ("Z7", (Counters, 0, 7, None, D::Counter, None)),
            ("DB10,REAL4", (Block, 10, 4, None, D::Real, None)),
            ("DB10,INT6.3", (Block, 10, 6, None, D::Int, Some(3))),
            ("DB10,S20.30", (Block, 10, 20, None, D::String, Some(30))),
            ("DB10,X14.2", (Block, 10, 14, Some(2), D::Bool, None)),
            ("MR30", (Flags, 0, 30, None, D::Real, None)),
        ] {
            assert_eq!(seen(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in [
            "",
            "DB",
            "DB0.DBW0",
            "DB65536.DBW0",
            "DB1",
            "DB1.DBX0",
            "DB1.DBX0.8",
            "DB1.DBQ3",
            "DB1.DBW",
            "DB1.DBW65536",
            "DB1.DBW4x",
            "W4",
            "M",
            "T",
            "T-1",
            "Tx",
            "Z70000",
            "MÄ1",
            "DB1.DBW4.",
            "DB1.DBW99999999999999999999",
            "%",
        ] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }
}
