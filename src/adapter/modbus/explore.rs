//! The first hour with a Modbus device: addresses as people write them, and each plausible meaning
//! of the registers behind them.

mod meaning;
mod notation;

use mainstem_adapter::Explore;
use mainstem_adapter::explore::{Answer, Guide, Target, Tried, View, Wish, host_and_port};
use serde_json::{Map, Value, json};

use crate::binding::Table;
use notation::{Notation, Wanted};

/// What the kind does for somebody who does not know the device yet.
pub(crate) struct ModbusExplore;

impl Explore for ModbusExplore {
    fn guide(&self) -> Guide {
        Guide {
            url: "tcp://HOST[:502], tls://HOST[:802], rtu+tcp://HOST:PORT, /dev/ttyUSB0",
            addresses: &[
                "40001 (holding register 0)",
                "400001 (the same)",
                "3:0 (the same: function code and address, counted from 0)",
                "30001, 10001, 00001 (input register, discrete input, coil 0)",
                "40001.3 (bit 3)",
            ],
            words: &[("unit", "unitId")],
            can_browse: false,
        }
    }

    fn connection(&self, url: &str) -> Result<Value, String> {
        // A serial port is a file, on Windows one with a name of its own.
        if url.starts_with('/') || url.to_ascii_uppercase().starts_with("COM") {
            return Ok(json!({ "transport": "rtu", "device": url }));
        }
        let schemes = ["tcp", "modbus", "tls", "rtu+tcp"];
        let place = host_and_port(url, &schemes)?;
        if !matches!(place.path.as_str(), "" | "/") {
            return Err(format!(
                "`{}` behind the host has no meaning here",
                place.path
            ));
        }
        let mut connection = Map::new();
        match place.scheme.as_str() {
            "tls" => drop(connection.insert("transport".into(), json!("tls"))),
            "rtu+tcp" => drop(connection.insert("transport".into(), json!("rtuOverTcp"))),
            _ => {}
        }
        connection.insert("host".into(), json!(place.host));
        if let Some(port) = place.port {
            connection.insert("port".into(), json!(port));
        }
        Ok(Value::Object(connection))
    }

    fn targets(&self, wish: &Wish<'_>) -> Result<Vec<Target>, String> {
        let notation: Notation = wish.address.parse()?;
        let wanted = Wanted::of(&notation, wish.data_type)?;
        let step = wanted.addresses();
        let target = |index: usize| {
            let offset = u32::try_from(index * step).ok();
            let address = offset.and_then(|offset| u32::from(notation.address).checked_add(offset));
            let address = address.and_then(|address| u16::try_from(address).ok());
            let address = address.ok_or("the addresses end behind 65535, the last one there is")?;
            let here = notation.at(address);
            Ok(Target::new(here.to_string(), wanted.operation(&here)))
        };
        (0..wish.count.max(1)).map(target).collect()
    }

    fn interpret(&self, wish: &Wish<'_>, answers: &[Answer]) -> Vec<Tried> {
        let notation = wish.address.parse::<Notation>().ok();
        let open = wish.data_type.is_none();
        match notation {
            Some(notation) if open && notation.is_whole() && !notation.table.has_bits() => {
                meaning::registers(&notation, answers)
            }
            _ => answers.iter().map(|answer| typed(wish, answer)).collect(),
        }
    }

    fn legend(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("ABCD", "as the standard has it; nothing to write"),
            ("CDAB", "word_order: little"),
            ("BADC", "byte_order: little"),
            ("DCBA", "word_order: little and byte_order: little"),
        ]
    }
}

/// A value of a type that was asked for keeps the word by which it was.
fn typed(wish: &Wish<'_>, answer: &Answer) -> Tried {
    let mut tried = Tried::plain(answer);
    if let Some(word) = wish.data_type {
        let named = |view: View| View {
            label: word.to_owned(),
            ..view
        };
        tried.views = tried.views.into_iter().map(named).collect();
    }
    tried
}

/// The function code that reads a table.
fn function_code(table: Table) -> u8 {
    match table {
        Table::Coils => 1,
        Table::DiscreteInputs => 2,
        Table::HoldingRegisters => 3,
        Table::InputRegisters => 4,
    }
}

#[cfg(test)]
mod tests;
