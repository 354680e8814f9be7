//! `Node::Modbus`: one datapoint in the registers of a Modbus server.

use mainstem_registers::{DataType, Endian, Format, ShortType, Table};

use crate::TargetState;

/// Whether clients may write a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NodeAccess {
    /// They read it.
    #[default]
    R,
    /// They write it too, as far as the role of the server may.
    Rw,
}

/// How the number in the registers becomes the datapoint's: `number * factor + offset`.
#[derive(Clone, Copy, Debug, PartialEq, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeScaling {
    /// The factor, not zero.
    #[serde(default = "one")]
    pub factor: f64,
    /// The offset.
    #[serde(default)]
    pub offset: f64,
}

fn one() -> f64 {
    1.0
}

/// A node of a Modbus server, as written.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ModbusNodeSection {
    /// The id of the server.
    pub parent: String,
    /// The datapoint.
    #[schemars(extend("format" = "long-name"))]
    pub datapoint: String,
    /// In which table it stands.
    pub table: Table,
    /// Its first address, as it stands in requests, counted from 0.
    #[schemars(range(max = 65_535))]
    pub address: u16,
    /// The unit that has it.
    #[serde(default = "unit")]
    #[schemars(range(max = 255))]
    pub unit_id: u8,
    /// What the registers hold, in the words of the Modbus client's `dataType`.
    #[serde(default)]
    pub data_type: Option<DataType>,
    /// The same in short; bool for bits and u16 for registers unless either is given.
    #[serde(default)]
    pub r#type: Option<ShortType>,
    /// Which register of several holds the most significant word; big: the first.
    #[serde(default)]
    pub word_order: Option<Endian>,
    /// Which byte of a register is the more significant one; big: the first.
    #[serde(default)]
    pub byte_order: Option<Endian>,
    /// Registers of a text or of bytes.
    #[serde(default)]
    #[schemars(range(min = 1, max = 123))]
    pub length: Option<u16>,
    /// Linear scaling.
    #[serde(default)]
    pub scaling: Option<NodeScaling>,
    /// Whether clients may write it.
    #[serde(default)]
    pub access: NodeAccess,
    /// The address, in the same table, that says how good the value is.
    #[serde(default)]
    #[schemars(range(max = 65_535))]
    pub status: Option<u16>,
    /// Whether it is there.
    #[serde(default)]
    pub target_state: TargetState,
}

fn unit() -> u8 {
    1
}

/// A node of a Modbus server.
#[derive(Clone, Debug, PartialEq)]
pub struct ModbusNode {
    /// Its resource id.
    pub id: String,
    /// The id of its server.
    pub server: String,
    /// The datapoint.
    pub datapoint: String,
    /// The unit that has it.
    pub unit: u8,
    /// In which table it stands.
    pub table: Table,
    /// Its first address.
    pub address: u16,
    /// How many addresses it has.
    pub count: u16,
    /// What they hold.
    pub format: Format,
    /// Linear scaling.
    pub scaling: Option<NodeScaling>,
    /// Whether clients may write it.
    pub is_writable: bool,
    /// The address that says how good the value is.
    pub status: Option<u16>,
    /// Whether it is there.
    pub target_state: TargetState,
}

impl ModbusNodeSection {
    /// What its addresses hold, and how many there are; or the key that is wrong, what is wrong
    /// with it, and what was expected.
    ///
    /// # Errors
    /// The first contradiction among type, order and length.
    pub fn shape(&self) -> Result<(Format, u16), (&'static str, &'static str, &'static str)> {
        let orders = self.word_order.is_some() || self.byte_order.is_some();
        let format = match (self.data_type, self.r#type) {
            (Some(_), Some(_)) => {
                return Err((
                    "type",
                    "`type` and `dataType` exclude each other",
                    "one of the two",
                ));
            }
            (Some(_), None) if orders => {
                let expected = "leave the orders out, or use `type` with them";
                return Err(("dataType", "`dataType` names the order already", expected));
            }
            (Some(long), None) => long.0,
            (None, Some(short)) => short.format(self.word_order, self.byte_order),
            (None, None) if self.table.has_bits() => Format::Bool,
            (None, None) => ShortType::U16.format(self.word_order, self.byte_order),
        };
        if self.table.has_bits() {
            let is_bit = format == Format::Bool && self.length.is_none_or(|length| length == 1);
            let expected = "`type: bool`, or a table of registers";
            return match is_bit {
                true => Ok((format, 1)),
                false => Err(("table", "this table holds single bits", expected)),
            };
        }
        match (format.words(), self.length) {
            (Some(count), None) => Ok((format, count)),
            (Some(count), Some(length)) if count == length => Ok((format, count)),
            (Some(_), Some(_)) => Err((
                "length",
                "this length does not fit the type",
                "leave it out",
            )),
            (None, Some(length)) => Ok((format, length)),
            (None, None) => Err((
                "length",
                "this type has no length of its own",
                "the number of registers",
            )),
        }
    }

    /// The node that is meant, once its shape is known.
    #[must_use]
    pub fn resolve(self, id: &str, server: &str, (format, count): (Format, u16)) -> ModbusNode {
        ModbusNode {
            id: id.to_owned(),
            server: server.to_owned(),
            datapoint: self.datapoint,
            unit: self.unit_id,
            table: self.table,
            address: self.address,
            count,
            format,
            scaling: self.scaling,
            is_writable: self.access == NodeAccess::Rw,
            status: self.status,
            target_state: self.target_state,
        }
    }
}
