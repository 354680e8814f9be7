//! What a method takes and gives: parameters, and arguments for them from JSON.

use mainstem_model::Value;
use opcua::types::{Argument, CallMethodResult, NodeId, Variant};
use serde_json::Value as Json;

use crate::ua::failure;
use crate::ua::holding::as_json;

/// Arguments of a method, in each direction.
pub(super) const ARGUMENTS_MAX: usize = 100;

/// One argument of a method.
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) data_type: NodeId,
    pub(super) rank: i32,
}

/// From a property of the method.
pub(super) fn parameters(found: Option<Variant>) -> Vec<Parameter> {
    let Some(Variant::Array(array)) = found else {
        return Vec::new();
    };
    let arguments = array
        .values
        .into_iter()
        .take(ARGUMENTS_MAX)
        .filter_map(|value| match value {
            Variant::ExtensionObject(object) => object.into_inner_as::<Argument>(),
            _ => None,
        });
    let parameter = arguments.map(|argument| Parameter {
        name: argument.name.as_ref().to_owned(),
        data_type: argument.data_type,
        rank: argument.value_rank,
    });
    parameter.collect()
}

/// One JSON value per parameter.
pub(super) fn given(value: &Value, inputs: &[Parameter]) -> Result<Vec<Json>, String> {
    let json = as_json(value)?;
    let names = || {
        inputs
            .iter()
            .map(|input| input.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let count = |count: usize| {
        format!(
            "the method takes {} arguments ({}), not {count}",
            inputs.len(),
            names()
        )
    };
    match json {
        Json::Array(items) if items.len() == inputs.len() => Ok(items),
        Json::Array(items) => Err(count(items.len())),
        Json::Object(mut fields) => {
            let mut given = Vec::new();
            for input in inputs {
                let found = fields.shift_remove(&input.name);
                given.push(
                    found.ok_or_else(|| format!("the argument {:?} is missing", input.name))?,
                );
            }
            match fields.keys().next() {
                Some(stranger) => Err(format!("no argument is named {stranger:?}: {}", names())),
                None => Ok(given),
            }
        }
        // What takes nothing is called by anything that says no more than "now".
        Json::Null | Json::Bool(true) if inputs.is_empty() => Ok(Vec::new()),
        single if inputs.len() == 1 => Ok(vec![single]),
        _ => Err(count(1)),
    }
}

/// Which argument the server does not like, as far as it says so.
pub(super) fn complaint(
    message: String,
    inputs: &[Parameter],
    result: &CallMethodResult,
) -> String {
    let results = result.input_argument_results.iter().flatten();
    let bad = inputs
        .iter()
        .zip(results)
        .filter(|(_, status)| status.is_bad());
    let bad: Vec<_> = bad
        .map(|(input, status)| format!("{}: {}", input.name, failure::name(*status)))
        .collect();
    if bad.is_empty() {
        message
    } else {
        format!("{message} ({})", bad.join(", "))
    }
}
