//! Sections against their JSON Schema: all errors at once, in our own sentences.

mod branch;
mod expected;
mod explain;
mod keywords;

pub(crate) use expected::one_of;

use std::collections::HashSet;

use jsonschema::Validator;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::report::Report;
use crate::tree::{Node, join, segments};
use explain::{Explainer, Finding};

/// A schema, ready to be used many times.
pub(crate) struct Section {
    schema: Value,
    validator: Result<Validator, String>,
}

impl Section {
    /// The schema of a section struct.
    pub(crate) fn of<T: JsonSchema>() -> Self {
        Self::new(schema_of::<T>())
    }

    /// A schema that comes from elsewhere, such as a kind's.
    pub(crate) fn new(schema: Value) -> Self {
        let validator = keywords::options()
            .build(&schema)
            .map_err(|error| error.to_string());
        Self { schema, validator }
    }

    /// Whether the schema names a key.
    pub(crate) fn has_key(&self, key: &str) -> bool {
        self.schema
            .get("properties")
            .is_some_and(|properties| properties.get(key).is_some())
    }

    /// Whether nothing can fit.
    pub(crate) fn refuses_everything(&self) -> bool {
        let nothing = self.schema.get("not") == Some(&Value::Object(serde_json::Map::new()));
        nothing || self.schema == Value::Bool(false)
    }

    /// Takes out keys without a value where the schema knows the key: a section whose lines are
    /// all commented out is as good as absent.
    pub(crate) fn prune(&self, value: &mut Value) {
        prune(value, &self.schema);
    }

    /// Checks the value that stands in the tree at a JSON pointer.
    pub(crate) fn check(&self, value: &Value, tree: &Node, pointer: &str, report: &mut Report) {
        let validator = match &self.validator {
            Ok(validator) => validator,
            Err(error) => {
                let message = format!("the schema for this is broken: {error}");
                report.value(
                    tree,
                    pointer,
                    message,
                    "a fault of the program; please report it",
                );
                return;
            }
        };
        let name = segments(pointer).last();
        let name = name.as_deref().unwrap_or("the file");
        let explainer = Explainer {
            root: &self.schema,
            name,
        };
        let errors = validator.iter_errors(value);
        let findings: Vec<Finding> = errors.flat_map(|error| explainer.explain(&error)).collect();
        // A missing key and an unknown one near to it are one mistake.
        let misspelt: HashSet<(String, String)> = findings
            .iter()
            .filter_map(|finding| Some((finding.pointer.clone(), finding.nearest.clone()?)))
            .collect();
        for finding in findings {
            let key = finding.key.clone().unwrap_or_default();
            if !(finding.missing && misspelt.contains(&(finding.pointer.clone(), key))) {
                add(finding, tree, pointer, report);
            }
        }
    }
}

fn add(finding: Finding, tree: &Node, base: &str, report: &mut Report) {
    let at = format!("{base}{}", finding.pointer);
    let Some(key) = finding.key else {
        let hidden = tree.at(&at).is_some_and(|node| node.secret);
        let message = if hidden {
            finding.hidden
        } else {
            finding.message
        };
        report.near(
            tree.place(&at),
            &at,
            message,
            finding.expected,
            finding.nearest,
        );
        return;
    };
    let below = join(&at, &key);
    if finding.missing {
        // What could not be expanded was reported there already.
        if !report.concerns(&below) {
            report.near(
                tree.place(&at),
                &below,
                finding.message,
                finding.expected,
                None,
            );
        }
    } else {
        let span = tree.key_place(&at, &key);
        report.near(
            span,
            &below,
            finding.message,
            finding.expected,
            finding.nearest,
        );
    }
}

/// The schema of a section struct, without references.
pub(crate) fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|s| s.inline_subschemas = true);
    settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

fn prune(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(map) => {
            let known = |key: &str| schema.get("properties").and_then(|p| p.get(key));
            map.retain(|key, value| !(value.is_null() && known(key).is_some()));
            for (key, value) in map {
                let below = known(key).or_else(|| schema.get("additionalProperties"));
                if let Some(below) = below {
                    prune(value, below);
                }
            }
        }
        Value::Array(items) => {
            if let Some(below) = schema.get("items") {
                items.iter_mut().for_each(|item| prune(item, below));
            }
        }
        _ => {}
    }
}
