//! One endpoint after its configuration was checked: where it stands, how it is read and written.

use std::time::Duration;

use mainstem_adapter::{EndpointSpec, Problem, fields};
use mainstem_model::Access;
use mainstem_registers::{
    Endian, Format, Number, Order, READ_BITS_MAX, READ_REGISTERS_MAX, Table, WRITE_BITS_MAX,
    WRITE_REGISTERS_MAX,
};
use serde_json::json;

use crate::block::{Member, Span};
use crate::config::{ConnectionConfig, EndpointConfig};

/// How often an endpoint is polled that says nothing about it.
const INTERVAL_DEFAULT: Duration = Duration::from_secs(1);

/// The function codes that write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteCode {
    /// 5
    SingleCoil,
    /// 6
    SingleRegister,
    /// 15
    Coils,
    /// 16
    Registers,
}

/// An endpoint, ready for use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binding {
    /// The unit's address.
    pub(crate) unit: u8,
    /// Where in the unit.
    pub(crate) table: Table,
    /// Which addresses.
    pub(crate) span: Span,
    /// What they mean.
    pub(crate) format: Format,
    /// Whether it is read by a request of its own.
    pub(crate) alone: bool,
    /// How often it is polled, if at all.
    pub(crate) poll: Option<Duration>,
    /// How it is written, if at all.
    pub(crate) write: Option<WriteCode>,
}

impl Binding {
    /// Checks an endpoint; all problems are reported.
    pub(crate) fn new(
        pointer: &str,
        spec: &EndpointSpec,
        connection: Option<&ConnectionConfig>,
    ) -> Result<Self, Vec<Problem>> {
        let place = format!("{pointer}/operation");
        let smallest = json!({ "fc": 3, "address": 0 });
        let config: EndpointConfig = fields::read(&spec.operation, &place, &smallest, "Modbus")?;
        let mut checks = Checks {
            place: &place,
            problems: Vec::new(),
        };
        let (table, code) = checks.function(&config, spec.access);
        let format = checks.format(&config, table);
        let count = checks.count(&config, table, format);
        let write = writes(spec.access).then(|| code.unwrap_or(by_length(table, count)));
        let binding = Self {
            unit: config
                .unit_id
                .or(connection.map(|connection| connection.unit_id))
                .unwrap_or(1),
            table,
            span: Span {
                start: config.address,
                count,
            },
            format,
            alone: config.no_merge,
            poll: reads(spec.access).then(|| {
                let own = config.interval.map(Duration::from_millis);
                spec.interval.or(own).unwrap_or(INTERVAL_DEFAULT)
            }),
            write,
        };
        checks.sizes(&binding);
        if checks.problems.is_empty() {
            Ok(binding)
        } else {
            Err(checks.problems)
        }
    }

    /// For the block planner.
    pub(crate) fn member(&self, index: usize) -> Member {
        (index, self.span)
    }
}

fn reads(access: Access) -> bool {
    access != Access::Write
}

fn writes(access: Access) -> bool {
    access.is_writable()
}

/// The function code that suits an endpoint named by its reading function code.
fn by_length(table: Table, count: u16) -> WriteCode {
    match (table.has_bits(), count) {
        (true, 1) => WriteCode::SingleCoil,
        (true, _) => WriteCode::Coils,
        (false, 1) => WriteCode::SingleRegister,
        (false, _) => WriteCode::Registers,
    }
}

struct Checks<'a> {
    place: &'a str,
    problems: Vec<Problem>,
}

impl Checks<'_> {
    fn report(&mut self, key: &str, message: impl Into<String>, expected: &str) {
        self.problems.push(Problem::new(
            format!("{}/{key}", self.place),
            message,
            expected,
        ));
    }

    fn function(&mut self, config: &EndpointConfig, access: Access) -> (Table, Option<WriteCode>) {
        let (table, code) = match config.fc {
            1 => (Table::Coils, None),
            2 => (Table::DiscreteInputs, None),
            3 => (Table::HoldingRegisters, None),
            4 => (Table::InputRegisters, None),
            5 => (Table::Coils, Some(WriteCode::SingleCoil)),
            6 => (Table::HoldingRegisters, Some(WriteCode::SingleRegister)),
            15 => (Table::Coils, Some(WriteCode::Coils)),
            16 => (Table::HoldingRegisters, Some(WriteCode::Registers)),
            other => {
                let message = format!("{other} is no function code for endpoints");
                self.report("fc", message, "1 2 3 4 to read, 5 6 15 16 to write");
                return (Table::HoldingRegisters, None);
            }
        };
        if code.is_some() && reads(access) {
            let read = if table.has_bits() { 1 } else { 3 };
            let message = format!("function code {} cannot read", config.fc);
            let expected = format!("`write:`, or `fc: {read}` with `access: rw` to do both");
            self.report("fc", message, &expected);
        }
        if writes(access) && matches!(table, Table::DiscreteInputs | Table::InputRegisters) {
            let message = format!(
                "function code {} stands for inputs, which nobody can write",
                config.fc
            );
            self.report(
                "fc",
                message,
                "1 or 3 for an endpoint that is read and written",
            );
        }
        (table, code)
    }

    fn format(&mut self, config: &EndpointConfig, table: Table) -> Format {
        let format = self.declared_format(config).unwrap_or(match config.length {
            None | Some(1) if table.has_bits() => Format::Bool,
            None => Format::Number(Number::U16, Order::default()),
            Some(_) => Format::Raw,
        });
        if table.has_bits() && !matches!(format, Format::Raw | Format::Bool) {
            let key = if config.bit.is_some() {
                "bit"
            } else {
                type_key(config)
            };
            let message = format!("function code {} has bits, not registers", config.fc);
            self.report(key, message, "boolean, or raw for several bits");
        }
        format
    }

    fn declared_format(&mut self, config: &EndpointConfig) -> Option<Format> {
        let (words, bytes) = (config.word_order, config.byte_order);
        let mut format = match (config.data_type, config.short_type) {
            (Some(_), Some(_)) => {
                self.report(
                    "type",
                    "`type` and `dataType` exclude each other",
                    "one of the two",
                );
                None
            }
            (Some(long), None) => {
                if matches!(long.0, Format::Number(..)) && (words.is_some() || bytes.is_some()) {
                    let key = if words.is_some() {
                        "word_order"
                    } else {
                        "byte_order"
                    };
                    let message = "`dataType` names the order already";
                    self.report(key, message, "leave it out, or use `type` with it");
                }
                Some(long.0)
            }
            (None, Some(short)) => Some(short.format(words, bytes)),
            (None, None) => None,
        };
        if let (Some(Format::Text { swapped }), Some(_)) = (&mut format, bytes) {
            *swapped = bytes == Some(Endian::Little);
        }
        let Some(bit) = config.bit else { return format };
        if !matches!(format, None | Some(Format::Bool)) {
            let message = "one bit of a register is a boolean";
            self.report(type_key(config), message, "leave it out beside `bit`");
        }
        Some(Format::Bit(bit))
    }

    fn count(&mut self, config: &EndpointConfig, table: Table, format: Format) -> u16 {
        let fixed = if table.has_bits() {
            (format != Format::Raw).then_some(1)
        } else {
            format.words()
        };
        match (fixed, config.length) {
            (Some(count), None) => count,
            (None, Some(length)) => length,
            (Some(count), Some(length)) => {
                if count != length {
                    let message = format!("length {length} does not fit the data type");
                    self.report("length", message, &format!("{count}, or leave it out"));
                }
                count
            }
            (None, None) => {
                let message = "`length` is missing: this data type has none of its own";
                self.report("length", message, "the number of registers or bits");
                1
            }
        }
    }

    fn sizes(&mut self, binding: &Binding) {
        let count = binding.span.count;
        let bits = binding.table.has_bits();
        if binding.span.end() > 0x1_0000 {
            let message = "the addresses end behind 65535, the last one there is";
            self.report("address", message, "address + length of at most 65536");
        }
        let read_max = if bits {
            READ_BITS_MAX
        } else {
            READ_REGISTERS_MAX
        };
        let write_max = if bits {
            WRITE_BITS_MAX
        } else {
            WRITE_REGISTERS_MAX
        };
        let max = if binding.write.is_some() {
            write_max
        } else {
            read_max
        };
        if count > max {
            let message = format!("{count} do not fit into one request");
            self.report("length", message, &format!("1 to {max}"));
        }
        let single = matches!(
            binding.write,
            Some(WriteCode::SingleCoil | WriteCode::SingleRegister)
        );
        if single && count > 1 {
            let message = "this function code writes one address only";
            self.report(
                "fc",
                message,
                "15 for several bits, 16 for several registers",
            );
        }
    }
}

fn type_key(config: &EndpointConfig) -> &'static str {
    if config.short_type.is_some() {
        "type"
    } else {
        "dataType"
    }
}
