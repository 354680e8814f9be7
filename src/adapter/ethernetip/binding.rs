//! One endpoint after its configuration was checked: which tag, and what it means.

use std::time::Duration;

use mainstem_adapter::{EndpointSpec, Problem, fields};
use mainstem_model::Access;
use mainstem_model::limits::VALUE_BYTES_MAX;
use serde_json::json;

use crate::cip;
use crate::config::EndpointConfig;
use crate::data_type::{DataType, Format, Shape};
use crate::path::TagPath;

/// How often an endpoint is polled that says nothing about it.
const INTERVAL_DEFAULT: Duration = Duration::from_secs(1);

/// An endpoint, ready for use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binding {
    /// The tag as the user wrote it.
    pub(crate) written: String,
    /// Its path, encoded.
    pub(crate) path: Vec<u8>,
    /// The request that reads it.
    pub(crate) request: Vec<u8>,
    /// What it means.
    pub(crate) format: Format,
    /// The longest text that the endpoint allows, where it says so.
    pub(crate) text_max: Option<u16>,
    /// How often it is polled, if at all.
    pub(crate) poll: Option<Duration>,
    /// Whether it may be written.
    pub(crate) writable: bool,
}

impl Binding {
    /// Checks an endpoint; all problems are reported.
    pub(crate) fn new(pointer: &str, spec: &EndpointSpec) -> Result<Self, Vec<Problem>> {
        let place = format!("{pointer}/operation");
        let smallest = json!({ "tagName": "a" });
        let config: EndpointConfig =
            fields::read(&spec.operation, &place, &smallest, "EtherNet/IP")?;
        let mut problems = Vec::new();
        let mut report = |key: &str, message: &str, expected: &str| {
            problems.push(Problem::new(format!("{place}/{key}"), message, expected));
        };
        let program = config.program_name.as_deref();
        let program = program.filter(|name| !name.eq_ignore_ascii_case("null"));
        let path = match TagPath::parse(program, &config.tag_name) {
            Ok(path) => path,
            Err(message) => {
                let expected = "as `Speed`, `Recipe.Step[3].Time` or `Program:Main.Count`";
                report("tagName", &message, expected);
                return Err(problems);
            }
        };
        let (path, format) = meaning(&config, path, &mut report);
        let writable = spec.access.is_writable();
        if writable && format.shape == Shape::Number {
            let message = "`tagType` is missing: what is written has to have the tag's type";
            report(
                "tagType",
                message,
                "the type of the tag, such as DINT or REAL",
            );
        }
        let own = config.interval.map(Duration::from_millis);
        let interval = spec.interval.or(own).unwrap_or(INTERVAL_DEFAULT);
        let path = path.encode();
        let binding = Self {
            written: config.tag_name.trim().to_owned(),
            request: cip::read(&path, format.count()),
            path,
            format,
            text_max: config.length.filter(|_| format.is_text()),
            poll: (spec.access != Access::Write).then_some(interval),
            writable,
        };
        match problems.is_empty() {
            true => Ok(binding),
            false => Err(problems),
        }
    }
}

/// What the options say about the content of the tag.
fn meaning(
    config: &EndpointConfig,
    path: TagPath,
    report: &mut impl FnMut(&str, &str, &str),
) -> (TagPath, Format) {
    let is_bool = config.tag_type.is_none_or(|found| found.name == "BOOL");
    let bit = path.bit;
    if (config.packed || bit.is_some()) && !is_bool {
        report("tagType", "a bit is a BOOL", "BOOL, or leave it out");
    }
    let (path, shape) = match (config.packed, bit, config.tag_type) {
        (true, ..) => match path.clone().word() {
            Some((word, bit)) => (word, Shape::Packed(bit)),
            None => {
                let message = "a packed BOOL is an element of an array with one dimension";
                report("tagName", message, "as `Flags[35]`");
                (path, Shape::Packed(0))
            }
        },
        (_, Some(bit), _) => (path, Shape::Bit(bit)),
        (.., Some(data_type)) => (path, Shape::Elements(data_type)),
        _ => (path, Shape::Number),
    };
    let is_text = config.tag_type.is_some_and(DataType::is_text);
    let can_be_array = matches!(shape, Shape::Elements(_) | Shape::Packed(_)) && !is_text;
    let length = config.length.unwrap_or(1);
    if length > 1 && !can_be_array && !is_text {
        let message = "an array needs its `tagType`, and a bit is no array";
        report("length", message, "leave it out, or give `tagType`");
    }
    let format = Format {
        shape,
        length,
        array: config.length.is_some() && length > 1 && can_be_array,
    };
    let held = usize::from(length) * size_of::<mainstem_model::Value>();
    if format.array && held > VALUE_BYTES_MAX {
        let message = format!("a datapoint holds {VALUE_BYTES_MAX} bytes, this array needs {held}");
        report(
            "length",
            &message,
            "fewer elements in each of several endpoints",
        );
    }
    (path, format)
}
