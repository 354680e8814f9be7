//! The forms that texts in addresses keep. A parameter of one name has one form in all routes.

use mainstem_model::limits::NAME_BYTES_MAX;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::schema::{SchemaType, Type};
use utoipa::openapi::{Object, RefOr, Schema};

const DURATION: &str = r"^[0-9]{1,6}(\.[0-9]{1,3})? ?(ms|s|min|h)$";
const DEADBAND: &str = r"^[0-9]{1,9}(\.[0-9]{1,9})?%?$";
const STATE: &str = "^(accepted|forwarded|applied|rejected|expired|unknown)$";
/// Ends are no blanks: those of a header do not belong to it.
const KEY: &str = "^[!-~]([ -~]{0,126}[!-~])?$";
/// A character of a name.
const LETTER: &str = r#"[^.*?\[\]{}!,;"\\\s\x00-\x1f\x7f-\x9f]"#;
/// Datapoints are named in the addresses that begin so.
const DATAPOINTS: &str = "/api/v1/datapoints/";

/// Says of each text of an operation what form it has.
pub(super) fn announce(path: &str, operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        let RefOr::T(parameter) = parameter else {
            continue;
        };
        let form = form(path, parameter);
        if let Some(text) = text(parameter)
            && let Some((pattern, longest)) = form
        {
            text.pattern = Some(pattern);
            text.max_length = longest;
        }
    }
}

/// The pattern, and the length where the pattern does not tell it.
fn form(path: &str, parameter: &Parameter) -> Option<(String, Option<usize>)> {
    let name = || {
        let segment = format!("{LETTER}{{1,64}}");
        format!(r"^{segment}(\.{segment}){{0,15}}$")
    };
    match parameter.name.as_str() {
        "wait" | "stale_after" | "min_interval" | "max_interval" => {
            Some((DURATION.to_owned(), None))
        }
        "deadband" => Some((DEADBAND.to_owned(), None)),
        "Idempotency-Key" => Some((KEY.to_owned(), None)),
        "after" => Some((name(), Some(NAME_BYTES_MAX))),
        "name" if parameter.parameter_in == ParameterIn::Path && path.starts_with(DATAPOINTS) => {
            Some((name(), Some(NAME_BYTES_MAX)))
        }
        "name" if parameter.parameter_in == ParameterIn::Query => {
            Some((name(), Some(NAME_BYTES_MAX)))
        }
        "state" => Some((STATE.to_owned(), None)),
        // Something follows that makes it a name.
        "prefix" => {
            let pattern = format!(r"^({LETTER}{{1,64}}\.){{0,15}}{LETTER}{{0,63}}$");
            Some((pattern, Some(NAME_BYTES_MAX - 1)))
        }
        "glob" => {
            let one = r"!?[^.,!][^.,]*(\.[^.,]+){0,15}";
            Some((format!("^{one}(,{one}){{0,99}}$"), None))
        }
        _ => None,
    }
}

/// The schema of a parameter that is a text.
fn text(parameter: &mut Parameter) -> Option<&mut Object> {
    let Some(RefOr::T(Schema::Object(object))) = &mut parameter.schema else {
        return None;
    };
    let is_text = match &object.schema_type {
        SchemaType::Type(one) => *one == Type::String,
        SchemaType::Array(several) => several.contains(&Type::String),
        SchemaType::AnyValue => false,
    };
    is_text.then_some(object)
}
