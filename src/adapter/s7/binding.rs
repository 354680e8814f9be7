//! One endpoint after its configuration was checked: where it stands and what it means.

use std::time::Duration;

use mainstem_adapter::{EndpointSpec, Problem, fields};
use mainstem_model::Access;
use serde_json::json;

use crate::address::{Address, Area, BYTE_MAX};
use crate::block::{Member, Span};
use crate::config::EndpointConfig;
use crate::data_type::{DataType, Format};

/// How often an endpoint is polled that says nothing about it.
const INTERVAL_DEFAULT: Duration = Duration::from_secs(1);
/// The characters of a `STRING` that was declared without a number.
const STRING_DEFAULT: u16 = 254;

/// An endpoint, ready for use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binding {
    /// The address as the user wrote it.
    pub(crate) written: String,
    /// Which bytes.
    pub(crate) span: Span,
    /// What they mean.
    pub(crate) format: Format,
    /// How often it is polled, if at all.
    pub(crate) poll: Option<Duration>,
    /// Whether it may be written.
    pub(crate) writable: bool,
}

impl Binding {
    /// Checks an endpoint; all problems are reported.
    pub(crate) fn new(pointer: &str, spec: &EndpointSpec) -> Result<Self, Vec<Problem>> {
        let place = format!("{pointer}/operation");
        let config: EndpointConfig =
            fields::read(&spec.operation, &place, &json!({ "address": "MB0" }), "S7")?;
        let mut problems = Vec::new();
        let mut report = |key: &str, message: String, expected: &str| {
            problems.push(Problem::new(format!("{place}/{key}"), message, expected));
        };
        let address = match Address::parse(&config.address) {
            Ok(address) => address,
            Err(message) => {
                report(
                    "address",
                    message,
                    "as `DB1.DBX0.0`, `DB1.DBW4`, `MW10`, `IB0` or `T5`",
                );
                return Err(problems);
            }
        };
        let format = format(&config, &address, &mut report);
        let units = format.size() / address.area.unit_bytes();
        let count = u32::try_from(units).unwrap_or(BYTE_MAX);
        if address.start + count > BYTE_MAX + 1 {
            let message = "it ends behind byte 65535, the last one there is".to_owned();
            report("address", message, "a lower address, or a shorter length");
        }
        let writable = spec.access.is_writable();
        if writable && address.area.has_elements() {
            let message = "timers and counters are only read".to_owned();
            report("address", message, "`read:` or `subscribe:`");
        }
        let own = config.interval.map(Duration::from_millis);
        let interval = spec.interval.or(own).unwrap_or(INTERVAL_DEFAULT);
        let binding = Self {
            written: config.address.trim().to_owned(),
            span: Span {
                area: address.area,
                db: address.db,
                start: address.start,
                count,
            },
            format,
            poll: (spec.access != Access::Write).then_some(interval),
            writable,
        };
        match problems.is_empty() {
            true => Ok(binding),
            false => Err(problems),
        }
    }

    /// For the planner.
    pub(crate) fn member(&self, index: usize) -> Member {
        (index, self.span)
    }
}

/// The type and length, of which the address tells a part.
fn format(
    config: &EndpointConfig,
    address: &Address,
    report: &mut impl FnMut(&str, String, &str),
) -> Format {
    let data_type = config.data_type.unwrap_or(address.data_type);
    let is_bit = address.bit.is_some();
    if is_bit != (data_type == DataType::Bool) {
        let message = match is_bit {
            true => "the address names a bit, which is a bool",
            false => "a bool needs a bit in its address",
        };
        report("dataType", message.to_owned(), "as `DB1.DBX0.0` with bool");
    }
    if matches!(address.area, Area::Timers | Area::Counters) && config.data_type.is_some() {
        let message = "what a timer or counter holds is known".to_owned();
        report("dataType", message, "leave it out");
    }
    if address.length.is_some() && config.length.is_some() && address.length != config.length {
        let message = "the address tells another length".to_owned();
        report("length", message, "leave it out");
    }
    let given = config.length.or(address.length);
    if given.is_none() && data_type == DataType::Raw {
        let message = "`length` is missing: raw bytes have none of their own".to_owned();
        report("length", message, "the number of bytes");
    }
    let usual = match data_type {
        DataType::String | DataType::Wstring => STRING_DEFAULT,
        _ => 1,
    };
    let length = given.unwrap_or(usual);
    let most = data_type.length_max();
    if length == 0 || length > most {
        report(
            "length",
            format!("{length} is out of range"),
            &format!("1 to {most}"),
        );
    }
    Format {
        data_type,
        length: length.clamp(1, most),
        array: given.is_some() && !data_type.is_sequence() && length > 1,
        bit: address.bit.unwrap_or(0),
    }
}
