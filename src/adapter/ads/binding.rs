//! One endpoint after its configuration was checked: which variable, and what it means.

use std::time::Duration;

use mainstem_adapter::{EndpointSpec, Problem, fields};
use mainstem_model::limits::VALUE_BYTES_MAX;
use mainstem_model::{Access, Value};
use serde_json::json;

use crate::commands::Item;
use crate::config::{EndpointConfig, Index};
use crate::data_type::{DataType, Format};

/// How often an endpoint is polled that says nothing about it.
const INTERVAL_DEFAULT: Duration = Duration::from_secs(1);

/// How a variable is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// By its name; where it is only the PLC knows.
    Symbol(String),
    /// Always there.
    Fixed(Item),
}

/// An endpoint, ready for use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binding {
    /// Which variable.
    pub(crate) target: Target,
    /// What it means.
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
        let config: EndpointConfig = fields::read(&spec.operation, &place, &json!({}), "ADS")?;
        let mut problems = Vec::new();
        let mut report = |key: &str, message: &str, expected: &str| {
            problems.push(Problem::new(format!("{place}{key}"), message, expected));
        };
        let format = format(&config, &mut report);
        let target = target(&config, format, &mut report);
        let writable = spec.access.is_writable();
        if writable && format.data_type.is_none() {
            let message = "`dataType` is missing: what is written has to have the variable's type";
            report(
                "/dataType",
                message,
                "the type of the variable, such as INT or REAL",
            );
        }
        let own = config.interval.map(Duration::from_millis);
        let interval = spec.interval.or(own).unwrap_or(INTERVAL_DEFAULT);
        match (target, problems.is_empty()) {
            (Some(target), true) => Ok(Self {
                target,
                format,
                poll: (spec.access != Access::Write).then_some(interval),
                writable,
            }),
            _ => Err(problems),
        }
    }

    /// As a person would write it.
    pub(crate) fn written(&self) -> String {
        match &self.target {
            Target::Symbol(name) => name.clone(),
            Target::Fixed(item) => format!("{:#x}:{:#x}", item.group, item.offset),
        }
    }
}

fn target(
    config: &EndpointConfig,
    format: Format,
    report: &mut impl FnMut(&str, &str, &str),
) -> Option<Target> {
    match (&config.symbol_name, config.index_group, config.index_offset) {
        (Some(name), None, None) => {
            let name = name.trim();
            if name.is_empty() || name.chars().any(|c| c.is_control() || c == ' ') {
                let message = format!("`{name}` is no name of a variable");
                report(
                    "/symbolName",
                    &message,
                    "as `MAIN.fSpeed` or `GVL.aLevels[3]`",
                );
                return None;
            }
            Some(Target::Symbol(name.to_owned()))
        }
        (None, Some(Index(group)), Some(Index(offset))) => {
            let Some(size) = format.size() else {
                let key = if format.data_type.is_some() {
                    "/length"
                } else {
                    "/dataType"
                };
                let message = "an index has no type and no length of its own";
                report(key, message, "`dataType`, and the `length` of a text");
                return None;
            };
            Some(Target::Fixed(Item {
                group,
                offset,
                size,
            }))
        }
        _ => {
            let message =
                "a variable is named by `symbolName`, or by `indexGroup` and `indexOffset`";
            report("", message, "one of the two");
            None
        }
    }
}

fn format(config: &EndpointConfig, report: &mut impl FnMut(&str, &str, &str)) -> Format {
    let is_whole = |found: DataType| found.is_text() || found == DataType::Raw;
    let can_be_array = config.data_type.is_some_and(|found| !is_whole(found));
    let many = config.length.is_some_and(|length| length > 1);
    if many && config.data_type.is_none() {
        report(
            "/length",
            "an array needs its `dataType`",
            "`dataType` beside it",
        );
    }
    let format = Format {
        data_type: config.data_type,
        length: config.length,
        array: many && can_be_array,
    };
    let elements = usize::try_from(config.length.unwrap_or(1)).unwrap_or(usize::MAX);
    let held = match format.array {
        true => elements.saturating_mul(size_of::<Value>()),
        false => format.size().unwrap_or_default(),
    };
    if held > VALUE_BYTES_MAX {
        let message = format!("a datapoint holds {VALUE_BYTES_MAX} bytes, this needs {held}");
        report("/length", &message, "less in each of several endpoints");
    }
    format
}
