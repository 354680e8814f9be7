//! The first hour with an S7: absolute addresses as people write them, and each plausible meaning
//! of the bytes behind them.

mod meaning;

use mainstem_adapter::Explore;
use mainstem_adapter::explore::{Answer, Guide, Target, Tried, Wish, host_and_port};
use serde_json::{Map, Value, json};

use crate::address::{Address, Area, BYTE_MAX};
use crate::data_type::DataType;

/// What the kind does for somebody who does not know the device yet.
pub(crate) struct S7Explore;

impl Explore for S7Explore {
    fn guide(&self) -> Guide {
        Guide {
            url: "s7://HOST[:102]",
            addresses: &[
                "DB1.DBD4 (four bytes of data block 1 from byte 4 on)",
                "DB1.DBW0, DB1.DBB0, DB1.DBX0.3 (a word, a byte, a bit)",
                "DB1,REAL4 (the type in the address)",
                "MW10, IB0, QB0 (flags, inputs, outputs; German M, E, A)",
                "T5, C7 (a timer, a counter)",
            ],
            words: &[("rack", "rack"), ("slot", "slot")],
            can_browse: false,
        }
    }

    fn connection(&self, url: &str) -> Result<Value, String> {
        let place = host_and_port(url, &["s7", "tcp"])?;
        if !matches!(place.path.as_str(), "" | "/") {
            return Err(format!(
                "`{}` behind the host has no meaning here; use --rack and --slot",
                place.path
            ));
        }
        let mut connection = Map::new();
        connection.insert("host".into(), json!(place.host));
        if let Some(port) = place.port {
            connection.insert("port".into(), json!(port));
        }
        Ok(Value::Object(connection))
    }

    fn targets(&self, wish: &Wish<'_>) -> Result<Vec<Target>, String> {
        let first = Place::of(wish)?;
        let target = |index: usize| {
            let here = first.neighbour(index)?;
            Ok(Target::new(here.to_text(), here.operation()))
        };
        (0..wish.count.max(1)).map(target).collect()
    }

    fn interpret(&self, wish: &Wish<'_>, answers: &[Answer]) -> Vec<Tried> {
        match Place::of(wish) {
            Ok(first) if first.is_open => meaning::bytes(&first, answers),
            _ => answers.iter().map(Tried::plain).collect(),
        }
    }
}

/// An address and what is read there.
#[derive(Clone, Debug)]
struct Place {
    address: Address,
    /// The type that was asked for beside the address.
    data_type: Option<String>,
    length: Option<u16>,
    /// Whether the address tells only how many bytes, not what they mean.
    is_open: bool,
}

impl Place {
    fn of(wish: &Wish<'_>) -> Result<Self, String> {
        let address = Address::parse(wish.address)?;
        let wanted = match wish.data_type {
            None => None,
            Some(word) => {
                let (name, length) = word
                    .split_once(':')
                    .map_or((word, None), |(name, length)| (name, Some(length)));
                let length = length.map(|text| {
                    text.parse::<u16>()
                        .map_err(|_| format!("`{text}` is no length"))
                });
                Some((word_of(name)?, length.transpose()?))
            }
        };
        let is_width = matches!(
            address.data_type,
            DataType::Byte | DataType::Word | DataType::Dword | DataType::Lword
        );
        let (data_type, length) = wanted.map_or((None, None), |(word, length)| (word, length));
        Ok(Self {
            is_open: is_width && data_type.is_none() && address.length.is_none(),
            address,
            data_type,
            length,
        })
    }

    /// Bytes from one to the next; timers and counters are counted one by one.
    fn step(&self) -> u32 {
        if self.address.area.has_elements() {
            return 1;
        }
        let named = self.data_type.as_deref().and_then(DataType::named);
        let data_type = named.unwrap_or(self.address.data_type);
        let length = self.length.or(self.address.length);
        let usual = match data_type {
            DataType::String | DataType::Wstring => 254,
            _ => 1,
        };
        let bytes = data_type.header() + data_type.unit() * usize::from(length.unwrap_or(usual));
        u32::try_from(bytes).unwrap_or(BYTE_MAX)
    }

    fn neighbour(&self, index: usize) -> Result<Self, String> {
        let mut here = self.clone();
        let beyond = || format!("the addresses end behind byte {BYTE_MAX}");
        let index = u32::try_from(index).map_err(|_| beyond())?;
        if let Some(bit) = self.address.bit {
            let bit = u32::from(bit) + index;
            here.address.start += bit / 8;
            here.address.bit = u8::try_from(bit % 8).ok();
        } else {
            let offset = index.checked_mul(self.step()).ok_or_else(beyond)?;
            here.address.start += offset;
        }
        match here.address.start <= BYTE_MAX {
            true => Ok(here),
            false => Err(beyond()),
        }
    }

    /// The address in Siemens' notation.
    fn to_text(&self) -> String {
        text_of(&self.address)
    }

    fn operation(&self) -> Value {
        let mut operation = json!({ "address": self.to_text() });
        if self.is_open {
            operation["dataType"] = json!("raw");
            operation["length"] = json!(self.address.data_type.unit());
            return operation;
        }
        let own = named_in_address(self.address.data_type);
        if let Some(word) = self.data_type.as_deref().or(own) {
            operation["dataType"] = json!(word);
        }
        if let Some(length) = self.length.or(self.address.length) {
            operation["length"] = json!(length);
        }
        operation
    }
}

/// The kind's word for a type: its own, or one of those that all kinds share. A bit says itself
/// that it is a bool.
fn word_of(name: &str) -> Result<Option<String>, String> {
    let shared = [
        ("i8", "sint"),
        ("u8", "usint"),
        ("i16", "int"),
        ("u16", "uint"),
        ("i32", "dint"),
        ("u32", "udint"),
        ("i64", "lint"),
        ("u64", "ulint"),
        ("f32", "real"),
        ("f64", "lreal"),
        ("text", "string"),
    ];
    let name = name.to_ascii_lowercase();
    if name == "bool" {
        return Ok(None);
    }
    let found = shared.iter().find(|(word, _)| *word == name);
    let word = found.map_or(name.as_str(), |(_, own)| own);
    match DataType::named(word) {
        Some(_) => Ok(Some(word.to_owned())),
        None => Err(format!(
            "`{name}` is no type of an S7: int dint real lreal word dword byte char string dtl …"
        )),
    }
}

/// What Kepware's letters say beyond the width, which Siemens' own notation cannot.
fn named_in_address(data_type: DataType) -> Option<&'static str> {
    Some(match data_type {
        DataType::Char => "char",
        DataType::String => "string",
        DataType::Int => "int",
        DataType::Dint => "dint",
        DataType::Real => "real",
        DataType::Lreal => "lreal",
        DataType::DateAndTime => "dateAndTime",
        DataType::Dtl => "dtl",
        _ => return None,
    })
}

/// An address in Siemens' notation, with the letter of its width.
fn text_of(address: &Address) -> String {
    let width = match (address.bit, address.data_type.unit()) {
        (Some(_), _) => 'X',
        (None, 2) => 'W',
        (None, 4) => 'D',
        (None, 8) if address.data_type != DataType::DateAndTime => 'L',
        (None, _) => 'B',
    };
    let bit = address.bit.map_or(String::new(), |bit| format!(".{bit}"));
    let start = address.start;
    match address.area {
        Area::Block => format!("DB{}.DB{width}{start}{bit}", address.db),
        Area::Timers => format!("T{start}"),
        Area::Counters => format!("C{start}"),
        area => {
            let letter = match area {
                Area::Inputs => 'I',
                Area::Outputs => 'Q',
                _ => 'M',
            };
            let width = if address.bit.is_some() {
                String::new()
            } else {
                width.to_string()
            };
            format!("{letter}{width}{start}{bit}")
        }
    }
}

#[cfg(test)]
mod tests;
